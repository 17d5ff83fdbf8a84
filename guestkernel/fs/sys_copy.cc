// SPDX-License-Identifier: Apache-2.0
//
// Moving data between descriptors without the program's memory: sendfile,
// copy_file_range, splice, tee, vmsplice. All of them copy through a kernel
// buffer.
#include "guestkernel/fs/rw.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/lib/vector.h"

namespace gk {

namespace {

constexpr uint64_t kAtPosition = ~uint64_t{0};
constexpr size_t kChunk = 64 * 1024;
// What a pipe that polls as writable takes in one piece.
constexpr size_t kPipeChunk = 4096;
constexpr uint32_t kSpliceNonblock = 2;

class Chunk {
 public:
  Chunk() : data_(static_cast<char*>(HeapAllocate(kChunk))) {}
  ~Chunk() { HeapFree(data_); }
  char* data() { return data_; }

 private:
  char* data_;
};

uint32_t TypeOf(File* file) {
  FileAttributes attributes;
  if (file->GetAttributes(&attributes) < 0) return 0;
  return attributes.mode & kModeTypeMask;
}

bool IsSameFile(File* a, File* b) {
  FileAttributes x, y;
  return a->GetAttributes(&x) == 0 && b->GetAttributes(&y) == 0 &&
         x.device == y.device && x.inode == y.inode;
}

size_t Min(size_t a, size_t b) { return a < b ? a : b; }

// One end of a copy: at the file's position, or at an offset of its own.
struct End {
  File* file;
  uint64_t offset = kAtPosition;

  int64_t Read(void* to, size_t n) {
    UserIo io = UserIo::Kernel(to, n);
    return ReadFile(file, io, offset);
  }
  int64_t Write(void* from, size_t n) {
    UserIo io = UserIo::Kernel(from, n);
    return WriteFile(file, io, offset);
  }
  void Advance(int64_t n) {
    if (offset != kAtPosition) offset += static_cast<uint64_t>(n);
  }
  // After a read of `read` bytes of which only `used` count.
  void GiveBack(int64_t read, int64_t used) {
    if (offset == kAtPosition && used < read) {
      file->set_position(file->position() - static_cast<uint64_t>(read - used));
    }
  }
};

// From a seekable file to anything: what could not be written stays unread.
int64_t CopyFromFile(End in, End out, size_t count, uint64_t* in_offset,
                     uint64_t* out_offset) {
  Chunk chunk;
  if (!chunk.data()) return -ENOMEM;
  int64_t total = 0;
  while (static_cast<size_t>(total) < count) {
    size_t want = Min(kChunk, count - static_cast<size_t>(total));
    int64_t got = in.Read(chunk.data(), want);
    if (got <= 0) {
      if (total == 0) total = got;
      break;
    }
    int64_t put = out.Write(chunk.data(), static_cast<size_t>(got));
    in.GiveBack(got, put < 0 ? 0 : put);
    if (put <= 0) {
      if (total == 0) total = put;
      break;
    }
    in.Advance(put);
    out.Advance(put);
    total += put;
    if (put < got) break;
  }
  *in_offset = in.offset;
  *out_offset = out.offset;
  return total;
}

// Waits until one of `events` (or an error) is ready. 0, -EAGAIN, -ERESTARTSYS.
class ReadyTable final : public PollTable {
 public:
  void Add(WaitQueue* queue) override {
    if (used_ == kMaxQueues) return;
    Waiter& waiter = waiters_[used_++];
    waiter.on_wake = &WakeThreadOnWake;
    waiter.thread = CurrentThread();
    queue->Add(&waiter);
  }

