// SPDX-License-Identifier: Apache-2.0
//
// The cache of names: which Dentry is `name` below `parent`, positive or
// negative. The cache holds a reference to each of its entries; those that
// nobody else holds go in LRU order beyond a bound or under memory pressure.
// Under the kernel lock.
#ifndef CRVM_GUESTKERNEL_FS_DENTRY_CACHE_H_
#define CRVM_GUESTKERNEL_FS_DENTRY_CACHE_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/mm/frame.h"

namespace gk {

class DentryCache final : public Shrinker {
 public:
  static constexpr size_t kMaxEntries = 16384;

  // Created by the first call; panics if there is no memory for it (boot).
  static DentryCache& Get();

  // Null when not cached. Makes it the most recently used.
  RefPtr<Dentry> Find(Dentry* parent, StringView name);
  // Enters `name` (inode null: known to be absent). An entry of that name with
  // the same inode is confirmed and returned; one with another is replaced,
  // unless something is mounted on it. Null: out of memory.
  RefPtr<Dentry> Insert(Dentry* parent, StringView name, RefPtr<Inode> inode);
  // An entry that is not in the cache: roots, volatile names, unnamed files.
  static RefPtr<Dentry> NewDetached(Dentry* parent, StringView name,
                                    RefPtr<Inode> inode);

  // A negative entry became a file.
  void Instantiate(Dentry* dentry, RefPtr<Inode> inode);
  // Takes it out of the cache; holders keep it.
  void Forget(Dentry* dentry);
  // The name is gone from the file system.
  void Unlink(Dentry* dentry);
  static void MarkUnlinked(Dentry* dentry) { dentry->unlinked_ = true; }
  // Renamed. What had the new name must have been unlinked before. -ENOMEM:
  // nothing changed.
  int Move(Dentry* dentry, Dentry* new_parent, StringView new_name);
  // RENAME_EXCHANGE.
  void Exchange(Dentry* a, Dentry* b);
  static void Confirm(Dentry* dentry);

  // Mounts `root`; null: unmounts.
  static void Attach(Dentry* mount_point, RefPtr<Dentry> root);

  size_t size() const { return count_; }
  size_t Shrink(size_t frames_wanted) override;
  // Drops everything unused.
  void DropUnused() {
    while (Evict(count_) > 0) {
    }
  }

 private:
  static uint64_t HashOf(const Dentry* parent, StringView name);
  Dentry* FindHashed(const Dentry* parent, StringView name, uint64_t hash);
  void Hash(Dentry* dentry);
  void Grow();
  size_t Evict(size_t wanted);

  Vector<Dentry*> buckets_;  // a power of two
  size_t count_ = 0;
  IntrusiveList<Dentry, &Dentry::lru_link_> lru_;  // least recently used first
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_DENTRY_CACHE_H_
