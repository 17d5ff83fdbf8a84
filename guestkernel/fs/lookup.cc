// SPDX-License-Identifier: Apache-2.0
//
// The look-ups that other subsystems and system calls use, on top of Walk.
#include "guestkernel/fs/path.h"
#include "guestkernel/fs/walk.h"

namespace gk {

Result<RefPtr<Dentry>> LookupPath(int at_fd, StringView path, uint32_t flags) {
  if (path.empty()) {
    if (!(flags & kLookupEmpty)) return Error(-ENOENT);
    return BaseDirectory(at_fd);
  }
  for (bool again : {false, true}) {
    Walk walk;
    GK_RETURN_IF_ERROR(walk.Start(at_fd, path));
    Result<RefPtr<Dentry>> found = walk.Finish(flags);
    // Cached names were wrong, and are not believed any more.
    if (found.error() != -ESTALE || again) return found;
  }
  return Error(-ESTALE);
}

Result<RefPtr<Dentry>> LookupPathFrom(Dentry* base, StringView path,
                                      uint32_t flags) {
  if (path.empty()) {
    if (!(flags & kLookupEmpty) || !base) return Error(-ENOENT);
    return RefPtr<Dentry>(base);
  }
  Walk walk;
  GK_RETURN_IF_ERROR(walk.StartFrom(base, path));
  return walk.Finish(flags);
}

Result<RefPtr<Dentry>> LookupParent(int at_fd, StringView path,
                                    StringView* last, bool* trailing_slash) {
  if (path.empty()) return Error(-ENOENT);
  Walk walk;
  GK_RETURN_IF_ERROR(walk.Start(at_fd, path));
  GK_RETURN_IF_ERROR(walk.ToParent());
  *trailing_slash = walk.trailing_slash();
  // The walk's own name may point into a symlink's text: find the same one at
  // the end of the caller's.
  size_t end = path.size();
  while (end > 0 && path[end - 1] == '/') --end;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') --begin;
  *last = path.substr(begin, end - begin);
  return walk.current_ref();
}

Result<KString> CopyPathFromUser(UserAddress path) {
  return CopyStringFromUser(path, kPathMax);
}

}  // namespace gk
