// SPDX-License-Identifier: Apache-2.0
//
// FsSnapshot: putting back what the guest had made in the directories whose
// contents travel with the snapshot. Nothing that is there is touched, unless
// --files=restore.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/fs/fs_snapshot.h"
#include "vmm/devices/fs/fuse_names.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {

// The directory that `path` is in and its last component. Checks that the path
// is in a carried directory; follows no symlinks.
absl::StatusOr<std::pair<UniqueFd, std::string>> FsSnapshot::OpenCarriedParent(
    const std::string& path) {
  bool carried = false;
  for (const std::string& dir : server_->options_.carried_dirs) {
    carried = carried || absl::StartsWith(path, absl::StrCat(dir, "/"));
  }
  if (!carried) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the snapshot wants to put back ", path, ", which is not allowed"));
  }
  UniqueFd dir;
  int at = server_->nodes_.Fd(server_->nodes_.root());
  absl::string_view rest = path;
  for (;;) {
    size_t slash = rest.find('/');
    std::string name(rest.substr(0, slash));
    if (CheckName(name) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the snapshot wants to put back a file at an impossible "
                       "path: ",
                       path));
    }
    if (slash == rest.npos) return std::make_pair(std::move(dir), name);
    int fd = OpenAt(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0) return ErrnoStatus(-fd, absl::StrCat("open ", ShownPath(path)));
    dir.reset(fd);
    at = fd;
    rest.remove_prefix(slash + 1);
  }
}

absl::Status FsSnapshot::PutBack(const FsState& state,
                                 const FsCreatedState& file) {
  auto parent = OpenCarriedParent(file.path);
  if (absl::IsInvalidArgument(parent.status())) return parent.status();
  server_->guest_files_.Created(file.path);
  int error = 0;
  struct statx st;
  if (parent.ok()) {
    int dir_fd = parent->first.get();
    const char* name = parent->second.c_str();
    error = StatAt(dir_fd, name, &st);
    if (error == 0) return ReplaceExisting(file, st);
    if (error == -ENOENT) error = MakeCreated(state, file, dir_fd, name);
  }
  if (!parent.ok() || error < 0) {
    report_.warnings.push_back(
        parent.ok() ? absl::StrCat("cannot put back ", ShownPath(file.path),
                                   ": ", ErrnoStatus(-error, "").message())
                    : std::string(parent.status().message()));
    return absl::OkStatus();
  }
  report_.put_back.push_back(ShownPath(file.path));
  made_paths_.insert(ShownPath(file.path));
  if (file.hard_link == 0) made_.push_back(file);
  if (file.content != 0) {
    Target target;
    target.size = file.facts.size;
    target.name = ShownPath(file.path);
    target.path = file.path;
    if (!targets_.try_emplace(file.content, std::move(target)).second) {
      return absl::InvalidArgumentError(
          "the snapshot's file table is damaged: two files with the same "
          "contents number");
    }
  }
  return absl::OkStatus();
}

// It is there. Is it what it was?
absl::Status FsSnapshot::ReplaceExisting(const FsCreatedState& file,
                                         const struct statx& st) {
  bool same = st.stx_mode == file.facts.mode &&
              (!S_ISREG(st.stx_mode) ||
               (st.stx_size == file.facts.size &&
                st.stx_mtime.tv_sec == file.facts.mtime &&
                st.stx_mtime.tv_nsec == file.facts.mtime_nsec));
  if (same || policy_ != ChangedFiles::kRestore || !S_ISREG(st.stx_mode) ||
      !S_ISREG(file.facts.mode)) {
    return absl::OkStatus();
  }
  CRVM_ASSIGN_OR_RETURN(auto parent, OpenCarriedParent(file.path));
  int fd = OpenAt(parent.first.get(), parent.second.c_str(),
                  O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0) {
    return ErrnoStatus(-fd, absl::StrCat("restore ", ShownPath(file.path)));
  }
  UniqueFd owned(fd);
  if (ftruncate(fd, 0) < 0 ||
      ftruncate(fd, static_cast<off_t>(file.facts.size)) < 0) {
    return ErrnoStatus(errno, absl::StrCat("restore ", ShownPath(file.path)));
  }
  report_.put_back.push_back(ShownPath(file.path));
  made_paths_.insert(ShownPath(file.path));
  made_.push_back(file);
  if (file.content != 0) {
    Target target;
    target.size = file.facts.size;
    target.name = ShownPath(file.path);
    target.path = file.path;
    targets_.try_emplace(file.content, std::move(target));
  }
  return absl::OkStatus();
}

