// SPDX-License-Identifier: Apache-2.0
//
// See pidfd.h; pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
#include "guestkernel/process/pidfd.h"

#include "guestkernel/process/credentials.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

const char kPidFileKind = 0;
constexpr uint32_t kPidfdNonblock = kOpenNonblock;
constexpr int kSiUser = 0, kSiTkill = -6;

bool HasEnded(const Process* process) {
  return process->state == ProcessState::kZombie ||
         process->state == ProcessState::kReaped;
}

// ptrace(2), "Ptrace access mode checking", as far as it applies.
bool MayInspect(Process* target) {
  const Credentials& me = CurrentThread()->credentials;
  if (Has(me, kCapSysPtrace)) return true;
  Thread* thread = RepresentativeThread(target);
  if (!thread) return false;
  const Credentials& it = thread->credentials;
  bool same = me.fsuid == it.uid && me.fsuid == it.euid &&
              me.fsuid == it.suid && me.fsgid == it.gid &&
              me.fsgid == it.egid && me.fsgid == it.sgid;
  return same && target->dumpable;
}

// What the caller gave, made safe: it may not pretend to be the kernel or
// somebody else.
Result<SigInfo> SignalInfo(UserAddress from, int signo, Process* target) {
  if (from.is_null()) return UserSigInfo(signo, kSiUser);
  GK_ASSIGN_OR_RETURN(SigInfo info, ReadUser<SigInfo>(from));
  if (info.signo != signo) return Error(-EINVAL);
  if (target != CurrentProcess() && (info.code >= 0 || info.code == kSiTkill))
    return Error(-EPERM);
  return info;
}

}  // namespace

PidFile::PidFile(RefPtr<Process> process, uint32_t flags)
    : File(flags), process_(std::move(process)) {}
PidFile::~PidFile() = default;

int64_t PidFile::Read(UserIo&) { return -EINVAL; }
int64_t PidFile::Write(UserIo&) { return -EINVAL; }

uint32_t PidFile::Poll(PollTable* table) {
  if (table) table->Add(&process_->exit_events);
  return HasEnded(process_.get()) ? kPollIn | kPollRdNorm : 0;
}

int PidFile::GetAttributes(FileAttributes* out) {
  *out = FileAttributes();
  out->mode = 0600;  // no type, as Linux's anonymous inodes
  return 0;
}

Result<KString> PidFile::Describe() {
  return KString::From("anon_inode:[pidfd]");
}

const void* PidFile::kind() const { return &kPidFileKind; }

Result<RefPtr<PidFile>> GetPidFile(int fd) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
  if (file->kind() != &kPidFileKind) return Error(-EBADF);
  return StaticCast<PidFile>(file);
}

namespace {

Result<int> OpenPidfd(Process* process, uint32_t flags) {
  auto file = MakeRef<PidFile>(RefPtr<Process>(process),
                               kOpenReadWrite | (flags & kPidfdNonblock));
  if (!file) return Error(-ENOMEM);
  return InstallFile(std::move(file), kOpenCloexec);
}

}  // namespace

int InstallPidfd(Process* process, UserAddress to) {
  auto fd = OpenPidfd(process, 0);
  if (!fd.ok()) return fd.error();
  if (WriteUser(to, *fd) == 0) return 0;
  CurrentProcess()->files->Close(*fd);
  return -EFAULT;
}

int64_t SysPidfdOpen(const SyscallArgs& args) {
  int pid = args.Int(0);
  uint32_t flags = args.U32(1);
  if (flags & ~kPidfdNonblock) return -EINVAL;
  if (pid <= 0) return -EINVAL;
  Process* process = FindProcess(pid);
  // A thread that leads nobody has no process of its own.
  if (!process) return FindThread(pid) ? -EINVAL : -ESRCH;
  auto fd = OpenPidfd(process, flags);
  return fd.ok() ? *fd : fd.error();
}

int64_t SysPidfdSendSignal(const SyscallArgs& args) {
  int signo = args.Int(1);
  if (args.U32(3) != 0) return -EINVAL;
  auto file = GetPidFile(args.Int(0));
  if (!file.ok()) return file.error();
  if (signo < 0 || signo > kSignalCount) return -EINVAL;
  Process* target = (*file)->process();
  if (target->state == ProcessState::kReaped) return -ESRCH;
  auto info = SignalInfo(args.User(2), signo, target);
  if (!info.ok()) return info.error();
  if (!MaySignal(target, signo)) return -EPERM;
  if (signo == 0 || HasEnded(target)) return 0;
  return SendSignalToProcess(target, signo, &*info);
}

int64_t SysPidfdGetfd(const SyscallArgs& args) {
  if (args.U32(2) != 0) return -EINVAL;
  auto file = GetPidFile(args.Int(0));
  if (!file.ok()) return file.error();
  Process* target = (*file)->process();
  if (!target->files) return -ESRCH;
  if (!MayInspect(target)) return -EPERM;
  RefPtr<File> found = target->files->Get(args.Int(1));
  if (!found) return -EBADF;
  auto fd = InstallFile(std::move(found), kOpenCloexec);
  return fd.ok() ? *fd : fd.error();
}

}  // namespace gk
