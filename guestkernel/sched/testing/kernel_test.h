// SPDX-License-Identifier: Apache-2.0
//
// A test fixture with a running scheduler on the hosted machine, an init
// process and one test process, whose only thread is the test itself. Process
// functions are fakes (kernel_test.cc): do not link process/ as well.
#ifndef CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_
#define CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_

#include <functional>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/sched/process.h"

namespace gk {

class KernelTest : public ::testing::Test {
 protected:
  KernelTest();
  ~KernelTest() override;

  Process* process() { return process_.get(); }
  Thread* main_thread() { return main_thread_.get(); }

  // Another process, without threads, a child of process().
  Process* NewChild();
  // A thread of `process` (null: a kernel thread) that runs `body`, at the next
  // Yield() or wait.
  Thread* Spawn(std::function<void()> body, Process* process = nullptr);
  // Lets the others run until `thread` has ended.
  void Join(Thread* thread);
  // Lets all others run until they wait.
  void RunOthers();

 private:
  RefPtr<Process> AddProcess(int pid);

  RefPtr<Process> init_, process_;
  std::vector<RefPtr<Process>> children_;
  RefPtr<Thread> main_thread_;
  std::vector<RefPtr<Thread>> spawned_;
  std::vector<std::unique_ptr<std::function<void()>>> bodies_;
};

// What PushSignalFrame was asked to do, and the frame's registers then.
struct PushedSignalFrame {
  int signo;
  int code;
  SignalSet to_restore;
  uint64_t rax, rip;
};

// What the fakes were asked to do.
struct FakeProcessCalls {
  int exit_process_status = -1;  // of ExitProcess
  int exit_threads = 0;          // ExitThread calls
  int stops = 0;                 // parents told that a child stopped
  int continues = 0;
  bool may_signal = true;  // what MaySignal says
  std::vector<PushedSignalFrame> frames;
  int push_result = 0;  // of PushSignalFrame
};
FakeProcessCalls& ProcessCalls();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_
