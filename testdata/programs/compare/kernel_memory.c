// SPDX-License-Identifier: Apache-2.0
//
// A program cannot read, write or execute kernel memory. True in supervisor
// mode only: in deprivileged mode the VM is the boundary, and this program is
// not run.

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#include "testdata/programs/lib/check.h"

static sigjmp_buf back;
static void on_fault(int sig) { siglongjmp(back, sig); }

// Tries to read, write and execute; how many of the three fault.
static int protected(uint64_t address) {
  volatile char *p = (volatile char *)address;
  volatile int faults = 3;
  if (sigsetjmp(back, 1) == 0) {
    (void)*p;
    --faults;
  }
  if (sigsetjmp(back, 1) == 0) {
    *p = 0;
    --faults;
  }
  if (sigsetjmp(back, 1) == 0) {
    ((void (*)(void))(uintptr_t)p)();
    --faults;
  }
  if (faults != 3) printf("%p: %d accesses\n", (void *)p, 3 - faults);
  return faults;
}

int main(void) {
  signal(SIGSEGV, on_fault);
  signal(SIGBUS, on_fault);
  int faults = 0;
  // The kernel's image and direct map, Linux's and ours, in steps of 2 MiB.
  static const uint64_t kBases[] = {0xffffffff80000000, 0xffff800000000000,
                                    0xffff888000000000, 0xffffff8000000000};
  for (size_t i = 0; i < sizeof kBases / sizeof *kBases; ++i) {
    for (uint64_t step = 0; step < 64; ++step) {
      faults += protected(kBases[i] + step * 0x200000);
    }
  }
  printf("faults %d\n", faults);
  return 0;
}
