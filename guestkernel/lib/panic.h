// SPDX-License-Identifier: Apache-2.0
//
// Kernel log and the end of the road: a kernel bug stops the VM with a report,
// it never corrupts a snapshot.
#ifndef CRVM_GUESTKERNEL_LIB_PANIC_H_
#define CRVM_GUESTKERNEL_LIB_PANIC_H_

#include <cstdarg>

namespace gk {

enum class LogLevel : unsigned {
  kError = 0,
  kWarning = 1,
  kInfo = 2,
  kDebug = 3
};

// printf subset: %d %u %x %p %s %c %% with l/ll/z, width, 0 and - flags, %.*s.
// One record, at most 503 bytes.
void Log(LogLevel level, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
[[noreturn]] void Panic(const char* format, ...)
    __attribute__((format(printf, 1, 2)));

// Returns the length that the whole text has (as snprintf does); always
// NUL-terminates when size > 0.
int FormatV(char* buffer, unsigned long size, const char* format, va_list args);
int Format(char* buffer, unsigned long size, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

}  // namespace gk

#define GK_ASSERT(condition)                                         \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::gk::Panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, \
                  #condition);                                       \
  } while (false)

#endif  // CRVM_GUESTKERNEL_LIB_PANIC_H_
