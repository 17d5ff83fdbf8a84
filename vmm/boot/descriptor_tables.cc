// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/descriptor_tables.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "guestkernel/arch/entry.h"
#include "vmm/base/check.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

using abi::PrivilegeMode;

// Where each table is within the shim area.
constexpr uint64_t kGdtGpa = abi::kShimGpa;
constexpr uint64_t kIdtGpa = abi::kShimGpa + 0x1000;
constexpr uint64_t kTssGpa = abi::kShimGpa + 0x2000;
constexpr uint64_t kTssStride = 0x80;
constexpr uint16_t kGdtLimit = 0x50 - 1;
constexpr uint16_t kTssLimit = 0x67;
static_assert(abi::kMaxVcpus * kTssStride <= 0x1000);

constexpr uint64_t Va(uint64_t gpa) { return abi::kKernelBase + gpa; }

// 64-bit code and flat data descriptors (SDM vol. 3, section 3.4.5): type, S,
// DPL, P in bits 40-47, L and G in bits 53 and 55.
constexpr uint64_t CodeDescriptor(unsigned dpl) {
  return 0x00af'9b00'0000'ffff | uint64_t{dpl} << 45;
}
constexpr uint64_t DataDescriptor(unsigned dpl) {
  return 0x00cf'9300'0000'ffff | uint64_t{dpl} << 45;
}

