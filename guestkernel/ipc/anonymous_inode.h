// SPDX-License-Identifier: Apache-2.0
//
// What fstat(2) and /proc/PID/fd say of files that have no name: pipes,
// sockets, eventfds and the like.
#ifndef CRVM_GUESTKERNEL_IPC_ANONYMOUS_INODE_H_
#define CRVM_GUESTKERNEL_IPC_ANONYMOUS_INODE_H_

#include <cstdint>

#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"

namespace gk {

uint64_t NextAnonymousInode();  // never repeats
void FillAnonymousAttributes(uint32_t mode, uint64_t inode,
                             FileAttributes* out);

// Base of the files that Linux shows as "anon_inode:[name]".
class AnonymousFile : public File {
 public:
  // `name` has static storage.
  AnonymousFile(const char* name, uint32_t flags)
      : File(flags), name_(name), inode_(NextAnonymousInode()) {}
  // What the kind does not do is invalid, not a matter of position.
  int64_t Read(UserIo&) override { return -EINVAL; }
  int64_t Write(UserIo&) override { return -EINVAL; }
  int GetAttributes(FileAttributes* out) override;
  Result<KString> Describe() override;

 private:
  const char* name_;
  uint64_t inode_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_IPC_ANONYMOUS_INODE_H_
