// SPDX-License-Identifier: Apache-2.0

#include "cli/control/control_client.h"

#include <utility>

#include "cli/base/errors.h"
#include "cli/control/control_socket.h"
#include "snapshot/wire/frame_channel.h"
#include "vmm/base/status_macros.h"

namespace crvm {

absl::StatusOr<Frame> AskVm(const std::string& directory, ControlMessage type,
                            absl::string_view payload, int timeout_ms,
                            const ProgressCallback& progress) {
  CRVM_ASSIGN_OR_RETURN(UniqueFd fd, ConnectControl(directory));
  FrameChannel channel(std::move(fd), UniqueFd());
  CRVM_RETURN_IF_ERROR(
      channel.Send(static_cast<uint16_t>(type), payload, timeout_ms));
  for (;;) {
    absl::StatusOr<Frame> frame = channel.Receive(timeout_ms);
    if (absl::IsUnavailable(frame.status())) {
      return absl::UnavailableError("the VM ended before it answered");
    }
    if (absl::IsDeadlineExceeded(frame.status())) {
      return absl::DeadlineExceededError("the VM does not answer");
    }
    CRVM_RETURN_IF_ERROR(frame.status());
    switch (static_cast<ControlMessage>(frame->type)) {
      case ControlMessage::kProgress: {
        ProgressReply reply;
        CRVM_RETURN_IF_ERROR(Decode(frame->payload, reply));
        if (progress) progress(reply.done, reply.total);
        continue;
      }
      case ControlMessage::kError: {
        ErrorReply reply;
        CRVM_RETURN_IF_ERROR(Decode(frame->payload, reply));
        return WithExitCode(absl::UnknownError(reply.message),
                            static_cast<int>(reply.exit_code));
      }
      default:
        return frame;
    }
  }
}

absl::StatusOr<VmInfo> AskInfo(const std::string& directory, int timeout_ms) {
  CRVM_ASSIGN_OR_RETURN(
      const Frame frame,
      AskVm(directory, ControlMessage::kInfo, "", timeout_ms));
  VmInfo info;
  CRVM_RETURN_IF_ERROR(Decode(frame.payload, info));
  return info;
}

}  // namespace crvm
