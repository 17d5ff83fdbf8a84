// SPDX-License-Identifier: Apache-2.0
//
// read, write and their positioned and vectored forms.
#include "guestkernel/fs/rw.h"
#include "guestkernel/fs/sys_util.h"
#include "guestkernel/fs/syscalls.h"

namespace gk {

namespace {

constexpr uint64_t kAtPosition = ~uint64_t{0};

// preadv2(2).
enum RwFlags : uint32_t {
  kRwfHighPriority = 1,
  kRwfDsync = 2,
  kRwfSync = 4,
  kRwfNoWait = 8,
  kRwfAppend = 16,
  kRwfNoAppend = 32,
};

uint32_t TypeOf(File* file) {
  FileAttributes attributes;
  if (file->GetAttributes(&attributes) < 0) return 0;
  return attributes.mode & kModeTypeMask;
}

// Moving nothing succeeds at once, but means something to sockets (an empty
// datagram) and must fail for directories.
bool IsEmptyMove(File* file, const UserIo& io) {
  if (io.remaining() > 0) return false;
  uint32_t type = TypeOf(file);
  return type != kModeSocket && type != kModeDirectory;
}

// The open file with other flags for the length of one call that does not
// block, or for which it does not matter.
class ScopedFlags {
 public:
  ScopedFlags(File* file, uint32_t flags) : file_(file), saved_(file->flags()) {
    file->set_flags(flags);
  }
  ~ScopedFlags() { file_->set_flags(saved_); }

 private:
  File* file_;
  uint32_t saved_;
};

int CheckRwFlags(uint32_t flags) {
  if (flags & ~(kRwfHighPriority | kRwfDsync | kRwfSync | kRwfNoWait |
                kRwfAppend | kRwfNoAppend)) {
    return -EOPNOTSUPP;
  }
  if ((flags & kRwfAppend) && (flags & kRwfNoAppend)) return -EINVAL;
  return 0;
}

// The result of FromIovecs checked after the descriptor, as Linux does.
int64_t ReadVectors(const SyscallArgs& args, uint64_t offset,
                    uint32_t rw_flags) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (offset != kAtPosition && !file->seekable()) return -ESPIPE;
  if (!file->readable()) return -EBADF;
  GK_ASSIGN_OR_RETURN(UserIo io, UserIo::FromIovecs(args.User(1), args.U64(2)));
  GK_RETURN_IF_ERROR(CheckRwFlags(rw_flags));
  if (!(rw_flags & kRwfNoWait)) return ReadFile(file.get(), io, offset);
  ScopedFlags scoped(file.get(), file->flags() | kOpenNonblock);
  return ReadFile(file.get(), io, offset);
}

int64_t WriteVectors(const SyscallArgs& args, uint64_t offset,
                     uint32_t rw_flags) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (offset != kAtPosition && !file->seekable()) return -ESPIPE;
  if (!file->writable()) return -EBADF;
  GK_ASSIGN_OR_RETURN(UserIo io, UserIo::FromIovecs(args.User(1), args.U64(2)));
  GK_RETURN_IF_ERROR(CheckRwFlags(rw_flags));
  if (rw_flags == 0) return WriteFile(file.get(), io, offset);
  uint32_t flags = file->flags();
  if (rw_flags & kRwfNoWait) flags |= kOpenNonblock;
  if (rw_flags & kRwfAppend) flags |= kOpenAppend;
  if (rw_flags & kRwfNoAppend) flags &= ~kOpenAppend;
  if (rw_flags & kRwfDsync) flags |= kOpenDsync;
  if (rw_flags & kRwfSync) flags |= kOpenSync;
  ScopedFlags scoped(file.get(), flags);
  return WriteFile(file.get(), io, offset);
}

}  // namespace

int64_t ReadFile(File* file, UserIo& io, uint64_t offset) {
  if (IsEmptyMove(file, io)) return 0;
  if (offset == kAtPosition) return file->Read(io);
  return file->ReadAt(io, offset);
}

int64_t WriteFile(File* file, UserIo& io, uint64_t offset) {
  if (IsEmptyMove(file, io)) return 0;
  if (file->seekable()) {
    uint64_t at = offset == kAtPosition ? file->position() : offset;
    int64_t allowed = LimitWrite(at, io.remaining());
    if (allowed < 0) return allowed;
    io.LimitTo(static_cast<size_t>(allowed));
  }
  int64_t n =
      offset == kAtPosition ? file->Write(io) : file->WriteAt(io, offset);
  if (n > 0 && (file->flags() & kOpenDsync) && file->seekable()) {
    int error = file->Sync((file->flags() & kOpenSync) != kOpenSync);
    if (error < 0 && error != -EINVAL) return error;
  }
  return n;
}

int64_t SysRead(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->readable()) return -EBADF;
  if (args.I64(2) < 0) return -EINVAL;
  UserIo io = UserIo::User(args.User(1), args.U64(2));
  return ReadFile(file.get(), io, kAtPosition);
}

int64_t SysWrite(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->writable()) return -EBADF;
  if (args.I64(2) < 0) return -EINVAL;
  UserIo io = UserIo::User(args.User(1), args.U64(2));
  return WriteFile(file.get(), io, kAtPosition);
}

int64_t SysPread64(const SyscallArgs& args) {
  if (args.I64(3) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->seekable()) return -ESPIPE;
  if (!file->readable()) return -EBADF;
  if (args.I64(2) < 0) return -EINVAL;
  UserIo io = UserIo::User(args.User(1), args.U64(2));
  return ReadFile(file.get(), io, args.U64(3));
}

int64_t SysPwrite64(const SyscallArgs& args) {
  if (args.I64(3) < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (!file->seekable()) return -ESPIPE;
  if (!file->writable()) return -EBADF;
  if (args.I64(2) < 0) return -EINVAL;
  UserIo io = UserIo::User(args.User(1), args.U64(2));
  return WriteFile(file.get(), io, args.U64(3));
}

int64_t SysReadv(const SyscallArgs& args) {
  return ReadVectors(args, kAtPosition, 0);
}

int64_t SysWritev(const SyscallArgs& args) {
  return WriteVectors(args, kAtPosition, 0);
}

int64_t SysPreadv(const SyscallArgs& args) {
  if (args.I64(3) < 0) return -EINVAL;
  return ReadVectors(args, args.U64(3), 0);
}

int64_t SysPwritev(const SyscallArgs& args) {
  if (args.I64(3) < 0) return -EINVAL;
  return WriteVectors(args, args.U64(3), 0);
}

// Offset -1: at the file's position.
int64_t SysPreadv2(const SyscallArgs& args) {
  if (args.I64(3) < -1) return -EINVAL;
  return ReadVectors(args, args.U64(3), args.U32(5));
}

int64_t SysPwritev2(const SyscallArgs& args) {
  if (args.I64(3) < -1) return -EINVAL;
  return WriteVectors(args, args.U64(3), args.U32(5));
}

int64_t SysLseek(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(args.Int(0)));
  if (args.U32(2) > 4) return -EINVAL;
  return file->Seek(args.I64(1), args.Int(2));
}

}  // namespace gk
