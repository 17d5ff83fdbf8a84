// SPDX-License-Identifier: Apache-2.0
//
// Where things are in guest-physical and guest-virtual memory. Shared by the
// VMM, which builds the kernel half of the page tables before the first
// instruction, and by the guest kernel, which never changes that half.
// Freestanding.
#ifndef CRVM_GUESTKERNEL_ABI_LAYOUT_H_
#define CRVM_GUESTKERNEL_ABI_LAYOUT_H_

#include <cstdint>

namespace crvm::abi {

// Raised when boot info, shared pages, doorbells or this layout change
// incompatibly; a snapshot records it.
inline constexpr uint32_t kAbiVersion = 1;

inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kHugePageSize = 2ull << 20;

// Guest-physical map. RAM is one region [0, memory size).
inline constexpr uint64_t kShimGpa =
    0x1000;  // GDT, IDT, TSS, ring-0 stubs, trampolines: rebuilt at each start
inline constexpr uint64_t kShimSize = 0xf000;
inline constexpr uint64_t kVcpuPageGpa =
    0x10000;  // one VcpuPage per vCPU, kMaxVcpus of them
inline constexpr uint64_t kClockPageGpa =
    0x20000;  // ClockPage (also mapped read-only beside the vDSO)
inline constexpr uint64_t kBootInfoGpa = 0x21000;  // BootInfo, then its strings
inline constexpr uint64_t kBootInfoSize = 0x1000;
inline constexpr uint64_t kKernelInfoGpa =
    0x22000;  // KernelInfo: what the kernel tells the VMM
inline constexpr uint64_t kBootStringsGpa =
    0x80000;  // argv, environment (up to kBootStringsSize)
inline constexpr uint64_t kBootStringsSize = 0x180000;
inline constexpr uint64_t kKernelGpa =
    0x200000;  // the kernel image, up to kKernelMaxSize
inline constexpr uint64_t kKernelMaxSize = 0x200000;
// Page tables that the VMM builds (kernel half, boot PML4), directly behind the
// kernel image.
inline constexpr uint64_t kBootPageTablesGpa = kKernelGpa + kKernelMaxSize;
inline constexpr uint64_t kBootPageTablesMaxSize = 0x200000;
// Frames from here on belong to the kernel's frame allocator.
inline constexpr uint64_t kFirstFreeGpa =
    kBootPageTablesGpa + kBootPageTablesMaxSize;
inline constexpr uint64_t kMinMemory = 16ull << 20;
inline constexpr uint64_t kMaxMemory = 128ull << 30;

// MMIO lies above any RAM: a doorbell page, then one 4 KiB slot for each virtio
// device.
inline constexpr uint64_t kDoorbellGpa = 1ull << 38;
inline constexpr uint64_t kDeviceMmioGpa = kDoorbellGpa + 0x10000;
inline constexpr uint64_t kMmioSize = 0x100000;

// Guest-virtual map, kernel half.
inline constexpr uint64_t kUserEnd =
    0x00007ffffffff000;  // as Linux: TASK_SIZE_MAX
inline constexpr uint64_t kDirectMapBase =
    0xffff888000000000;  // GPA 0 .. memory size, 2 MiB pages
inline constexpr uint64_t kMmioBase =
    0xffffc90000000000;  // kDoorbellGpa .. + kMmioSize, 4 KiB pages, uncached
inline constexpr uint64_t kKernelBase =
    0xffffffff80000000;  // GPA 0 .. 4 MiB, 4 KiB pages (image is linked here +
                         // kKernelGpa)

// Software-only entry of every PML4: never present (bit 0 clear), holds the
// physical address of the next address-space root, so that the VMM can find
// them all and set who may enter the kernel half. KernelInfo::first_root starts
// the list.
inline constexpr unsigned kRootLinkSlot = 400;

// Selectors of the GDT that the VMM builds (order fixed by SYSRET, SDM vol. 2
// "SYSRET").
inline constexpr uint16_t kKernelCs = 0x08;
inline constexpr uint16_t kKernelDs = 0x10;
inline constexpr uint16_t kUserDs = 0x2b;
inline constexpr uint16_t kUserCs = 0x33;
inline constexpr uint16_t kTssSelector = 0x40;

// The one event vector.
inline constexpr uint8_t kEventVector = 0x20;

enum class PrivilegeMode : uint32_t { kSupervisor = 0, kDeprivileged = 1 };

inline constexpr unsigned kMaxVcpus = 16;

}  // namespace crvm::abi
#endif  // CRVM_GUESTKERNEL_ABI_LAYOUT_H_
