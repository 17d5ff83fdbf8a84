// SPDX-License-Identifier: Apache-2.0
//
// The smallest: arguments, environment, auxiliary vector, exit status 0. Also
// built statically and as a static PIE.

#include <sys/auxv.h>

#include "testdata/programs/lib/check.h"

extern char **environ;

int main(int argc, char **argv) {
  printf("hello, %d arguments\n", argc - 1);
  for (int i = 1; i < argc; ++i) printf("%d: %s\n", i, argv[i]);
  CHECK(argv[argc] == NULL && environ != NULL);
  CHECK(getauxval(AT_PAGESZ) == 4096);
  CHECK(getauxval(AT_CLKTCK) == 100);
  CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
  CHECK(getauxval(AT_RANDOM) != 0 && getauxval(AT_SYSINFO_EHDR) != 0);
  CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_SECURE) == 0);
  CHECK(strcmp((const char *)getauxval(AT_PLATFORM), "x86_64") == 0);
  CHECK(access((const char *)getauxval(AT_EXECFN), X_OK) == 0);
  printf("stack aligned: %d\n", (int)((unsigned long)&argc % 4 == 0));
  return 0;
}
