// SPDX-License-Identifier: Apache-2.0
//
// POSIX threads: mutexes of all kinds, conditions with timeouts, rwlocks,
// barriers, once, keys, cancellation, detached threads, large and many stacks.

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "testdata/programs/lib/check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_key_t key;
static atomic_int destructed, readers, max_readers;
static long counter;
static int turn;

static void *count(void *arg) {
  for (int i = 0; i < 20000; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
  }
  return arg;
}

static void *take_turns(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < 200; ++i) {
    pthread_mutex_lock(&mutex);
    while (turn % 3 != me) pthread_cond_wait(&cond, &mutex);
    ++turn;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void *read_lock(void *arg) {
  pthread_rwlock_rdlock(&rwlock);
  int n = ++readers;
  if (n > max_readers) max_readers = n;
  sleep_ms(30);
  --readers;
  pthread_rwlock_unlock(&rwlock);
  return arg;
}

static void on_thread_end(void *value) {
  if (*(int *)value == 5) ++destructed;
  free(value);
}

static void *with_key(void *arg) {
  int *value = malloc(sizeof *value);
  *value = 5;
  pthread_setspecific(key, value);
  return arg;
}

static void *forever(void *arg) {
  while (arg == NULL) pause();
  return NULL;
}

static void *small(void *arg) { return (char *)arg + 1; }

static void run(int n, void *(*body)(void *)) {
  pthread_t threads[16];
  for (long i = 0; i < n; ++i) {
    CHECK(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
  }
  for (int i = 0; i < n; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void timeouts(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += 50000000;
  if (t.tv_nsec >= 1000000000) {
    t.tv_sec++;
    t.tv_nsec -= 1000000000;
  }
  long long start = monotonic_ms();
  pthread_mutex_lock(&mutex);
  CHECK(pthread_cond_timedwait(&cond, &mutex, &t) == ETIMEDOUT);
  CHECK(pthread_mutex_trylock(&mutex) == EBUSY);
  pthread_mutex_unlock(&mutex);
  CHECK(monotonic_ms() - start >= 45);
  sem_t s;
  CHECK(sem_init(&s, 0, 1) == 0 && sem_wait(&s) == 0);
  CHECK_FAILS(sem_timedwait(&s, &t), ETIMEDOUT);
}

static void kinds(void) {
  pthread_mutexattr_t attr;
  pthread_mutex_t m;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&m, &attr);
  CHECK(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == 0);
  CHECK(pthread_mutex_unlock(&m) == 0 && pthread_mutex_unlock(&m) == 0);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&m, &attr);
  CHECK(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == EDEADLK);
}

static void *die_holding(void *m) {
  pthread_mutex_lock(m);
  return NULL;
}

static void robust(void) {
  pthread_mutexattr_t attr;
  pthread_mutex_t m;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&m, &attr);
  pthread_t t;
  CHECK(pthread_create(&t, NULL, die_holding, &m) == 0);
  CHECK(pthread_join(t, NULL) == 0);
  CHECK(pthread_mutex_lock(&m) == EOWNERDEAD);
  CHECK(pthread_mutex_consistent(&m) == 0 && pthread_mutex_unlock(&m) == 0);
}

int main(void) {
  run(4, count);
  printf("counted %ld\n", counter);
  run(3, take_turns);
  printf("turns %d\n", turn);
  run(4, read_lock);
  printf("readers together: %d\n", max_readers > 1);
  CHECK(pthread_key_create(&key, on_thread_end) == 0);
  run(6, with_key);
  printf("destructed %d\n", (int)destructed);
  timeouts();
  kinds();
  robust();
  pthread_t t;
  void *result;
  CHECK(pthread_create(&t, NULL, forever, NULL) == 0);
  CHECK(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0);
  printf("cancelled: %d\n", result == PTHREAD_CANCELED);
  for (long i = 0; i < 300; ++i) {
    CHECK(pthread_create(&t, NULL, small, (void *)i) == 0);
    CHECK(pthread_join(t, &result) == 0 && result == (void *)(i + 1));
  }
  return 0;
}
