// SPDX-License-Identifier: Apache-2.0
//
// prctl(2).
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

enum Option : int {  // uapi/linux/prctl.h
  kSetDeathSignal = 1,
  kGetDeathSignal = 2,
  kGetDumpable = 3,
  kSetDumpable = 4,
  kGetKeepCaps = 7,
  kSetKeepCaps = 8,
  kGetTiming = 13,
  kSetTiming = 14,
  kSetName = 15,
  kGetName = 16,
  kGetSeccomp = 21,
  kCapBoundingRead = 23,
  kCapBoundingDrop = 24,
  kGetTsc = 25,
  kSetTsc = 26,
  kGetSecureBits = 27,
  kSetSecureBits = 28,
  kSetTimerSlack = 29,
  kGetTimerSlack = 30,
  kSetChildSubreaper = 36,
  kGetChildSubreaper = 37,
  kSetNoNewPrivileges = 38,
  kGetNoNewPrivileges = 39,
  kGetTidAddress = 40,
  kGetThpDisable = 42,
  kCapAmbient = 47,
};
enum AmbientOption : int {
  kAmbientIsSet = 1,
  kAmbientRaise = 2,
  kAmbientLower = 3,
  kAmbientClearAll = 4,
};
constexpr uint64_t kDefaultTimerSlack = 50000;
constexpr uint32_t kTscEnable = 1;
constexpr uint32_t kAllSecureBits = 0xff, kSecureLocks = 0xaa;
constexpr uint32_t kSecureNoAmbientRaise = 64;

int SetThreadName(UserAddress from) {
  // Up to 16 bytes, which need not all be there.
  char name[16] = {};
  for (size_t i = 0; i + 1 < sizeof(name); ++i) {
    auto c = ReadUser<char>(from + i);
    if (!c.ok()) return c.error();
    if (*c == 0) break;
    name[i] = *c;
  }
  memcpy(CurrentThread()->name, name, sizeof(name));
  return 0;
}

int SetSecureBits(uint64_t bits) {
  Process* process = CurrentProcess();
  uint32_t old = process->securebits;
  uint32_t locked = (old & kSecureLocks) >> 1;
  bool changes_locked = ((old ^ bits) & (locked | (old & kSecureLocks))) != 0;
  if ((bits & ~uint64_t{kAllSecureBits}) || changes_locked ||
      !HasCapability(kCapSetpcap))
    return -EPERM;
  process->securebits = static_cast<uint32_t>(bits);
  process->keep_capabilities = bits & kSecureKeepCaps;
  return 0;
}

int DropBounding(uint64_t capability) {
  if (!HasCapability(kCapSetpcap)) return -EPERM;
  if (capability > kCapLast) return -EINVAL;
  CurrentThread()->credentials.cap_bounding &= ~(uint64_t{1} << capability);
  return 0;
}

int Ambient(const SyscallArgs& args) {
  Credentials& c = CurrentThread()->credentials;
  uint64_t capability = args.U64(2);
  if (args.U64(3) || args.U64(4)) return -EINVAL;
  if (args.Int(1) == kAmbientClearAll) {
    if (capability) return -EINVAL;
    c.cap_ambient = 0;
    return 0;
  }
  if (capability > kCapLast) return -EINVAL;
  uint64_t bit = uint64_t{1} << capability;
  switch (args.Int(1)) {
    case kAmbientIsSet:
      return (c.cap_ambient & bit) != 0;
    case kAmbientRaise:
      if (!(c.cap_permitted & c.cap_inheritable & bit) ||
          (CurrentProcess()->securebits & kSecureNoAmbientRaise))
        return -EPERM;
      c.cap_ambient |= bit;
      return 0;
    case kAmbientLower:
      c.cap_ambient &= ~bit;
      return 0;
    default:
      return -EINVAL;
  }
}

// What belongs to the process as a whole.
int64_t ProcessOption(const SyscallArgs& args) {
  Process* process = CurrentProcess();
  uint64_t value = args.U64(1);
  switch (args.Int(0)) {
    case kGetDumpable:
      return process->dumpable;
    case kSetDumpable:
      if (value > 1) return -EINVAL;
      process->dumpable = value;
      return 0;
    case kGetKeepCaps:
      return process->keep_capabilities;
    case kSetKeepCaps:
      if (value > 1) return -EINVAL;
      process->keep_capabilities = value;
      return 0;
    case kGetSecureBits:
      return process->securebits;
    case kSetSecureBits:
      return SetSecureBits(value);
    case kSetChildSubreaper:
      process->child_subreaper = value != 0;
      return 0;
    case kGetChildSubreaper:
      return WriteUser(args.User(1), int32_t{process->child_subreaper});
    case kSetTimerSlack:
      process->timer_slack_ns =
          static_cast<int64_t>(value) <= 0 ? kDefaultTimerSlack : value;
      return 0;
    case kGetTimerSlack:
      return static_cast<int64_t>(process->timer_slack_ns);
    default:
      // Among others SECCOMP, SET_MM, SET_VMA, SET_THP_DISABLE: as a Linux
      // built without them.
      return -EINVAL;
  }
}

int SetNoNewPrivileges(const SyscallArgs& args) {
  if (args.U64(1) != 1 || args.U64(2) || args.U64(3) || args.U64(4))
    return -EINVAL;
  CurrentThread()->no_new_privileges = true;
  return 0;
}

}  // namespace

int64_t SysPrctl(const SyscallArgs& args) {
  Thread* thread = CurrentThread();
  uint64_t value = args.U64(1);
  switch (args.Int(0)) {
    case kSetDeathSignal:
      if (value > static_cast<uint64_t>(kSignalCount)) return -EINVAL;
      thread->parent_death_signal = static_cast<int>(value);
      return 0;
    case kGetDeathSignal:
      return WriteUser(args.User(1), int32_t{thread->parent_death_signal});
    case kSetName:
      return SetThreadName(args.User(1));
    case kGetName:
      return CopyToUser(args.User(1), thread->name, sizeof(thread->name));
    case kSetNoNewPrivileges:
      return SetNoNewPrivileges(args);
    case kGetNoNewPrivileges:
      if (value || args.U64(2) || args.U64(3) || args.U64(4)) return -EINVAL;
      return thread->no_new_privileges;
    case kGetTidAddress:
      return WriteUser(args.User(1), thread->clear_child_tid.value);
    case kCapBoundingRead:
      if (value > kCapLast) return -EINVAL;
      return thread->credentials.cap_bounding >> value & 1;
    case kCapBoundingDrop:
      return DropBounding(value);
    case kCapAmbient:
      return Ambient(args);
    case kGetTsc:
      return WriteUser(args.User(1), kTscEnable);
    case kSetTsc:
      return value == kTscEnable ? 0 : -EINVAL;
    case kSetTiming:
      return value == 0 ? 0 : -EINVAL;
    case kGetSeccomp:
    case kGetTiming:
    case kGetThpDisable:
      return 0;
    default:
      return ProcessOption(args);
  }
}

}  // namespace gk
