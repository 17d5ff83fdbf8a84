// SPDX-License-Identifier: Apache-2.0
//
// The narrow waist between the kernel and the machine. Everything that differs
// between the two privilege modes is behind these functions; the rest of the
// kernel is compiled once. Hosted builds have fakes (arch/hosted.cc).
#ifndef CRVM_GUESTKERNEL_ARCH_ARCH_H_
#define CRVM_GUESTKERNEL_ARCH_ARCH_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/abi/doorbell.h"
#include "guestkernel/abi/layout.h"
#include "guestkernel/abi/shared_pages.h"
#include "guestkernel/arch/trap_frame.h"

namespace gk {

class Thread;

// ---- guest-physical memory
#ifdef GK_HOSTED
inline uint64_t g_hosted_memory = 0;  // GPA 0 (mm/testing/fake_memory.h)
inline uint64_t DirectMapBase() { return g_hosted_memory; }
#else
inline constexpr uint64_t DirectMapBase() { return crvm::abi::kDirectMapBase; }
#endif
inline void* PhysicalToVirtual(uint64_t gpa) {
  return reinterpret_cast<void*>(DirectMapBase() + gpa);
}
inline uint64_t VirtualToPhysical(
    const void* p) {  // of direct-map addresses and of the kernel image
  auto a = reinterpret_cast<uint64_t>(p);
  return a >= crvm::abi::kKernelBase ? a - crvm::abi::kKernelBase
                                     : a - DirectMapBase();
}
const crvm::abi::BootInfo& GetBootInfo();
crvm::abi::KernelInfo& GetKernelInfo();
const volatile crvm::abi::ClockPage& GetClockPage();
crvm::abi::VcpuPage& ThisVcpu();
uint64_t
BootRootGpa();  // the PML4 that the VMM built; its upper half is every space's

// ---- doorbells and device registers
void RingDoorbell(crvm::abi::Doorbell which, uint64_t value);
uint32_t MmioRead32(uint64_t gpa);
void MmioWrite32(uint64_t gpa, uint32_t value);
// Takes all pending event bits.
uint32_t TakePendingEvents();
// Waits until an event is pending (returns at once if one is).
void Idle();

// ---- address spaces
void LoadAddressSpace(
    uint64_t root_gpa);  // CR3; flushes the TLB. No-op if already loaded,
                         // unless a flush is due
void FlushTlb();  // after a mapping was removed or its rights were reduced
// Writes `count` entries of a page table that may have been one before; zeros
// when `from` is null. A hypervisor with shadow paging may still be watching
// the frame, and would interpret a string instruction step by step.
void StoreTableEntries(uint64_t* to, const uint64_t* from, size_t count);
uint64_t FaultAddress();  // CR2 of the page fault being handled

// ---- threads
inline constexpr size_t kKernelStackSize =
    32 * 1024;  // aligned to its size; the Thread* is its first word
Thread* CurrentThread();
// Prepares a new thread's kernel stack so that the first switch to it runs
// entry(argument), which must not return. `top_reserved` bytes at the top are
// left for its TrapFrame. Returns the initial stack pointer.
uint64_t PrepareKernelStack(void* stack, Thread* thread, void (*entry)(void*),
                            void* argument);
// Saves callee-saved registers on this stack, stores its pointer at *save_rsp
// and continues at load_rsp.
extern "C" void SwitchStack(uint64_t* save_rsp, uint64_t load_rsp);
// Where a user thread's TrapFrame lives.
inline TrapFrame* UserFrameOf(void* stack) {
  return reinterpret_cast<TrapFrame*>(
      static_cast<char*>(stack) + kKernelStackSize - 16 - sizeof(TrapFrame));
}
void SetKernelStackOf(void* stack);  // tells the entry code which stack the
                                     // next entry from user mode uses
// Leaves the kernel for user mode with the current thread's TrapFrame (runs
// PrepareUserReturn first).
extern "C" [[noreturn]] void ReturnToUser();

// ---- user register state outside the TrapFrame
uint64_t ReadFsBase();
uint64_t ReadGsBase();
void WriteFsBase(uint64_t value);
void WriteGsBase(uint64_t value);
size_t FpuAreaSize();  // of an XSAVE image with all enabled components, 64-byte
                       // multiple
void FpuSave(void* area);  // xsave, all components; area 64-byte aligned
void FpuRestore(const void* area);
void FpuInit(void* area);  // writes the image of a fresh program (FCW 0x37f,
                           // MXCSR 0x1f80)
// -EFAULT-safe forms for signal frames: user memory. Restore validates MXCSR
// and the XSAVE header: -EINVAL.
int FpuSaveToUser(uint64_t user_area);
int FpuRestoreFromUser(uint64_t user_area);

uint64_t ReadTsc();
// Fills from the boot seed and rdtsc/rdrand; a ChaCha20 generator reseeded at
// resume.
void RandomBytes(void* to, size_t n);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_ARCH_ARCH_H_
