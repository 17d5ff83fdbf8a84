// SPDX-License-Identifier: Apache-2.0
//
// The cache of names: a chained hash table and an LRU list.
#include "guestkernel/fs/dentry_cache.h"

#include "guestkernel/sched/clock.h"

namespace gk {

namespace {
constexpr size_t kFirstBuckets = 256;
DentryCache* g_cache = nullptr;
}  // namespace

Dentry::Dentry(RefPtr<Dentry> parent, KString name, RefPtr<Inode> inode)
    : parent_(std::move(parent)),
      name_(std::move(name)),
      inode_(std::move(inode)) {}

Dentry::~Dentry() {
  // A long chain of removed directories must not become a deep recursion.
  RefPtr<Dentry> parent = std::move(parent_);
  while (parent && parent->ref_count() == 1) {
    RefPtr<Dentry> next = std::move(parent->parent_);
    parent = std::move(next);
  }
}

DentryCache& DentryCache::Get() {
  if (!g_cache) {
    g_cache = new (std::nothrow) DentryCache;
    if (!g_cache || g_cache->buckets_.Resize(kFirstBuckets) < 0) {
      Panic("no memory for the dentry cache");
    }
    RegisterShrinker(g_cache);
  }
  return *g_cache;
}

uint64_t DentryCache::HashOf(const Dentry* parent, StringView name) {
  uint64_t h = HashString(name) ^
               (reinterpret_cast<uint64_t>(parent) >> 4) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 32;
}

Dentry* DentryCache::FindHashed(const Dentry* parent, StringView name,
                                uint64_t hash) {
  Dentry* d = buckets_[hash & (buckets_.size() - 1)];
  while (d && (d->hash_ != hash || d->parent_.get() != parent ||
               !(d->name_.view() == name))) {
    d = d->hash_next_;
  }
  return d;
}

RefPtr<Dentry> DentryCache::Find(Dentry* parent, StringView name) {
  RefPtr<Dentry> found(FindHashed(parent, name, HashOf(parent, name)));
  if (found) {
    found->lru_link_.Unlink();
    lru_.PushBack(found.get());
  }
  return found;
}

RefPtr<Dentry> DentryCache::NewDetached(Dentry* parent, StringView name,
                                        RefPtr<Inode> inode) {
  Result<KString> copy = KString::From(name);
  if (!copy.ok()) return nullptr;
  return MakeRef<Dentry>(RefPtr<Dentry>(parent), copy.take(), std::move(inode));
}

RefPtr<Dentry> DentryCache::Insert(Dentry* parent, StringView name,
                                   RefPtr<Inode> inode) {
  RefPtr<Dentry> old = Find(parent, name);
  if (old && (old->inode_ == inode || old->mounted_)) {
    Confirm(old.get());
    return old;
  }
  if (count_ >= kMaxEntries) Evict(kMaxEntries / 64);
  RefPtr<Dentry> created = NewDetached(parent, name, std::move(inode));
  if (!created) return nullptr;
  if (old) Forget(old.get());
  Hash(created.get());
  Confirm(created.get());
  return created;
}

void DentryCache::Hash(Dentry* dentry) {
  if (count_ >= buckets_.size() * 2) Grow();
  dentry->hash_ = HashOf(dentry->parent_.get(), dentry->name_);
  Dentry*& bucket = buckets_[dentry->hash_ & (buckets_.size() - 1)];
  dentry->hash_next_ = bucket;
  bucket = dentry;
  dentry->hashed_ = true;
  dentry->AddRef();
  lru_.PushBack(dentry);
  ++count_;
}

void DentryCache::Grow() {
  Vector<Dentry*> grown;
  if (grown.Resize(buckets_.size() * 2) < 0) return;  // longer chains, then
  // The allocation may have evicted entries; the table itself is the same.
  for (Dentry* d : buckets_) {
    while (d) {
      Dentry* next = d->hash_next_;
      Dentry*& bucket = grown[d->hash_ & (grown.size() - 1)];
      d->hash_next_ = bucket;
      bucket = d;
      d = next;
    }
  }
  buckets_.Swap(grown);
}

void DentryCache::Forget(Dentry* dentry) {
  if (!dentry->hashed_) return;
  Dentry** at = &buckets_[dentry->hash_ & (buckets_.size() - 1)];
  while (*at != dentry) at = &(*at)->hash_next_;
  *at = dentry->hash_next_;
  dentry->hash_next_ = nullptr;
  dentry->hashed_ = false;
  dentry->lru_link_.Unlink();
  --count_;
  dentry->Release();
}

void DentryCache::Unlink(Dentry* dentry) {
  dentry->unlinked_ = true;
  Forget(dentry);
}

void DentryCache::Instantiate(Dentry* dentry, RefPtr<Inode> inode) {
  dentry->inode_ = std::move(inode);
  Confirm(dentry);
}

void DentryCache::Confirm(Dentry* dentry) {
  const Inode* directory = dentry->parent_ ? dentry->parent_->inode() : nullptr;
  if (directory && directory->fs()->is_remote) {
    dentry->validated_ns_ = MonotonicNs();
  }
}

int DentryCache::Move(Dentry* dentry, Dentry* new_parent, StringView new_name) {
  KString name;
  GK_ASSIGN_OR_RETURN(name, KString::From(new_name));
  RefPtr<Dentry> keep(dentry);
  Forget(dentry);
  if (Dentry* old = FindHashed(new_parent, name, HashOf(new_parent, name))) {
    Forget(old);
  }
  dentry->parent_ = RefPtr<Dentry>(new_parent);
  dentry->name_ = std::move(name);
  Hash(dentry);
  Confirm(dentry);
  return 0;
}

void DentryCache::Exchange(Dentry* a, Dentry* b) {
  RefPtr<Dentry> keep_a(a), keep_b(b);
  Forget(a);
  Forget(b);
  std::swap(a->parent_, b->parent_);
  a->name_.Swap(b->name_);
  Hash(a);
  Hash(b);
}

void DentryCache::Attach(Dentry* mount_point, RefPtr<Dentry> root) {
  if (root) root->mount_point_ = mount_point;
  mount_point->mounted_ = std::move(root);
}

size_t DentryCache::Evict(size_t wanted) {
  // Each entry is looked at once at most: those in use go to the other end.
  size_t evicted = 0;
  for (size_t i = count_; i > 0 && evicted < wanted && !lru_.empty(); --i) {
    Dentry* dentry = lru_.front();
    if (dentry->ref_count() > 1 || dentry->mounted_) {
      dentry->lru_link_.Unlink();
      lru_.PushBack(dentry);
      continue;
    }
    Forget(dentry);
    ++evicted;
  }
  return evicted;
}

size_t DentryCache::Shrink(size_t frames_wanted) {
  // An entry and its inode are some 512 bytes of heap.
  return (Evict(frames_wanted * 8 + 64) + 7) / 8;
}

}  // namespace gk