// Private until its contents and attributes are complete.
int FsSnapshot::MakeCreated(const FsState& state, const FsCreatedState& file,
                            int dir_fd, const char* name) {
  switch (file.facts.mode & S_IFMT) {
    case S_IFDIR:
      return RetryEintr([&] { return mkdirat(dir_fd, name, 0700); });
    case S_IFLNK:
      return RetryEintr(
          [&] { return symlinkat(file.link_target.c_str(), dir_fd, name); });
    case S_IFIFO:
    case S_IFSOCK:
      return RetryEintr([&] {
        return mknodat(dir_fd, name, (file.facts.mode & S_IFMT) | 0600, 0);
      });
    case S_IFREG:
      break;
    default:
      return -EPERM;
  }
  if (file.hard_link != 0) {
    if (file.hard_link > state.created.size()) return -EINVAL;
    auto first = OpenCarriedParent(state.created[file.hard_link - 1].path);
    if (!first.ok()) return -ENOENT;
    return RetryEintr([&] {
      return linkat(first->first.get(), first->second.c_str(), dir_fd, name, 0);
    });
  }
  int fd = OpenAt(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600);
  if (fd < 0) return fd;
  UniqueFd owned(fd);
  return RetryEintr(
      [&] { return ftruncate(fd, static_cast<off_t>(file.facts.size)); });
}

void FsSnapshot::ApplyFacts(int dir_fd, const char* name,
                            const FsFileFacts& facts) {
  // Another user's files cannot be made by everybody; theirs they become.
  (void)!fchownat(dir_fd, name, facts.uid, facts.gid, AT_SYMLINK_NOFOLLOW);
  if (!S_ISLNK(facts.mode)) {
    int fd = OpenAt(dir_fd, name, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) return;
    UniqueFd owned(fd);
    // Set-ID bits only for who may have them.
    mode_t mode = facts.mode & 07777;
    if (facts.uid != geteuid() || facts.gid != getegid()) mode &= 01777;
    (void)!fchmodat(server_->proc_fds_.get(), FuseServer::ProcName(fd).text,
                    mode, 0);
  }
  struct timespec times[2] = {
      {0, UTIME_OMIT},
      {static_cast<time_t>(facts.mtime), static_cast<long>(facts.mtime_nsec)}};
  (void)!utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

absl::StatusOr<FsRestoreReport> FsSnapshot::FinishRestore() {
  targets_.clear();
  // Directories after what is in them.
  for (auto it = made_.rbegin(); it != made_.rend(); ++it) {
    auto parent = OpenCarriedParent(it->path);
    if (parent.ok()) {
      ApplyFacts(parent->first.get(), parent->second.c_str(), it->facts);
    }
  }
  for (auto& [fd, facts] : made_unlinked_) {
    (void)!fchown(fd.get(), facts.uid, facts.gid);
    (void)!fchmod(fd.get(), facts.mode & 01777);
    struct timespec times[2] = {{0, UTIME_OMIT},
                                {static_cast<time_t>(facts.mtime),
                                 static_cast<long>(facts.mtime_nsec)}};
    (void)!futimens(fd.get(), times);
  }
  made_.clear();
  made_unlinked_.clear();
  server_->nodes_.TrimFds();
  return std::exchange(report_, FsRestoreReport());
}

}  // namespace crvm
