// SPDX-License-Identifier: Apache-2.0
//
// Opening fifos, sockets and devices; O_PATH files.
#include "guestkernel/fs/special.h"

#include "guestkernel/ipc/fifo.h"

namespace gk {

namespace {

// Every call that does I/O refuses O_PATH descriptors before it comes here.
class NameOnlyFile final : public File {
 public:
  using File::File;
  uint32_t Poll(PollTable*) override { return kPollNval; }
  int64_t Read(UserIo&) override { return -EBADF; }
  int64_t Write(UserIo&) override { return -EBADF; }
  int SetAttributes(const AttributeChange&) override { return -EBADF; }
};

}  // namespace

Result<RefPtr<File>> OpenNameOnly(RefPtr<Dentry> dentry, uint32_t flags) {
  auto file = MakeRef<NameOnlyFile>(
      flags & (kOpenPath | kOpenDirectory | kOpenNoFollow));
  if (!file) return Error(-ENOMEM);
  file->set_dentry(std::move(dentry));
  return RefPtr<File>(std::move(file));
}

Result<RefPtr<File>> OpenSpecial(Inode* inode, uint32_t flags) {
  switch (inode->type()) {
    case kModeFifo:
      return OpenFifo(inode, flags);
    case kModeChar: {
      FileAttributes attributes;
      GK_RETURN_IF_ERROR(inode->GetAttributes(&attributes));
      return OpenCharDevice(attributes.rdev, flags);
    }
    default:
      return Error(-ENXIO);  // sockets; block devices: there are none
  }
}

}  // namespace gk
