// SPDX-License-Identifier: Apache-2.0
//
// Inode: one file of a file system; Dentry: a name in the tree, cached;
// FileSystem: a mounted tree. Owner: vfs. Names given to inode operations are
// single components: not empty, no '/', not "." or "..", at most 255 bytes.
#ifndef CRVM_GUESTKERNEL_FS_INODE_H_
#define CRVM_GUESTKERNEL_FS_INODE_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/stat.h"
#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"

namespace gk {

class FileSystem;
class Inode;

class Inode : public RefCounted {
 public:
  explicit Inode(FileSystem* fs, uint32_t type_and_mode)
      : fs_(fs), mode_(type_and_mode) {}

  FileSystem* fs() const { return fs_; }
  uint32_t type() const { return mode_ & kModeTypeMask; }  // never changes
  bool is_directory() const { return type() == kModeDirectory; }
  bool is_symlink() const { return type() == kModeSymlink; }

  virtual int GetAttributes(FileAttributes* out) = 0;
  virtual int SetAttributes(const AttributeChange& change) {
    (void)change;
    return -EPERM;
  }

  // ---- directories (-ENOTDIR by default). Lookup: -ENOENT when absent.
  virtual Result<RefPtr<Inode>> Lookup(StringView name) {
    (void)name;
    return Error(-ENOTDIR);
  }
  // A regular file; also used for mknod of fifos, sockets, devices by the type
  // bits of `mode`.
  virtual Result<RefPtr<Inode>> Create(StringView name, uint32_t mode,
                                       uint64_t rdev) {
    (void)name, (void)mode, (void)rdev;
    return Error(-EPERM);
  }
  virtual Result<RefPtr<Inode>> MakeDirectory(StringView name, uint32_t mode) {
    (void)name, (void)mode;
    return Error(-EPERM);
  }
  virtual Result<RefPtr<Inode>> MakeSymlink(StringView name,
                                            StringView target) {
    (void)name, (void)target;
    return Error(-EPERM);
  }
  virtual int Link(StringView name, Inode* target) {
    (void)name, (void)target;
    return -EPERM;
  }
  virtual int Unlink(StringView name, Inode* target) {
    (void)name, (void)target;
    return -EPERM;
  }
  virtual int RemoveDirectory(StringView name, Inode* target) {
    (void)name, (void)target;
    return -EPERM;
  }
  // renameat2 flags; `target` may be null. Both directories are of this file
  // system.
  virtual int Rename(StringView name, Inode* new_directory, StringView new_name,
                     uint32_t flags) {
    (void)name, (void)new_directory, (void)new_name, (void)flags;
    return -EPERM;
  }
  // O_TMPFILE.
  virtual Result<RefPtr<Inode>> CreateUnnamed(uint32_t mode) {
    (void)mode;
    return Error(-EOPNOTSUPP);
  }
  // Atomic create-and-open where the file system can do it in one request (FUSE
  // CREATE). -ENOSYS: do Create, then Open.
  virtual Result<RefPtr<File>> CreateAndOpen(StringView name, uint32_t mode,
                                             uint32_t flags,
                                             RefPtr<Inode>* created) {
    (void)name, (void)mode, (void)flags, (void)created;
    return Error(-ENOSYS);
  }
  // Whole-path look-up in one request, where the file system can: fills up to
  // `max` inodes, one for each component of `path`
  // ("a/b/c") from this directory, stopping after a symlink or a missing one.
  // The number filled, or negative errno; -ENOSYS default.
  virtual int LookupPath(StringView path, RefPtr<Inode>* inodes, int max) {
    (void)path, (void)inodes, (void)max;
    return -ENOSYS;
  }

  virtual Result<KString> ReadLink() { return Error(-EINVAL); }
  // Magic links (/proc/PID/fd/N, exe, cwd): the dentry or file they lead to;
  // null dentry: use ReadLink.
  virtual Result<RefPtr<class Dentry>> FollowMagicLink();
  virtual Result<RefPtr<File>> OpenMagicLink(uint32_t flags) {
    (void)flags;
    return Error(-ENXIO);
  }
  virtual bool is_magic_link() const { return false; }

  // Opens for I/O. Fifos, sockets (-ENXIO), and devices are handled by the VFS
  // (fs/special.cc) unless the inode overrides it.
  virtual Result<RefPtr<File>> Open(uint32_t flags) {
    (void)flags;
    return Error(-ENXIO);
  }

  // Extended attributes: sizes as in getxattr(2).
  virtual int64_t GetXattr(StringView name, void* value, size_t size) {
    (void)name, (void)value, (void)size;
    return -EOPNOTSUPP;
  }
  virtual int SetXattr(StringView name, const void* value, size_t size,
                       int flags) {
    (void)name, (void)value, (void)size, (void)flags;
    return -EOPNOTSUPP;
  }
  virtual int64_t ListXattr(char* list, size_t size) {
    (void)list, (void)size;
    return 0;
  }
  virtual int RemoveXattr(StringView name) {
    (void)name;
    return -EOPNOTSUPP;
  }

  // True when a cached (positive or negative) dentry below this directory may
  // be used without asking again.
  virtual bool CachedEntryValid(const class Dentry& entry) {
    (void)entry;
    return true;
  }

  // Guest objects bound to this inode: the pipe of a fifo, the listening unix
  // socket (owned by them).
  RefPtr<RefCounted> attached;
  // POSIX/flock locks (fs/locks.cc).
  class LockList* locks = nullptr;

 protected:
  FileSystem* fs_;
  uint32_t mode_;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual RefPtr<Inode> Root() = 0;
  virtual int GetStatistics(FsStatistics* out) = 0;
  virtual const char* type_name() const = 0;
  virtual int SyncAll() { return 0; }
  bool is_remote = false;  // host files: cached names are revalidated
};

// A name in the tree. Children are found by hash; unused ones are kept for a
// while (LRU) and dropped under pressure.
class Dentry : public RefCounted {
 public:
  Dentry(RefPtr<Dentry> parent, KString name, RefPtr<Inode> inode);
  ~Dentry() override;

  Inode* inode() const { return inode_.get(); }  // null: negative
  RefPtr<Dentry> parent() const { return parent_; }
  StringView name() const { return name_; }
  bool is_negative() const { return !inode_; }
  bool is_unlinked() const { return unlinked_; }
  Dentry* mounted() const {
    return mounted_.get();
  }  // root of what is mounted here

 private:
  friend class DentryCache;
  RefPtr<Dentry> parent_;  // null: root of a file system
  KString name_;
  RefPtr<Inode> inode_;
  RefPtr<Dentry> mounted_;
  Dentry* mount_point_ = nullptr;  // of a root: where it is mounted
  bool unlinked_ = false;
  uint64_t validated_ns_ = 0;  // when the file system last confirmed it
  ListLink lru_link_, hash_link_;
  uint32_t child_count_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_INODE_H_
