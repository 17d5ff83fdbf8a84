// SPDX-License-Identifier: Apache-2.0
//
// poll(2), ppoll(2), select(2), pselect6(2).
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/ipc/poll_set.h"
#include "guestkernel/ipc/syscalls.h"
#include "guestkernel/ipc/timeout.h"
#include "guestkernel/sched/process.h"
#include "guestkernel/sched/signal.h"

namespace gk {
namespace {

struct PollFd {  // struct pollfd
  int32_t fd;
  int16_t events;
  int16_t revents;
};
static_assert(sizeof(PollFd) == 8);

constexpr int kRlimitNofile = 7;
constexpr uint64_t kFdSetMax = 65536;  // of select; far beyond FD_SETSIZE

int64_t DoPoll(UserAddress fds_at, uint64_t count, Deadline deadline) {
  if (count > Limit(kRlimitNofile)) return -EINVAL;
  Vector<PollFd> fds;
  GK_RETURN_IF_ERROR(fds.Resize(count));
  GK_RETURN_IF_ERROR(CopyFromUser(fds.data(), fds_at, count * sizeof(PollFd)));
  PollSet set;
  Vector<uint32_t> item_of;  // index into fds of each item: fd < 0 are left out
  FdTable& table = *CurrentProcess()->files;
  for (uint32_t i = 0; i < count; ++i) {
    fds[i].revents = 0;
    if (fds[i].fd < 0) continue;
    GK_RETURN_IF_ERROR(
        set.Add(table.Get(fds[i].fd), static_cast<uint16_t>(fds[i].events)));
    GK_RETURN_IF_ERROR(item_of.PushBack(i));
  }
  int64_t ready = set.Wait(deadline);
  if (ready < 0) return ready;
  for (size_t i = 0; i < set.size(); ++i) {
    fds[item_of[i]].revents = static_cast<int16_t>(set.item(i).found);
  }
  for (uint64_t i = 0; i < count; ++i) {
    UserAddress at = fds_at + i * sizeof(PollFd) + offsetof(PollFd, revents);
    GK_RETURN_IF_ERROR(WriteUser(at, fds[i].revents));
  }
  return ready;
}

// poll is restarted with the time that is left.
int64_t RestartPoll(RestartBlock& block) {
  int64_t result = DoPoll(UserAddress(block.args[0]), block.args[1],
                          Deadline{block.deadline_ns});
  return result == -kErestartNoHand ? -kErestartRestartBlock : result;
}

// The three bit sets of select, each `words` 64-bit words.
struct SelectSets {
  Vector<uint64_t> in[3], out[3];
};
constexpr uint32_t kSelectIn =
    kPollIn | kPollRdNorm | kPollRdBand | kPollHup | kPollErr;
constexpr uint32_t kSelectOut = kPollOut | kPollWrNorm | kPollWrBand | kPollErr;
constexpr uint32_t kSelectEvents[3] = {kSelectIn, kSelectOut, kPollPri};

int ReadSets(const UserAddress at[3], size_t words, SelectSets* sets) {
  for (int s = 0; s < 3; ++s) {
    GK_RETURN_IF_ERROR(sets->in[s].Resize(words));
    GK_RETURN_IF_ERROR(sets->out[s].Resize(words));
    if (at[s].is_null()) continue;
    GK_RETURN_IF_ERROR(CopyFromUser(sets->in[s].data(), at[s], words * 8));
  }
  return 0;
}

bool Has(const Vector<uint64_t>& set, size_t fd) {
  return set[fd / 64] >> (fd % 64) & 1;
}

int64_t DoSelect(int64_t count, const UserAddress at[3], Deadline deadline) {
  if (count < 0) return -EINVAL;
  FdTable& table = *CurrentProcess()->files;
  size_t n = static_cast<size_t>(count);
  if (n > kFdSetMax) n = kFdSetMax;
  size_t words = (n + 63) / 64;
  SelectSets sets;
  GK_RETURN_IF_ERROR(ReadSets(at, words, &sets));
  PollSet set;
  Vector<uint32_t> fd_of;
  for (size_t fd = 0; fd < n; ++fd) {
    uint32_t wanted = 0;
    for (int s = 0; s < 3; ++s) {
      if (Has(sets.in[s], fd)) wanted |= kSelectEvents[s];
    }
    if (wanted == 0) continue;
    RefPtr<File> file = table.Get(static_cast<int>(fd));
    if (!file) return -EBADF;
    GK_RETURN_IF_ERROR(set.Add(std::move(file), wanted, /*always=*/0));
    GK_RETURN_IF_ERROR(fd_of.PushBack(static_cast<uint32_t>(fd)));
  }
  int64_t waited = set.Wait(deadline);
  if (waited < 0) return waited;
  int64_t bits = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    for (int s = 0; s < 3; ++s) {
      if (!Has(sets.in[s], fd_of[i])) continue;
      if (!(set.item(i).found & kSelectEvents[s])) continue;
      sets.out[s][fd_of[i] / 64] |= uint64_t{1} << (fd_of[i] % 64);
      ++bits;
    }
  }
  for (int s = 0; s < 3; ++s) {
    if (at[s].is_null()) continue;
    GK_RETURN_IF_ERROR(CopyToUser(at[s], sets.out[s].data(), words * 8));
  }
  return bits;
}

// Writes the time that is left back, as Linux does; a bad address then is no
// error.
void WriteTimeLeft(UserAddress at, Deadline deadline, bool microseconds) {
  if (at.is_null() || deadline.is_never()) return;
  uint64_t now = MonotonicNs();
  TimeSpec left = ToTimeSpec(deadline.ns > now ? deadline.ns - now : 0);
  if (microseconds) left.nanoseconds /= 1000;
  (void)WriteUser(at, left);
}

struct SignalMaskArgument {
  uint64_t address, size;
};

// Runs `call` with another signal mask, if there is one.
template <typename Call>
int64_t WithMask(UserAddress mask_at, uint64_t size, Call call) {
  if (mask_at.is_null()) return call();
  GK_ASSIGN_OR_RETURN(SignalSet mask, ReadSignalSet(mask_at, size));
  BeginTemporaryMask(mask);
  int64_t result = call();
  EndTemporaryMask(result == -kErestartNoHand);
  return result;
}

}  // namespace

