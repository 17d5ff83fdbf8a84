// SPDX-License-Identifier: Apache-2.0
//
// A test fixture with a running scheduler on the hosted machine, an init
// process and one test process, whose only thread is the test itself. Process
// functions are fakes (kernel_test.cc): do not link process/ as well.
#ifndef CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_
#define CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_

#include <functional>
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

  // Another process, without threads.
  RefPtr<Process> NewProcess(int pid);
  // A thread of `process` (null: a kernel thread) that runs `body`, at the next
  // Yield() or wait.
  Thread* Spawn(std::function<void()> body, Process* process = nullptr);
  // Lets the others run until `thread` has ended.
  void Join(Thread* thread);
  // Lets all others run until they wait.
  void RunOthers();

 private:
  RefPtr<Process> init_, process_;
  RefPtr<Thread> main_thread_;
  std::vector<RefPtr<Thread>> spawned_;
};

// What the fakes were asked to do.
struct FakeProcessCalls {
  int exit_process_status = -1;  // of ExitProcess
  int exit_threads = 0;          // ExitThread calls
  int stops = 0;                 // parents told that a child stopped
  int continues = 0;
  bool may_signal = true;  // what MaySignal says
};
FakeProcessCalls& ProcessCalls();

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_SCHED_TESTING_KERNEL_TEST_H_
