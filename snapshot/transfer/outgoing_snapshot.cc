// SPDX-License-Identifier: Apache-2.0

#include "snapshot/transfer/outgoing_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/memory_reader.h"
#include "snapshot/transfer/protocol.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

absl::StatusOr<UniqueFd> OpenFile(const std::string& directory,
                                  const char* name) {
  const std::string path = absl::StrCat(directory, "/", name);
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return fd;
}

// The peer has nothing to say while data is sent, but for kFailed.
absl::Status CheckPeer(FrameChannel& channel) {
  const absl::Status read = channel.ReadSome();
  CRVM_ASSIGN_OR_RETURN(const std::optional<Frame> frame, channel.Next());
  if (!frame.has_value()) return read;
  TransferOutcome outcome;
  if (static_cast<TransferMessage>(frame->type) != TransferMessage::kFailed ||
      !Decode(frame->payload, outcome).ok()) {
    return absl::DataLossError("the other end answers out of turn");
  }
  return absl::AbortedError(outcome.message);
}

}  // namespace

absl::StatusOr<std::string> ReadHeaderFile(const std::string& directory) {
  CRVM_ASSIGN_OR_RETURN(const UniqueFd fd,
                        OpenFile(directory, kHeaderFileName));
  struct stat info;
  if (fstat(fd.get(), &info) < 0) {
    return ErrnoStatus(errno, "stat the snapshot's header");
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > kHeaderLeadLength + kMaxHeaderBody) {
    return absl::DataLossError("the snapshot's header is damaged: too long");
  }
  std::string bytes(size, '\0');
  CRVM_RETURN_IF_ERROR(ReadExactly(
      fd.get(), 0,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()),
      kHeaderFileName));
  return bytes;
}

absl::Status SendSnapshotFiles(const std::string& directory,
                               const SnapshotHeader& header,
                               FrameChannel& channel,
                               const ProgressFunction& progress) {
  const uint64_t lengths[] = {header.state_length, header.memory_length};
  const char* const names[] = {kStateFileName, kMemoryFileName};
  const uint64_t total = lengths[0] + lengths[1];
  uint64_t sent = 0;
  TransferDataEnd end;
  for (size_t i = 0; i < kTransferFiles; ++i) {
    CRVM_ASSIGN_OR_RETURN(const UniqueFd fd, OpenFile(directory, names[i]));
    StreamingChecksum checksum;
    TransferData data;
    data.file = static_cast<TransferFile>(i);
    for (uint64_t at = 0; at < lengths[i]; at += data.bytes.size()) {
      data.offset = at;
      data.bytes.resize(std::min<uint64_t>(kTransferPiece, lengths[i] - at));
      CRVM_RETURN_IF_ERROR(ReadExactly(
          fd.get(), at,
          absl::MakeSpan(reinterpret_cast<uint8_t*>(data.bytes.data()),
                         data.bytes.size()),
          names[i]));
      checksum.Update(data.bytes.data(), data.bytes.size());
      const absl::Status status = channel.Send(
          static_cast<uint16_t>(TransferMessage::kData), Encode(data));
      // Why the peer has gone, if it said so, is more than that it has.
      const absl::Status peer = CheckPeer(channel);
      if (!peer.ok()) return peer;
      CRVM_RETURN_IF_ERROR(status);
      sent += data.bytes.size();
      if (progress) progress(sent, total);
    }
    end.checksums[i] = checksum.Digest();
  }
  return channel.Send(static_cast<uint16_t>(TransferMessage::kDataEnd),
                      Encode(end));
}

}  // namespace crvm