struct Gate {  // SDM vol. 3, figure 6-8
  uint16_t offset_low;
  uint16_t selector;
  uint8_t ist;
  uint8_t type;
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

// 0x8e: present, DPL 0, interrupt gate. #BP and #OF may be raised by user code.
Gate MakeGate(uint64_t target, uint8_t ist, unsigned vector) {
  bool from_user = vector == 3 || vector == 4;
  return Gate{.offset_low = static_cast<uint16_t>(target),
              .selector = abi::kKernelCs,
              .ist = ist,
              .type = static_cast<uint8_t>(from_user ? 0xee : 0x8e),
              .offset_middle = static_cast<uint16_t>(target >> 16),
              .offset_high = static_cast<uint32_t>(target >> 32),
              .reserved = 0};
}

absl::Status CheckInImage(uint64_t address) {
  uint64_t begin = Va(abi::kKernelGpa);
  if (address < begin || address - begin >= abi::kKernelMaxSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kernel address 0x", absl::Hex(address), " is outside the kernel"));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ReadImageWord(const GuestMemory& memory,
                                       uint64_t address) {
  CRVM_RETURN_IF_ERROR(CheckInImage(address));
  return memory.Read<uint64_t>(GuestAddress(address - abi::kKernelBase));
}

absl::Status BuildGdt(GuestMemory& memory, unsigned vcpu) {
  uint64_t tss = Va(kTssGpa + vcpu * kTssStride);
  // Order: selectors of abi/layout.h. The TSS descriptor takes two slots.
  std::array<uint64_t, 10> gdt = {};
  gdt[abi::kKernelCs / 8] = CodeDescriptor(0);
  gdt[abi::kKernelDs / 8] = DataDescriptor(0);
  gdt[abi::kUserDs / 8] = DataDescriptor(3);
  gdt[abi::kUserCs / 8] = CodeDescriptor(3);
  gdt[abi::kTssSelector / 8] = kTssLimit | (tss & 0xffffff) << 16 |
                               uint64_t{0x8b} << 40 | (tss >> 24 & 0xff) << 56;
  gdt[abi::kTssSelector / 8 + 1] = tss >> 32;
  return memory.Write(GuestAddress(kGdtGpa), gdt);
}

absl::Status BuildTss(GuestMemory& memory, const VcpuEntries& entries,
                      unsigned vcpu) {
  std::array<uint8_t, kTssLimit + 1> tss = {};
  auto put64 = [&tss](size_t at, uint64_t value) {
    for (int i = 0; i < 8; ++i) tss[at + i] = value >> (8 * i) & 0xff;
  };
  put64(4, entries.exception_stack_top);   // RSP0
  put64(36, entries.exception_stack_top);  // IST1
  tss[102] = kTssLimit + 1;                // I/O map base: none
  return memory.Write(GuestAddress(kTssGpa + vcpu * kTssStride), tss);
}

kvm_segment Segment(uint16_t selector, bool code) {
  kvm_segment s = {};
  s.selector = selector;
  s.limit = 0xffffffff;
  s.type = code ? 0xb : 0x3;
  s.present = 1;
  s.dpl = selector & 3;
  s.db = code ? 0 : 1;
  s.s = 1;
  s.l = code ? 1 : 0;
  s.g = 1;
  return s;
}

}  // namespace

absl::StatusOr<VcpuEntries> ReadVcpuEntries(const GuestMemory& memory,
                                            const KernelSymbols& symbols,
                                            unsigned vcpu) {
  uint64_t at = symbols.vcpu_entries + vcpu * sizeof(VcpuEntries);
  std::array<uint64_t, 5> words;
  for (size_t i = 0; i < words.size(); ++i) {
    CRVM_ASSIGN_OR_RETURN(words[i], ReadImageWord(memory, at + i * 8));
    // The stack top may be the very end of a stack at the image's end.
    CRVM_RETURN_IF_ERROR(CheckInImage(words[i] - 1));
  }
  return VcpuEntries{words[0], words[1], words[2], words[3], words[4]};
}

absl::Status BuildDescriptorTables(GuestMemory& memory,
                                   const KernelSymbols& symbols,
                                   PrivilegeMode mode, unsigned vcpu) {
  CRVM_ASSIGN_OR_RETURN(VcpuEntries entries,
                        ReadVcpuEntries(memory, symbols, vcpu));
  CRVM_RETURN_IF_ERROR(BuildGdt(memory, vcpu));
  CRVM_RETURN_IF_ERROR(BuildTss(memory, entries, vcpu));
  bool supervisor = mode == PrivilegeMode::kSupervisor;
  for (unsigned v = 0; v < EXCEPTION_VECTOR_COUNT; ++v) {
    uint64_t row = symbols.gates + (vcpu * EXCEPTION_VECTOR_COUNT + v) * 16;
    CRVM_ASSIGN_OR_RETURN(uint64_t target,
                          ReadImageWord(memory, row + (supervisor ? 0 : 8)));
    CRVM_RETURN_IF_ERROR(CheckInImage(target));
    // Supervisor mode: always the exception stack, also from kernel code. In
    // deprivileged mode all comes from CPL 3, and RSP0 is that stack.
    Gate gate = MakeGate(target, supervisor ? 1 : 0, v);
    CRVM_RETURN_IF_ERROR(
        memory.Write(GuestAddress(kIdtGpa + v * sizeof(Gate)), gate));
  }
  return absl::OkStatus();
}

void FillSystemRegisters(PrivilegeMode mode, bool user, unsigned vcpu,
                         kvm_sregs* sregs) {
  bool ring3 = user || mode == PrivilegeMode::kDeprivileged;
  sregs->cs = Segment(ring3 ? abi::kUserCs : abi::kKernelCs, true);
  sregs->ss = Segment(ring3 ? abi::kUserDs : abi::kKernelDs, false);
  uint64_t fs = sregs->fs.base, gs = sregs->gs.base;
  sregs->ds = sregs->es = sregs->fs = sregs->gs = Segment(abi::kUserDs, false);
  sregs->fs.base = fs;
  sregs->gs.base = gs;
  sregs->tr = {};
  sregs->tr.selector = abi::kTssSelector;
  sregs->tr.base = Va(kTssGpa + vcpu * kTssStride);
  sregs->tr.limit = kTssLimit;
  sregs->tr.type = 0xb;
  sregs->tr.present = 1;
  sregs->ldt = {};
  sregs->ldt.unusable = 1;
  sregs->gdt.base = Va(kGdtGpa);
  sregs->gdt.limit = kGdtLimit;
  sregs->idt.base = Va(kIdtGpa);
  sregs->idt.limit = EXCEPTION_VECTOR_COUNT * sizeof(Gate) - 1;
  // CR0: PE MP ET NE WP AM PG. CR4: PAE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE.
  // EFER: SCE LME LMA NXE. (SDM vol. 3, section 2.5; APM vol. 2, 3.1.7.)
  sregs->cr0 = 0x80050033;
  sregs->cr4 = 0x50620;
  sregs->efer = 0xd01;
}

}  // namespace crvm
