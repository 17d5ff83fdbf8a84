// SPDX-License-Identifier: Apache-2.0
//
// The machine for hosted unit tests: fakes of arch.h and of kernel stacks. One
// host thread plays the one vCPU.
#include "guestkernel/arch/hosted.h"

#include <sys/mman.h>

#include <cstring>
#include <random>
#include <utility>

#include "guestkernel/arch/user_copy.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/sched/kernel_stack.h"

// void hosted_switch_stack(uint64_t* save_rsp, uint64_t load_rsp), and the
// first code of a new thread (entry in RBX, argument in R12).
asm(R"(
        .text
        .globl  hosted_switch_stack
hosted_switch_stack:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .globl  hosted_thread_start
hosted_thread_start:
        movq    %rbx, %rdi
        movq    %r12, %rsi
        call    hosted_thread_main
        ud2
)");
extern "C" void hosted_thread_start();
extern "C" void hosted_switch_stack(uint64_t* save_rsp, uint64_t load_rsp);

// AddressSanitizer keeps an account of each stack.
#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(address, size) \
  ((void)(address), (void)(size))
#endif

namespace gk {
namespace {

constexpr uint64_t kBootNs = 1'000'000'000;
constexpr uint64_t kNoDeadline = ~uint64_t{0};
// Kernel stacks lie in one reservation, so that a stack pointer tells whether
// it is one of them. Between them are inaccessible gaps of the same size.
constexpr size_t kMaxStacks = 4096;
constexpr size_t kStackStride = 2 * kKernelStackSize;

struct Machine {
  crvm::abi::BootInfo boot_info = {};
  crvm::abi::KernelInfo kernel_info = {};
  crvm::abi::ClockPage clock = {};
  crvm::abi::VcpuPage vcpu = {};
  uint64_t tsc = 0;  // counts nanoseconds
  uint64_t timer_deadline = kNoDeadline;
  uint64_t fs_base = 0, gs_base = 0;
  uint64_t boot_root = 0, tlb_flushes = 0;
  std::vector<hosted::DoorbellRing> doorbells;
  Thread* main_thread = nullptr;
};

Machine& TheMachine() {
  static Machine* machine = [] {
    auto* m = new Machine;
    m->clock.multiplier = 1;
    m->clock.monotonic_ns = kBootNs;
    m->clock.realtime_ns = 1'700'000'000 * kBootNs;
    m->boot_info.magic = crvm::abi::kBootInfoMagic;
    m->boot_info.vcpu_count = 1;
    m->boot_info.memory_size = 64 << 20;
    m->boot_info.xsave_size = 512 + 64;
    m->boot_info.xcr0 = 3;
    m->boot_info.umask = 022;
    for (auto& limit : m->boot_info.rlimits) limit[0] = limit[1] = ~0ull;
    return m;
  }();
  return *machine;
}

uint64_t HostedMonotonicNs() {
  return TheMachine().clock.monotonic_ns + TheMachine().tsc;
}

struct StackArena {
  char* base;
  size_t used = 0;
  std::vector<void*> free;

