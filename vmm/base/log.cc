// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>

namespace crvm {
namespace {

std::atomic<LogLevel> min_level{LogLevel::WARNING};

const char* Prefix(LogLevel level) {
  switch (level) {
    case LogLevel::DEBUG:
      return "crvm: debug: ";
    case LogLevel::INFO:
      return "crvm: ";
    case LogLevel::WARNING:
      return "crvm: warning: ";
    case LogLevel::ERROR:
      return "crvm: error: ";
  }
  return "crvm: ";
}

}  // namespace

void SetMinLogLevel(LogLevel level) { min_level = level; }
LogLevel MinLogLevel() { return min_level; }

std::optional<LogLevel> LogLevelNamed(absl::string_view name) {
  if (name == "debug") return LogLevel::DEBUG;
  if (name == "info") return LogLevel::INFO;
  if (name == "warning") return LogLevel::WARNING;
  if (name == "error") return LogLevel::ERROR;
  return std::nullopt;
}

namespace log_internal {

LogMessage::LogMessage(LogLevel level) : text_(Prefix(level)) {}

LogMessage::~LogMessage() {
  int saved_errno = errno;
  for (char& c : text_) {
    if (c == '\n') c = ' ';  // one message, one line
  }
  text_.push_back('\n');
  // A log that cannot be written has nowhere to be reported.
  (void)!write(STDERR_FILENO, text_.data(), text_.size());
  errno = saved_errno;
}

}  // namespace log_internal
}  // namespace crvm
