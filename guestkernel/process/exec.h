// SPDX-License-Identifier: Apache-2.0
//
// execve(2): replacing the program of the calling process. Everything that can
// fail is done on a new address space beside the old one; only then do the
// other threads die and the program changes (exec.cc, exec_build.cc).
#ifndef CRVM_GUESTKERNEL_PROCESS_EXEC_H_
#define CRVM_GUESTKERNEL_PROCESS_EXEC_H_

#include "guestkernel/process/argument_list.h"
#include "guestkernel/process/script.h"
#include "guestkernel/sched/process.h"

namespace gk {

struct ExecArguments {
  ArgumentList script;  // what `#!` lines put before `arguments`
  ArgumentList arguments;
  ArgumentList environment;
};

// A program, ready to run.
struct ExecImage {
  RefPtr<AddressSpace> memory;
  RefPtr<File> executable;
  uint64_t entry = 0;
  uint64_t stack_pointer = 0;
};

// A file that may be executed, and its beginning.
struct ExecFile {
  RefPtr<File> file;
  char head[kExecHeadSize];
  size_t head_size = 0;
};

// Opens a program, script or interpreter: must be a regular file that the
// current credentials may execute. -EACCES, and what look-up and open give.
Result<ExecFile> OpenExecutable(int at_fd, StringView path,
                                uint32_t lookup_flags);

// Maps the ELF program `file` and its interpreter and builds the stack.
// `shown_name` becomes AT_EXECFN. -ENOEXEC: not an ELF program.
Result<ExecImage> BuildExecImage(const ExecFile& file, StringView shown_name,
                                 const ExecArguments& arguments);

// What to execute.
struct ExecTarget {
  int at_fd;
  StringView path;
  uint32_t lookup_flags;
  StringView shown_name;  // AT_EXECFN, and argv[1] of a script's interpreter
  bool closes_on_exec;    // shown_name will lead nowhere: no scripts
};

// The whole of execve for the current thread; its frame is set for the new
// program on success (0).
int Execute(const ExecTarget& target, ExecArguments& arguments);

// exec_commit.cc: the point of no return. Ends the other threads and gives the
// process its new program. -EAGAIN when this thread is to end itself, -ENOMEM;
// the old program is intact then (but for its other threads).
int CommitExec(ExecImage& image, StringView shown_name);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_EXEC_H_
