// SPDX-License-Identifier: Apache-2.0
//
// fcntl(2)'s record locks: F_SETLK and its relatives. Inside fs/ only.
#ifndef CRVM_GUESTKERNEL_FS_SYS_LOCKS_H_
#define CRVM_GUESTKERNEL_FS_SYS_LOCKS_H_

#include "guestkernel/fs/file.h"

namespace gk {

// `ofd`: the lock belongs to the open file description.
int64_t GetRecordLock(File* file, UserAddress user_lock, bool ofd);
int64_t SetRecordLock(int fd, File* file, UserAddress user_lock, bool ofd,
                      bool wait);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_SYS_LOCKS_H_
