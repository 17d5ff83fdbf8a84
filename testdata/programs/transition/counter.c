// SPDX-License-Identifier: Apache-2.0
//
// Counts at full speed; the count and a checksum over it must agree at the end.
// Never sleeps: the snapshot catches it in the middle of the loop.

#include "testdata/programs/lib/transition.h"

int main(int argc, char **argv) {
  transition_init(argc, argv);
  unsigned long count = 0, sum = 0;
  ready();
  do {
    for (int i = 0; i < 10000000; ++i) {
      ++count;
      sum += count;
      __asm__ volatile("" : "+r"(count), "+r"(sum));
    }
  } while (!released());
  unsigned long expected =
      count % 2 ? count * ((count + 1) / 2) : count / 2 * (count + 1);
  CHECK(sum == expected);
  return pass();
}
