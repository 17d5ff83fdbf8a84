// SPDX-License-Identifier: Apache-2.0
//
// What the kernel is told at boot: abi::BootInfo and its strings, the vCPU page
// and the clock page. While the guest does not run.
#ifndef CRVM_VMM_BOOT_BOOT_INFO_H_
#define CRVM_VMM_BOOT_BOOT_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "guestkernel/abi/shared_pages.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/boot/descriptor_tables.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

struct BootParameters {
  std::string executable;  // path, as given to execve
  std::string cwd;
  std::string hostname;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  abi::StdioKind stdio[3] = {};
  abi::StreamKind stream[3] = {};
  uint16_t columns = 80, rows = 24;
  uint64_t xcr0 = 0;
  uint32_t xsave_size = 0;
};

// Fills in the caller's identity, limits, umask and a fresh random seed too.
// InvalidArgument when arguments and environment are too large.
absl::Status WriteBootInfo(GuestMemory& memory, abi::PrivilegeMode mode,
                           const BootParameters& parameters);

absl::Status WriteVcpuPage(GuestMemory& memory, abi::PrivilegeMode mode,
                           const KernelSymbols& symbols, unsigned vcpu);

}  // namespace crvm
#endif  // CRVM_VMM_BOOT_BOOT_INFO_H_
