// SPDX-License-Identifier: Apache-2.0
//
// PipeFile and the system calls pipe and pipe2.
#include <asm/errno.h>
#include <asm/signal.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/anonymous_inode.h"
#include "guestkernel/ipc/fifo.h"
#include "guestkernel/ipc/pipe.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

constexpr uint32_t kFionread = 0x541b;
constexpr uint32_t kFcntlSetPipeSize = 1031, kFcntlGetPipeSize = 1032;

}  // namespace

PipeFile::PipeFile(RefPtr<Pipe> pipe, uint32_t flags)
    : File(flags), pipe_(std::move(pipe)) {
  pipe_->AddEnd(readable(), writable());
}

PipeFile::~PipeFile() { pipe_->RemoveEnd(readable(), writable()); }

int64_t PipeFile::Read(UserIo& io) { return pipe_->Read(io, nonblocking()); }

int64_t PipeFile::Write(UserIo& io) {
  int64_t n = pipe_->Write(io, nonblocking(), flags() & kOpenDirect);
  // Also when part of it was still taken.
  if (n == -EPIPE || (n > 0 && io.remaining() > 0 && pipe_->readers == 0)) {
    SigInfo info = UserSigInfo(SIGPIPE, 0);
    SendSignalToThread(CurrentThread(), SIGPIPE, &info);
  }
  return n;
}

int64_t PipeFile::Peek(UserIo& io, size_t skip) {
  return pipe_->Peek(io, skip);
}

uint32_t PipeFile::Poll(PollTable* table) {
  if (table) {
    if (readable()) table->Add(&pipe_->read_queue);
    if (writable()) table->Add(&pipe_->write_queue);
  }
  return pipe_->Poll(readable(), writable(), writers_before_);
}

int64_t PipeFile::Ioctl(uint32_t command, uint64_t argument) {
  if (command != kFionread) return -ENOTTY;
  return WriteUser(UserAddress(argument),
                   static_cast<int32_t>(pipe_->BytesReadable()));
}

int64_t PipeFile::Fcntl(uint32_t command, uint64_t argument) {
  switch (command) {
    case kFcntlSetPipeSize:
      if (argument == 0 || argument > 0x7fffffff) return -EINVAL;
      return pipe_->SetCapacity(argument);
    case kFcntlGetPipeSize:
      return static_cast<int64_t>(pipe_->capacity());
    default:
      return -EINVAL;
  }
}

int PipeFile::GetAttributes(FileAttributes* out) {
  if (inode()) return File::GetAttributes(out);
  FillAnonymousAttributes(kModeFifo | 0600, pipe_->inode, out);
  return 0;
}

Result<KString> PipeFile::Describe() {
  if (dentry()) return File::Describe();
  KString text;
  GK_RETURN_IF_ERROR(text.AppendFormat("pipe:[%lu]", pipe_->inode));
  return text;
}

Result<RefPtr<File>> PipeFile::Reopen(uint32_t flags) {
  if (inode()) return OpenFifo(inode(), flags);
  constexpr uint32_t kKept = kOpenAccessMask | kOpenNonblock | kOpenDirect;
  auto file = MakeRef<PipeFile>(pipe_, flags & kKept);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

namespace {

int64_t MakePipe(UserAddress fds_out, uint32_t flags) {
  constexpr uint32_t kAllowed = kOpenCloexec | kOpenNonblock | kOpenDirect;
  if (flags & ~kAllowed) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<Pipe> pipe, Pipe::Create());
  uint32_t status = flags & (kOpenNonblock | kOpenDirect);
  auto reader = MakeRef<PipeFile>(pipe, status | kOpenReadOnly);
  auto writer = MakeRef<PipeFile>(pipe, status | kOpenWriteOnly);
  if (!reader || !writer) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(int read_fd, InstallFile(std::move(reader), flags));
  auto write_fd = InstallFile(std::move(writer), flags);
  FdTable& table = *CurrentProcess()->files;
  if (!write_fd.ok()) {
    table.Close(read_fd);
    return write_fd.error();
  }
  int32_t fds[2] = {read_fd, *write_fd};
  if (int error = CopyToUser(fds_out, fds, sizeof(fds))) {
    table.Close(read_fd);
    table.Close(*write_fd);
    return error;
  }
  return 0;
}

}  // namespace

int64_t SysPipe(const SyscallArgs& args) { return MakePipe(args.User(0), 0); }

int64_t SysPipe2(const SyscallArgs& args) {
  return MakePipe(args.User(0), args.U32(1));
}

}  // namespace gk
