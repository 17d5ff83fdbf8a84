// SPDX-License-Identifier: Apache-2.0
//
// futex(2) itself: wait, wake, timeouts of both kinds, bitsets, requeue,
// wake_op, private and shared between processes.

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

static atomic_int word, second, woken;

static long futex(void *address, int op, int value, const void *timeout,
                  void *address2, int value3) {
  return syscall(SYS_futex, address, op, value, timeout, address2, value3);
}

static void *waiter(void *arg) {
  int bits = (int)(long)arg;
  long r = bits ? futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, bits)
                : futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  CHECK(r == 0);
  ++woken;
  return NULL;
}

// Wakes until n have been woken; waiters may not have arrived yet.
static void wake(void *address, int op, int n, int bits) {
  for (int done = 0; done < n;) {
    long r = futex(address, op, n - done, NULL, NULL, bits);
    CHECK(r >= 0);
    done += r;
    sleep_ms(2);
  }
}

static void errors_and_timeouts(void) {
  struct timespec short_time = {0, 30000000}, bad = {0, -1}, past = {1, 0};
  word = 1;
  CHECK_FAILS(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0), EAGAIN);
  long long start = monotonic_ms();
  CHECK_FAILS(futex(&word, FUTEX_WAIT, 1, &short_time, NULL, 0), ETIMEDOUT);
  CHECK(monotonic_ms() - start >= 29);
  CHECK_FAILS(futex(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, -1), ETIMEDOUT);
  CHECK_FAILS(futex(&word, FUTEX_WAIT, 1, &bad, NULL, 0), EINVAL);
  CHECK_FAILS(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0), EINVAL);
  CHECK_FAILS(futex((void *)8, FUTEX_WAIT, 1, NULL, NULL, 0), EFAULT);
  CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
  CHECK_FAILS(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
  word = 0;
}

static void wake_and_bitset(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; ++i) pthread_create(&t[i], NULL, waiter, NULL);
  wake(&word, FUTEX_WAKE_PRIVATE, 4, 0);
  for (int i = 0; i < 4; ++i) pthread_join(t[i], NULL);
  CHECK(woken == 4);
  pthread_create(&t[0], NULL, waiter, (void *)1l);
  pthread_create(&t[1], NULL, waiter, (void *)2l);
  sleep_ms(50);
  wake(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, 2);
  pthread_join(t[1], NULL);
  CHECK(woken == 5);
  wake(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, -1);
  pthread_join(t[0], NULL);
  CHECK(woken == 6);
}

static void requeue(void) {
  pthread_t t[3];
  for (int i = 0; i < 3; ++i) pthread_create(&t[i], NULL, waiter, NULL);
  long moved = 0;
  while (moved < 3) {
    long r = futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)9l, &second, 0);
    CHECK(r >= 0);
    moved += r;
    sleep_ms(2);
  }
  CHECK(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0) == 0);
  CHECK_FAILS(
      futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)1l, &second, 5),
      EAGAIN);
  wake(&second, FUTEX_WAKE_PRIVATE, 3, 0);
  for (int i = 0; i < 3; ++i) pthread_join(t[i], NULL);
  second = 7;
  CHECK(futex(&word, FUTEX_WAKE_OP, 1, (void *)1l, &second,
              FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 7)) == 0);
  CHECK(second == 10);
}

static void between_processes(void) {
  atomic_int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0);
    _exit(0);
  }
  wake(shared, FUTEX_WAKE, 1, 0);
  reap(pid);
}

int main(void) {
  errors_and_timeouts();
  wake_and_bitset();
  requeue();
  between_processes();
  printf("ok\n");
  return 0;
}
