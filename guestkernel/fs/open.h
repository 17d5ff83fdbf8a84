// SPDX-License-Identifier: Apache-2.0
//
// open(2) with all its options; fs/path.h has the usual forms.
#ifndef CRVM_GUESTKERNEL_FS_OPEN_H_
#define CRVM_GUESTKERNEL_FS_OPEN_H_

#include "guestkernel/fs/walk.h"

namespace gk {

struct OpenHow {
  uint32_t flags = 0;
  uint32_t mode = 0;
  uint32_t resolve = 0;  // ResolveFlags
};

Result<RefPtr<File>> OpenPathHow(int at_fd, StringView path, OpenHow how);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_OPEN_H_
