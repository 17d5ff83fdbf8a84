// SPDX-License-Identifier: Apache-2.0
//
// File descriptors of a process (or of several, CLONE_FILES). Owner: vfs.
#ifndef CRVM_GUESTKERNEL_FS_FD_TABLE_H_
#define CRVM_GUESTKERNEL_FS_FD_TABLE_H_

#include "guestkernel/fs/file.h"
#include "guestkernel/lib/vector.h"

namespace gk {

class FdTable : public RefCounted {
 public:
  Result<RefPtr<FdTable>> Clone() const;
  ~FdTable() override;

  RefPtr<File> Get(int fd) const;  // null: -EBADF
  // Lowest free descriptor >= minimum. -EMFILE (RLIMIT_NOFILE), -ENOMEM.
  Result<int> Add(RefPtr<File> file, bool close_on_exec, int minimum = 0);
  // dup2/dup3: closes what was there.
  int Set(int fd, RefPtr<File> file, bool close_on_exec);
  int Close(int fd);  // runs File::OnClose; -EBADF
  bool close_on_exec(int fd) const;
  int SetCloseOnExec(int fd, bool on);
  void CloseOnExec();  // execve
  void CloseAll();     // exit
  int max_fd() const { return static_cast<int>(slots_.size()); }

 private:
  struct Slot {
    RefPtr<File> file;
    bool close_on_exec = false;
  };
  int Drop(RefPtr<File> file);
  Vector<Slot> slots_;
  int lowest_free_ = 0;  // every slot below is taken
};

// Of the current process. -EBADF; also for O_PATH descriptors, which only
// GetFileOrPath gives (fstat, fchdir, dup, fcntl, *at).
Result<RefPtr<File>> GetFile(int fd);
Result<RefPtr<File>> GetFileOrPath(int fd);
// Adds to the current process; on failure the file is released.
Result<int> InstallFile(RefPtr<File> file,
                        uint32_t flags /*kOpenCloexec honoured*/);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FD_TABLE_H_
