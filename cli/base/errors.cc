// SPDX-License-Identifier: Apache-2.0

#include "cli/base/errors.h"

#include <unistd.h>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "cli/base/exit_codes.h"

namespace crvm {
namespace {

constexpr char kExitCodePayload[] = "crvm/exit-code";

// One write, so that lines of several processes do not mix.
void PrintLine(const std::string& line) {
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(&out, absl::CEscape(absl::string_view(&c, 1)));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

void PrintError(absl::string_view message) {
  PrintLine(absl::StrCat("crvm: ", Printable(message), "\n"));
}

void PrintWarning(absl::string_view message) {
  PrintLine(absl::StrCat("crvm: warning: ", Printable(message), "\n"));
}

int Fail(absl::string_view what, const absl::Status& status) {
  PrintError(absl::StrCat(what, ": ", status.message()));
  return ExitCodeOf(status);
}

int Fail(const absl::Status& status) {
  PrintError(status.message());
  return ExitCodeOf(status);
}

absl::Status WithExitCode(absl::Status status, int exit_code) {
  status.SetPayload(kExitCodePayload, absl::Cord(absl::StrCat(exit_code)));
  return status;
}

int ExitCodeOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kExitCodePayload);
  int exit_code = kExitError;
  if (payload.has_value() &&
      absl::SimpleAtoi(std::string(*payload), &exit_code)) {
    return exit_code;
  }
  return kExitError;
}

}  // namespace crvm
