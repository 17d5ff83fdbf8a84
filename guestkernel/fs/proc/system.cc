// SPDX-License-Identifier: Apache-2.0
//
// /proc files about the whole system.
#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/proc/proc.h"
#include "guestkernel/mm/frame.h"
#include "guestkernel/mm/page_cache_stats.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/system_name.h"
#include "guestkernel/process/usage.h"
#include "guestkernel/sched/cpu_time.h"

namespace gk {

namespace {

void CountThreads(unsigned* running, unsigned* total) {
  *running = *total = 0;
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    for (Thread& thread : p->threads) {
      ++*total;
      if (thread.state == ThreadState::kRunnable) ++*running;
    }
  }
}

uint32_t CpuCount() { return GetBootInfo().vcpu_count; }

}  // namespace

int ProcMeminfo(const Subject&, KString* out) {
  MemoryStatistics m = GetMemoryStatistics();
  struct Line {
    const char* name;
    uint64_t frames;
  };
  uint64_t cached = m.page_cache_frames + m.shmem_frames;
  uint64_t used = m.total_frames - m.free_frames;
  uint64_t anonymous = used - cached - m.heap_frames - m.page_table_frames;
  if (anonymous > used) anonymous = 0;  // the counts were of several moments
  const Line lines[] = {
      {"MemTotal:", m.total_frames},
      {"MemFree:", m.free_frames},
      {"MemAvailable:", m.free_frames + m.page_cache_frames},
      {"Buffers:", 0},
      {"Cached:", cached},
      {"SwapCached:", 0},
      {"Active:", anonymous},
      {"Inactive:", cached},
      {"Active(anon):", anonymous},
      {"Inactive(anon):", m.shmem_frames},
      {"Active(file):", 0},
      {"Inactive(file):", m.page_cache_frames},
      {"Unevictable:", 0},
      {"Mlocked:", 0},
      {"SwapTotal:", 0},
      {"SwapFree:", 0},
      {"Dirty:", 0},
      {"Writeback:", 0},
      {"AnonPages:", anonymous},
      {"Mapped:", 0},
      {"Shmem:", m.shmem_frames},
      {"KReclaimable:", 0},
      {"Slab:", m.heap_frames},
      {"SReclaimable:", 0},
      {"SUnreclaim:", m.heap_frames},
      {"PageTables:", m.page_table_frames},
      {"CommitLimit:", m.total_frames},
      {"Committed_AS:", used},
  };
  for (const Line& line : lines) {
    GK_RETURN_IF_ERROR(
        out->AppendFormat("%-15s %8lu kB\n", line.name, line.frames * 4));
  }
  return out->Append(
      "HugePages_Total:       0\nHugePages_Free:        0\n"
      "HugePages_Rsvd:        0\nHugePages_Surp:        0\n"
      "Hugepagesize:       2048 kB\n");
}

int ProcSystemStat(const Subject&, KString* out) {
  uint64_t user = 0, system = 0;
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    CpuTime time = ProcessCpuTime(p);
    user += time.user_ns + p->children_usage.user_ns;
    system += time.system_ns + p->children_usage.system_ns;
  }
  uint64_t idle = IdleNs();
  GK_RETURN_IF_ERROR(out->AppendFormat("cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n",
                                       ToTicks(user), ToTicks(system),
                                       ToTicks(idle)));
  for (uint32_t i = 0; i < CpuCount(); ++i) {
    GK_RETURN_IF_ERROR(out->AppendFormat(
        "cpu%u %lu 0 %lu %lu 0 0 0 0 0 0\n", i, ToTicks(user / CpuCount()),
        ToTicks(system / CpuCount()), ToTicks(idle / CpuCount())));
  }
  unsigned running, total;
  CountThreads(&running, &total);
  uint64_t boot_seconds = (RealtimeNs() - BoottimeNs()) / 1000000000;
  return out->AppendFormat(
      "intr 0\nctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %u\n"
      "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
      ContextSwitchCount(), boot_seconds, LastPid(), running);
}

int ProcUptime(const Subject&, KString* out) {
  uint64_t up = ToTicks(BoottimeNs());
  uint64_t idle = ToTicks(IdleNs());
  return out->AppendFormat("%lu.%02lu %lu.%02lu\n", up / 100, up % 100,
                           idle / 100, idle % 100);
}

// Averages would need a timer that always runs.
int ProcLoadavg(const Subject&, KString* out) {
  unsigned running, total;
  CountThreads(&running, &total);
  return out->AppendFormat("0.00 0.00 0.00 %u/%u %d\n", running, total,
                           LastPid());
}

int ProcVersion(const Subject&, KString* out) {
  return out->AppendFormat("%s version %s (crvm) %s\n", kSystemName,
                           kSystemRelease, kSystemVersion);
}

int ProcDevices(const Subject&, KString* out) {
  return out->Append(
      "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
      "  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
}

int ProcSwaps(const Subject&, KString* out) {
  return out->Append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

int ProcPartitions(const Subject&, KString* out) {
  return out->Append("major minor  #blocks  name\n\n");
}

int ProcVmstat(const Subject&, KString* out) {
  MemoryStatistics m = GetMemoryStatistics();
  uint64_t minor = 0, major = 0;
  for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
    ResourceUsage usage = ProcessUsage(p);
    minor += usage.minor_faults + p->children_usage.minor_faults;
    major += usage.major_faults + p->children_usage.major_faults;
  }
  return out->AppendFormat(
      "nr_free_pages %lu\nnr_file_pages %lu\nnr_shmem %lu\n"
      "nr_page_table_pages %lu\npgpgin %lu\npgpgout 0\npswpin 0\npswpout 0\n"
      "pgfault %lu\npgmajfault %lu\n",
      m.free_frames, m.page_cache_frames + m.shmem_frames, m.shmem_frames,
      m.page_table_frames, PageReads() * 4, minor + major, major);
}

int ProcKernelCmdline(const Subject&, KString* out) {
  return out->Append("crvm\n");
}

}  // namespace gk
