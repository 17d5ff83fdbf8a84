// SPDX-License-Identifier: Apache-2.0

#include "cli/base/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "vmm/base/status_macros.h"
#include "vmm/base/unique_fd.h"

namespace crvm {
namespace {

absl::Status NotFound(absl::string_view message) {
  return WithExitCode(absl::NotFoundError(message), kExitNotFound);
}

absl::Status NotExecutable(absl::string_view message) {
  return WithExitCode(absl::PermissionDeniedError(message), kExitNotExecutable);
}

// ELF machine numbers that people have binaries of.
std::string MachineName(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_AARCH64:
      return "64-bit Arm";
    case EM_ARM:
      return "32-bit Arm";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "64-bit Power";
    case EM_S390:
      return "S/390";
    default:
      return absl::StrCat("ELF machine ", machine);
  }
}

absl::Status CheckFormat(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Executable but not readable is fine natively; the guest reads the file
  // with our rights.
  if (!fd.valid()) {
    return NotExecutable(
        absl::StrCat(path, ": cannot be read: ", strerror(errno)));
  }
  Elf64_Ehdr elf = {};
  const ssize_t n = pread(fd.get(), &elf, sizeof(elf), 0);
  const auto* magic = reinterpret_cast<const char*>(elf.e_ident);
  if (n >= 2 && memcmp(magic, "#!", 2) == 0) return absl::OkStatus();
  if (n < SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0) {
    return NotExecutable(absl::StrCat(
        path, ": not a program: neither an ELF file nor a script with #!; ",
        "for a shell script try `crvm run sh ", path, "`"));
  }
  if (n < static_cast<ssize_t>(sizeof(elf))) {
    return NotExecutable(absl::StrCat(path, ": truncated ELF file"));
  }
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != EM_X86_64) {
    return NotExecutable(absl::StrCat(path, ": wrong architecture: built for ",
                                      MachineName(elf.e_machine),
                                      ", crvm runs x86-64"));
  }
  if (elf.e_type != ET_EXEC && elf.e_type != ET_DYN) {
    return NotExecutable(absl::StrCat(path, ": an object file, not a program"));
  }
  return absl::OkStatus();
}

absl::Status CheckPath(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return NotFound(absl::StrCat(path, ": no such program"));
    }
    return NotExecutable(absl::StrCat(path, ": ", strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return NotExecutable(absl::StrCat(path, ": is a directory"));
  }
  if (!S_ISREG(info.st_mode)) {
    return NotExecutable(absl::StrCat(path, ": not a regular file"));
  }
  if (access(path.c_str(), X_OK) != 0) {
    return NotExecutable(absl::StrCat(path, ": not executable; `chmod +x ",
                                      path, "` if it should be"));
  }
  return CheckFormat(path);
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& program,
                                        absl::string_view path) {
  if (program.empty()) return NotFound("'': no such program");
  if (program.find('/') != std::string::npos) {
    CRVM_RETURN_IF_ERROR(CheckPath(program));
    return program;
  }
  absl::Status first_error;
  for (absl::string_view directory : absl::StrSplit(path, ':')) {
    if (directory.empty()) directory = ".";
    const std::string candidate = absl::StrCat(directory, "/", program);
    const absl::Status status = CheckPath(candidate);
    if (status.ok()) return candidate;
    if (ExitCodeOf(status) != kExitNotFound) first_error.Update(status);
  }
  if (!first_error.ok()) return first_error;
  const bool is_here = access(program.c_str(), X_OK) == 0;
  return NotFound(absl::StrCat(program, ": not found in PATH",
                               is_here ? "; did you mean ./" : "",
                               is_here ? program : "", is_here ? "?" : ""));
}

}  // namespace crvm
