// SPDX-License-Identifier: Apache-2.0
//
// Tells the two kinds of KVM host apart by measuring how long ring-0
// instructions take. Nothing is cached. vCPU thread, before the guest's own
// state is set.
#ifndef CRVM_VMM_VCPU_HOST_PROBE_H_
#define CRVM_VMM_VCPU_HOST_PROBE_H_

#include "absl/status/statusor.h"
#include "vmm/kvm/kvm.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

struct HostKind {
  bool interprets_ring0 = false;
  double ring0_instruction_ns = 0;
};

// `vcpu` is fresh; `memory` has the kernel's page tables. Leaves both such that
// the caller sets all state anew; scratch: the start of the boot strings area.
absl::StatusOr<HostKind> ProbeHost(KvmVcpu& vcpu, GuestMemory& memory);

}  // namespace crvm
#endif  // CRVM_VMM_VCPU_HOST_PROBE_H_
