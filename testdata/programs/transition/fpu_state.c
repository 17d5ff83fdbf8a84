// SPDX-License-Identifier: Apache-2.0
//
// x87, SSE and AVX registers, MXCSR and the x87 control word, held in registers
// only across the wait, in two threads with different values.

#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>

#include "testdata/programs/lib/transition.h"

static atomic_int stop, failures, started;

// The loop never leaves the assembler block, so only the registers hold the
// values; *stop ends it.
static void hold_xmm(double seed) {
  double in[16], out[16];
  for (int i = 0; i < 16; ++i) in[i] = seed * (i + 1);
  unsigned mxcsr = 0x1f80 | 0x6000 | 0x8000, mxcsr_out = 0, before;
  unsigned short cw = 0x0e7f, cw_out = 0, cw_before;
  double x87_in = seed / 3, x87_out = 0;
  __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(before), "=m"(cw_before));
  started++;
  __asm__ volatile(
      "ldmxcsr %[mx]\n fldcw %[cw]\n fldl %[x87]\n"
      "movupd 0x00(%[in]), %%xmm0\n movupd 0x10(%[in]), %%xmm5\n"
      "movupd 0x20(%[in]), %%xmm9\n movupd 0x30(%[in]), %%xmm15\n"
      "1: pause\n cmpl $0, %[stop]\n je 1b\n"
      "movupd %%xmm0, 0x00(%[out])\n movupd %%xmm5, 0x10(%[out])\n"
      "movupd %%xmm9, 0x20(%[out])\n movupd %%xmm15, 0x30(%[out])\n"
      "fstpl %[x87o]\n stmxcsr %[mxo]\n fnstcw %[cwo]\n"
      : [x87o] "=m"(x87_out), [mxo] "=m"(mxcsr_out), [cwo] "=m"(cw_out)
      : [in] "r"(in), [out] "r"(out), [stop] "m"(stop), [mx] "m"(mxcsr),
        [cw] "m"(cw), [x87] "m"(x87_in)
      : "memory", "xmm0", "xmm5", "xmm9", "xmm15");
  __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(before), "m"(cw_before));
  if (memcmp(in, out, 64) != 0 || x87_in != x87_out) failures++;
  if (mxcsr_out != mxcsr || cw_out != cw) failures++;
}

__attribute__((target("avx"))) static void hold_ymm(double seed) {
  double in[4] = {seed, seed * 2, seed * 3, seed * 4}, out[4];
  started++;
  __asm__ volatile(
      "vmovupd (%[in]), %%ymm3\n"
      "1: pause\n cmpl $0, %[stop]\n je 1b\n"
      "vmovupd %%ymm3, (%[out])\n vzeroupper\n"
      :
      : [in] "r"(in), [out] "r"(out), [stop] "m"(stop)
      : "memory", "xmm3");
  if (memcmp(in, out, sizeof in) != 0) failures++;
}

static void *thread_body(void *arg) {
  long kind = (long)arg;
  if (kind == 2) {
    if (__builtin_cpu_supports("avx")) {
      hold_ymm(2.71828);
    } else {
      started++;
    }
  } else {
    hold_xmm(3.14159 + (double)kind);
  }
  return NULL;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  pthread_t threads[3];
  for (long i = 0; i < 3; ++i) {
    CHECK(pthread_create(&threads[i], NULL, thread_body, (void *)i) == 0);
  }
  while (started != 3) sleep_ms(5);
  sleep_ms(20);
  ready();
  await_release();
  stop = 1;
  for (int i = 0; i < 3; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(failures == 0);
  return pass();
}
