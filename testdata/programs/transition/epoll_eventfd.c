// SPDX-License-Identifier: Apache-2.0
//
// An epoll set over eventfds, a pipe and another epoll set: who is watched for
// what, with which data; counters; a process that sleeps in epoll_wait.

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "testdata/programs/lib/transition.h"

static void add(int set, int fd, uint32_t events, uint64_t data) {
  struct epoll_event e = {.events = events, .data.u64 = data};
  CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) == 0);
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  int counter = eventfd(41, EFD_NONBLOCK);
  int semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
  int wake = eventfd(0, 0), answer = eventfd(0, 0);
  int line[2];
  CHECK(counter >= 0 && semaphore >= 0 && wake >= 0 && pipe(line) == 0);
  int inner = epoll_create1(0), outer = epoll_create1(EPOLL_CLOEXEC);
  int idle = epoll_create1(0);
  add(inner, line[0], EPOLLIN, 77);
  add(outer, counter, EPOLLIN | EPOLLET, 0x1111222233334444);
  add(outer, semaphore, EPOLLIN | EPOLLONESHOT, 2);
  add(outer, inner, EPOLLIN, 3);
  add(idle, wake, EPOLLIN, 9);
  pid_t pid = must_fork();
  if (pid == 0) {
    struct epoll_event e;
    CHECK(epoll_wait(idle, &e, 1, -1) == 1 && e.data.u64 == 9);
    uint64_t one = 1;
    CHECK(write(answer, &one, 8) == 8);
    _exit(0);
  }
  struct epoll_event events[8];
  CHECK(epoll_wait(outer, events, 8, 0) == 2);
  CHECK(epoll_wait(outer, events, 8, 0) == 0);  // edge seen, one-shot spent
  ready();
  await_release();
  CHECK(epoll_wait(outer, events, 8, 0) == 0);
  uint64_t value = 1;
  CHECK(write(counter, &value, 8) == 8);
  CHECK(epoll_wait(outer, events, 8, 1000) == 1);
  CHECK(events[0].data.u64 == 0x1111222233334444);
  CHECK(read(counter, &value, 8) == 8 && value == 42);
  for (int i = 0; i < 3; ++i) {
    CHECK(read(semaphore, &value, 8) == 8 && value == 1);
  }
  CHECK_FAILS(read(semaphore, &value, 8), EAGAIN);
  CHECK(write(line[1], "x", 1) == 1);
  CHECK(epoll_wait(outer, events, 8, 1000) == 1 && events[0].data.u64 == 3);
  CHECK(epoll_wait(inner, events, 8, 0) == 1 && events[0].data.u64 == 77);
  value = 1;
  CHECK(write(wake, &value, 8) == 8);
  CHECK(read(answer, &value, 8) == 8);
  reap(pid);
  return pass();
}
