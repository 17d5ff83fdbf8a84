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
  // Inodes die when the dentry cache lets go of them, which can happen inside
  // any allocation: destructors must not allocate and must not talk to the
  // host (queue a FORGET, send it later).
  ~Inode() override;

  FileSystem* fs() const { return fs_; }
  uint32_t type() const { return mode_ & kModeTypeMask; }  // never changes
  bool is_directory() const { return type() == kModeDirectory; }
  bool is_symlink() const { return type() == kModeSymlink; }

  virtual int GetAttributes(FileAttributes* out) = 0;
  // For permission checks while walking: mode, uid and gid, which may be a
  // little old; costs no request where GetAttributes may.
  virtual int GetCachedAttributes(FileAttributes* out) {
    return GetAttributes(out);
  }
  // When the mode bits say no to the user whom the VM runs as: may he use it
  // for `want` after all (CheckAccess's bits)? Hosts have access control lists.
  virtual int AskAccess(int want) {
    (void)want;
    return -EACCES;
  }
  virtual int SetAttributes(const AttributeChange& change) {
    (void)change;
    return -EPERM;
  }

  // ---- directories (-ENOTDIR by default). Lookup: -ENOENT when absent. `mode`
  // has the umask taken off already; permissions were checked by mode bits.
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
  // After a Rename of this file or over it: its ctime and number of links are
  // others now.
  virtual void NamesChanged() {}
  // O_TMPFILE.
  virtual Result<RefPtr<Inode>> CreateUnnamed(uint32_t mode) {
    (void)mode;
    return Error(-EOPNOTSUPP);
  }
  // Atomic create-and-open where the file system can do it in one request (FUSE
  // CREATE). -ENOSYS: do Create, then Open. Exclusive or not, the name was
  // absent when last looked up; -EEXIST makes the VFS look again.
  virtual Result<RefPtr<File>> CreateAndOpen(StringView name, uint32_t mode,
                                             uint32_t flags,
                                             RefPtr<Inode>* created) {
    (void)name, (void)mode, (void)flags, (void)created;
    return Error(-ENOSYS);
  }
  // Whole-path look-up in one request, where the file system can: fills up to
  // `max` inodes, one for each component of `path`
  // ("a/b/c") from this directory, stopping after a symlink, a non-directory
  // or a missing one (which is a null inode and counted). The number filled, or
  // negative errno; -ENOSYS default.
  virtual int LookupPath(StringView path, RefPtr<Inode>* inodes, int max) {
    (void)path, (void)inodes, (void)max;
    return -ENOSYS;
  }

  virtual Result<KString> ReadLink() { return Error(-EINVAL); }
  // Magic links (/proc/PID/fd/N, exe, cwd): the dentry they lead to, without
  // reading them.
  virtual Result<RefPtr<class Dentry>> FollowMagicLink();
  virtual bool is_magic_link() const { return false; }

  // Opens for I/O; permissions were checked. `flags` are open(2)'s without
  // kOpenCreate, kOpenExclusive, kOpenCloexec. Fifos, sockets (-ENXIO) and
  // devices never come here: the VFS opens them itself (fs/special.cc), unless
  // opens_itself(). The VFS sets the new file's dentry.
  virtual bool opens_itself() const { return false; }
  // True: Open does what kOpenTruncate asks. False: the VFS truncates through
  // File::SetAttributes.
  virtual bool open_truncates() const { return false; }
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
  // True: names below this directory are never cached (/proc).
  virtual bool volatile_entries() const { return false; }

  // Guest objects bound to this inode: the pipe of a fifo, the listening unix
  // socket (owned by them).
  RefPtr<RefCounted> attached;
  // POSIX, OFD and flock locks; null: none yet (fs/locks.h).
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
  // Changed pages go to where the files live (the host), where others see
  // them. SyncAll also waits until they are on stable storage: sync(2).
  virtual void WriteBackAll() {}
  virtual int SyncAll() { return 0; }
  // What the next Lookup or LookupPath ends at will be opened with these flags,
  // if it is a regular file: a remote file system may do it in one request.
  virtual void ExpectOpen(uint32_t flags) { (void)flags; }
  bool is_remote = false;  // host files: cached names are revalidated
  // st_dev of file systems of the guest's own (0:N), taken at construction by
  // those that use it.
  uint64_t device_id = 0;
};
uint64_t AllocateDeviceId();  // fs/mount.cc

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
  // Root of what is mounted here, or null; and of a root, where it is mounted.
  Dentry* mounted() const { return mounted_.get(); }
  Dentry* mount_point() const { return mount_point_; }
  // CLOCK_MONOTONIC when the file system last confirmed the entry (remote ones
  // only).
  uint64_t validated_ns() const { return validated_ns_; }

 private:
  friend class DentryCache;
  RefPtr<Dentry> parent_;  // null: root of a file system, or anonymous
  KString name_;
  RefPtr<Inode> inode_;
  RefPtr<Dentry> mounted_;
  Dentry* mount_point_ = nullptr;
  bool unlinked_ = false;
  bool hashed_ = false;  // in the cache, which then holds a reference
  uint64_t validated_ns_ = 0;
  uint64_t hash_ = 0;
  Dentry* hash_next_ = nullptr;
  ListLink lru_link_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_INODE_H_
