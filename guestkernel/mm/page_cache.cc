// SPDX-License-Identifier: Apache-2.0
//
// PageCache: pages by index in a 64-way radix tree whose leaves know which of
// their pages are present and dirty. Here: the tree, look-up, reading in,
// sizes. page_cache_io.cc: copying and writing back. Kernel only, big kernel
// lock held. No pointer into the tree is kept over an allocation, because that
// may call the shrinker, which drops pages (but never tree nodes).
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/memory_object.h"
#include "guestkernel/mm/page_cache_node.h"
#include "guestkernel/mm/page_cache_stats.h"

namespace gk {
namespace {

constexpr size_t kFirstWindow = 32;  // pages read on a miss
constexpr size_t kMaxWindow = 128;
constexpr size_t kSmallFile = 64;  // pages; read at once

}  // namespace

// Frees clean pages of the caches that were read longest ago: first those that
// nobody maps, then mapped ones.
class PageCacheShrinker final : public Shrinker {
 public:
  size_t Shrink(size_t wanted) override {
    size_t freed = 0;
    for (bool unmap : {false, true}) {
      for (size_t n = caches.CountSlow(); n > 0 && freed < wanted; --n) {
        PageCache* cache = caches.back();
        cache->lru_link_.Unlink();
        caches.PushFront(cache);
        if (unmap) cache->UnmapRange(0, ~uint64_t{0}, false);
        freed += cache->DropClean(wanted - freed);
      }
    }
    return freed;
  }
  static void Register(PageCache* cache);
  static void Touch(PageCache* cache);

