// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/cwd, root, exe: links that lead to what the process has, whatever
// its path is by now.
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

class ProcessLink final : public SyntheticInode {
 public:
  ProcessLink(FileSystem* fs, const Subject& subject, uint64_t number,
              char which)
      : SyntheticInode(fs, kModeSymlink | 0777, subject, number),
        which_(which) {}
  bool is_magic_link() const override { return true; }
  Result<RefPtr<Dentry>> FollowMagicLink() override {
    GK_RETURN_IF_ERROR(MayInspect(subject()));
    Process* process = ProcessOf(subject());
    RefPtr<Dentry> to;
    if (which_ == 'e' && process->executable) {
      to = RefPtr<Dentry>(process->executable->dentry());
    } else if (process->fs) {
      if (which_ == 'c') to = process->fs->cwd;
      if (which_ == 'r') to = process->fs->root;
    }
    if (!to) return Error(-ENOENT);
    return to;
  }
  Result<KString> ReadLink() override {
    GK_ASSIGN_OR_RETURN(RefPtr<Dentry> to, FollowMagicLink());
    return PathOf(to.get(), /*mark_deleted=*/true);
  }

 private:
  char which_;  // 'c'wd, 'r'oot, 'e'xe
};

}  // namespace

Result<RefPtr<Inode>> MakeProcessLink(FileSystem* fs, const Subject& subject,
                                      const SyntheticEntry& entry) {
  auto inode = MakeRef<ProcessLink>(
      fs, subject, SyntheticInode::NumberOf(&entry, subject), entry.name[0]);
  if (!inode) return Error(-ENOMEM);
  return RefPtr<Inode>(std::move(inode));
}

}  // namespace gk
