// SPDX-License-Identifier: Apache-2.0
//
// The first two processes. PID 1 has no program and no thread: it is the parent
// of orphans, and what becomes its child is reaped when it ends. PID 2 is the
// program on the command line.
#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/process/cpu_limit.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/exec.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/start_thread.h"
#include "guestkernel/process/system_name.h"
#include "guestkernel/process/vdso.h"
#include "guestkernel/tty/tty.h"

namespace gk {
namespace {

namespace abi = crvm::abi;

// Exit codes of a command that could not be run (POSIX sh).
constexpr int kNotExecutable = 126, kNotFound = 127;

// The strings behind BootInfo, one after the other.
class BootStrings {
 public:
  BootStrings()
      : at_(static_cast<const char*>(PhysicalToVirtual(abi::kBootStringsGpa))),
        end_(at_ + Size()) {}
  StringView Next() {
    size_t n = 0;
    while (at_ + n < end_ && at_[n] != 0) ++n;
    StringView text(at_, n);
    at_ += n;
    if (at_ < end_) ++at_;
    return text;
  }

 private:
  static size_t Size() {
    uint64_t size = GetBootInfo().strings_size;
    return size < abi::kBootStringsSize ? size : abi::kBootStringsSize;
  }
  const char* at_;
  const char* end_;
};

// What main program and its thread start with; on the heap until it runs.
struct Program {
  StringView path, cwd;
  ExecArguments arguments;
};

const char* Reason(int error) {
  switch (-error) {
    case ENOENT:
      return "No such file or directory";
    case EACCES:
      return "Permission denied";
    case ENOTDIR:
      return "Not a directory";
    case ELOOP:
      return "Too many levels of symbolic links or interpreters";
    case ENOEXEC:
      return "Not a program for x86-64 Linux, nor a script with #!";
    case ELIBBAD:
      return "Its interpreter (dynamic loader) is no program";
    case E2BIG:
      return "Argument list too long";
    case ENOMEM:
      return "Not enough memory; use --memory";
    case EIO:
      return "Input/output error";
    default:
      return nullptr;
  }
}

[[noreturn]] void FailBoot(StringView what, StringView path, int error) {
  char number[24];
  const char* reason = Reason(error);
  if (!reason) {
    Format(number, sizeof(number), "error %d", -error);
    reason = number;
  }
  Log(LogLevel::kError, "%.*s %.*s: %s", static_cast<int>(what.size()),
      what.data(), static_cast<int>(path.size()), path.data(), reason);
  int code = error == -ENOENT || error == -ENOTDIR ? kNotFound : kNotExecutable;
  for (;;) RingDoorbell(abi::Doorbell::kExit, code << 8);
}

Credentials BootCredentials() {
  const abi::BootInfo& boot = GetBootInfo();
  Credentials c = {};
  c.uid = boot.uid;
  c.euid = c.suid = c.fsuid = boot.euid;
  c.gid = boot.gid;
  c.egid = c.sgid = c.fsgid = boot.egid;
  c.cap_bounding = kAllCapabilities;
  if (c.euid == 0) c.cap_permitted = c.cap_effective = kAllCapabilities;
  constexpr uint32_t kMax = sizeof(c.groups) / sizeof(c.groups[0]);
  c.group_count = boot.group_count < kMax ? boot.group_count : kMax;
  memcpy(c.groups, boot.groups, c.group_count * sizeof(uint32_t));
  return c;
}

void SetLimits(Process* process) {
  for (int i = 0; i < kResourceLimitCount; ++i) {
    process->limits[i] =
        ResourceLimit{GetBootInfo().rlimits[i][0], GetBootInfo().rlimits[i][1]};
  }
}

int CreateInit() {
  auto process = MakeRef<Process>();
  if (!process) return -ENOMEM;
  SetNextPid(kInitPid);
  auto pid = AllocatePid();
  if (!pid.ok()) return pid.error();
  process->pid = process->pgid = process->sid = *pid;
  process->is_kernel = true;
  process->dumpable = false;
  process->handlers = MakeRef<SignalHandlers>();
  if (!process->handlers) return -ENOMEM;
  for (SigAction& action : process->handlers->actions) action.handler = 1;
  memcpy(process->exit_name, "init", 5);
  SetLimits(process.get());
  EnterProcess(std::move(process), nullptr);
  ReleasePid(*pid);
  return 0;
}

int OpenInitialFiles(Process* process) {
  RefPtr<File> files[3];
  GK_RETURN_IF_ERROR(OpenStdio(files));
  for (int fd = 0; fd < 3; ++fd) {
    if (files[fd])
      GK_RETURN_IF_ERROR(process->files->Set(fd, std::move(files[fd]), false));
  }
  return 0;
}

int EnterDirectory(Process* process, StringView cwd) {
  auto dentry =
      LookupPathFrom(RootDentry(), cwd, kLookupFollow | kLookupDirectory);
  if (!dentry.ok()) return dentry.error();
  process->fs->cwd = dentry.take();
  return 0;
}

// PID 2's thread, still in the kernel.
void RunProgram(void* argument) {
  UniquePtr<Program> program(static_cast<Program*>(argument));
  Process* process = CurrentProcess();
  if (int error = EnterDirectory(process, program->cwd))
    FailBoot("cannot enter the working directory", program->cwd, error);
  if (int error = OpenInitialFiles(process))
    FailBoot("cannot open standard input and output for", program->path, error);
  ExecTarget target = {kAtFdCwd, program->path, kLookupFollow, program->path,
                       false};
  if (int error = Execute(target, program->arguments))
    FailBoot("cannot run", program->path, error);
}

Result<Program*> ReadBootStrings() {
  UniquePtr<Program> program = MakeUnique<Program>();
  if (!program) return Error(-ENOMEM);
  BootStrings strings;
  program->path = strings.Next();
  program->cwd = strings.Next();
  SetHostName(strings.Next());
  for (uint32_t i = 0; i < GetBootInfo().argc; ++i)
    GK_RETURN_IF_ERROR(program->arguments.arguments.Append(strings.Next()));
  for (uint32_t i = 0; i < GetBootInfo().envc; ++i)
    GK_RETURN_IF_ERROR(program->arguments.environment.Append(strings.Next()));
  if (GetBootInfo().argc == 0)
    GK_RETURN_IF_ERROR(program->arguments.arguments.Append(program->path));
  return program.release();
}

// What fork would inherit.
int FillMain(Process* process) {
  process->handlers = MakeRef<SignalHandlers>();
  process->files = MakeRef<FdTable>();
  process->fs = MakeRef<FsContext>();
  if (!process->handlers || !process->files || !process->fs) return -ENOMEM;
  process->fs->root = RefPtr<Dentry>(RootDentry());
  process->fs->cwd = process->fs->root;
  process->fs->umask = GetBootInfo().umask;
  SetLimits(process);
  process->start_ns = MonotonicNs();
  return WatchCpuLimit(process);
}

int CreateMain(Program* program) {
  auto process = MakeRef<Process>();
  if (!process) return -ENOMEM;
  GK_RETURN_IF_ERROR(FillMain(process.get()));
  auto thread = Thread::Create(process.get());
  if (!thread.ok()) return thread.error();
  (*thread)->credentials = BootCredentials();
  process->pid = process->pgid = process->sid = (*thread)->tid;
  AttachThread(process.get(), thread->get());
  EnterProcess(std::move(process), InitProcess());
  StartThreadIn(thread->get(), &RunProgram, program);
  return 0;
}

}  // namespace

void StartInit() {
  if (int error = VdsoInit()) Panic("no memory for the vDSO: %d", error);
  if (int error = CreateInit()) Panic("cannot create PID 1: %d", error);
  auto program = ReadBootStrings();
  if (!program.ok()) Panic("no memory for the arguments; use --memory");
  if (int error = CreateMain(*program))
    Panic("cannot create PID 2: error %d", error);
  ExitCurrentThread();
}

}  // namespace gk
