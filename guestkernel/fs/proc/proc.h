// SPDX-License-Identifier: Apache-2.0
//
// /proc (proc(5)): what its files have in common. Formats are Linux's, to the
// byte where programs parse them. Under the kernel lock; a process that a file
// is about may be gone whenever the file is read.
#ifndef CRVM_GUESTKERNEL_FS_PROC_PROC_H_
#define CRVM_GUESTKERNEL_FS_PROC_PROC_H_

#include "guestkernel/fs/synthetic.h"
#include "guestkernel/sched/process.h"

namespace gk {

// Null when gone.
Process* ProcessOf(const Subject& subject);
// The thread that the subject names, or one that stands for the process; null
// for a zombie.
Thread* ThreadOf(const Subject& subject);
// May the current thread look into this process (ptrace(2), "Ptrace access
// mode checking")? 0, -ESRCH, -EACCES.
int MayInspect(const Subject& subject);

// The memory of the process, for those who may see it; null when there is none.
Result<RefPtr<AddressSpace>> MemoryOf(const Subject& subject);

// Clock ticks of 1/100 s, which times in /proc are given in.
constexpr uint64_t ToTicks(uint64_t ns) { return ns / 10000000; }

// pid_status.cc
int ProcStat(const Subject& subject, KString* out);
int ProcStatm(const Subject& subject, KString* out);
int ProcStatus(const Subject& subject, KString* out);
// pid_memory.cc
int ProcCmdline(const Subject& subject, KString* out);
int ProcEnviron(const Subject& subject, KString* out);
int ProcAuxv(const Subject& subject, KString* out);
int ProcMaps(const Subject& subject, KString* out);
int ProcSmaps(const Subject& subject, KString* out);
Result<RefPtr<Inode>> MakeMemInode(FileSystem* fs, const Subject& subject,
                                   const SyntheticEntry& entry);
// pid_files.cc
int ProcComm(const Subject& subject, KString* out);
int StoreComm(const Subject& subject, StringView text);
int ProcLimits(const Subject& subject, KString* out);
int ProcWchan(const Subject& subject, KString* out);
int ProcCgroup(const Subject& subject, KString* out);
int ProcUnsetId(const Subject& subject, KString* out);
int ProcOomScoreAdj(const Subject& subject, KString* out);
int StoreOomScoreAdj(const Subject& subject, StringView text);
int ProcOomScore(const Subject& subject, KString* out);
int ProcIdMap(const Subject& subject, KString* out);
// pid_links.cc: cwd, root, exe, fd/, fdinfo/, task/
Result<RefPtr<Inode>> MakeProcessLink(FileSystem* fs, const Subject& subject,
                                      const SyntheticEntry& entry);
Result<RefPtr<Inode>> MakeFdDirectory(FileSystem* fs, const Subject& subject,
                                      const SyntheticEntry& entry);
Result<RefPtr<Inode>> MakeTaskDirectory(FileSystem* fs, const Subject& subject,
                                        const SyntheticEntry& entry);
// mounts.cc
int ProcMounts(const Subject& subject, KString* out);
int ProcMountInfo(const Subject& subject, KString* out);
int ProcFilesystems(const Subject& subject, KString* out);
// system.cc
int ProcMeminfo(const Subject& subject, KString* out);
int ProcSystemStat(const Subject& subject, KString* out);
int ProcUptime(const Subject& subject, KString* out);
int ProcLoadavg(const Subject& subject, KString* out);
int ProcVersion(const Subject& subject, KString* out);
int ProcDevices(const Subject& subject, KString* out);
int ProcSwaps(const Subject& subject, KString* out);
int ProcPartitions(const Subject& subject, KString* out);
int ProcKernelCmdline(const Subject& subject, KString* out);
int ProcVmstat(const Subject& subject, KString* out);
// cpuinfo.cc
int ProcCpuinfo(const Subject& subject, KString* out);

// Of /proc/PID and /proc/PID/task/TID (tables.cc).
extern const SyntheticTable kProcessTable, kTaskTable;
extern const SyntheticTable kProcRootTable;
// sysctl.cc
extern const SyntheticTable kSysctlTable;
extern const SyntheticTable kNetTable;

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_PROC_PROC_H_
