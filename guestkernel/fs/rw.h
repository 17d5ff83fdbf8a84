// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing an open file as the system calls do: what is the same
// for all kinds of files (limits, O_DSYNC, empty moves). The caller has checked
// the access mode.
#ifndef CRVM_GUESTKERNEL_FS_RW_H_
#define CRVM_GUESTKERNEL_FS_RW_H_

#include "guestkernel/fs/file.h"

namespace gk {

// `offset` ~0: at the file's position.
int64_t ReadFile(File* file, UserIo& io, uint64_t offset);
int64_t WriteFile(File* file, UserIo& io, uint64_t offset);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_RW_H_
