// SPDX-License-Identifier: Apache-2.0

#include "cli/base/units.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace crvm {
namespace {

constexpr absl::string_view kPrefixes = "BKMGT";

absl::Status BadSize(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a size: write for example 512M or 4G"));
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  absl::string_view number = text;
  const size_t digits = number.find_first_not_of("0123456789.");
  std::string unit;
  if (digits != absl::string_view::npos) {
    unit = absl::AsciiStrToUpper(
        absl::StripAsciiWhitespace(number.substr(digits)));
    number = number.substr(0, digits);
  }
  double value = 0;
  if (!absl::SimpleAtod(number, &value) || value < 0) return BadSize(text);
  size_t power = 0;
  if (!unit.empty()) {
    power = kPrefixes.find(unit[0]);
    const absl::string_view rest = absl::string_view(unit).substr(1);
    if (power == absl::string_view::npos ||
        (rest != "" && rest != "B" && rest != "IB") ||
        (power == 0 && rest != "")) {
      return BadSize(text);
    }
  }
  value = std::ldexp(value, static_cast<int>(10 * power));
  if (value >= 9.2e18) return BadSize(text);
  return static_cast<uint64_t>(value);
}

std::string FormatSize(uint64_t bytes) {
  double value = static_cast<double>(bytes);
  size_t power = 0;
  while (value >= 999.5 && power + 1 < kPrefixes.size()) {
    value /= 1024;
    ++power;
  }
  if (power == 0) return absl::StrCat(bytes, " B");
  const int decimals = value < 9.95 ? 1 : 0;
  return absl::StrFormat("%.*f %ciB", decimals, value, kPrefixes[power]);
}

std::string FormatAge(uint64_t seconds) {
  if (seconds < 120) return absl::StrCat(seconds, " s");
  if (seconds < 120 * 60) return absl::StrCat(seconds / 60, " min");
  if (seconds < 48 * 3600) return absl::StrCat(seconds / 3600, " h");
  return absl::StrCat(seconds / 86400, " d");
}

absl::StatusOr<int> ParseSignal(absl::string_view text) {
  int number = 0;
  if (absl::SimpleAtoi(text, &number) && number > 0 && number < SIGRTMAX) {
    return number;
  }
  std::string name = absl::AsciiStrToUpper(text);
  if (absl::StartsWith(name, "SIG")) name.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* abbreviation = sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is not a signal: write for example TERM, SIGINT or 9"));
}

std::string FormatTime(uint64_t unix_ns) {
  const time_t seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
  struct tm local;
  char text[32];
  if (localtime_r(&seconds, &local) == nullptr) return "?";
  strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string FormatTimeUtc(uint64_t unix_ns) {
  const time_t seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
  struct tm utc;
  char text[32];
  if (gmtime_r(&seconds, &utc) == nullptr) return "?";
  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace crvm
