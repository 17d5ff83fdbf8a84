// SPDX-License-Identifier: Apache-2.0
//
// UsedMemory: the guest memory that a snapshot must keep, by the kernel's frame
// bitmap (abi::KernelInfo). While the guest is paused. The bitmap is the
// guest's: a bad one makes all memory count as used.
#ifndef CRVM_VMM_MACHINE_USED_MEMORY_H_
#define CRVM_VMM_MACHINE_USED_MEMORY_H_

#include "vmm/machine/component_sink.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {

class UsedMemory : public MemorySource {
 public:
  explicit UsedMemory(const GuestMemory* memory) : memory_(memory) {}
  absl::Status ForEachInUse(const RangeCallback& callback) override;
  uint64_t Bytes();

 private:
  const GuestMemory* memory_;
};

// Where a restore puts memory: all of it, from GPA 0.
class WholeMemory : public MemorySink {
 public:
  explicit WholeMemory(GuestMemory* memory) : memory_(memory) {}
  absl::StatusOr<absl::Span<uint8_t>> Slice(uint64_t gpa,
                                            uint64_t length) override {
    return memory_->Slice(GuestAddress(gpa), length);
  }

 private:
  GuestMemory* memory_;
};

}  // namespace crvm
#endif  // CRVM_VMM_MACHINE_USED_MEMORY_H_
