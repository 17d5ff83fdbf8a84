// SPDX-License-Identifier: Apache-2.0
//
// Makes sure that file descriptors 0, 1 and 2 are open, so that nothing else is
// ever opened in their place. At the start of main().

#ifndef CRVM_CLI_BASE_STANDARD_FILES_H_
#define CRVM_CLI_BASE_STANDARD_FILES_H_

#include <fcntl.h>
#include <unistd.h>

namespace crvm {

inline void OpenStandardFiles() {
  int fd;
  // open() gives the lowest free number.
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) close(fd);
}

}  // namespace crvm

#endif  // CRVM_CLI_BASE_STANDARD_FILES_H_
