// SPDX-License-Identifier: Apache-2.0
//
// The contract of a transition program, `prog FLAGFILE`:
//   1. it sets up some state and prints "ready";
//   2. it waits until FLAGFILE exists, idle or at work; a snapshot, the end of
//      the VM and a resume may happen at any point in between, any number of
//      times;
//   3. it verifies its state, prints "PASS" and exits with 0, or "FAIL: why"
//      and exits with 1.

#ifndef CRVM_TESTDATA_PROGRAMS_LIB_TRANSITION_H_
#define CRVM_TESTDATA_PROGRAMS_LIB_TRANSITION_H_

#include "testdata/programs/lib/check.h"

static const char *transition_flag;

// Takes FLAGFILE from the arguments. Call it first.
__attribute__((unused)) static void transition_init(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s FLAGFILE\n", argv[0]);
    exit(2);
  }
  transition_flag = argv[1];
}

__attribute__((unused)) static void ready(void) {
  printf("ready\n");
  fflush(stdout);
}

// Step 2 is over.
__attribute__((unused)) static int released(void) {
  return access(transition_flag, F_OK) == 0;
}

__attribute__((unused)) static void await_release(void) {
  while (!released()) sleep_ms(20);
}

__attribute__((unused)) static int pass(void) {
  printf("PASS\n");
  fflush(stdout);
  return 0;
}

#endif  // CRVM_TESTDATA_PROGRAMS_LIB_TRANSITION_H_
