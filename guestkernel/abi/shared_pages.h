// SPDX-License-Identifier: Apache-2.0
//
// The pages that the VMM and the guest kernel share: boot info, per-vCPU page,
// clock page, kernel info. Fixed width, layouts asserted. The VMM trusts
// nothing it reads here; the kernel trusts the VMM. Freestanding.
#ifndef CRVM_GUESTKERNEL_ABI_SHARED_PAGES_H_
#define CRVM_GUESTKERNEL_ABI_SHARED_PAGES_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/abi/layout.h"

namespace crvm::abi {

inline constexpr uint64_t kBootInfoMagic = 0x544f4f424d565243;  // "CRVMBOOT"

enum class StdioKind : uint32_t { kTty = 0, kStream = 1 };

// Written once by the VMM before the first instruction.
struct BootInfo {
  uint64_t magic;
  uint32_t abi_version;
  uint32_t vcpu_count;
  uint64_t memory_size;
  uint32_t privilege_mode;  // PrivilegeMode of this run; changed by the VMM at
                            // resume
  uint32_t xsave_size;  // bytes of the XSAVE area for xcr0 (CPUID 0xD.0 EBX)
  uint64_t xcr0;
  uint8_t random_seed[64];  // fresh at every boot
  uint32_t stdio_kind[3];   // StdioKind of fd 0, 1, 2
  uint16_t tty_columns;
  uint16_t tty_rows;
  uint32_t uid, gid, euid, egid;
  uint32_t group_count;  // supplementary groups, in groups[]
  uint32_t umask;
  uint32_t groups[64];
  uint32_t argc;
  uint32_t envc;
  // Strings at kBootStringsGpa: executable path, cwd, hostname, argv[0..argc),
  // envp[0..envc), each NUL-terminated.
  uint32_t strings_size;
  uint32_t flags;           // none yet
  uint64_t rlimits[16][2];  // host RLIMIT_* soft/hard of the caller
  uint32_t stream_kind[3];  // StreamKind (virtio.h) where stdio_kind is kStream
  uint32_t reserved;
};
static_assert(offsetof(BootInfo, memory_size) == 16);
static_assert(offsetof(BootInfo, random_seed) == 40);
static_assert(sizeof(BootInfo) <= kBootInfoSize);

// Event bits in VcpuPage::pending. The VMM sets them (atomically, from any
// thread), the kernel takes them all at once.
inline constexpr uint32_t kEventTimer = 1u
                                        << 0;  // the armed deadline has passed
inline constexpr uint32_t kEventDevice =
    1u << 1;  // some device has used buffers or a configuration change
inline constexpr uint32_t kEventPause =
    1u
    << 2;  // come to the safe-point doorbell before the next user instruction
inline constexpr uint32_t kEventResumed =
    1u
    << 3;  // this VM was just restored: revalidate caches, reseed, new clocks

// One per vCPU, at kVcpuPageGpa + n * 4 KiB. Offsets of the first fields are
// used by assembly.
struct VcpuPage {
  uint32_t pending;           // kEvent* bits
  uint32_t kernel_cpl;        // 0 or 3: CPL of kernel code in this run
  uint64_t kernel_stack_top;  // of the current thread
  uint64_t user_rsp;          // scratch of the system-call entry
  uint64_t exit_frame;  // TrapFrame of the return to user mode in progress
                        // (restart point)
  uint64_t scratch[4];
  uint64_t syscall_entry;  // kernel addresses that the trampolines jump to; set
                           // by the VMM from the ELF symbols
  uint64_t restart_begin;  // [begin, end): on a kick inside, the VMM sets RIP
                           // to restart_begin
  uint64_t restart_end;
  uint64_t index;  // this vCPU's number
  uint64_t kernel_text_begin;
  uint64_t kernel_text_end;
  uint8_t reserved[4096 - 112];
};
static_assert(offsetof(VcpuPage, kernel_cpl) == 4);
static_assert(offsetof(VcpuPage, kernel_stack_top) == 8);
static_assert(offsetof(VcpuPage, user_rsp) == 16);
static_assert(offsetof(VcpuPage, exit_frame) == 24);
static_assert(offsetof(VcpuPage, scratch) == 32);
static_assert(offsetof(VcpuPage, kernel_text_begin) == 96);
static_assert(sizeof(VcpuPage) == kPageSize);

// Time = offset + ((rdtsc - tsc_base) * multiplier >> shift), the product taken
// in 128 bits. The VMM writes it at boot and at resume, while no vCPU runs;
// readers still check `sequence` (odd: being written) to allow later live
// updates.
struct ClockPage {
  uint32_t sequence;
  uint32_t shift;
  uint64_t tsc_base;
  uint64_t multiplier;
  uint64_t monotonic_ns;       // CLOCK_MONOTONIC at tsc_base
  uint64_t realtime_ns;        // CLOCK_REALTIME at tsc_base
  uint64_t boottime_extra_ns;  // CLOCK_BOOTTIME - CLOCK_MONOTONIC (time spent
                               // in snapshots)
  uint64_t generation;         // counts resumes
};
static_assert(sizeof(ClockPage) == 56);

// What the kernel tells the VMM: where its frame bitmap and address-space roots
// are.
struct KernelInfo {
  uint64_t magic;              // kBootInfoMagic once filled in
  uint64_t frame_bitmap_gpa;   // one bit for each frame from GPA 0, 1 = in use,
                               // must be saved
  uint64_t frame_bitmap_bits;  // frames covered; frames at or beyond
                               // `frame_watermark` were never used
  uint64_t frame_watermark;
  uint64_t
      first_root;  // physical address of the first PML4 (see kRootLinkSlot)
  uint64_t init_exit_status;
};
static_assert(sizeof(KernelInfo) == 48);

}  // namespace crvm::abi
#endif  // CRVM_GUESTKERNEL_ABI_SHARED_PAGES_H_
