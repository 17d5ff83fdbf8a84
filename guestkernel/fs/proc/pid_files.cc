// SPDX-License-Identifier: Apache-2.0
//
// The small files of /proc/PID.
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

struct LimitName {
  const char* name;
  const char* unit;
};
// In the order of RLIMIT_*.
constexpr LimitName kLimitNames[kResourceLimitCount] = {
    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"},  {"Max open files", "files"},
    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
};

void FormatLimit(uint64_t value, char* to, size_t size) {
  if (value == ~uint64_t{0}) {
    Format(to, size, "unlimited");
  } else {
    Format(to, size, "%lu", value);
  }
}

// A decimal number, perhaps negative, with white space around it. -EINVAL.
Result<int> ParseNumber(StringView text) {
  size_t i = 0, end = text.size();
  while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' ')) --end;
  while (i < end && text[i] == ' ') ++i;
  bool negative = i < end && text[i] == '-';
  if (negative) ++i;
  if (i == end || end - i > 9) return Error(-EINVAL);
  int value = 0;
  for (; i < end; ++i) {
    if (text[i] < '0' || text[i] > '9') return Error(-EINVAL);
    value = value * 10 + (text[i] - '0');
  }
  return negative ? -value : value;
}

}  // namespace

int ProcComm(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  Thread* thread = ThreadOf(subject);
  if (!process || (subject.tid && !thread)) return -ESRCH;
  return out->AppendFormat("%s\n", thread ? thread->name : process->exit_name);
}

int StoreComm(const Subject& subject, StringView text) {
  Thread* thread = ThreadOf(subject);
  if (!thread) return -ESRCH;
  if (thread->process != CurrentProcess()) return -EINVAL;
  size_t n = text.size();
  if (n > 0 && text[n - 1] == '\n') --n;
  if (n >= sizeof(thread->name)) n = sizeof(thread->name) - 1;
  memset(thread->name, 0, sizeof(thread->name));
  memcpy(thread->name, text.data(), n);
  return 0;
}

int ProcLimits(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  GK_RETURN_IF_ERROR(out->AppendFormat("%-25s %-20s %-20s %-10s\n", "Limit",
                                       "Soft Limit", "Hard Limit", "Units"));
  for (int i = 0; i < kResourceLimitCount; ++i) {
    char soft[24], hard[24];
    FormatLimit(process->limits[i].soft, soft, sizeof(soft));
    FormatLimit(process->limits[i].hard, hard, sizeof(hard));
    GK_RETURN_IF_ERROR(out->AppendFormat("%-25s %-20s %-20s %-10s\n",
                                         kLimitNames[i].name, soft, hard,
                                         kLimitNames[i].unit));
  }
  return 0;
}

int ProcWchan(const Subject& subject, KString* out) {
  Thread* thread = ThreadOf(subject);
  if (!thread) return -ESRCH;
  bool waits = thread->state == ThreadState::kBlocked && thread->wait_reason;
  return out->Append(waits ? thread->wait_reason : "0");
}

int ProcCgroup(const Subject&, KString* out) { return out->Append("0::/\n"); }

// Audit's login user and session: never set.
int ProcUnsetId(const Subject&, KString* out) {
  return out->Append("4294967295");
}

int ProcOomScoreAdj(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  return out->AppendFormat("%d\n", process->oom_score_adj);
}

int StoreOomScoreAdj(const Subject& subject, StringView text) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  GK_ASSIGN_OR_RETURN(int value, ParseNumber(text));
  if (value < -1000 || value > 1000) return -EINVAL;
  // Lowering needs CAP_SYS_RESOURCE (24).
  if (value < process->oom_score_adj && !HasCapability(24)) return -EACCES;
  process->oom_score_adj = value;
  return 0;
}

int ProcOomScore(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  // Its share of memory in thousandths, from 0 to 2000 with the adjustment.
  uint64_t used = process->memory ? process->memory->resident_pages() : 0;
  uint64_t total = GetMemoryStatistics().total_frames;
  int64_t score = total ? static_cast<int64_t>(used * 1000 / total) : 0;
  score += process->oom_score_adj;
  return out->AppendFormat("%ld\n", score < 0 ? 0 : score);
}

// One user namespace.
int ProcIdMap(const Subject&, KString* out) {
  return out->Append("         0          0 4294967295\n");
}

}  // namespace gk
