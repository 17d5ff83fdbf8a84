// SPDX-License-Identifier: Apache-2.0
//
// See pid.h. A hash table with chains: a few numbers are in use at a time.
#include "guestkernel/process/pid.h"

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/panic.h"

namespace gk {
namespace {

struct PidEntry {
  int number;
  uint32_t references;
  Thread* thread;
  Process* process;
  PidEntry* next;
};

constexpr size_t kBuckets = 1024;
PidEntry* g_buckets[kBuckets];
int g_last = 0;
int g_in_use = 0;

PidEntry** BucketOf(int number) {
  return &g_buckets[static_cast<unsigned>(number) % kBuckets];
}

PidEntry* Find(int number) {
  PidEntry* entry = *BucketOf(number);
  while (entry && entry->number != number) entry = entry->next;
  return entry;
}

PidEntry& MustFind(int number) {
  PidEntry* entry = Find(number);
  GK_ASSERT(entry);
  return *entry;
}

}  // namespace

Result<int> AllocatePid() {
  if (g_in_use >= kPidMax - kPidWrapTo) return Error(-EAGAIN);
  int number = g_last;
  do {
    ++number;
    if (number >= kPidMax) number = kPidWrapTo;
  } while (Find(number));
  auto* entry = new (std::nothrow)
      PidEntry{number, 1, nullptr, nullptr, *BucketOf(number)};
  if (!entry) return Error(-ENOMEM);
  *BucketOf(number) = entry;
  g_last = number;
  ++g_in_use;
  return number;
}

void HoldPid(int number) { ++MustFind(number).references; }

void ReleasePid(int number) {
  PidEntry* entry = &MustFind(number);
  if (--entry->references > 0) return;
  GK_ASSERT(!entry->thread && !entry->process);
  PidEntry** at = BucketOf(number);
  while (*at != entry) at = &(*at)->next;
  *at = entry->next;
  delete entry;
  --g_in_use;
}

void SetPidThread(int number, Thread* thread) {
  MustFind(number).thread = thread;
}

void SetPidProcess(int number, Process* process) {
  MustFind(number).process = process;
}

void SetNextPid(int number) { g_last = number - 1; }
int LastPid() { return g_last; }

Thread* FindThread(int tid) {
  PidEntry* entry = Find(tid);
  return entry ? entry->thread : nullptr;
}

Process* FindProcess(int pid) {
  PidEntry* entry = Find(pid);
  return entry ? entry->process : nullptr;
}

}  // namespace gk
