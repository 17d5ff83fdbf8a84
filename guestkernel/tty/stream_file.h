// SPDX-License-Identifier: Apache-2.0
//
// One of the program's standard streams when it is not a terminal: looks like
// the end of a pipe whose other end is outside (pipe(7)).
#ifndef CRVM_GUESTKERNEL_TTY_STREAM_FILE_H_
#define CRVM_GUESTKERNEL_TTY_STREAM_FILE_H_

#include "guestkernel/drivers/stream_port.h"
#include "guestkernel/fs/file.h"
#include "guestkernel/fs/inode.h"

namespace gk {

class StreamFile final : public File {
 public:
  // `port` lives as long as the kernel. `number` tells the streams apart.
  StreamFile(StreamPort* port, uint32_t flags, uint32_t number)
      : File(flags), port_(port), number_(number) {}

  int64_t Read(UserIo& io) override;
  int64_t Write(UserIo& io) override;
  uint32_t Poll(PollTable* table) override;
  int64_t Ioctl(uint32_t command, uint64_t argument) override;
  int GetAttributes(FileAttributes* out) override;
  int SetAttributes(const AttributeChange&) override { return -EINVAL; }
  Result<KString> Describe() override;
  // /dev/stdin and its kind. -EACCES for the direction that it does not have.
  Result<RefPtr<File>> Reopen(uint32_t flags) override;

 private:
  // Takes the pending error; SIGPIPE with EPIPE.
  int64_t TakeError();

  StreamPort* port_;
  uint32_t number_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_TTY_STREAM_FILE_H_
