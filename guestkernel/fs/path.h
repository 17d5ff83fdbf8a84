// SPDX-License-Identifier: Apache-2.0
//
// Path resolution (path_resolution(7)) and the operations on names that system
// calls and other subsystems use. Owner: vfs.
#ifndef CRVM_GUESTKERNEL_FS_PATH_H_
#define CRVM_GUESTKERNEL_FS_PATH_H_

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"

namespace gk {

inline constexpr int kAtFdCwd = -100;
inline constexpr size_t kPathMax = 4096;

enum LookupFlags : uint32_t {
  kLookupFollow = 1,       // follow a final symlink
  kLookupDirectory = 2,    // must be a directory
  kLookupEmpty = 4,        // AT_EMPTY_PATH
  kLookupParent = 8,       // resolve to the parent; last component in *last
  kLookupNoSymlinks = 16,  // RESOLVE_NO_SYMLINKS
};

// The dentry that `path` names, relative to directory `at_fd` of the current
// process. -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -ENAMETOOLONG, -EBADF.
Result<RefPtr<Dentry>> LookupPath(int at_fd, StringView path, uint32_t flags);
Result<RefPtr<Dentry>> LookupPathFrom(Dentry* base, StringView path,
                                      uint32_t flags);
// The parent and the last component (points into `path`); "a/b/" gives "b" with
// *trailing_slash.
Result<RefPtr<Dentry>> LookupParent(int at_fd, StringView path,
                                    StringView* last, bool* trailing_slash);
// openat(2) without a descriptor: opens or creates. For exec and the kernel's
// own use too.
Result<RefPtr<File>> OpenPath(int at_fd, StringView path, uint32_t flags,
                              uint32_t mode);
// Opens what is there, with the permission checks of open(2).
Result<RefPtr<File>> OpenDentry(RefPtr<Dentry> dentry, uint32_t flags);
// Creates a socket/fifo/device node (bind(2), mknod(2)); -EEXIST.
Result<RefPtr<Dentry>> MakeNode(int at_fd, StringView path,
                                uint32_t type_and_mode, uint64_t rdev);
// Absolute path as seen from the current root; " (deleted)" is appended for
// unlinked ones when `mark_deleted`.
Result<KString> PathOf(Dentry* dentry, bool mark_deleted = false);
// Permission check by mode bits and the current credentials: bits 4 read, 2
// write, 1 execute. 0 or -EACCES.
int CheckAccess(Inode* inode, int want);

// Boot: mounts the root (FUSE), /proc, /sys, /dev, /dev/pts, /dev/shm, /run.
int MountAll();
int Mount(FileSystem* fs, StringView where, const char* source);
Dentry* RootDentry();
struct MountEntry {
  const char* source;
  KString target;
  FileSystem* fs;
};
size_t MountCount();
const MountEntry& MountAt(size_t i);

// Device files: the VFS opens char devices by number here. Registered by
// drivers at boot.
using DeviceOpen = Result<RefPtr<File>> (*)(uint64_t rdev, uint32_t flags);
int RegisterCharDevice(uint32_t major, uint32_t first_minor,
                       uint32_t minor_count, DeviceOpen open);

// Copies a path argument: -EFAULT, -ENAMETOOLONG.
Result<KString> CopyPathFromUser(UserAddress path);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_PATH_H_
