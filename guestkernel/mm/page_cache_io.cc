// SPDX-License-Identifier: Apache-2.0
//
// PageCache: copying between pages and programs (or the kernel), and writing
// dirty pages back. A copy may fault, and the fault may come back to the very
// same cache: pages are referenced, never pointed to, while copying. Kernel
// only, big kernel lock held.
#include "guestkernel/fs/user_io.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/memory_object.h"
#include "guestkernel/mm/page_cache_node.h"

namespace gk {
namespace {

constexpr size_t kPage = 4096;

size_t Smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

}  // namespace

int64_t PageCache::Read(UserIo& io, uint64_t offset, size_t read_ahead_pages) {
  int64_t done = 0;
  while (io.remaining() > 0 && offset < size_) {
    size_t in_page = offset & (kPage - 1);
    size_t part = Smaller(kPage - in_page, size_ - offset);
    part = Smaller(part, io.remaining());
    FrameNumber frame = Find(offset >> 12);
    if (frame.is_null() && backing_) {
      size_t wanted = (in_page + io.remaining() + kPage - 1) / kPage;
      if (wanted < read_ahead_pages) wanted = read_ahead_pages;
      if (int error = ReadMissing(offset >> 12, wanted)) {
        return done > 0 ? done : error;
      }
      continue;  // the size may have changed, too
    }
    int64_t n;
    if (frame.is_null()) {
      n = io.ZeroOut(part);
    } else {
      n = io.CopyOut(static_cast<char*>(FrameData(frame)) + in_page, part);
      ReleaseFrame(frame);
    }
    if (n < 0) return done > 0 ? done : n;
    done += n;
    offset += n;
    if (static_cast<size_t>(n) < part) break;
  }
  return done;
}

Result<FrameNumber> PageCache::GetForWrite(uint64_t index, bool overwrite) {
  FrameNumber frame = Find(index);
  if (!frame.is_null()) return frame;
  if (backing_ && index < PageLimit() && !overwrite) {
    GK_RETURN_IF_ERROR(ReadMissing(index, 1));
  } else {
    frame = AllocateFrame(overwrite ? FrameZeroing::kUndefined
                                    : FrameZeroing::kZeroed);
    if (frame.is_null()) return Error(-ENOMEM);
    GK_RETURN_IF_ERROR(Insert(index, frame));
  }
  frame = Find(index);
  if (frame.is_null()) return Error(-EIO);
  return frame;
}

int64_t PageCache::Write(UserIo& io, uint64_t offset) {
  int64_t done = 0;
  while (io.remaining() > 0) {
    size_t in_page = offset & (kPage - 1);
    size_t part = Smaller(kPage - in_page, io.remaining());
    bool was_present = IsPresent(offset >> 12);
    Result<FrameNumber> frame = GetForWrite(offset >> 12, part == kPage);
    if (!frame.ok()) return done > 0 ? done : frame.error();
    char* data = static_cast<char*>(FrameData(*frame));
    int64_t n = io.CopyIn(data + in_page, part);
    size_t copied = n > 0 ? n : 0;
    if (part == kPage && copied < part && !was_present) {
      memset(data + copied, 0, part - copied);
    }
    ReleaseFrame(*frame);
    if (n < 0) return done > 0 ? done : n;
    MarkDirty(offset >> 12);
    done += n;
    offset += n;
    if (offset > size_) size_ = offset;
    if (copied < part) break;
  }
  return done;
}

void PageCache::UpdateIfCached(uint64_t offset, const void* data, size_t n) {
  const char* from = static_cast<const char*>(data);
  while (n > 0) {
    size_t in_page = offset & (kPage - 1);
    size_t part = Smaller(kPage - in_page, n);
    FrameNumber frame = Find(offset >> 12);
    if (!frame.is_null()) {
      memcpy(static_cast<char*>(FrameData(frame)) + in_page, from, part);
      ReleaseFrame(frame);
    }
    offset += part;
    from += part;
    n -= part;
  }
}

// ---- writing back

// `count` dirty pages from `slot` of a leaf. They count as clean before their
// contents are taken.
int PageCache::WriteRun(Node* leaf, uint64_t base, unsigned slot,
                        unsigned count) {
  FrameNumber frames[64];
  for (unsigned i = 0; i < count; ++i) {
    frames[i] = FrameNumber(leaf->frame[slot + i]);
    AddFrameRef(frames[i]);
    SetDirty(leaf, slot + i, false);
  }
  uint64_t first = base + slot, offset = first * kPage;
  int error = 0;
  if (offset < size_) {
    uint64_t length = Smaller(count * kPage, size_ - offset);
    error = backing_->WritePages(offset, length, frames);
  }
  for (unsigned i = 0; i < count; ++i) {
    if (error) MarkDirty(first + i);
    ReleaseFrame(frames[i]);
  }
  return error;
}

int PageCache::Sync(uint64_t first, uint64_t count) {
  if (!backing_ || count == 0) return 0;
  CollectDirty(first, count);
  if (dirty_count_ == 0) return 0;
  uint64_t last = count > ~first ? ~uint64_t{0} : first + count - 1;
  int result = 0;
  // The backing may change the tree while it writes, so each run is looked up
  // anew.
  for (uint64_t at = first; at <= last && root_;) {
    at = FindFirst(root_, height_, 0, at,
                   [](const Node& leaf) { return leaf.dirty; });
    if (at > last || at == ~uint64_t{0}) break;
    uint64_t base = at & ~uint64_t{63};
    unsigned slot = at & 63;
    Node* leaf = FindLeaf(at);
    uint64_t rest = ~((leaf->dirty & SlotsIn(base, at, last)) >> slot);
    unsigned run = rest ? __builtin_ctzll(rest) : 64;
    int error = WriteRun(leaf, base, slot, run);
    if (error && result == 0) result = error;
    at += run;
  }
  return result;
}

}  // namespace gk
