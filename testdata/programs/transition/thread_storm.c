// SPDX-License-Identifier: Apache-2.0
//
// Threads on a shared queue, and short-lived threads, without a pause, while
// snapshots are taken; nothing may be lost or taken twice. Thread-local storage
// and robust mutexes included.

#include <pthread.h>
#include <stdatomic.h>

#include "testdata/programs/lib/transition.h"

enum { kWorkers = 3, kSlots = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static unsigned long slots[kSlots];
static unsigned long head, tail;
static int closed;
static atomic_ulong taken_sum, taken_count;
static _Thread_local unsigned long own_count;

static int take(unsigned long *item) {
  pthread_mutex_lock(&lock);
  while (head == tail && !closed) pthread_cond_wait(&not_empty, &lock);
  int got = head != tail;
  if (got) *item = slots[tail++ % kSlots];
  pthread_cond_signal(&not_full);
  pthread_mutex_unlock(&lock);
  return got;
}

static void put(unsigned long item) {
  pthread_mutex_lock(&lock);
  while (head - tail == kSlots) pthread_cond_wait(&not_full, &lock);
  slots[head++ % kSlots] = item;
  pthread_cond_signal(&not_empty);
  pthread_mutex_unlock(&lock);
}

static void *worker(void *arg) {
  unsigned long item;
  while (take(&item)) {
    taken_sum += item;
    own_count++;
  }
  taken_count += own_count;
  return arg;
}

static void *short_lived(void *arg) {
  own_count = (unsigned long)arg;
  sched_yield();
  return (void *)(own_count + 1);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  pthread_t workers[kWorkers];
  for (int i = 0; i < kWorkers; ++i) {
    CHECK(pthread_create(&workers[i], NULL, worker, NULL) == 0);
  }
  ready();
  unsigned long sum = 0, count = 0;
  while (!released()) {
    for (int i = 0; i < 50; ++i) {
      put(++count);
      sum += count;
    }
    pthread_t t;
    void *result;
    CHECK(pthread_create(&t, NULL, short_lived, (void *)count) == 0);
    CHECK(pthread_join(t, &result) == 0 && result == (void *)(count + 1));
  }
  pthread_mutex_lock(&lock);
  closed = 1;
  pthread_cond_broadcast(&not_empty);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < kWorkers; ++i) CHECK(pthread_join(workers[i], NULL) == 0);
  CHECK(taken_sum == sum && taken_count == count && count > 0);
  return pass();
}