 private:
  static constexpr int kMaxQueues = 4;
  Waiter waiters_[kMaxQueues];
  int used_ = 0;
};

int WaitReady(File* file, uint32_t events, bool nonblocking) {
  events |= kPollErr | kPollHup;
  for (;;) {
    ReadyTable table;
    PrepareToBlock();
    if (file->Poll(&table) & events) return 0;
    if (nonblocking) return -EAGAIN;
    GK_RETURN_IF_ERROR(Block(Deadline::Never()));
  }
}

// From a pipe or another stream. Nothing is taken before the other side can
// take it.
int64_t CopyFromStream(End in, End out, size_t count, bool nonblocking,
                       uint64_t* out_offset) {
  Chunk chunk;
  if (!chunk.data()) return -ENOMEM;
  int64_t total = 0;
  while (static_cast<size_t>(total) < count) {
    // Once something has been moved, what would block ends the call.
    bool now = nonblocking || total > 0;
    int error = WaitReady(out.file, kPollOut, now || out.file->nonblocking());
    if (error == 0) {
      error = WaitReady(in.file, kPollIn, now || in.file->nonblocking());
    }
    if (error < 0) return total > 0 ? total : error;
    size_t want = Min(out.file->seekable() ? kChunk : kPipeChunk,
                      count - static_cast<size_t>(total));
    int64_t got = in.Read(chunk.data(), want);
    if (got <= 0) return total > 0 ? total : got;
    for (int64_t done = 0; done < got;) {
      int64_t put =
          out.Write(chunk.data() + done, static_cast<size_t>(got - done));
      if (put <= 0) return total > 0 ? total : put;
      out.Advance(put);
      *out_offset = out.offset;
      done += put;
      total += put;
    }
  }
  return total;
}

// Into a pipe: as much as there is room for, having waited for some.
int64_t SpliceFromFile(End in, End out, size_t count, bool nonblocking,
                       uint64_t* in_offset, uint64_t* out_offset) {
  int64_t total = 0;
  while (static_cast<size_t>(total) < count) {
    bool now = nonblocking || total > 0 || out.file->nonblocking();
    int error = WaitReady(out.file, kPollOut, now);
    if (error < 0) return total > 0 ? total : error;
    int64_t n = CopyFromFile(
        in, out, Min(count - static_cast<size_t>(total), kPipeChunk), in_offset,
        out_offset);
    if (n <= 0) return total > 0 ? total : n;
    in.offset = *in_offset;
    out.offset = *out_offset;
    total += n;
  }
  return total;
}

// What is in one pipe now, as far as the other has room; both are ready.
int64_t CopyPipe(File* in, End out, size_t count) {
  Chunk chunk;
  if (!chunk.data()) return -ENOMEM;
  size_t total = 0;
  while (total < count) {
    if (total > 0 && WaitReady(out.file, kPollOut, true) < 0) break;
    UserIo io = UserIo::Kernel(chunk.data(), Min(count - total, kPipeChunk));
    int64_t n = in->Peek(io, total);
    if (n > 0) n = out.Write(chunk.data(), static_cast<size_t>(n));
    if (n <= 0 && total == 0) return n;
    if (n <= 0) break;
    total += static_cast<size_t>(n);
  }
  return static_cast<int64_t>(total);
}

// An offset argument: null means the file's position.
Result<uint64_t> ReadOffset(UserAddress from, File* file) {
  if (from.is_null()) return kAtPosition;
  if (!file->seekable()) return Error(-ESPIPE);
  GK_ASSIGN_OR_RETURN(int64_t offset, ReadUser<int64_t>(from));
  if (offset < 0) return Error(-EINVAL);
  return static_cast<uint64_t>(offset);
}

int WriteOffset(UserAddress to, uint64_t offset) {
  return to.is_null() ? 0 : WriteUser(to, offset);
}

}  // namespace

int64_t SysSendfile(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> in, GetFile(args.Int(1)));
  GK_ASSIGN_OR_RETURN(RefPtr<File> out, GetFile(args.Int(0)));
  if (!in->readable() || !out->writable()) return -EBADF;
  GK_ASSIGN_OR_RETURN(uint64_t offset, ReadOffset(args.User(2), in.get()));
  if (!in->seekable() || (out->flags() & kOpenAppend)) return -EINVAL;
  if (in->inode() && in->inode()->is_directory()) return -EINVAL;
  if (args.I64(3) < 0) return -EINVAL;
  uint64_t out_offset;
  int64_t n =
      CopyFromFile(End{in.get(), offset}, End{out.get(), kAtPosition},
                   Min(args.U64(3), kMaxIoLength), &offset, &out_offset);
  if (n > 0) GK_RETURN_IF_ERROR(WriteOffset(args.User(2), offset));
  return n;
}

