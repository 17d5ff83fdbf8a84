// SPDX-License-Identifier: Apache-2.0
//
// arch.h for the machine: shared pages, doorbells, address spaces, FPU state.
// The two privilege modes differ only in SetRoot (entry.S).
#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {
namespace {

namespace abi = crvm::abi;

extern "C" void SetRoot(uint64_t gpa);
extern "C" void ThreadStart();
extern "C" int UserXsaveAsm(uint64_t area, uint64_t mask);
extern "C" int UserXrstorAsm(uint64_t area, uint64_t mask);

template <typename T>
T& AtGpa(uint64_t gpa) {
  return *reinterpret_cast<T*>(abi::kKernelBase + gpa);
}

uint64_t g_loaded_root;

abi::LogRecord g_log_record;

void RingWithText(abi::Doorbell doorbell, LogLevel level, const char* format,
                  va_list args) {
  int length =
      FormatV(g_log_record.text, sizeof(g_log_record.text), format, args);
  int most = sizeof(g_log_record.text) - 1;
  g_log_record.length = length < most ? length : most;
  g_log_record.level = static_cast<uint32_t>(level);
  RingDoorbell(doorbell, VirtualToPhysical(&g_log_record));
}

}  // namespace

const abi::BootInfo& GetBootInfo() {
  return AtGpa<abi::BootInfo>(abi::kBootInfoGpa);
}
abi::KernelInfo& GetKernelInfo() {
  return AtGpa<abi::KernelInfo>(abi::kKernelInfoGpa);
}
const volatile abi::ClockPage& GetClockPage() {
  return AtGpa<volatile abi::ClockPage>(abi::kClockPageGpa);
}
abi::VcpuPage& ThisVcpu() { return AtGpa<abi::VcpuPage>(abi::kVcpuPageGpa); }
uint64_t BootRootGpa() { return abi::kBootPageTablesGpa; }

void RingDoorbell(abi::Doorbell which, uint64_t value) {
  uint64_t at = abi::kMmioBase + static_cast<uint64_t>(which);
  asm volatile("movq %0, (%1)" : : "r"(value), "r"(at) : "memory");
}

// KVM takes the first MOVNTI, which is not among the instructions that it
// expects to write page tables, as a sign that the frame no longer is one: it
// stops watching it and lets the instruction run (x86_page_table_writing_insn).
void StoreTableEntries(uint64_t* to, const uint64_t* from, size_t count) {
  uint64_t first = from ? *from : 0;
  asm volatile("movnti %1, %0\n\tsfence" : "=m"(*to) : "r"(first) : "memory");
  if (from) {
    memcpy(to + 1, from + 1, (count - 1) * sizeof(*to));
  } else {
    memset(to + 1, 0, (count - 1) * sizeof(*to));
  }
}

// One plain MOV each: the host decodes the instruction.
uint32_t MmioRead32(uint64_t gpa) {
  uint32_t value;
  uint64_t at = abi::kMmioBase + (gpa - abi::kDoorbellGpa);
  asm volatile("movl (%1), %0" : "=r"(value) : "r"(at) : "memory");
  return value;
}
void MmioWrite32(uint64_t gpa, uint32_t value) {
  uint64_t at = abi::kMmioBase + (gpa - abi::kDoorbellGpa);
  asm volatile("movl %0, (%1)" : : "r"(value), "r"(at) : "memory");
}

uint32_t TakePendingEvents() {
  return __atomic_exchange_n(&ThisVcpu().pending, 0, __ATOMIC_ACQ_REL);
}

void Idle() {
  if (__atomic_load_n(&ThisVcpu().pending, __ATOMIC_ACQUIRE) == 0) {
    RingDoorbell(abi::Doorbell::kIdle, 0);
  }
}

void LoadAddressSpace(uint64_t root_gpa) {
  if (root_gpa == g_loaded_root) return;
  g_loaded_root = root_gpa;
  SetRoot(root_gpa);
}

void FlushTlb() { SetRoot(g_loaded_root != 0 ? g_loaded_root : BootRootGpa()); }

