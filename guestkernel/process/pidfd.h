// SPDX-License-Identifier: Apache-2.0
//
// Process file descriptors (pidfd_open(2)).
#ifndef CRVM_GUESTKERNEL_PROCESS_PIDFD_H_
#define CRVM_GUESTKERNEL_PROCESS_PIDFD_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/sched/process.h"

namespace gk {

class PidFile : public File {
 public:
  PidFile(RefPtr<Process> process, uint32_t flags);
  ~PidFile() override;

  int64_t Read(UserIo& io) override;
  int64_t Write(UserIo& io) override;
  uint32_t Poll(PollTable* table) override;
  int GetAttributes(FileAttributes* out) override;
  Result<KString> Describe() override;
  const void* kind() const override;

  Process* process() const { return process_.get(); }

 private:
  RefPtr<Process> process_;
};

// The process that descriptor `fd` stands for. -EBADF when it is no pidfd.
Result<RefPtr<PidFile>> GetPidFile(int fd);
// CLONE_PIDFD: a descriptor for `process`, stored at `to`.
int InstallPidfd(Process* process, UserAddress to);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_PIDFD_H_
