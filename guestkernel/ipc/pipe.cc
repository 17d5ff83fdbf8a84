// SPDX-License-Identifier: Apache-2.0
//
// See pipe.h.
#include "guestkernel/ipc/pipe.h"

#include <asm/errno.h>

#include "guestkernel/ipc/anonymous_inode.h"

namespace gk {
namespace {

constexpr size_t kDefaultSlots = 16;  // 64 KiB, as on Linux
constexpr size_t kMaxSlots = 256;     // 1 MiB: /proc/sys/fs/pipe-max-size

}  // namespace

Result<RefPtr<Pipe>> Pipe::Create() {
  auto pipe = MakeRef<Pipe>();
  if (!pipe) return Error(-ENOMEM);
  GK_RETURN_IF_ERROR(pipe->slots_.Resize(kDefaultSlots));
  pipe->inode = NextAnonymousInode();
  return pipe;
}

Pipe::~Pipe() {
  for (Buffer& buffer : slots_) HeapFree(buffer.data);
}

void Pipe::DropFirst() {
  Buffer& first = slot(0);
  // The last buffer is kept for the next write: most pipes hold one at a time.
  if (used_ > 1) {
    HeapFree(first.data);
    first.data = nullptr;
  }
  first.offset = first.length = 0;
  head_ = (head_ + 1) % slots_.size();
  --used_;
  if (used_ == 0 && first.data && slots_.size() > 1) {
    Buffer& next = slot(0);
    HeapFree(next.data);
    next.data = first.data;
    first.data = nullptr;
  }
}

size_t Pipe::BytesReadable() const {
  size_t total = 0;
  for (size_t i = 0; i < used_; ++i) total += slot(i).length;
  return total;
}

int64_t Pipe::Read(UserIo& io, bool nonblocking) {
  if (io.remaining() == 0) return 0;
  bool waited = used_ == 0;
  if (waited) {
    if (writers == 0) return 0;
    if (nonblocking) return -EAGAIN;
    int error = WaitUntil(
        read_queue, [this] { return used_ > 0 || writers == 0; },
        Deadline::Never(), Interruptible::kYes, /*exclusive=*/true);
    if (error) return error;
  }
  bool was_full = full();
  int64_t total = 0;
  while (used_ > 0 && io.remaining() > 0) {
    Buffer& first = slot(0);
    int64_t n = io.CopyOut(
        first.data + first.offset,
        io.remaining() < first.length ? io.remaining() : first.length);
    if (n < 0) {
      if (total == 0) total = n;
      break;
    }
    total += n;
    first.offset += static_cast<uint32_t>(n);
    first.length -= static_cast<uint32_t>(n);
    bool packet = first.packet;
    if (first.length == 0 || packet) DropFirst();  // a packet's rest is lost
    if (packet || n == 0) break;
  }
  if (was_full && !full()) write_queue.Wake(kPollOut | kPollWrNorm);
  // Others may still find something: the wake was for this reader alone.
  if (waited && used_ > 0) read_queue.Wake(kPollIn | kPollRdNorm);
  return total;
}

int64_t Pipe::Peek(UserIo& io, size_t skip) {
  int64_t total = 0;
  for (size_t i = 0; i < used_ && io.remaining() > 0; ++i) {
    const Buffer& buffer = slot(i);
    if (skip >= buffer.length) {
      skip -= buffer.length;
      continue;
    }
    int64_t n =
        io.CopyOut(buffer.data + buffer.offset + skip, buffer.length - skip);
    skip = 0;
    if (n < 0) return total > 0 ? total : n;
    total += n;
  }
  if (total == 0 && writers > 0) return -EAGAIN;
  return total;
}

bool Pipe::HasRoomFor(size_t n, bool packet) const {
  if (!full()) return true;
  if (packet) return false;  // begins a buffer
  const Buffer& last = slot(used_ - 1);
  return !last.packet && last.offset + last.length + n <= kPipeAtomic;
}

int64_t Pipe::Store(UserIo& io, bool packet) {
  size_t want = io.remaining() < kPipeAtomic ? io.remaining() : kPipeAtomic;
  if (used_ > 0 && !packet) {
    Buffer& last = slot(used_ - 1);
    size_t end = last.offset + last.length;
    // All of it or, for what is larger than a buffer, nothing: so that small
    // writes stay in one piece.
    if (!last.packet && end + want <= kPipeAtomic) {
      int64_t n = io.CopyIn(last.data + end, want);
      if (n > 0) last.length += static_cast<uint32_t>(n);
      return n;
    }
  }
  if (full()) return 0;
  Buffer& fresh = slot(used_);
  if (!fresh.data) {
    fresh.data = static_cast<uint8_t*>(HeapAllocate(kPipeAtomic));
    if (!fresh.data) return -ENOMEM;
  }
  int64_t n = io.CopyIn(fresh.data, want);
  if (n <= 0) return n;
  fresh.offset = 0;
  fresh.length = static_cast<uint32_t>(n);
  fresh.packet = packet;
  ++used_;
  return n;
}

// What fits now.
int64_t Pipe::StoreAll(UserIo& io, bool packets) {
  int64_t total = 0;
  while (io.remaining() > 0) {
    int64_t n = Store(io, packets);
    if (n < 0) return total > 0 ? total : n;
    if (n == 0) break;
    total += n;
  }
  return total;
}

int64_t Pipe::Write(UserIo& io, bool nonblocking, bool packets) {
  if (io.remaining() == 0) return 0;
  // What Store takes in one piece: less room than that is none.
  auto need = [&io] {
    return io.remaining() < kPipeAtomic ? io.remaining() : kPipeAtomic;
  };
  int64_t total = 0;
  bool waited = false;
  for (;;) {
    if (readers == 0) return total > 0 ? total : -EPIPE;
    if (HasRoomFor(need(), packets)) {
      int64_t n = StoreAll(io, packets);
      if (n < 0) return total > 0 ? total : n;
      total += n;
      read_queue.Wake(kPollIn | kPollRdNorm);
      if (io.remaining() == 0) break;
    }
    if (nonblocking) return total > 0 ? total : -EAGAIN;
    waited = true;
    int error = WaitUntil(
        write_queue,
        [&] { return readers == 0 || HasRoomFor(need(), packets); },
        Deadline::Never(), Interruptible::kYes, /*exclusive=*/true);
    if (error) return total > 0 ? total : error;
  }
  if (waited && !full()) write_queue.Wake(kPollOut | kPollWrNorm);
  return total;
}

uint32_t Pipe::Poll(bool reads, bool writes, uint32_t writers_before) const {
  uint32_t events = 0;
  if (reads) {
    if (used_ > 0) events |= kPollIn | kPollRdNorm;
    if (writers == 0 && writer_openings != writers_before) events |= kPollHup;
  }
  if (writes) {
    if (!full()) events |= kPollOut | kPollWrNorm;
    if (readers == 0) events |= kPollErr;
  }
  return events;
}

void Pipe::AddEnd(bool reads, bool writes) {
  if (reads) ++readers, ++reader_openings;
  if (writes) ++writers, ++writer_openings;
  open_queue.WakeAll();
}

void Pipe::RemoveEnd(bool reads, bool writes) {
  if (reads) --readers;
  if (writes) --writers;
  // The last one gone: everybody who waits for it must look.
  if (readers == 0) write_queue.WakeAll();
  if (writers == 0) read_queue.WakeAll();
  if (readers == 0 && writers == 0) {  // a fifo's data dies with its last end
    while (used_ > 0) DropFirst();
  }
}

int64_t Pipe::SetCapacity(size_t bytes) {
  size_t slots = 1;
  while (slots * kPipeAtomic < bytes) slots *= 2;
  if (slots > kMaxSlots) return -EPERM;
  if (slots < used_) return -EBUSY;
  Vector<Buffer> moved;
  GK_RETURN_IF_ERROR(moved.Resize(slots));
  for (size_t i = 0; i < used_; ++i) std::swap(moved[i], slot(i));
  for (Buffer& buffer : slots_) HeapFree(buffer.data);
  slots_ = std::move(moved);
  head_ = 0;
  write_queue.WakeAll();
  return static_cast<int64_t>(capacity());
}

}  // namespace gk
