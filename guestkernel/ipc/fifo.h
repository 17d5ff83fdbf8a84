// SPDX-License-Identifier: Apache-2.0
//
// Opening a fifo, fifo(7): waits for the other end unless told otherwise.
#ifndef CRVM_GUESTKERNEL_IPC_FIFO_H_
#define CRVM_GUESTKERNEL_IPC_FIFO_H_

#include "guestkernel/fs/inode.h"

namespace gk {

// The pipe hangs on Inode::attached. -ENXIO: for writing without waiting, and
// nobody reads; -kErestartSys.
Result<RefPtr<File>> OpenFifo(Inode* inode, uint32_t flags);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_FIFO_H_
