// SPDX-License-Identifier: Apache-2.0
//
// execve(2), execveat(2): finding the program, `#!` scripts, copying the
// arguments.
#include "guestkernel/process/exec.h"

#include "guestkernel/fs/path.h"
#include "guestkernel/process/elf_load.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

constexpr int kMaxScriptDepth = 5;
constexpr uint64_t kMaxString = 131072;  // MAX_ARG_STRLEN
constexpr uint64_t kMaxTotal = 6 << 20;
constexpr int kAtSymlinkNoFollow = 0x100, kAtEmptyPath = 0x1000;

// The open file behind a descriptor, if it has no name (memfd_create).
Result<RefPtr<File>> UseOpenFile(RefPtr<File> file) {
  FileAttributes attributes;
  GK_RETURN_IF_ERROR(file->GetAttributes(&attributes));
  if ((attributes.mode & kModeTypeMask) != kModeRegular) return Error(-EACCES);
  if ((attributes.mode & 0111) == 0) return Error(-EACCES);
  return file;
}

Result<RefPtr<File>> OpenForExec(int at_fd, StringView path, uint32_t flags) {
  if (path.empty() && (flags & kLookupEmpty)) {
    // Not GetFile: an O_PATH descriptor will do.
    RefPtr<File> file = CurrentProcess()->files->Get(at_fd);
    if (file && !file->dentry()) return UseOpenFile(std::move(file));
  }
  GK_ASSIGN_OR_RETURN(RefPtr<Dentry> dentry, LookupPath(at_fd, path, flags));
  Inode* inode = dentry->inode();
  if (!inode) return Error(-ENOENT);
  if (inode->is_symlink()) return Error(-ELOOP);
  if (inode->type() != kModeRegular) return Error(-EACCES);
  GK_RETURN_IF_ERROR(CheckAccess(inode, 1));
  return OpenDentry(std::move(dentry), kOpenReadOnly);
}

// Replaces argv[0] by the interpreter, its argument and the script's name.
int PrependScript(const ScriptLine& line, StringView script_name,
                  ExecArguments& arguments) {
  ArgumentList list;
  GK_RETURN_IF_ERROR(list.Append(line.interpreter));
  if (!line.argument.empty()) GK_RETURN_IF_ERROR(list.Append(line.argument));
  GK_RETURN_IF_ERROR(list.Append(script_name));
  if (arguments.script.count() > 0) {
    arguments.script.DropFirst();
    GK_RETURN_IF_ERROR(list.AppendAll(arguments.script));
  } else {
    arguments.arguments.DropFirst();
  }
  arguments.script = std::move(list);
  return 0;
}

// Follows `#!` lines until `file` is something else.
int ResolveScripts(const ExecTarget& target, ExecFile& file,
                   ExecArguments& arguments) {
  KString name;
  GK_RETURN_IF_ERROR(name.Append(target.shown_name));
  for (int depth = 0; IsScript(StringView(file.head, file.head_size));
       ++depth) {
    if (depth >= kMaxScriptDepth) return -ELOOP;
    if (target.closes_on_exec && depth == 0) return -ENOENT;
    auto line = ParseScriptLine(StringView(file.head, file.head_size));
    if (!line.ok()) return line.error();
    GK_RETURN_IF_ERROR(PrependScript(*line, name, arguments));
    name.Truncate(0);
    GK_RETURN_IF_ERROR(name.Append(line->interpreter));
    auto opened = OpenExecutable(kAtFdCwd, name, kLookupFollow);
    if (!opened.ok()) return opened.error();
    file = opened.take();
  }
  return 0;
}

// An argv or envp array with its strings. *total counts bytes and pointers.
int CopyVector(UserAddress array, ArgumentList* to, uint64_t* total) {
  if (array.is_null()) return 0;
  for (;; array = array + sizeof(uint64_t)) {
    auto pointer = ReadUser<uint64_t>(array);
    if (!pointer.ok()) return pointer.error();
    if (*pointer == 0) return 0;
    auto text = CopyStringFromUser(UserAddress(*pointer), kMaxString);
    if (!text.ok())
      return text.error() == -ENAMETOOLONG ? -E2BIG : text.error();
    *total += text->size() + 1 + sizeof(uint64_t);
    if (*total > kMaxTotal) return -E2BIG;
    GK_RETURN_IF_ERROR(to->Append(*text));
  }
}

int CopyArguments(UserAddress argv, UserAddress envp, ExecArguments* to) {
  uint64_t total = 0;
  GK_RETURN_IF_ERROR(CopyVector(argv, &to->arguments, &total));
  GK_RETURN_IF_ERROR(CopyVector(envp, &to->environment, &total));
  // As Linux since 5.18: a program always has an argv[0].
  if (to->arguments.count() == 0) return to->arguments.Append("");
  return 0;
}

}  // namespace

Result<ExecFile> OpenExecutable(int at_fd, StringView path,
                                uint32_t lookup_flags) {
  ExecFile result;
  GK_ASSIGN_OR_RETURN(result.file, OpenForExec(at_fd, path, lookup_flags));
  GK_ASSIGN_OR_RETURN(
      result.head_size,
      ReadFileHead(result.file.get(), result.head, sizeof(result.head)));
  return result;
}

int Execute(const ExecTarget& target, ExecArguments& arguments) {
  auto opened = OpenExecutable(target.at_fd, target.path, target.lookup_flags);
  if (!opened.ok()) return opened.error();
  ExecFile file = opened.take();
  GK_RETURN_IF_ERROR(ResolveScripts(target, file, arguments));
  auto image = BuildExecImage(file, target.shown_name, arguments);
  if (!image.ok()) return image.error();
  return CommitExec(*image, target.shown_name);
}

int64_t SysExecve(const SyscallArgs& args) {
  auto path = CopyPathFromUser(args.User(0));
  if (!path.ok()) return path.error();
  ExecArguments arguments;
  GK_RETURN_IF_ERROR(CopyArguments(args.User(1), args.User(2), &arguments));
  ExecTarget target = {kAtFdCwd, *path, kLookupFollow, *path, false};
  return Execute(target, arguments);
}

int64_t SysExecveat(const SyscallArgs& args) {
  int fd = args.Int(0);
  int flags = args.Int(4);
  if (flags & ~(kAtEmptyPath | kAtSymlinkNoFollow)) return -EINVAL;
  // CopyPathFromUser refuses the empty path, which is meant here.
  auto path = CopyStringFromUser(args.User(1), kPathMax);
  if (!path.ok()) return path.error();
  if (path->empty() && !(flags & kAtEmptyPath)) return -ENOENT;
  ExecArguments arguments;
  GK_RETURN_IF_ERROR(CopyArguments(args.User(2), args.User(3), &arguments));
  KString shown;
  bool by_descriptor =
      fd != kAtFdCwd && !(path->size() > 0 && path->c_str()[0] == '/');
  if (by_descriptor) {
    GK_RETURN_IF_ERROR(shown.AppendFormat("/dev/fd/%d", fd));
    if (!path->empty())
      GK_RETURN_IF_ERROR(shown.AppendFormat("/%s", path->c_str()));
  } else {
    GK_RETURN_IF_ERROR(shown.Append(*path));
  }
  uint32_t lookup = 0;
  if (!(flags & kAtSymlinkNoFollow)) lookup |= kLookupFollow;
  if (flags & kAtEmptyPath) lookup |= kLookupEmpty;
  bool closes = by_descriptor && CurrentProcess()->files->close_on_exec(fd);
  ExecTarget target = {fd, *path, lookup, shown, closes};
  return Execute(target, arguments);
}

}  // namespace gk
