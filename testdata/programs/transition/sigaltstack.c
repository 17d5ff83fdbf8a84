// SPDX-License-Identifier: Apache-2.0
//
// An alternate signal stack: registered at the snapshot in one thread, and in
// use at the snapshot (the handler itself waits) in the main thread.

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "testdata/programs/lib/transition.h"

enum { kStack = 65536 };

static char main_stack[kStack], thread_stack[kStack];
static atomic_int thread_ready, thread_go;
static volatile sig_atomic_t main_ok, thread_ok;

static int within(const char *stack, const void *p) {
  return (const char *)p >= stack && (const char *)p < stack + kStack;
}

static void on_main(int sig) {
  (void)sig;
  char here;
  stack_t s;
  unsigned check[64];
  for (int i = 0; i < 64; ++i) check[i] = i * 2654435761u;
  __asm__ volatile("" : : "r"(check) : "memory");
  if (!within(main_stack, &here)) return;
  while (!thread_ready) sleep_ms(5);
  ready();
  await_release();
  for (int i = 0; i < 64; ++i) {
    if (check[i] != i * 2654435761u) return;
  }
  if (sigaltstack(NULL, &s) != 0 || !(s.ss_flags & SS_ONSTACK)) return;
  main_ok = within(main_stack, &here);
}

static void on_thread(int sig) {
  (void)sig;
  char here;
  thread_ok = within(thread_stack, &here);
}

static void *thread_body(void *arg) {
  (void)arg;
  stack_t s = {.ss_sp = thread_stack, .ss_size = kStack}, old;
  CHECK(sigaltstack(&s, NULL) == 0);
  thread_ready = 1;
  while (!thread_go) sleep_ms(5);
  CHECK(sigaltstack(NULL, &old) == 0);
  CHECK(old.ss_sp == thread_stack && old.ss_size == kStack);
  CHECK(old.ss_flags == 0);
  CHECK(pthread_kill(pthread_self(), SIGUSR2) == 0);
  return NULL;
}

int main(int argc, char **argv) {
  transition_init(argc, argv);
  struct sigaction action = {.sa_handler = on_main, .sa_flags = SA_ONSTACK};
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  action.sa_handler = on_thread;
  CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
  stack_t s = {.ss_sp = main_stack, .ss_size = kStack}, now;
  CHECK(sigaltstack(&s, NULL) == 0);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, thread_body, NULL) == 0);
  CHECK(raise(SIGUSR1) == 0);  // waits in the handler
  CHECK(main_ok);
  CHECK(sigaltstack(NULL, &now) == 0);
  CHECK(now.ss_sp == main_stack && now.ss_flags == 0);
  thread_go = 1;
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(thread_ok);
  return pass();
}
