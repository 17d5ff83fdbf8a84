// SPDX-License-Identifier: Apache-2.0
//
// One path walk (path_resolution(7)): component by component over cached
// dentries, through symlinks, mounts and "..". LookupPath, OpenPath and the
// name operations are built on it. Under the kernel lock; lives on the stack of
// one call. The path text must outlive it.
#ifndef CRVM_GUESTKERNEL_FS_WALK_H_
#define CRVM_GUESTKERNEL_FS_WALK_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/path.h"

namespace gk {

// openat2(2).
enum ResolveFlags : uint32_t {
  kResolveNoXdev = 1,
  kResolveNoMagicLinks = 2,
  kResolveNoSymlinks = 4,
  kResolveBeneath = 8,
  kResolveInRoot = 16,
  kResolveCached = 32,
};

class Walk {
 public:
  // From directory `at_fd` of the current process (or its root).
  int Start(int at_fd, StringView path, uint32_t resolve = 0);
  int StartFrom(Dentry* base, StringView path, uint32_t resolve = 0);

  // The file will be opened with these flags.
  void set_open_flags(uint32_t flags) {
    expects_open_ = true;
    open_flags_ = flags;
  }

  // Walks all but the last component: afterwards current() is the directory it
  // is in (searchable by the caller) and last() its name; empty when the path
  // has led to current() itself ("/", or a magic link).
  int ToParent();
  Dentry* current() const { return current_.get(); }
  RefPtr<Dentry> current_ref() const { return current_; }
  StringView last() const { return last_; }
  bool last_is_special() const {
    return last_.empty() || last_ == "." || last_ == "..";
  }
  // The path ended in '/': it must name a directory.
  bool trailing_slash() const { return trailing_slash_; }

  // The entry `last()` of current(), which may be negative; mounts are crossed.
  Result<RefPtr<Dentry>> LookupLast() { return Child(last_); }
  // `link`, the last component, is a symlink to be followed: call ToParent
  // again.
  int FollowLast(Dentry* link) { return FollowLink(link); }
  // Steps to the dentry that "", "." or ".." name.
  int StepSpecial();
  // The whole walk. -ENOENT for a negative one.
  Result<RefPtr<Dentry>> Finish(uint32_t lookup_flags);

 private:
  // A batch of look-ups asks for this many names at once at most.
  static constexpr int kMaxBatch = 16;
  static constexpr int kMaxLinks = 40;

  Result<RefPtr<Dentry>> Child(StringView name);
  Result<RefPtr<Dentry>> AskFileSystem(StringView name);
  int LookupBatch(StringView first);
  int StepUp();
  int CrossMounts(RefPtr<Dentry>* dentry);
  int FollowLink(Dentry* link);
  int CheckSearchable();

  RefPtr<Dentry> root_;
  RefPtr<Dentry> beneath_;  // RESOLVE_BENEATH, RESOLVE_IN_ROOT: the start
  RefPtr<Dentry> current_;
  KString text_;     // what rest_ points into after a symlink
  StringView rest_;  // still to be walked
  StringView last_;
  bool trailing_slash_ = false;
  bool expects_open_ = false;
  uint32_t open_flags_ = 0;
  uint32_t resolve_ = 0;
  int links_ = 0;
  int confirmed_ = 0;  // so many next components were just looked up
};

// The current process's root and, where there is no process yet, the tree's.
RefPtr<Dentry> ProcessRoot();
// The directory that a relative path starts at. -EBADF, -ENOTDIR.
Result<RefPtr<Dentry>> BaseDirectory(int at_fd);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_WALK_H_
