// SPDX-License-Identifier: Apache-2.0
//
// The kernel's log and panics in hosted tests: standard error and abort().
#include <cstdio>
#include <cstdlib>

#include "guestkernel/lib/panic.h"

namespace gk {

void Log(LogLevel level, const char* format, ...) {
  char text[504];
  va_list args;
  va_start(args, format);
  FormatV(text, sizeof(text), format, args);
  va_end(args);
  fprintf(stderr, "guest kernel [%u]: %s\n", static_cast<unsigned>(level),
          text);
}

void Panic(const char* format, ...) {
  char text[504];
  va_list args;
  va_start(args, format);
  FormatV(text, sizeof(text), format, args);
  va_end(args);
  fprintf(stderr, "guest kernel panic: %s\n", text);
  abort();
}

}  // namespace gk