  IntrusiveList<PageCache, &PageCache::lru_link_> caches;
};

namespace {
// Built in place at the first use: the kernel runs no static constructors.
alignas(PageCacheShrinker) constinit unsigned char g_shrinker_storage[sizeof(
    PageCacheShrinker)] = {};
constinit PageCacheShrinker* g_shrinker = nullptr;
}  // namespace

void PageCacheShrinker::Register(PageCache* cache) {
  if (!g_shrinker) {
    g_shrinker = new (g_shrinker_storage) PageCacheShrinker();
    RegisterShrinker(g_shrinker);
  }
  g_shrinker->caches.PushFront(cache);
}

void PageCacheShrinker::Touch(PageCache* cache) {
  if (g_shrinker->caches.front() == cache) return;
  cache->lru_link_.Unlink();
  g_shrinker->caches.PushFront(cache);
}

PageCache::PageCache(Backing* backing)
    : backing_(backing), is_shmem_(backing == nullptr) {
  if (backing) PageCacheShrinker::Register(this);
}

PageCache::~PageCache() { RemoveRange(0, ~uint64_t{0}); }

// ---- the tree

PageCache::Node* PageCache::FindLeaf(uint64_t index) const {
  if (height_ == 0 || (height_ < 11 && index >> (6 * height_))) return nullptr;
  Node* node = root_;
  for (unsigned h = height_ - 1; h > 0 && node; --h) {
    node = node->child[index >> (6 * h) & 63];
  }
  return node;
}

PageCache::Node* PageCache::GetLeaf(uint64_t index) {
  while (height_ == 0 || (height_ < 11 && index >> (6 * height_))) {
    Node* node = Node::New();
    if (!node) return nullptr;
    if (root_) {
      node->child[0] = root_;
      node->present = 1;
    }
    root_ = node;
    ++height_;
  }
  Node* node = root_;
  for (unsigned h = height_ - 1; h > 0; --h) {
    unsigned slot = index >> (6 * h) & 63;
    if (!node->child[slot]) {
      Node* child = Node::New();
      if (!child) return nullptr;
      node->child[slot] = child;
      node->present |= uint64_t{1} << slot;
    }
    node = node->child[slot];
  }
  return node;
}

FrameNumber PageCache::Find(uint64_t index) const {
  Node* leaf = FindLeaf(index);
  if (!leaf || !leaf->Has(index & 63)) return FrameNumber();
  FrameNumber frame(leaf->frame[index & 63]);
  AddFrameRef(frame);
  return frame;
}

bool PageCache::IsPresent(uint64_t index) const {
  Node* leaf = FindLeaf(index);
  return leaf && leaf->Has(index & 63);
}

int PageCache::Insert(uint64_t index, FrameNumber frame) {
  Node* leaf = GetLeaf(index);
  if (!leaf || leaf->Has(index & 63)) {
    ReleaseFrame(frame);
    return leaf ? 0 : -ENOMEM;
  }
  leaf->frame[index & 63] = frame.value;
  leaf->present |= uint64_t{1} << (index & 63);
  ++page_count_;
  CountFrames(is_shmem_ ? FrameKind::kShmem : FrameKind::kPageCache, 1);
  return 0;
}

int PageCache::InsertZeroed(uint64_t index) {
  FrameNumber frame = AllocateFrame(FrameZeroing::kZeroed);
  if (frame.is_null()) return -ENOMEM;
  return Insert(index, frame);
}

void PageCache::SetDirty(Node* leaf, unsigned slot, bool dirty) {
  uint64_t bit = uint64_t{1} << slot;
  if (!(leaf->dirty & bit) == !dirty) return;
  leaf->dirty ^= bit;
  dirty_count_ += dirty ? 1 : -1;
}

void PageCache::DropFrame(Node* leaf, unsigned slot) {
  SetDirty(leaf, slot, false);
  leaf->present &= ~(uint64_t{1} << slot);
  --page_count_;
  CountFrames(is_shmem_ ? FrameKind::kShmem : FrameKind::kPageCache, -1);
  ReleaseFrame(FrameNumber(leaf->frame[slot]));
}

void PageCache::RemoveRange(uint64_t first, uint64_t last) {
  ForEachLeaf(first, last, [&](Node* leaf, uint64_t base) {
    for (uint64_t bits = leaf->present & SlotsIn(base, first, last); bits;
         bits &= bits - 1) {
      DropFrame(leaf, __builtin_ctzll(bits));
    }
  });
}

size_t PageCache::DropClean(size_t at_most) {
  size_t dropped = 0;
  // Nodes stay: this may run in the middle of an allocation of a node.
  auto drop = [&](auto& self, Node* node, unsigned height) -> void {
    for (uint64_t bits = node->present; bits; bits &= bits - 1) {
      if (dropped >= at_most) return;
      unsigned slot = __builtin_ctzll(bits);
      if (height > 1) {
        self(self, node->child[slot], height - 1);
      } else if (!node->IsDirty(slot) &&
                 FrameRefCount(FrameNumber(node->frame[slot])) == 1) {
        DropFrame(node, slot);
        ++dropped;
      }
    }
  };
  if (root_ && backing_) drop(drop, root_, height_);
  return dropped;
}

uint64_t PageCache::NextPresent(uint64_t index) const {
  if (!root_) return ~uint64_t{0};
  return FindFirst(root_, height_, 0, index,
                   [](const Node& leaf) { return leaf.present; });
}

uint64_t PageCache::NextAbsent(uint64_t index) const {
  while (IsPresent(index)) ++index;
  return index;
}

// ---- pages for mappings

Result<FrameNumber> PageCache::GetPage(uint64_t index, bool for_write) {
  (void)for_write;
  if (index >= PageLimit()) return Error(-ERANGE);
  FrameNumber frame = Find(index);
  if (!frame.is_null()) return frame;
  if (backing_) {
    GK_RETURN_IF_ERROR(ReadMissing(index, 1));
    if (index >= PageLimit()) return Error(-ERANGE);
  } else {
    GK_RETURN_IF_ERROR(InsertZeroed(index));
  }
  frame = Find(index);
  if (frame.is_null()) return Error(-EIO);
  return frame;
}

void PageCache::GetPresentPages(uint64_t first, size_t count,
                                FrameNumber* frames) {
  Node* leaf = nullptr;
  uint64_t limit = PageLimit();
  for (size_t i = 0; i < count; ++i) {
    uint64_t index = first + i;
    if (i == 0 || (index & 63) == 0) leaf = FindLeaf(index);
    frames[i] = FrameNumber();
    if (!leaf || !leaf->Has(index & 63) || index >= limit) continue;
    frames[i] = FrameNumber(leaf->frame[index & 63]);
    AddFrameRef(frames[i]);
  }
}

void PageCache::CreatePages(uint64_t first, size_t count) {
  if (backing_) return;
  uint64_t limit = PageLimit();
  for (uint64_t index = first; index < first + count; ++index) {
    if (index >= limit) return;
    if (!IsPresent(index) && InsertZeroed(index) != 0) return;
  }
}

void PageCache::MarkDirty(uint64_t index) {
  if (!backing_) return;
  Node* leaf = FindLeaf(index);
  if (leaf && leaf->Has(index & 63)) SetDirty(leaf, index & 63, true);
}

// ---- reading in

// All of [first, first + count), none of which is present.
int PageCache::ReadRun(uint64_t first, size_t count) {
  GK_ASSERT(count <= kMaxWindow);
  FrameNumber frames[kMaxWindow];
  size_t have = 0;
  while (have < count) {
    frames[have] = AllocateFrame(FrameZeroing::kUndefined);
    if (frames[have].is_null()) break;
    ++have;
  }
  if (have == 0) return -ENOMEM;
  ++g_page_reads;
  int error = backing_->ReadPages(first, have, frames);
  for (size_t i = 0; i < have; ++i) {
    if (error == 0) {
      error = Insert(first + i, frames[i]);
    } else {
      ReleaseFrame(frames[i]);
    }
  }
  return error;
}

int PageCache::ReadIn(uint64_t index, uint64_t first, size_t count) {
  uint64_t limit = PageLimit(), last = first + count;
  if (last > limit) last = limit;
  uint64_t low = index, high = index + 1;
  while (low > first && !IsPresent(low - 1)) --low;
  while (high < last && !IsPresent(high)) ++high;
  if (high - low > kMaxWindow) high = low + kMaxWindow;
  if (index >= high) low = index, high = index + 1;
  PageCacheShrinker::Touch(this);
  int error = ReadRun(low, high - low);
  // Memory was short, or something beyond the page cannot be read.
  if (high - low > 1 && !IsPresent(index)) error = ReadRun(index, 1);
  return IsPresent(index) ? 0 : error;
}

// On a miss: `wanted` pages from `index`, and what experience says will be
// wanted next.
int PageCache::ReadMissing(uint64_t index, size_t wanted) {
  uint64_t first = index;
  if (PageLimit() <= kSmallFile) {
    first = 0;
    read_window_ = kSmallFile;
  } else if (index == next_read_) {
    if (read_window_ < kMaxWindow) read_window_ *= 2;
  } else {
    read_window_ = kFirstWindow;
    if (wanted <= 1) first = index & ~(kFirstWindow - 1);
  }
  size_t count = wanted > read_window_ ? wanted : read_window_;
  if (count > kMaxWindow) count = kMaxWindow;
  next_read_ = first + count;
  return ReadIn(index, first, count);
}

void PageCache::ReadAhead(uint64_t first, uint64_t count) {
  if (!backing_) return;
  uint64_t limit = PageLimit();
  for (uint64_t end = first + count; first < end && first < limit; ++first) {
    if (IsPresent(first)) continue;
    uint64_t left = end - first;
    if (ReadIn(first, first, left < kMaxWindow ? left : kMaxWindow)) return;
  }
}

// ---- sizes

void PageCache::ZeroPart(uint64_t offset, uint64_t end) {
  if (offset >= end) return;
  FrameNumber frame = Find(offset >> 12);
  if (frame.is_null()) return;
  memset(static_cast<char*>(FrameData(frame)) + (offset & 4095), 0,
         end - offset);
  ReleaseFrame(frame);
}

void PageCache::SetSize(uint64_t size) {
  uint64_t old = size_;
  uint64_t smaller = size < old ? size : old;
  size_ = size;
  if (size < old) {
    uint64_t first = (size + 4095) >> 12;
    UnmapRange(first, ~uint64_t{0} - first, true);
    RemoveRange(first, ~uint64_t{0});
  }
  // Mappings may have written behind the end.
  if (smaller & 4095) ZeroPart(smaller, (smaller | 4095) + 1);
}

void PageCache::Zero(uint64_t offset, uint64_t length) {
  uint64_t end = length > ~offset ? ~uint64_t{0} : offset + length;
  uint64_t first = (offset + 4095) >> 12, last = end >> 12;
  if (first > last) return ZeroPart(offset, end);
  if (offset & 4095) ZeroPart(offset, first << 12);
  if (end & 4095) ZeroPart(last << 12, end);
  if (first == last) return;
  UnmapRange(first, last - first, false);
  RemoveRange(first, last - 1);
}

int PageCache::PunchHole(uint64_t first, uint64_t count) {
  if (backing_) return -EOPNOTSUPP;
  Zero(first << 12, count << 12);
  return 0;
}

void PageCache::Invalidate(bool all) {
  if (!backing_) return;
  if (all) UnmapRange(0, ~uint64_t{0}, false);
  DropClean(~size_t{0});
  ForEachLeaf(0, ~uint64_t{0}, [](Node*, uint64_t) {});  // frees empty leaves
  next_read_ = ~uint64_t{0};
}

Result<RefPtr<PageCache>> NewSharedMemory(uint64_t size) {
  auto object = MakeRef<PageCache>(nullptr);
  if (!object) return Error(-ENOMEM);
  object->SetSize(size);
  return object;
}

}  // namespace gk
