// SPDX-License-Identifier: Apache-2.0
//
// epoll: level and edge triggered, one-shot, nested sets, modification, removal
// by close, timeouts, masks, threads waiting together, errors.

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "testdata/programs/lib/check.h"

static int ep;
static struct epoll_event got[8];

static void control(int op, int fd, uint32_t events, uint64_t data) {
  struct epoll_event e = {.events = events, .data.u64 = data};
  CHECK(epoll_ctl(ep, op, fd, &e) == 0);
}

static void modes(void) {
  int p[2];
  char c;
  CHECK(pipe(p) == 0);
  control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
  control(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 2);
  CHECK(epoll_wait(ep, got, 8, 0) == 1 && got[0].data.u64 == 2);
  CHECK(epoll_wait(ep, got, 8, 0) == 0);
  CHECK(write(p[1], "ab", 2) == 2);
  CHECK(epoll_wait(ep, got, 8, 0) >= 1);
  int n = epoll_wait(ep, got, 8, 0);
  CHECK(n == 1 && got[0].data.u64 == 1 && got[0].events == EPOLLIN);
  CHECK(read(p[0], &c, 1) == 1 && epoll_wait(ep, got, 8, 0) >= 1);
  control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3);
  CHECK(epoll_wait(ep, got, 8, 0) >= 1);
  CHECK(epoll_wait(ep, got, 8, 0) == 0);  // the edge is gone, the data is not
  control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4);
  CHECK(epoll_wait(ep, got, 8, 0) == 1 && got[0].data.u64 == 4);
  CHECK(epoll_wait(ep, got, 8, 0) == 0);
  control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5);
  CHECK(epoll_wait(ep, got, 8, 0) == 1 && got[0].data.u64 == 5);
  control(EPOLL_CTL_MOD, p[0], EPOLLIN, 6);
  close(p[1]);
  CHECK(epoll_wait(ep, got, 8, 0) == 1);
  printf("events after close: %x\n", got[0].events);
  close(p[0]);
  CHECK(epoll_wait(ep, got, 8, 0) == 0);
}

static void nested(void) {
  int outer = epoll_create1(0), e = eventfd(0, 0);
  uint64_t one = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 10};
  CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &event) == 0);
  control(EPOLL_CTL_ADD, e, EPOLLIN, 11);
  CHECK(epoll_wait(outer, got, 8, 0) == 0);
  CHECK(write(e, &one, 8) == 8);
  CHECK(epoll_wait(outer, got, 8, 100) == 1 && got[0].data.u64 == 10);
  CHECK(epoll_wait(ep, got, 8, 0) == 1 && got[0].data.u64 == 11);
  event.data.u64 = 12;
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, outer, &event), ELOOP);
  close(e);
  close(outer);
}

static void errors(void) {
  int e = eventfd(0, 0);
  struct epoll_event event = {.events = EPOLLIN};
  control(EPOLL_CTL_ADD, e, EPOLLIN, 0);
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, e, &event), EEXIST);
  CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL) == 0);
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), ENOENT);
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, e, &event), ENOENT);
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &event), EBADF);
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event), EINVAL);
  CHECK_FAILS(epoll_ctl(e, EPOLL_CTL_ADD, ep, &event), EINVAL);
  CHECK_FAILS(epoll_wait(ep, got, 0, 0), EINVAL);
  FILE *file = fopen("/proc/self/exe", "r");
  CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, fileno(file), &event), EPERM);
  long long start = monotonic_ms();
  CHECK(epoll_wait(ep, got, 8, 60) == 0 && monotonic_ms() - start >= 59);
  close(e);
}

static atomic_int woken;
static void *wait_once(void *arg) {
  struct epoll_event e;
  CHECK(epoll_wait(ep, &e, 1, 5000) == 1);
  ++woken;
  return arg;
}

static void threads(void) {
  int e = eventfd(0, EFD_SEMAPHORE);
  uint64_t one = 1;
  pthread_t t[3];
  control(EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 0);
  for (int i = 0; i < 3; ++i) pthread_create(&t[i], NULL, wait_once, NULL);
  for (int i = 1; i <= 3; ++i) {
    sleep_ms(40);
    CHECK(write(e, &one, 8) == 8);
    for (int k = 0; k < 500 && woken < i; ++k) sleep_ms(2);
  }
  for (int i = 0; i < 3; ++i) pthread_join(t[i], NULL);
  printf("woken %d\n", (int)woken);
  close(e);
}

static void many(void) {
  enum { kMany = 900 };
  int fds[kMany];
  uint64_t one = 1;
  for (int i = 0; i < kMany; ++i) {
    fds[i] = eventfd(0, 0);
    control(EPOLL_CTL_ADD, fds[i], EPOLLIN, i);
  }
  for (int i = 0; i < kMany; i += 3) CHECK(write(fds[i], &one, 8) == 8);
  static struct epoll_event all[kMany];
  int n = epoll_wait(ep, all, kMany, 0), sum = 0;
  for (int i = 0; i < n; ++i) sum += (int)all[i].data.u64;
  printf("%d ready, sum %d\n", n, sum);
  // Fairness: a short buffer gets to all of them in the end.
  char seen[kMany] = {0};
  for (int round = 0; round < 50; ++round) {
    n = epoll_wait(ep, got, 8, 0);
    CHECK(n == 8);
    for (int i = 0; i < n; ++i) seen[got[i].data.u64] = 1;
  }
  for (int i = 0; i < kMany; ++i) CHECK(seen[i] == (i % 3 == 0));
}

int main(void) {
  ep = epoll_create1(EPOLL_CLOEXEC);
  CHECK(ep >= 0);
  modes();
  nested();
  errors();
  threads();
  many();
  return 0;
}
