// SPDX-License-Identifier: Apache-2.0
//
// File descriptors: the lowest free number, close-on-exec, RLIMIT_NOFILE.
#include "guestkernel/fs/fd_table.h"

#include "guestkernel/fs/locks.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {
constexpr int kLimitNoFile = 7;  // RLIMIT_NOFILE
}

FdTable::~FdTable() { CloseAll(); }

Result<RefPtr<FdTable>> FdTable::Clone() const {
  auto copy = MakeRef<FdTable>();
  if (!copy) return Error(-ENOMEM);
  GK_RETURN_IF_ERROR(copy->slots_.Resize(slots_.size()));
  for (size_t i = 0; i < slots_.size(); ++i) {
    copy->slots_[i].file = slots_[i].file;
    copy->slots_[i].close_on_exec = slots_[i].close_on_exec;
  }
  copy->lowest_free_ = lowest_free_;
  return copy;
}

RefPtr<File> FdTable::Get(int fd) const {
  if (fd < 0 || fd >= max_fd()) return nullptr;
  return slots_[fd].file;
}

Result<int> FdTable::Add(RefPtr<File> file, bool close_on_exec, int minimum) {
  GK_ASSERT(file && minimum >= 0);
  int fd = minimum > lowest_free_ ? minimum : lowest_free_;
  while (fd < max_fd() && slots_[fd].file) ++fd;
  if (static_cast<uint64_t>(fd) >= Limit(kLimitNoFile)) return Error(-EMFILE);
  if (fd >= max_fd()) GK_RETURN_IF_ERROR(slots_.Resize(fd + 1));
  slots_[fd].file = std::move(file);
  slots_[fd].close_on_exec = close_on_exec;
  if (minimum <= lowest_free_) lowest_free_ = fd + 1;
  return fd;
}

int FdTable::Set(int fd, RefPtr<File> file, bool close_on_exec) {
  if (fd < 0 || static_cast<uint64_t>(fd) >= Limit(kLimitNoFile)) {
    return -EBADF;
  }
  if (fd >= max_fd()) GK_RETURN_IF_ERROR(slots_.Resize(fd + 1));
  RefPtr<File> old = std::move(slots_[fd].file);
  slots_[fd].file = std::move(file);
  slots_[fd].close_on_exec = close_on_exec;
  if (old) Drop(std::move(old));  // its errors are lost, as in dup2(2)
  return 0;
}

// A slot no longer holds `file`; drops it as close(2) does.
int FdTable::Drop(RefPtr<File> file) {
  ReleasePosixLocks(this, file.get());
  return file->OnClose(CurrentProcess());
}

int FdTable::Close(int fd) {
  RefPtr<File> file = Get(fd);
  if (!file) return -EBADF;
  slots_[fd].file.reset();
  slots_[fd].close_on_exec = false;
  if (fd < lowest_free_) lowest_free_ = fd;
  return Drop(std::move(file));
}

bool FdTable::close_on_exec(int fd) const {
  return fd >= 0 && fd < max_fd() && slots_[fd].close_on_exec;
}

int FdTable::SetCloseOnExec(int fd, bool on) {
  if (!Get(fd)) return -EBADF;
  slots_[fd].close_on_exec = on;
  return 0;
}

void FdTable::CloseOnExec() {
  for (int fd = 0; fd < max_fd(); ++fd) {
    if (slots_[fd].file && slots_[fd].close_on_exec) Close(fd);
  }
}

void FdTable::CloseAll() {
  for (int fd = 0; fd < max_fd(); ++fd) {
    if (slots_[fd].file) Close(fd);
  }
}

Result<RefPtr<File>> GetFileOrPath(int fd) {
  RefPtr<File> file = CurrentProcess()->files->Get(fd);
  if (!file) return Error(-EBADF);
  return file;
}

Result<RefPtr<File>> GetFile(int fd) {
  RefPtr<File> file = CurrentProcess()->files->Get(fd);
  if (!file || (file->flags() & kOpenPath)) return Error(-EBADF);
  return file;
}

Result<int> InstallFile(RefPtr<File> file, uint32_t flags) {
  return CurrentProcess()->files->Add(std::move(file), flags & kOpenCloexec);
}

}  // namespace gk
