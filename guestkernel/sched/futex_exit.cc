// SPDX-License-Identifier: Apache-2.0
//
// What becomes of the futexes of a thread that exits: robust lists
// (get_robust_list(2)), owned PI futexes, clear_child_tid (set_tid_address(2)).
// Run by the exiting thread; the lists are the program's and may be anything.
#include "guestkernel/sched/futex.h"
#include "guestkernel/sched/futex_internal.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/syscalls.h"

namespace gk {
namespace {

constexpr int kMaxRobustEntries = 2048;  // ROBUST_LIST_LIMIT
constexpr uint64_t kPiBit = 1;           // in the list's pointers

struct RobustListHead {  // struct robust_list_head of the ABI
  uint64_t next;
  int64_t futex_offset;
  uint64_t pending;
};
static_assert(sizeof(RobustListHead) == 24);

void WakeOne(UserAddress address) {
  Result<FutexKey> key = GetFutexKey(address, false);
  if (key.ok()) WakeFutexKey(*key, kFutexMatchAny, 1);
}

// Marks the futex, if this thread owns it. False: stop, the list is broken.
bool HandleDeath(UserAddress address, bool is_pi, bool is_pending) {
  if (address.value % sizeof(uint32_t) != 0) return false;
  uint32_t tid = static_cast<uint32_t>(CurrentThread()->tid);
  Result<uint32_t> word = UserLoad32(address);
  for (;;) {
    if (!word.ok()) return false;
    // Died between the unlocking store and the wake.
    if (is_pending && !is_pi && *word == 0) {
      WakeOne(address);
      return true;
    }
    if ((*word & kFutexTidMask) != tid) return true;
    uint32_t marked = (*word & kFutexWaiters) | kFutexOwnerDied;
    Result<uint32_t> old = UserCompareExchange32(address, *word, marked);
    if (old.ok() && *old == *word) break;
    word = old;
  }
  if (!is_pi && (*word & kFutexWaiters)) WakeOne(address);
  return true;
}

void WalkRobustList(UserAddress head_address) {
  Result<RobustListHead> head = ReadUser<RobustListHead>(head_address);
  if (!head.ok()) return;
  uint64_t pending = head->pending & ~kPiBit;
  uint64_t link = head->next;
  for (int i = 0; i < kMaxRobustEntries; ++i) {
    uint64_t entry = link & ~kPiBit;
    if (entry == head_address.value) break;
    // Read first: whoever is woken may free the entry.
    Result<uint64_t> next = ReadUser<uint64_t>(UserAddress(entry));
    if (entry != pending &&
        !HandleDeath(UserAddress(entry + head->futex_offset), link & kPiBit,
                     false)) {
      return;
    }
    if (!next.ok()) return;
    link = *next;
  }
  if (pending != 0) {
    HandleDeath(UserAddress(pending + head->futex_offset),
                head->pending & kPiBit, true);
  }
}

bool MemoryHasOtherUsers(Process* process) {
  return process->thread_count > 1 || process->memory->ref_count() > 1;
}

}  // namespace

void FutexExit(Thread* thread) {
  if (!thread->robust_list.is_null()) {
    WalkRobustList(thread->robust_list);
    thread->robust_list = UserAddress();
  }
  WakePiWaitersOf(thread->tid);
  UserAddress clear = thread->clear_child_tid;
  thread->clear_child_tid = UserAddress();
  if (clear.is_null() || !MemoryHasOtherUsers(thread->process)) return;
  if (WriteUser<uint32_t>(clear, 0) == 0) WakeOne(clear);
}

// set_robust_list(head, size)
int64_t SysSetRobustList(const SyscallArgs& args) {
  if (args.U64(1) != sizeof(RobustListHead)) return -EINVAL;
  CurrentThread()->robust_list = args.User(0);
  CurrentThread()->robust_list_size = args.U64(1);
  return 0;
}

// get_robust_list(tid, head, size)
int64_t SysGetRobustList(const SyscallArgs& args) {
  Thread* thread = args.Int(0) == 0 ? CurrentThread() : FindThread(args.Int(0));
  if (!thread || !thread->process) return -ESRCH;
  if (!MaySignal(thread->process, 0)) return -EPERM;
  GK_RETURN_IF_ERROR(WriteUser<uint64_t>(args.User(2), sizeof(RobustListHead)));
  return WriteUser(args.User(1), thread->robust_list.value);
}

}  // namespace gk
