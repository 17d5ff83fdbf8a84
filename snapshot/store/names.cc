// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "snapshot/format/header.h"
#include "snapshot/format/limits.h"

namespace crvm {
namespace {

bool AllDigits(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

absl::Status BadName(absl::string_view what, absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", absl::CHexEscape(name.substr(0, 80)), "' cannot be ", what,
      ": use 1 to ", kMaxVmName,
      " letters, digits, '.', '-' and '_', beginning with a letter or digit"));
}

}  // namespace

std::string SnapshotRef::ToString() const {
  if (number != 0) return absl::StrCat(name, "@", number);
  if (!tag.empty()) return absl::StrCat(name, "@", tag);
  return name;
}

absl::Status CheckVmName(absl::string_view name) {
  if (IsValidVmName(name)) return absl::OkStatus();
  return BadName("a name", name);
}

absl::Status CheckTag(absl::string_view tag) {
  if (!IsValidVmName(tag)) return BadName("a tag", tag);
  if (AllDigits(tag)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", tag, "' cannot be a tag: numbers are given out by ",
                     "crvm; use a word"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SnapshotRef> ParseSnapshotRef(absl::string_view text) {
  SnapshotRef ref;
  const size_t at = text.find('@');
  const absl::string_view name = text.substr(0, at);
  const absl::Status name_status = CheckVmName(name);
  if (!name_status.ok()) return name_status;
  ref.name = std::string(name);
  if (at == absl::string_view::npos) return ref;
  const absl::string_view suffix = text.substr(at + 1);
  if (AllDigits(suffix)) {
    if (!absl::SimpleAtoi(suffix, &ref.number) || ref.number == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "': snapshots are numbered from 1"));
    }
    return ref;
  }
  const absl::Status tag_status = CheckTag(suffix);
  if (!tag_status.ok()) return tag_status;
  ref.tag = std::string(suffix);
  return ref;
}

std::string NameAfterProgram(absl::string_view program) {
  const size_t slash = program.rfind('/');
  if (slash != absl::string_view::npos) program.remove_prefix(slash + 1);
  std::string name;
  for (const char c : program.substr(0, 32)) {
    const bool fits = absl::ascii_isalnum(c) || c == '.' || c == '_';
    name.push_back(fits ? c : '-');
  }
  while (!name.empty() && !absl::ascii_isalnum(name[0])) name.erase(0, 1);
  return name.empty() ? "vm" : name;
}

}  // namespace crvm
