// SPDX-License-Identifier: Apache-2.0
//
// What the hosted tests of terminals share.
#ifndef CRVM_GUESTKERNEL_TTY_TESTING_TTY_TEST_UTIL_H_
#define CRVM_GUESTKERNEL_TTY_TESTING_TTY_TEST_UTIL_H_

#include <string>

#include "guestkernel/fs/user_io.h"

namespace gk {

// One read(2): the bytes, or "error N".
template <typename Reader>
std::string ReadWith(Reader read, size_t n) {
  std::string out(n, 0);
  UserIo io = UserIo::Kernel(out.data(), n);
  const int64_t result = read(io);
  if (result < 0) return "error " + std::to_string(-result);
  out.resize(result);
  return out;
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_TESTING_TTY_TEST_UTIL_H_
