// SPDX-License-Identifier: Apache-2.0
//
// dlopen, dlsym, dlclose of system libraries, symbol lookup, dl_iterate_phdr.

#include <dlfcn.h>
#include <link.h>

#include "testdata/programs/lib/check.h"

static int count(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  CHECK(info->dlpi_phnum > 0);
  ++*(int *)data;
  return 0;
}

int main(void) {
  int before = 0, with = 0, after = 0;
  dl_iterate_phdr(count, &before);
  void *z = dlopen("liblz4.so.1", RTLD_NOW | RTLD_LOCAL);
  if (z == NULL) printf("%s\n", dlerror());
  CHECK(z != NULL);
  dl_iterate_phdr(count, &with);
  CHECK(with > before);
  int (*version)(void) = (int (*)(void))dlsym(z, "LZ4_versionNumber");
  CHECK(version != NULL && version() > 10000);
  int (*compress)(const char *, char *, int, int) =
      (int (*)(const char *, char *, int, int))dlsym(z, "LZ4_compress_default");
  CHECK(compress != NULL);
  static char in[100000], out[110000];
  int n = compress(in, out, sizeof in, sizeof out);
  CHECK(n > 0 && n < 1000);
  CHECK(dlsym(z, "no_such_symbol") == NULL && dlerror() != NULL);
  Dl_info info;
  CHECK(dladdr((void *)compress, &info) != 0);
  printf("found %s\n", info.dli_sname);
  CHECK(dlclose(z) == 0);
  dl_iterate_phdr(count, &after);
  CHECK(after == before);
  CHECK(dlopen("libno_such_library.so", RTLD_NOW) == NULL);
  void *self = dlopen(NULL, RTLD_NOW);
  CHECK(self != NULL && dlsym(self, "printf") != NULL);
  return 0;
}
