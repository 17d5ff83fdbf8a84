// SPDX-License-Identifier: Apache-2.0
//
// Appends numbered records to one file and rewrites another, without a pause,
// while snapshots are taken. The files are the host's: a record must be neither
// missing nor doubled. (It stops at the snapshot and goes on at the resume, so
// this holds for --stop and for one resume of the newest snapshot.)

#include <fcntl.h>

#include "testdata/programs/lib/transition.h"

int main(int argc, char **argv) {
  transition_init(argc, argv);
  int log = open(temp_path("log"), O_RDWR | O_CREAT | O_APPEND, 0600);
  int state = open(temp_path("state"), O_RDWR | O_CREAT, 0600);
  CHECK(log >= 0 && state >= 0);
  ready();
  unsigned count = 0;
  while (!released()) {
    for (int i = 0; i < 20; ++i) {
      char line[16];
      snprintf(line, sizeof line, "%07u\n", count);
      CHECK(write(log, line, 8) == 8);
      CHECK(pwrite(state, &count, sizeof count, 4096) == sizeof count);
      ++count;
    }
  }
  CHECK(lseek(log, 0, SEEK_END) == (off_t)count * 8);
  for (unsigned i = 0; i < count; ++i) {
    char line[16] = "", want[16];
    snprintf(want, sizeof want, "%07u\n", i);
    CHECK(pread(log, line, 8, (off_t)i * 8) == 8);
    CHECK(memcmp(line, want, 8) == 0);
  }
  unsigned last = 0;
  CHECK(pread(state, &last, sizeof last, 4096) == sizeof last);
  CHECK(last == count - 1);
  return pass();
}
