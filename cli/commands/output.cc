// SPDX-License-Identifier: Apache-2.0

#include "cli/commands/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"

namespace crvm {
namespace {

constexpr char kPlain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    "_-./:=,+@%^";

std::string Quoted(const std::string& arg) {
  if (!arg.empty() && arg.find_first_not_of(kPlain) == std::string::npos) {
    return arg;
  }
  return absl::StrCat("'", absl::StrReplaceAll(arg, {{"'", "'\\''"}}), "'");
}

}  // namespace

int PrintOut(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      PrintError(absl::StrCat("write to stdout: ", strerror(errno)));
      return kExitError;
    }
    text.remove_prefix(static_cast<size_t>(n));
  }
  return kExitOk;
}

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Printable(row[i]).size());
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Printable(row[i]);
      out += cell;
      if (i + 1 < row.size()) out.append(widths[i] - cell.size() + 2, ' ');
    }
    out += "\n";
  }
  return out;
}

std::string FormatArgv(const std::vector<std::string>& argv, size_t width) {
  std::string out;
  for (const std::string& arg : argv) {
    if (!out.empty()) out += " ";
    out += Printable(Quoted(arg));
    if (out.size() > width) {
      out.resize(width > 3 ? width - 3 : 0);
      return out + "...";
    }
  }
  return out;
}

}  // namespace crvm
