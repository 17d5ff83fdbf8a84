// SPDX-License-Identifier: Apache-2.0
//
// CRVM_LOG(WARNING) << "virtio-fs: queue " << n << " is broken";
// writes one line "crvm: warning: ..." to stderr in a single write(2), so
// lines of several threads do not mix. Levels: DEBUG, INFO, WARNING, ERROR.
// The default threshold is WARNING: crvm's stderr is the program's stderr.
// Any thread.

#ifndef CRVM_VMM_BASE_LOG_H_
#define CRVM_VMM_BASE_LOG_H_

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace crvm {

enum class LogLevel { DEBUG = 0, INFO = 1, WARNING = 2, ERROR = 3 };

// Messages below `level` are dropped (and not formatted).
void SetMinLogLevel(LogLevel level);
LogLevel MinLogLevel();

// "debug", "info", "warning", "error"; nothing for other names.
std::optional<LogLevel> LogLevelNamed(absl::string_view name);

namespace log_internal {

// Collects one message; the destructor writes it.
class LogMessage {
 public:
  explicit LogMessage(LogLevel level);
  LogMessage(const LogMessage&) = delete;
  LogMessage& operator=(const LogMessage&) = delete;
  ~LogMessage();

  LogMessage& operator<<(const absl::AlphaNum& value) {
    absl::StrAppend(&text_, value);
    return *this;
  }
  // Anything with a ToString() method, such as absl::Status.
  template <typename T>
  auto operator<<(const T& value)
      -> decltype(absl::string_view(value.ToString()), *this) {
    return *this << absl::AlphaNum(value.ToString());
  }

 private:
  std::string text_;
};

// Gives both arms of the conditional in CRVM_LOG the type void.
struct Voidify {
  void operator&(const LogMessage&) const {}
};

}  // namespace log_internal
}  // namespace crvm

#define CRVM_LOG(level)                             \
  (::crvm::LogLevel::level < ::crvm::MinLogLevel()) \
      ? (void)0                                     \
      : ::crvm::log_internal::Voidify() &           \
            ::crvm::log_internal::LogMessage(::crvm::LogLevel::level)

#endif  // CRVM_VMM_BASE_LOG_H_
