// SPDX-License-Identifier: Apache-2.0
//
// Threads that at the snapshot are blocked on a mutex, a condition variable, a
// barrier, a semaphore and in pthread_join, and one that waits on a process-
// shared mutex held by another process.

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "testdata/programs/lib/transition.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t cond_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int condition;
static atomic_int arrived, passed;
static _Thread_local int tls_value;

static void *on_mutex(void *arg) {
  tls_value = 100 + (int)(long)arg;
  arrived++;
  CHECK(pthread_mutex_lock(&mutex) == 0);
  CHECK(tls_value == 100 + (int)(long)arg);
  passed++;
  CHECK(pthread_mutex_unlock(&mutex) == 0);
  return arg;
}

static void *on_cond(void *arg) {
  CHECK(pthread_mutex_lock(&cond_mutex) == 0);
  arrived++;
  while (!condition) CHECK(pthread_cond_wait(&cond, &cond_mutex) == 0);
  CHECK(pthread_mutex_unlock(&cond_mutex) == 0);
  passed++;
  return arg;
}

static void *on_barrier(void *arg) {
  arrived++;
  pthread_barrier_wait(&barrier);
  passed++;
  return arg;
}

static void *on_semaphore(void *arg) {
  arrived++;
  while (sem_wait(&semaphore) != 0) CHECK(errno == EINTR);
  passed++;
  return arg;
}

static void *on_join(void *arg) {
  arrived++;
  void *result;
  CHECK(pthread_join(*(pthread_t *)arg, &result) == 0);
  passed++;
  return result;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  CHECK(pthread_mutex_init(shared, &attr) == 0);
  CHECK(pthread_mutex_lock(shared) == 0);
  pid_t pid = must_fork();
  if (pid == 0) {
    CHECK(pthread_mutex_lock(shared) == 0);
    _exit(0);
  }
  CHECK(pthread_barrier_init(&barrier, NULL, 3) == 0);
  CHECK(sem_init(&semaphore, 0, 0) == 0);
  CHECK(pthread_mutex_lock(&mutex) == 0);
  static void *(*const kBodies[])(void *) = {
      on_mutex,   on_mutex,   on_cond,     on_cond,
      on_barrier, on_barrier, on_semaphore};
  enum { kThreads = sizeof kBodies / sizeof *kBodies };
  pthread_t threads[kThreads], joiner;
  for (long i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], NULL, kBodies[i], (void *)i) == 0);
  }
  CHECK(pthread_create(&joiner, NULL, on_join, &threads[0]) == 0);
  while (arrived != kThreads + 1) sleep_ms(5);
  sleep_ms(50);  // all are in the kernel now
  ready();
  await_release();
  CHECK(passed == 0);
  CHECK(pthread_mutex_unlock(&mutex) == 0);
  CHECK(pthread_mutex_lock(&cond_mutex) == 0);
  condition = 1;
  CHECK(pthread_cond_broadcast(&cond) == 0);
  CHECK(pthread_mutex_unlock(&cond_mutex) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(sem_post(&semaphore) == 0);
  void *result;
  CHECK(pthread_join(joiner, &result) == 0 && result == (void *)0);
  for (long i = 1; i < kThreads; ++i) {
    CHECK(pthread_join(threads[i], &result) == 0 && result == (void *)i);
  }
  CHECK(passed == kThreads + 1);
  CHECK(pthread_mutex_unlock(shared) == 0);
  reap(pid);
  return pass();
}
