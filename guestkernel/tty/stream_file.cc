// SPDX-License-Identifier: Apache-2.0
//
// See stream_file.h.
#include "guestkernel/tty/stream_file.h"

#include <asm/ioctls.h>
#include <asm/signal.h>

#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/sched/signal.h"
#include "guestkernel/sched/thread.h"

namespace gk {

int64_t StreamFile::Read(UserIo& io) {
  if (io.remaining() == 0) return 0;
  port_->RequestInput();
  while (port_->input_size() == 0) {
    if (port_->end_of_input()) return 0;
    if (nonblocking()) return -EAGAIN;
    const int error = WaitUntil(port_->queue(), [this] {
      port_->RequestInput();  // another reader may have taken it all
      return port_->input_size() > 0 || port_->end_of_input();
    });
    if (error < 0) return error;
  }
  return port_->Receive(io);
}

int64_t StreamFile::Write(UserIo& io) {
  const auto outcome = [&io](int64_t error) {
    return io.done() > 0 ? static_cast<int64_t>(io.done()) : error;
  };
  for (;;) {
    if (port_->output_busy()) {
      if (io.remaining() == 0) return outcome(0);
      if (nonblocking()) return outcome(-EAGAIN);
      const int error =
          WaitUntil(port_->queue(), [this] { return !port_->output_busy(); });
      if (error < 0) return outcome(error);
    }
    if (port_->output_error() != 0) {
      // What was written before it counts first.
      return io.done() > 0 ? outcome(0) : TakeError();
    }
    if (io.remaining() == 0) return outcome(0);
    const int64_t n = port_->Send(io);
    if (n < 0) return outcome(n);
  }
}

int64_t StreamFile::TakeError() {
  const int error = port_->output_error();
  port_->clear_output_error();
  if (error == EPIPE) SendSignalToThread(CurrentThread(), SIGPIPE, nullptr);
  return -error;
}

uint32_t StreamFile::Poll(PollTable* table) {
  if (table) table->Add(&port_->queue());
  uint32_t events = 0;
  if (readable()) {
    port_->RequestInput();
    if (port_->input_size() > 0) events |= kPollIn | kPollRdNorm;
    if (port_->end_of_input()) events |= kPollIn | kPollRdNorm | kPollHup;
  }
  if (writable()) {
    if (!port_->output_busy()) events |= kPollOut | kPollWrNorm;
    if (port_->output_error() != 0) events |= kPollErr;
  }
  return events;
}

int64_t StreamFile::Ioctl(uint32_t command, uint64_t argument) {
  if (command != FIONREAD) return -ENOTTY;
  port_->RequestInput();
  return WriteUser(UserAddress(argument),
                   static_cast<int32_t>(readable() ? port_->input_size() : 0));
}

int StreamFile::GetAttributes(FileAttributes* out) {
  *out = FileAttributes{};
  out->inode = number_;
  out->mode = kModeFifo | 0600;
  const Credentials& who = CurrentThread()->credentials;
  out->uid = who.uid;
  out->gid = who.gid;
  out->atime = out->mtime = out->ctime = ToTimeSpec(RealtimeNs());
  return 0;
}

Result<KString> StreamFile::Describe() {
  KString text;
  GK_RETURN_IF_ERROR(text.AppendFormat("pipe:[%u]", number_));
  return text;
}

Result<RefPtr<File>> StreamFile::Reopen(uint32_t flags) {
  uint32_t access = flags & kOpenAccessMask;
  if ((access != kOpenWriteOnly && !readable()) ||
      (access != kOpenReadOnly && !writable())) {
    return Error(-EACCES);
  }
  auto file = MakeRef<StreamFile>(
      port_, access | (flags & (kOpenNonblock | kOpenAppend)), number_);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

}  // namespace gk
