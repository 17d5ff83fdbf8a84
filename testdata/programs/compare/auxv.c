// SPDX-License-Identifier: Apache-2.0
//
// What a program finds on its stack: the auxiliary vector, the vDSO, the
// program headers, random bytes.

#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "testdata/programs/lib/check.h"

extern char **environ;

static void headers(void) {
  const ElfW(Phdr) *p = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  unsigned long n = getauxval(AT_PHNUM);
  CHECK(p != NULL && n > 2 && getauxval(AT_PHENT) == sizeof *p);
  int loads = 0;
  for (unsigned long i = 0; i < n; ++i) loads += p[i].p_type == PT_LOAD;
  printf("loads: %d\n", loads > 1);
  const unsigned char *base = (const unsigned char *)getauxval(AT_BASE);
  CHECK(base == NULL || memcmp(base, ELFMAG, SELFMAG) == 0);
}

static void vdso(void) {
  const ElfW(Ehdr) *h = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
  CHECK(h != NULL && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0);
  CHECK(h->e_type == ET_DYN && h->e_machine == EM_X86_64);
  struct timespec a, b, c;
  for (int clock = 0; clock < 8; ++clock) {
    if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) {
      continue;
    }
    // The vDSO's time lies between the kernel's. Coarse clocks may be behind.
    if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE) {
      continue;
    }
    CHECK(syscall(SYS_clock_gettime, clock, &a) == 0);
    CHECK(clock_gettime(clock, &b) == 0);
    CHECK(syscall(SYS_clock_gettime, clock, &c) == 0);
    long long na = a.tv_sec * 1000000000ll + a.tv_nsec;
    long long nb = b.tv_sec * 1000000000ll + b.tv_nsec;
    long long nc = c.tv_sec * 1000000000ll + c.tv_nsec;
    CHECK(na <= nb && nb <= nc);
  }
  printf("vdso\n");
}

int main(int argc, char **argv) {
  CHECK(argc == 1 && argv[1] == NULL);
  CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_CLKTCK) == 100);
  CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EGID) == getegid());
  CHECK(getauxval(AT_SECURE) == 0 && getauxval(AT_FLAGS) == 0);
  CHECK(getauxval(AT_HWCAP) != 0 && getauxval(AT_MINSIGSTKSZ) > 1000);
  printf("platform %s\n", (char *)getauxval(AT_PLATFORM));
  CHECK(strcmp((char *)getauxval(AT_EXECFN), argv[0]) == 0);
  const char *random = (const char *)getauxval(AT_RANDOM);
  CHECK(random != NULL && memcmp(random, random + 8, 8) != 0);
  CHECK((unsigned long)random < (unsigned long)argv[0]);
  CHECK((char **)environ == argv + argc + 1);
  headers();
  vdso();
  return 0;
}
