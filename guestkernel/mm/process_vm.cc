// SPDX-License-Identifier: Apache-2.0
//
// process_vm_readv and process_vm_writev: copies between the caller's memory
// and another process's, page by page through the direct map. Arguments are the
// program's.
#include "guestkernel/fs/user_io.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/page_table.h"
#include "guestkernel/mm/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

constexpr uint64_t kMaxVectors = 1024;  // UIO_MAXIOV

// Read access of ptrace(2), PTRACE_MODE_ATTACH_REALCREDS.
bool MayAccess(Process* target) {
  constexpr int kCapSysPtrace = 19;
  if (target == CurrentProcess() || HasCapability(kCapSysPtrace)) return true;
  Thread* thread = target->threads.front();
  if (!thread || !target->dumpable) return false;
  const Credentials& mine = CurrentThread()->credentials;
  const Credentials& theirs = thread->credentials;
  return mine.uid == theirs.uid && mine.uid == theirs.euid &&
         mine.uid == theirs.suid && mine.gid == theirs.gid &&
         mine.gid == theirs.egid && mine.gid == theirs.sgid;
}

// One remote vector. Bytes moved; negative errno when none could be.
int64_t Transfer(AddressSpace& memory, const IoVec& remote, UserIo& local,
                 bool write) {
  uint64_t done = 0;
  while (done < remote.length && local.remaining() > 0) {
    uint64_t at = remote.base + done, offset = at & kPageMask;
    if (at < remote.base) return done > 0 ? done : -EFAULT;
    uint64_t part = kPageSize - offset;
    if (part > remote.length - done) part = remote.length - done;
    if (part > local.remaining()) part = local.remaining();
    Result<FrameNumber> frame = memory.GetFrame(at, write, false);
    if (!frame.ok()) return done > 0 ? done : frame.error();
    char* data = static_cast<char*>(FrameData(*frame)) + offset;
    int64_t n = write ? local.CopyIn(data, part) : local.CopyOut(data, part);
    ReleaseFrame(*frame);
    if (n < 0) return done > 0 ? done : n;
    done += n;
    if (static_cast<uint64_t>(n) < part) break;
  }
  return done;
}

int64_t ProcessVm(const SyscallArgs& args, bool write) {
  uint64_t remote_count = args.U64(4);
  if (args.U64(5) != 0) return -EINVAL;
  if (args.U64(2) > kMaxVectors || remote_count > kMaxVectors) return -EINVAL;
  GK_ASSIGN_OR_RETURN(UserIo local,
                      UserIo::FromIovecs(args.User(1), args.U64(2)));
  if (local.remaining() == 0 || remote_count == 0) return 0;
  Vector<IoVec> remote;
  GK_RETURN_IF_ERROR(remote.Resize(remote_count));
  GK_RETURN_IF_ERROR(
      CopyFromUser(remote.data(), args.User(3), remote_count * sizeof(IoVec)));
  for (const IoVec& vector : remote) {
    if (vector.length > ~uint64_t{0} >> 1) return -EINVAL;
  }
  Process* target = FindProcess(args.Int(0));
  if (!target) return -ESRCH;
  if (!target->memory) return -ESRCH;
  if (!MayAccess(target)) return -EPERM;
  RefPtr<AddressSpace> memory = target->memory;
  int64_t total = 0;
  for (const IoVec& vector : remote) {
    int64_t n = Transfer(*memory, vector, local, write);
    if (n < 0) return total > 0 ? total : n;
    total += n;
    if (static_cast<uint64_t>(n) < vector.length) break;
  }
  return total;
}

}  // namespace

int64_t SysProcessVmReadv(const SyscallArgs& args) {
  return ProcessVm(args, false);
}
int64_t SysProcessVmWritev(const SyscallArgs& args) {
  return ProcessVm(args, true);
}

}  // namespace gk