Thread* CurrentThread() {
  uint64_t rsp;
  asm("movq %%rsp, %0" : "=r"(rsp));
  return *reinterpret_cast<Thread**>(rsp & ~(kKernelStackSize - 1));
}

uint64_t PrepareKernelStack(void* stack, Thread* thread, void (*entry)(void*),
                            void* argument) {
  *static_cast<Thread**>(stack) = thread;
  // What SwitchStack pops: r15 r14 r13 r12 rbp rbx, return address. The
  // return leaves RSP 16-byte aligned, as ThreadStart's call wants.
  auto* sp = reinterpret_cast<uint64_t*>(UserFrameOf(stack)) - 8;
  sp[0] = sp[1] = sp[2] = sp[3] = 0;
  sp[4] = reinterpret_cast<uint64_t>(argument);
  sp[5] = reinterpret_cast<uint64_t>(entry);
  sp[6] = reinterpret_cast<uint64_t>(&ThreadStart);
  sp[7] = 0;
  return reinterpret_cast<uint64_t>(sp);
}

void SetKernelStackOf(void* stack) {
  ThisVcpu().kernel_stack_top =
      reinterpret_cast<uint64_t>(UserFrameOf(stack) + 1);
}

uint64_t ReadFsBase() {
  uint64_t value;
  asm volatile("rdfsbase %0" : "=r"(value));
  return value;
}
uint64_t ReadGsBase() {
  uint64_t value;
  asm volatile("rdgsbase %0" : "=r"(value));
  return value;
}
void WriteFsBase(uint64_t value) { asm volatile("wrfsbase %0" : : "r"(value)); }
void WriteGsBase(uint64_t value) { asm volatile("wrgsbase %0" : : "r"(value)); }

size_t FpuAreaSize() { return (GetBootInfo().xsave_size + 63) & ~size_t{63}; }

void FpuSave(void* area) {
  uint64_t mask = GetBootInfo().xcr0;
  asm volatile("xsave64 (%0)"
               :
               : "r"(area), "a"(static_cast<uint32_t>(mask)),
                 "d"(static_cast<uint32_t>(mask >> 32))
               : "memory");
}

void FpuRestore(const void* area) {
  uint64_t mask = GetBootInfo().xcr0;
  asm volatile("xrstor64 (%0)"
               :
               : "r"(area), "a"(static_cast<uint32_t>(mask)),
                 "d"(static_cast<uint32_t>(mask >> 32))
               : "memory");
}

// Everything in its initial state: XSTATE_BV 0 says so; FCW and MXCSR are
// taken from the legacy area in any case (SDM vol. 1, section 13.6).
void FpuInit(void* area) {
  memset(area, 0, FpuAreaSize());
  auto* bytes = static_cast<uint8_t*>(area);
  bytes[0] = 0x7f;
  bytes[1] = 0x03;
  bytes[24] = 0x80;
  bytes[25] = 0x1f;
}

int FpuSaveToUser(uint64_t user_area) {
  return UserXsaveAsm(user_area, GetBootInfo().xcr0) == 0 ? 0 : -EFAULT;
}

int FpuRestoreFromUser(uint64_t user_area) {
  return UserXrstorAsm(user_area, GetBootInfo().xcr0) == 0 ? 0 : -EINVAL;
}

uint64_t ReadTsc() { return __builtin_ia32_rdtsc(); }

void Log(LogLevel level, const char* format, ...) {
  va_list args;
  va_start(args, format);
  RingWithText(abi::Doorbell::kLog, level, format, args);
  va_end(args);
}

void Panic(const char* format, ...) {
  va_list args;
  va_start(args, format);
  RingWithText(abi::Doorbell::kPanic, LogLevel::kError, format, args);
  va_end(args);
  for (;;) RingDoorbell(abi::Doorbell::kPanic, 0);
}

}  // namespace gk

extern "C" void __cxa_pure_virtual() { gk::Panic("pure virtual call"); }
extern "C" int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
extern "C" {
void* __dso_handle = nullptr;
}
