// SPDX-License-Identifier: Apache-2.0
//
// See fifo.h.
#include "guestkernel/ipc/fifo.h"

#include <asm/errno.h>

#include "guestkernel/ipc/pipe.h"

namespace gk {

Result<RefPtr<File>> OpenFifo(Inode* inode, uint32_t flags) {
  RefPtr<Pipe> pipe = StaticCast<Pipe>(inode->attached);
  if (!pipe) {
    GK_ASSIGN_OR_RETURN(pipe, Pipe::Create());
    inode->attached = pipe;
  }
  RefPtr<Inode> keep(inode);
  uint32_t access = flags & kOpenAccessMask;
  bool wait = !(flags & kOpenNonblock);
  if (access == kOpenWriteOnly && !wait && pipe->readers == 0) {
    return Error(-ENXIO);
  }
  uint32_t readers_seen = pipe->reader_openings;
  uint32_t writers_seen = pipe->writer_openings;
  auto file = MakeRef<PipeFile>(
      pipe, flags & (kOpenAccessMask | kOpenNonblock | kOpenDirect));
  if (!file) return Error(-ENOMEM);
  if (!wait && pipe->writers == 0) file->writers_before_ = writers_seen;
  // An end that came and went meanwhile counts: compare openings.
  if (wait && access == kOpenReadOnly && pipe->writers == 0) {
    GK_RETURN_IF_ERROR(WaitUntil(pipe->open_queue, [&] {
      return pipe->writer_openings != writers_seen;
    }));
  } else if (wait && access == kOpenWriteOnly && pipe->readers == 0) {
    GK_RETURN_IF_ERROR(WaitUntil(pipe->open_queue, [&] {
      return pipe->reader_openings != readers_seen;
    }));
  }
  return RefPtr<File>(std::move(file));
}

}  // namespace gk
