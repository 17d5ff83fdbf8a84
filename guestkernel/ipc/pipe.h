// SPDX-License-Identifier: Apache-2.0
//
// Pipe: what pipe(2) and fifos share: a ring of page-sized buffers, pipe(7).
// PipeFile: one end (or both) of it. Vmsplice and splice copy.
#ifndef CRVM_GUESTKERNEL_IPC_PIPE_H_
#define CRVM_GUESTKERNEL_IPC_PIPE_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/vector.h"
#include "guestkernel/sched/wait_queue.h"

namespace gk {

inline constexpr size_t kPipeAtomic = 4096;  // PIPE_BUF, and a buffer's size

class Pipe : public RefCounted {
 public:
  static Result<RefPtr<Pipe>> Create();
  ~Pipe() override;

  // One transfer, of pipe(7)'s semantics; the number of bytes or an errno.
  int64_t Read(UserIo& io, bool nonblocking);
  int64_t Write(UserIo& io, bool nonblocking, bool packets);
  // For tee: copies what comes after `skip` bytes, and leaves it there.
  int64_t Peek(UserIo& io, size_t skip);
  // `writers_before`: openings that a reader's POLLHUP does not count.
  uint32_t Poll(bool reads, bool writes, uint32_t writers_before) const;

  void AddEnd(bool reads, bool writes);
  void RemoveEnd(bool reads, bool writes);

  size_t BytesReadable() const;
  size_t capacity() const { return slots_.size() * kPipeAtomic; }
  // F_SETPIPE_SZ: the resulting size, -EBUSY, -EPERM, -ENOMEM.
  int64_t SetCapacity(size_t bytes);

  uint64_t inode = 0;
  int readers = 0, writers = 0;
  // Count openings, for open(2) of a fifo, which waits for the other end.
  uint32_t reader_openings = 0, writer_openings = 0;
  WaitQueue read_queue, write_queue, open_queue;

 private:
  struct Buffer {
    uint8_t* data = nullptr;
    uint32_t offset = 0, length = 0;
    bool packet = false;  // O_DIRECT: a read ends with it
  };
  Buffer& slot(size_t i) { return slots_[(head_ + i) % slots_.size()]; }
  const Buffer& slot(size_t i) const {
    return slots_[(head_ + i) % slots_.size()];
  }
  bool full() const { return used_ == slots_.size(); }
  // Whether Store takes anything of a write with n bytes left: a small one goes
  // in whole or not at all.
  bool HasRoomFor(size_t n, bool packet) const;
  // One buffer's worth; bytes stored, or negative errno.
  int64_t Store(UserIo& io, bool packet);
  int64_t StoreAll(UserIo& io, bool packets);
  void DropFirst();

  Vector<Buffer> slots_;
  size_t head_ = 0, used_ = 0;
};

class PipeFile final : public File {
 public:
  PipeFile(RefPtr<Pipe> pipe, uint32_t flags);
  ~PipeFile() override;
  int64_t Read(UserIo& io) override;
  int64_t Write(UserIo& io) override;
  int64_t Peek(UserIo& io, size_t skip) override;
  uint32_t Poll(PollTable* table) override;
  int64_t Ioctl(uint32_t command, uint64_t argument) override;
  int64_t Fcntl(uint32_t command, uint64_t argument) override;
  int GetAttributes(FileAttributes* out) override;
  Result<KString> Describe() override;
  // open(2) of /proc/PID/fd/N: another end, as of a fifo.
  Result<RefPtr<File>> Reopen(uint32_t flags) override;

 private:
  friend Result<RefPtr<File>> OpenFifo(Inode* inode, uint32_t flags);
  RefPtr<Pipe> pipe_;
  // A fifo's reader that did not wait is not told of writers before it.
  uint32_t writers_before_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_PIPE_H_