int64_t SysCopyFileRange(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> in, GetFile(args.Int(0)));
  GK_ASSIGN_OR_RETURN(RefPtr<File> out, GetFile(args.Int(2)));
  if (args.U32(5) != 0) return -EINVAL;
  uint32_t in_type = TypeOf(in.get()), out_type = TypeOf(out.get());
  if (in_type == kModeDirectory || out_type == kModeDirectory) return -EISDIR;
  if (in_type != kModeRegular || out_type != kModeRegular) return -EINVAL;
  if (!in->readable() || !out->writable() || (out->flags() & kOpenAppend)) {
    return -EBADF;
  }
  GK_ASSIGN_OR_RETURN(uint64_t from, ReadOffset(args.User(1), in.get()));
  GK_ASSIGN_OR_RETURN(uint64_t to, ReadOffset(args.User(3), out.get()));
  size_t length = Min(args.U64(4), kMaxIoLength);
  if (in->inode() == out->inode()) {
    uint64_t a = from == kAtPosition ? in->position() : from;
    uint64_t b = to == kAtPosition ? out->position() : to;
    if (a < b + length && b < a + length) return -EINVAL;
  }
  int64_t n =
      CopyFromFile(End{in.get(), from}, End{out.get(), to}, length, &from, &to);
  if (n > 0) {
    GK_RETURN_IF_ERROR(WriteOffset(args.User(1), from));
    GK_RETURN_IF_ERROR(WriteOffset(args.User(3), to));
  }
  return n;
}

int64_t SysSplice(const SyscallArgs& args) {
  if (args.U32(5) & ~15u) return -EINVAL;
  if (args.U64(4) == 0) return 0;
  GK_ASSIGN_OR_RETURN(RefPtr<File> in, GetFile(args.Int(0)));
  GK_ASSIGN_OR_RETURN(RefPtr<File> out, GetFile(args.Int(2)));
  if (!in->readable() || !out->writable()) return -EBADF;
  bool from_pipe = TypeOf(in.get()) == kModeFifo;
  bool to_pipe = TypeOf(out.get()) == kModeFifo;
  if (!from_pipe && !to_pipe) return -EINVAL;
  if (from_pipe && to_pipe && IsSameFile(in.get(), out.get())) return -EINVAL;
  if (from_pipe && !args.User(1).is_null()) return -ESPIPE;
  if (to_pipe && !args.User(3).is_null()) return -ESPIPE;
  GK_ASSIGN_OR_RETURN(uint64_t from, ReadOffset(args.User(1), in.get()));
  GK_ASSIGN_OR_RETURN(uint64_t to, ReadOffset(args.User(3), out.get()));
  if (out->flags() & kOpenAppend) return -EINVAL;
  size_t length = Min(args.U64(4), kMaxIoLength);
  bool nonblocking = args.U32(5) & kSpliceNonblock;
  int64_t n =
      in->seekable()
          ? SpliceFromFile(End{in.get(), from}, End{out.get(), to}, length,
                           nonblocking, &from, &to)
          : CopyFromStream(End{in.get(), kAtPosition}, End{out.get(), to},
                           length, nonblocking, &to);
  if (n > 0) {
    GK_RETURN_IF_ERROR(WriteOffset(args.User(1), from));
    GK_RETURN_IF_ERROR(WriteOffset(args.User(3), to));
  }
  return n;
}

int64_t SysTee(const SyscallArgs& args) {
  if (args.U32(3) & ~15u) return -EINVAL;
  if (args.U64(2) == 0) return 0;
  GK_ASSIGN_OR_RETURN(RefPtr<File> in, GetFile(args.Int(0)));
  GK_ASSIGN_OR_RETURN(RefPtr<File> out, GetFile(args.Int(1)));
  if (!in->readable() || !out->writable()) return -EBADF;
  if (TypeOf(in.get()) != kModeFifo || TypeOf(out.get()) != kModeFifo) {
    return -EINVAL;
  }
  if (IsSameFile(in.get(), out.get())) return -EINVAL;
  bool nonblocking = args.U32(3) & kSpliceNonblock;
  GK_RETURN_IF_ERROR(
      WaitReady(out.get(), kPollOut, nonblocking || out->nonblocking()));
  GK_RETURN_IF_ERROR(
      WaitReady(in.get(), kPollIn, nonblocking || in->nonblocking()));
  return CopyPipe(in.get(), End{out.get()}, Min(args.U64(2), kMaxIoLength));
}

int64_t SysVmsplice(const SyscallArgs& args) {
  if (args.U32(3) & ~15u) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (TypeOf(file.get()) != kModeFifo) return -EBADF;
  GK_ASSIGN_OR_RETURN(UserIo io, UserIo::FromIovecs(args.User(1), args.U64(2)));
  if (io.remaining() == 0) return 0;
  bool writes = file->writable();
  if (args.U32(3) & kSpliceNonblock) {
    GK_RETURN_IF_ERROR(
        WaitReady(file.get(), writes ? kPollOut : kPollIn, true));
    if (writes) io.LimitTo(kPipeChunk);
  }
  return writes ? WriteFile(file.get(), io, kAtPosition)
                : ReadFile(file.get(), io, kAtPosition);
}

}  // namespace gk