int64_t SysPoll(const SyscallArgs& args) {
  Deadline deadline = DeadlineAfterMs(args.Int(2));
  int64_t result = DoPoll(args.User(0), args.U32(1), deadline);
  if (result != -kErestartNoHand) return result;
  RestartBlock& block = CurrentThread()->restart_block;
  block.restart = &RestartPoll;
  block.deadline_ns = deadline.ns;
  block.args[0] = args.U64(0);
  block.args[1] = args.U32(1);
  return -kErestartRestartBlock;
}

int64_t SysPpoll(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(Deadline deadline, DeadlineAfterSpec(args.User(2)));
  int64_t result = WithMask(args.User(3), args.U64(4), [&] {
    return DoPoll(args.User(0), args.U32(1), deadline);
  });
  WriteTimeLeft(args.User(2), deadline, false);
  return result;
}

int64_t SysSelect(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(Deadline deadline, DeadlineAfterTimeval(args.User(4)));
  UserAddress sets[3] = {args.User(1), args.User(2), args.User(3)};
  int64_t result = DoSelect(args.Int(0), sets, deadline);
  WriteTimeLeft(args.User(4), deadline, true);
  return result;
}

int64_t SysPselect6(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(Deadline deadline, DeadlineAfterSpec(args.User(4)));
  SignalMaskArgument mask = {};
  if (!args.User(5).is_null()) {
    GK_ASSIGN_OR_RETURN(mask, ReadUser<SignalMaskArgument>(args.User(5)));
  }
  UserAddress sets[3] = {args.User(1), args.User(2), args.User(3)};
  int64_t result = WithMask(UserAddress(mask.address), mask.size, [&] {
    return DoSelect(args.Int(0), sets, deadline);
  });
  WriteTimeLeft(args.User(4), deadline, false);
  return result;
}

}  // namespace gk