  StackArena() {
    size_t size = (kMaxStacks + 1) * kStackStride;
    void* at = mmap(nullptr, size, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) Panic("hosted: no address space for stacks");
    auto address = reinterpret_cast<uint64_t>(at);
    base = reinterpret_cast<char*>((address + kStackStride - 1) &
                                   ~(kStackStride - 1));
  }
  bool Contains(const void* p) const {
    return p >= base && p < base + kMaxStacks * kStackStride;
  }
};

StackArena& Stacks() {
  static StackArena* arena = new StackArena;
  return *arena;
}

}  // namespace

namespace hosted {

void Reset() {
  FailAllocationsAfter(-1);
  Machine& m = TheMachine();
  m.vcpu = {};
  m.tsc = 0;
  m.clock.realtime_ns = 1'700'000'000 * kBootNs;
  m.timer_deadline = kNoDeadline;
  m.doorbells.clear();
  m.main_thread = nullptr;
}

void SetMainThread(Thread* thread) { TheMachine().main_thread = thread; }
void AdvanceClock(uint64_t ns) {
  Machine& m = TheMachine();
  m.tsc += ns;
  if (m.timer_deadline <= HostedMonotonicNs()) {
    m.timer_deadline = kNoDeadline;
    RaiseEvents(crvm::abi::kEventTimer);
  }
}
void SetRealtimeOffset(uint64_t ns) {
  TheMachine().clock.realtime_ns = TheMachine().clock.monotonic_ns + ns;
}
void RaiseEvents(uint32_t events) { TheMachine().vcpu.pending |= events; }
const std::vector<DoorbellRing>& Doorbells() { return TheMachine().doorbells; }
void SetBootRoot(uint64_t gpa) { TheMachine().boot_root = gpa; }
uint64_t TlbFlushes() { return TheMachine().tlb_flushes; }
crvm::abi::BootInfo& MutableBootInfo() { return TheMachine().boot_info; }

}  // namespace hosted

// ---- arch.h

const crvm::abi::BootInfo& GetBootInfo() { return TheMachine().boot_info; }
crvm::abi::KernelInfo& GetKernelInfo() { return TheMachine().kernel_info; }
const volatile crvm::abi::ClockPage& GetClockPage() {
  return TheMachine().clock;
}
crvm::abi::VcpuPage& ThisVcpu() { return TheMachine().vcpu; }

void RingDoorbell(crvm::abi::Doorbell which, uint64_t value) {
  Machine& m = TheMachine();
  if (which != crvm::abi::Doorbell::kIdle)
    m.doorbells.push_back({which, value});
  if (which == crvm::abi::Doorbell::kArmTimer) {
    m.timer_deadline = value;
    hosted::AdvanceClock(0);
  }
}

// Weak: a test may bring devices.
__attribute__((weak)) uint32_t MmioRead32(uint64_t gpa) {
  Panic("hosted: no device at %lx", gpa);
}
__attribute__((weak)) void MmioWrite32(uint64_t gpa, uint32_t value) {
  Panic("hosted: no device at %lx (%x)", gpa, value);
}

uint32_t TakePendingEvents() {
  return std::exchange(TheMachine().vcpu.pending, 0);
}

void Idle() {
  Machine& m = TheMachine();
  if (m.vcpu.pending) return;
  if (m.timer_deadline == kNoDeadline) {
    Panic("hosted: every thread waits, and no timer is armed");
  }
  uint64_t now = HostedMonotonicNs();
  hosted::AdvanceClock(m.timer_deadline > now ? m.timer_deadline - now : 0);
}

uint64_t BootRootGpa() { return TheMachine().boot_root; }
void LoadAddressSpace(uint64_t) {}
void FlushTlb() { ++TheMachine().tlb_flushes; }
void StoreTableEntries(uint64_t* to, const uint64_t* from, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = from ? from[i] : 0;
}
uint64_t FaultAddress() { return 0; }

Thread* CurrentThread() {
  void* here = __builtin_frame_address(0);
  if (!Stacks().Contains(here)) return TheMachine().main_thread;
  uint64_t stack = reinterpret_cast<uint64_t>(here) & ~(kKernelStackSize - 1);
  return *reinterpret_cast<Thread**>(stack);
}

uint64_t PrepareKernelStack(void* stack, Thread* thread, void (*entry)(void*),
                            void* argument) {
  *static_cast<Thread**>(stack) = thread;
  auto* top = reinterpret_cast<uint64_t*>(UserFrameOf(stack));
  top -= 4;  // leaves RSP 16-byte aligned at hosted_thread_start
  *--top = reinterpret_cast<uint64_t>(&hosted_thread_start);
  *--top = reinterpret_cast<uint64_t>(entry);     // rbx
  *--top = 0;                                     // rbp
  *--top = reinterpret_cast<uint64_t>(argument);  // r12
  for (int i = 0; i < 3; ++i) *--top = 0;         // r13, r14, r15
  return reinterpret_cast<uint64_t>(top);
}

extern "C" void SwitchStack(uint64_t* save_rsp, uint64_t load_rsp) {
#ifdef __SANITIZE_ADDRESS__
  void* bottom = reinterpret_cast<void*>(load_rsp & ~(kKernelStackSize - 1));
  size_t size = kKernelStackSize;
  if (!Stacks().Contains(bottom)) {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
  }
  void* fake_stack;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
  hosted_switch_stack(save_rsp, load_rsp);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#else
  hosted_switch_stack(save_rsp, load_rsp);
#endif
}

extern "C" void hosted_thread_main(void (*entry)(void*), void* argument) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  entry(argument);
}

void SetKernelStackOf(void* stack) {
  TheMachine().vcpu.kernel_stack_top =
      reinterpret_cast<uint64_t>(stack) + kKernelStackSize - 16;
}

void ReturnToUser() { Panic("hosted: there is no user mode"); }

uint64_t ReadFsBase() { return TheMachine().fs_base; }
uint64_t ReadGsBase() { return TheMachine().gs_base; }
void WriteFsBase(uint64_t value) { TheMachine().fs_base = value; }
void WriteGsBase(uint64_t value) { TheMachine().gs_base = value; }

size_t FpuAreaSize() { return TheMachine().boot_info.xsave_size; }
void FpuSave(void*) {}
void FpuRestore(const void*) {}
void FpuInit(void* area) { memset(area, 0, FpuAreaSize()); }
int FpuSaveToUser(uint64_t user_area) {
  return ZeroUser(UserAddress(user_area), FpuAreaSize());
}
int FpuRestoreFromUser(uint64_t user_area) {
  std::vector<char> area(FpuAreaSize());
  return CopyFromUser(area.data(), UserAddress(user_area), area.size());
}

uint64_t ReadTsc() { return TheMachine().tsc; }
void RandomBytes(void* to, size_t n) {
  static auto* generator = new std::mt19937;
  for (size_t i = 0; i < n; ++i) {
    static_cast<uint8_t*>(to)[i] = static_cast<uint8_t>((*generator)());
  }
}

// ---- sched/kernel_stack.h

void* AllocateKernelStack() {
  StackArena& arena = Stacks();
  if (!arena.free.empty()) {
    void* stack = arena.free.back();
    arena.free.pop_back();
    return stack;
  }
  if (arena.used == kMaxStacks) return nullptr;
  char* stack = arena.base + arena.used * kStackStride;
  if (mprotect(stack, kKernelStackSize, PROT_READ | PROT_WRITE)) return nullptr;
  ++arena.used;
  return stack;
}
void FreeKernelStack(void* stack) {
  // Its last frames were left, not returned from.
  ASAN_UNPOISON_MEMORY_REGION(stack, kKernelStackSize);
  Stacks().free.push_back(stack);
}

}  // namespace gk
