// SPDX-License-Identifier: Apache-2.0
//
// See script.h.
#include "guestkernel/process/script.h"

namespace gk {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

StringView Strip(StringView s) {
  size_t from = 0, to = s.size();
  while (from < to && IsBlank(s[from])) ++from;
  while (to > from && IsBlank(s[to - 1])) --to;
  return s.substr(from, to - from);
}

}  // namespace

bool IsScript(StringView head) { return head.StartsWith("#!"); }

Result<ScriptLine> ParseScriptLine(StringView head) {
  if (!IsScript(head)) return Error(-ENOEXEC);
  StringView rest = head.substr(2);
  size_t end = 0;
  while (end < rest.size() && rest[end] != '\n' && rest[end] != 0) ++end;
  bool cut_off = end == rest.size() && head.size() >= kExecHeadSize;
  StringView line = Strip(rest.substr(0, end));
  size_t name = 0;
  while (name < line.size() && !IsBlank(line[name])) ++name;
  if (name == 0) return Error(-ENOEXEC);
  // An argument that is too long is cut, a name is not (execve(2)).
  if (cut_off && name == line.size()) {
    char last = rest[rest.size() - 1];
    if (!IsBlank(last)) return Error(-ENOEXEC);
  }
  return ScriptLine{line.substr(0, name), Strip(line.substr(name))};
}

}  // namespace gk
