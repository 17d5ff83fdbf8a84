// SPDX-License-Identifier: Apache-2.0
//
// Sizes, durations and signal names as people write and read them.

#ifndef CRVM_CLI_BASE_UNITS_H_
#define CRVM_CLI_BASE_UNITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace crvm {

// "512M", "4G", "1.5GiB", "65536": powers of 1024.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);

// "0 B", "12 KiB", "1.5 GiB": at most three digits.
std::string FormatSize(uint64_t bytes);

// "12 s", "3 min", "5 h", "2 d": how long ago.
std::string FormatAge(uint64_t seconds);

// "TERM", "SIGTERM", "15".
absl::StatusOr<int> ParseSignal(absl::string_view text);

// Local time, "2026-11-22 15:45:01".
std::string FormatTime(uint64_t unix_ns);
// UTC, RFC 3339, for JSON.
std::string FormatTimeUtc(uint64_t unix_ns);

}  // namespace crvm

#endif  // CRVM_CLI_BASE_UNITS_H_
