// SPDX-License-Identifier: Apache-2.0
//
// malloc under stress, in threads, with small and large blocks, and memory that
// grows to a few hundred MiB and is given back.

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "testdata/programs/lib/check.h"

enum { kBlocks = 2000, kRounds = 30000 };

static unsigned next_random(unsigned *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void *stress(void *arg) {
  unsigned state = (unsigned)(uintptr_t)arg;
  static _Thread_local struct {
    unsigned char *p;
    size_t n;
    unsigned char tag;
  } blocks[kBlocks];
  for (int i = 0; i < kRounds; ++i) {
    int at = next_random(&state) % kBlocks;
    if (blocks[at].p != NULL) {
      size_t n = blocks[at].n;
      CHECK(blocks[at].p[0] == blocks[at].tag);
      CHECK(blocks[at].p[n - 1] == blocks[at].tag);
      if (next_random(&state) % 3 == 0) {
        n = n * 2 + 1;
        blocks[at].p = realloc(blocks[at].p, n);
        CHECK(blocks[at].p != NULL && blocks[at].p[0] == blocks[at].tag);
        blocks[at].p[n - 1] = blocks[at].tag;
        blocks[at].n = n;
        if (n < 100000) continue;
      }
      free(blocks[at].p);
      blocks[at].p = NULL;
      continue;
    }
    size_t n = 1 + next_random(&state) % (i % 100 == 0 ? 300000 : 600);
    blocks[at].p = malloc(n);
    CHECK(blocks[at].p != NULL);
    blocks[at].n = n;
    blocks[at].tag = (unsigned char)next_random(&state);
    blocks[at].p[0] = blocks[at].p[n - 1] = blocks[at].tag;
  }
  for (int i = 0; i < kBlocks; ++i) free(blocks[i].p);
  return NULL;
}

int main(void) {
  pthread_t t[3];
  for (uintptr_t i = 0; i < 3; ++i) {
    CHECK(pthread_create(&t[i], NULL, stress, (void *)(i + 1)) == 0);
  }
  stress((void *)99);
  for (int i = 0; i < 3; ++i) CHECK(pthread_join(t[i], NULL) == 0);
  // 256 MiB: touched once per page, freed, four times over.
  for (int round = 0; round < 4; ++round) {
    enum { kSize = 64 << 20 };
    char *p = malloc(kSize);
    CHECK(p != NULL);
    for (size_t i = 0; i < kSize; i += 4096) p[i] = (char)(i >> 12);
    for (size_t i = 0; i < kSize; i += 4096) CHECK(p[i] == (char)(i >> 12));
    free(p);
  }
  void *aligned = NULL;
  CHECK(posix_memalign(&aligned, 1 << 20, 100) == 0);
  CHECK((uintptr_t)aligned % (1 << 20) == 0);
  free(aligned);
  malloc_trim(0);
  volatile size_t too_much = SIZE_MAX / 2;
  CHECK(malloc(too_much) == NULL && errno == ENOMEM);
  printf("ok\n");
  return 0;
}
