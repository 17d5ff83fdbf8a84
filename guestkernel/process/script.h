// SPDX-License-Identifier: Apache-2.0
//
// The first line of an interpreter script, `#!interpreter [argument]`
// (execve(2)). Pure.
#ifndef CRVM_GUESTKERNEL_PROCESS_SCRIPT_H_
#define CRVM_GUESTKERNEL_PROCESS_SCRIPT_H_

#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"

namespace gk {

// What is read of a file to see what it is (BINPRM_BUF_SIZE).
inline constexpr size_t kExecHeadSize = 256;

struct ScriptLine {
  StringView interpreter;
  StringView argument;  // the rest of the line as one, empty: none
};

bool IsScript(StringView head);
// `head` is the beginning of the file, at most kExecHeadSize bytes of it; the
// views point into it. -ENOEXEC when there is no interpreter name, or it may
// have been cut off.
Result<ScriptLine> ParseScriptLine(StringView head);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_SCRIPT_H_
