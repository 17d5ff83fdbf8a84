// SPDX-License-Identifier: Apache-2.0
//
// See kernel_test.h.
#include "guestkernel/sched/testing/kernel_test.h"

#include "guestkernel/process/pid.h"
#include "guestkernel/sched/itimer.h"
#include "guestkernel/sched/kernel_stack.h"
#include "guestkernel/sched/posix_timer.h"
#include "guestkernel/sched/scheduler.h"

namespace gk {

// The real one is in tty/.
class Tty : public RefCounted {};

namespace {

std::vector<Process*>& AllProcesses() {
  static auto* all = new std::vector<Process*>;
  return *all;
}

void RunSpawned(void* body) {
  (*static_cast<std::function<void()>*>(body))();
  CurrentThread()->process_link.Unlink();
}

}  // namespace

FakeProcessCalls& ProcessCalls() {
  static FakeProcessCalls calls;
  return calls;
}

KernelTest::KernelTest() {
  hosted::Reset();
  ProcessCalls() = {};
  SetNextPid(1);
  SchedulerInit();
  init_ = AddProcess(AllocatePid().take());
  main_thread_ = MakeRef<Thread>();
  main_thread_->tid = AllocatePid().take();
  process_ = AddProcess(main_thread_->tid);
  main_thread_->process = process_.get();
  main_thread_->stack = AllocateKernelStack();
  SetStackCanary(main_thread_->stack);
  main_thread_->state = ThreadState::kRunnable;
  main_thread_->started = true;
  main_thread_->has_timer_reserved = ReserveTimers(1) == 0;
  SetPidThread(main_thread_->tid, main_thread_.get());
  process_->threads.PushBack(main_thread_.get());
  hosted::SetMainThread(main_thread_.get());
}

KernelTest::~KernelTest() {
  for (auto& thread : spawned_) EXPECT_EQ(thread->state, ThreadState::kDead);
  Yield();
  main_thread_->process_link.Unlink();
  spawned_.clear();
  for (Process* process : AllProcesses()) SetPidProcess(process->pid, nullptr);
  AllProcesses().clear();
  main_thread_.reset();
  process_.reset();
  for (auto& child : children_) ReleasePid(child->pid);
  ReleasePid(1);
}

RefPtr<Process> KernelTest::AddProcess(int pid) {
  auto process = MakeRef<Process>();
  process->pid = process->pgid = process->sid = pid;
  process->handlers = MakeRef<SignalHandlers>();
  for (auto& limit : process->limits) limit = {~0ull, ~0ull};
  process->parent = init_.get();
  AllProcesses().push_back(process.get());
  SetPidProcess(pid, process.get());
  return process;
}

Process* KernelTest::NewChild() {
  children_.push_back(AddProcess(AllocatePid().take()));
  children_.back()->parent = process();
  return children_.back().get();
}

Thread* KernelTest::Spawn(std::function<void()> body, Process* process) {
  // A body may leave by ExitProcess(): it is the fixture's.
  bodies_.push_back(std::make_unique<std::function<void()>>(std::move(body)));
  auto made = CreateKernelThread("test", &RunSpawned, bodies_.back().get());
  RefPtr<Thread> thread = made.take();
  if (process) {
    thread->process = process;
    thread->tid = AllocatePid().take();
    SetPidThread(thread->tid, thread.get());
    process->threads.PushBack(thread.get());
  }
  spawned_.push_back(thread);
  MakeRunnable(thread.get());
  return thread.get();
}

void KernelTest::Join(Thread* thread) {
  while (thread->state != ThreadState::kDead) {
    ASSERT_TRUE(!ThisCpu().run_queue.empty() ||
                thread->state == ThreadState::kRunnable || ThisVcpu().pending)
        << "the thread waits for ever";
    Yield();
  }
}

void KernelTest::RunOthers() {
  while (!ThisCpu().run_queue.empty()) Yield();
}

// ---- fakes of process/

Process::Process() = default;
Process::~Process() = default;

Process* CurrentProcess() { return CurrentThread()->process; }
Process* InitProcess() { return AllProcesses()[0]; }
Process* MainProcess() { return AllProcesses()[1]; }
Process* FirstProcess() {
  return AllProcesses().empty() ? nullptr : AllProcesses()[0];
}
Process* NextProcess(Process* process) {
  auto& all = AllProcesses();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    if (all[i] == process) return all[i + 1];
  }
  return nullptr;
}
bool IsOrphanedGroup(int) { return false; }
bool MaySignal(Process*, int) { return ProcessCalls().may_signal; }
bool HasCapability(int) { return false; }
void ExitProcess(int wait_status) {
  ProcessCalls().exit_process_status = wait_status;
  CurrentThread()->process_link.Unlink();
  ExitCurrentThread();
}
void ExitThread(int) {
  ++ProcessCalls().exit_threads;
  CurrentThread()->process_link.Unlink();
  ExitCurrentThread();
}

int PushSignalFrame(TrapFrame* frame, const SigAction&, const SigInfo& info,
                    SignalSet mask_to_restore) {
  FakeProcessCalls& calls = ProcessCalls();
  if (calls.push_result != 0) return calls.push_result;
  calls.frames.push_back(
      {info.signo, info.code, mask_to_restore, frame->rax, frame->rip});
  frame->rax = 0;
  return 0;
}

}  // namespace gk
