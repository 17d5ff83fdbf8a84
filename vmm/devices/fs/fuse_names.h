// SPDX-License-Identifier: Apache-2.0
//
// What names a guest may give. Any thread.

#ifndef CRVM_VMM_DEVICES_FS_FUSE_NAMES_H_
#define CRVM_VMM_DEVICES_FS_FUSE_NAMES_H_

#include <errno.h>
#include <limits.h>

#include "absl/strings/string_view.h"
#include "vmm/devices/fs/fuse_buffers.h"

namespace crvm {

// 0 if `name` is one component that leads downwards, else a negative errno.
inline int CheckName(absl::string_view name) {
  if (name.size() > NAME_MAX) return -ENAMETOOLONG;
  if (name.empty() || name == "." || name == "..") return -EINVAL;
  if (name.find('/') != name.npos || name.find('\0') != name.npos) {
    return -EINVAL;
  }
  return 0;
}

inline int ReadName(RequestReader& in, FileName* name) {
  int error = in.ReadString(name);
  return error < 0 ? error : CheckName(name->view());
}

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FUSE_NAMES_H_
