// SPDX-License-Identifier: Apache-2.0
//
// tmpfs: a file system in guest memory (/dev/shm, /run, memfds); /dev is one,
// too. File contents are memory-only page caches. Under the kernel lock.
#ifndef CRVM_GUESTKERNEL_FS_TMPFS_H_
#define CRVM_GUESTKERNEL_FS_TMPFS_H_

#include <cstdint>

#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/xattr_map.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

class TmpfsDirectory;

class Tmpfs final : public FileSystem {
 public:
  // size_limit in bytes, 0: half of memory.
  static Result<Tmpfs*> Create(uint32_t root_mode, uint64_t size_limit,
                               const char* type_name);
  RefPtr<Inode> Root() override;
  TmpfsDirectory* root_directory() const { return root_.get(); }
  int GetStatistics(FsStatistics* out) override;
  const char* type_name() const override { return type_name_; }

  uint64_t NextInodeNumber() { return next_inode_++; }
  uint64_t pages_left() const {
    return pages_used_ < page_limit_ ? page_limit_ - pages_used_ : 0;
  }
  void AccountPages(int64_t change) { pages_used_ += change; }
  void AccountInode(int change) { inodes_ += change; }

 private:
  Tmpfs() = default;
  RefPtr<TmpfsDirectory> root_;
  const char* type_name_ = "tmpfs";
  uint64_t next_inode_ = 1;
  uint64_t page_limit_ = 0, pages_used_ = 0, inodes_ = 0;
};

class TmpfsInode : public Inode {
 public:
  TmpfsInode(Tmpfs* fs, uint32_t mode, uint64_t rdev);
  ~TmpfsInode() override;

  int GetAttributes(FileAttributes* out) override;
  int SetAttributes(const AttributeChange& change) override;
  int64_t GetXattr(StringView name, void* value, size_t size) override;
  int SetXattr(StringView name, const void* value, size_t size,
               int flags) override;
  int64_t ListXattr(char* list, size_t size) override;
  int RemoveXattr(StringView name) override;

  Tmpfs* tmpfs() const { return static_cast<Tmpfs*>(fs()); }
  uint64_t number() const { return number_; }
  void SetOwner(uint32_t uid, uint32_t gid) {
    uid_ = uid;
    gid_ = gid;
  }
  void TouchChange();    // ctime
  void TouchModified();  // mtime and ctime
  void TouchAccess();
  // Written to: set-user-ID and set-group-ID go, unless CAP_FSETID.
  void DropPrivilegeBits();

  uint32_t link_count = 1;
  bool linkable = false;  // O_TMPFILE: may get its first name

 protected:
  virtual uint64_t Size() const { return 0; }
  virtual uint64_t Blocks() const { return 0; }
  virtual int SetSize(uint64_t size) {
    (void)size;
    return -EINVAL;
  }
  uint32_t mode_bits() const { return mode_; }
  uint32_t gid() const { return gid_; }

 private:
  friend class TmpfsDirectory;
  uint64_t number_, rdev_;
  uint32_t uid_ = 0, gid_ = 0;
  TimeSpec atime_, mtime_, ctime_, btime_;
  XattrMap xattrs_;
};

class TmpfsDirectory final : public TmpfsInode {
 public:
  TmpfsDirectory(Tmpfs* fs, uint32_t mode);
  ~TmpfsDirectory() override;

  Result<RefPtr<Inode>> Lookup(StringView name) override;
  Result<RefPtr<Inode>> Create(StringView name, uint32_t mode,
                               uint64_t rdev) override;
  Result<RefPtr<Inode>> MakeDirectory(StringView name, uint32_t mode) override;
  Result<RefPtr<Inode>> MakeSymlink(StringView name,
                                    StringView target) override;
  int Link(StringView name, Inode* target) override;
  int Unlink(StringView name, Inode* target) override;
  int RemoveDirectory(StringView name, Inode* target) override;
  int Rename(StringView name, Inode* new_directory, StringView new_name,
             uint32_t flags) override;
  Result<RefPtr<Inode>> CreateUnnamed(uint32_t mode) override;
  Result<RefPtr<File>> Open(uint32_t flags) override;

  // Entries from directory offset `from` on; returns the offset to go on at.
  uint64_t List(uint64_t from, DirSink& sink);
  bool empty() const { return entries_.empty(); }

 protected:
  uint64_t Size() const override { return 40 + 20 * entries_.size(); }

 private:
  struct Entry {
    KString name;
    RefPtr<TmpfsInode> inode;
    uint64_t cookie;  // directory offset
    uint64_t hash;
    Entry* hash_next;
  };
  Entry* Find(StringView name);
  Result<RefPtr<TmpfsInode>> NewInode(uint32_t mode, uint64_t rdev);
  int AddNew(StringView name, RefPtr<TmpfsInode> inode);
  int Add(StringView name, RefPtr<TmpfsInode> inode);
  void Unhash(Entry* entry);
  void HashIn(Entry* entry);
  void RemoveEntry(Entry* entry);
  size_t IndexAt(uint64_t cookie) const;
  static void DropLink(TmpfsInode* inode);
  void Adopt(TmpfsInode* inode, TmpfsDirectory* old_parent);
  int ReplaceCheck(TmpfsInode* moved, Entry* target);

  TmpfsDirectory* parent_ = nullptr;  // of the root: itself
  bool removed_ = false;
  uint64_t next_cookie_ = 2;  // 0 and 1 are "." and ".."
  Vector<Entry*> entries_;    // by cookie
  Vector<Entry*> buckets_;    // a power of two, or empty
};

class TmpfsRegular final : public TmpfsInode {
 public:
  TmpfsRegular(Tmpfs* fs, uint32_t mode, RefPtr<PageCache> cache)
      : TmpfsInode(fs, mode, 0), cache_(std::move(cache)) {}
  ~TmpfsRegular() override;

  Result<RefPtr<File>> Open(uint32_t flags) override;
  int64_t Read(UserIo& io, uint64_t offset);
  int64_t Write(UserIo& io, uint64_t offset);
  int Allocate(int mode, uint64_t offset, uint64_t length);
  int AddSeals(uint32_t seals);
  const RefPtr<PageCache>& cache() const { return cache_; }

  uint32_t seals = kSealSeal;

 protected:
  uint64_t Size() const override { return cache_->size(); }
  uint64_t Blocks() const override { return cache_->page_count() * 8; }
  int SetSize(uint64_t size) override;

 private:
  void Account();
  RefPtr<PageCache> cache_;
  size_t accounted_pages_ = 0;
};

class TmpfsSymlink final : public TmpfsInode {
 public:
  TmpfsSymlink(Tmpfs* fs, KString target)
      : TmpfsInode(fs, kModeSymlink | 0777, 0), target_(std::move(target)) {}
  Result<KString> ReadLink() override { return KString::From(target_); }

 protected:
  uint64_t Size() const override { return target_.size(); }

 private:
  KString target_;
};

// memfd_create(2): `name` is what /proc/PID/fd shows.
Result<RefPtr<File>> NewMemfd(StringView name, uint32_t mode, uint32_t seals);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_TMPFS_H_
