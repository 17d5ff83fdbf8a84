// SPDX-License-Identifier: Apache-2.0
//
// Which files there are in /proc and in /proc/PID.
#include "guestkernel/fs/proc/number_name.h"
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

int SelfTarget(const Subject&, KString* out) {
  return out->Append(NumberName(CurrentProcess()->pid).view());
}

int ThreadSelfTarget(const Subject&, KString* out) {
  return out->AppendFormat("%d/task/%d", CurrentProcess()->pid,
                           CurrentThread()->tid);
}

int MountsTarget(const Subject&, KString* out) {
  return out->Append("self/mounts");
}

// There are no disks and no modules.
int ProcNothing(const Subject&, KString*) { return 0; }

int NetTarget(const Subject&, KString* out) { return out->Append("self/net"); }

constexpr SyntheticEntry MadeEntry(
    const char* name, uint32_t mode,
    Result<RefPtr<Inode>> (*make)(FileSystem*, const Subject&,
                                  const SyntheticEntry&)) {
  return SyntheticEntry{name, mode, nullptr, nullptr, nullptr, make};
}

constexpr SyntheticEntry kTaskEntries[] = {
    TextEntry("auxv", ProcAuxv, 0400),
    TextEntry("cgroup", ProcCgroup),
    TextEntry("cmdline", ProcCmdline),
    {"comm", kModeRegular | 0644, ProcComm, StoreComm},
    MadeEntry("cwd", kModeSymlink | 0777, MakeProcessLink),
    TextEntry("environ", ProcEnviron, 0400),
    MadeEntry("exe", kModeSymlink | 0777, MakeProcessLink),
    MadeEntry("fd", kModeDirectory | 0500, MakeFdDirectory),
    MadeEntry("fdinfo", kModeDirectory | 0500, MakeFdDirectory),
    TextEntry("gid_map", ProcIdMap),
    TextEntry("limits", ProcLimits),
    TextEntry("loginuid", ProcUnsetId),
    TextEntry("maps", ProcMaps),
    MadeEntry("mem", kModeRegular | 0600, MakeMemInode),
    TextEntry("mountinfo", ProcMountInfo),
    TextEntry("mounts", ProcMounts),
    DirectoryEntry("net", &kNetTable),
    TextEntry("oom_score", ProcOomScore),
    {"oom_score_adj", kModeRegular | 0644, ProcOomScoreAdj, StoreOomScoreAdj},
    MadeEntry("root", kModeSymlink | 0777, MakeProcessLink),
    TextEntry("sessionid", ProcUnsetId),
    TextEntry("smaps", ProcSmaps),
    TextEntry("stat", ProcStat),
    TextEntry("statm", ProcStatm),
    TextEntry("status", ProcStatus),
    TextEntry("uid_map", ProcIdMap),
    TextEntry("wchan", ProcWchan),
    // Only of processes: the last one.
    MadeEntry("task", kModeDirectory | 0555, MakeTaskDirectory),
};
constexpr size_t kTaskCount =
    sizeof(kTaskEntries) / sizeof(kTaskEntries[0]) - 1;

constexpr SyntheticEntry kRootEntries[] = {
    TextEntry("cmdline", ProcKernelCmdline),
    TextEntry("cpuinfo", ProcCpuinfo),
    TextEntry("devices", ProcDevices),
    TextEntry("diskstats", ProcNothing),
    TextEntry("filesystems", ProcFilesystems),
    TextEntry("loadavg", ProcLoadavg),
    TextEntry("meminfo", ProcMeminfo),
    TextEntry("modules", ProcNothing),
    LinkEntry("mounts", MountsTarget),
    LinkEntry("net", NetTarget),
    TextEntry("partitions", ProcPartitions),
    LinkEntry("self", SelfTarget),
    TextEntry("stat", ProcSystemStat),
    TextEntry("swaps", ProcSwaps),
    DirectoryEntry("sys", &kSysctlTable),
    LinkEntry("thread-self", ThreadSelfTarget),
    TextEntry("uptime", ProcUptime),
    TextEntry("version", ProcVersion),
    TextEntry("vmstat", ProcVmstat),
};

}  // namespace

constinit const SyntheticTable kProcessTable = TableOf(kTaskEntries);
constinit const SyntheticTable kTaskTable = {kTaskEntries, kTaskCount};
constinit const SyntheticTable kProcRootTable = TableOf(kRootEntries);

}  // namespace gk
