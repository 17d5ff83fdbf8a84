// SPDX-License-Identifier: Apache-2.0
//
// arch_prctl(2).
#include "guestkernel/arch/arch.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

enum Option : int {  // asm/prctl.h
  kSetGs = 0x1001,
  kSetFs = 0x1002,
  kGetFs = 0x1003,
  kGetGs = 0x1004,
  kGetCpuid = 0x1011,
  kSetCpuid = 0x1012,
};

}  // namespace

int64_t SysArchPrctl(const SyscallArgs& args) {
  uint64_t value = args.U64(1);
  switch (args.Int(0)) {
    case kSetGs:
      if (value >= crvm::abi::kUserEnd) return -EPERM;
      WriteGsBase(value);
      return 0;
    case kSetFs:
      if (value >= crvm::abi::kUserEnd) return -EPERM;
      WriteFsBase(value);
      return 0;
    case kGetFs:
      return WriteUser(args.User(1), ReadFsBase());
    case kGetGs:
      return WriteUser(args.User(1), ReadGsBase());
    case kGetCpuid:
      return 1;  // CPUID works
    case kSetCpuid:
      return -ENODEV;  // and cannot be made to fault
    default:
      return -EINVAL;
  }
}

}  // namespace gk
