// SPDX-License-Identifier: Apache-2.0

#include "snapshot/transfer/incoming_snapshot.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/snapshot_reader.h"
#include "vmm/base/check.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

absl::Span<const uint8_t> AsBytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

// Another descriptor for the same file, for a reader to own.
absl::StatusOr<UniqueFd> Duplicate(const UniqueFd& fd) {
  UniqueFd copy(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return ErrnoStatus(errno, "duplicate a file descriptor");
  return copy;
}

}  // namespace

IncomingSnapshot::IncomingSnapshot(std::string directory,
                                   std::string header_file,
                                   SnapshotHeader header,
                                   FileSystem* file_system)
    : directory_(std::move(directory)),
      header_file_(std::move(header_file)),
      header_(std::move(header)),
      file_system_(file_system) {
  files_[0].name = kStateFileName;
  files_[0].expected = header_.state_length;
  files_[1].name = kMemoryFileName;
  files_[1].expected = header_.memory_length;
}

absl::StatusOr<std::unique_ptr<IncomingSnapshot>> IncomingSnapshot::Create(
    std::string directory, std::string header_file, FileSystem* file_system) {
  CRVM_ASSIGN_OR_RETURN(SnapshotHeader header, DecodeHeader(header_file));
  CRVM_RETURN_IF_ERROR(file_system->MakeDirectory(directory));
  // From here on the destructor removes the directory.
  std::unique_ptr<IncomingSnapshot> incoming(
      new IncomingSnapshot(std::move(directory), std::move(header_file),
                           std::move(header), file_system));
  CRVM_RETURN_IF_ERROR(incoming->Initialize());
  return incoming;
}

absl::Status IncomingSnapshot::Initialize() {
  CRVM_ASSIGN_OR_RETURN(header_fd_,
                        file_system_->CreateFile(Path(kHeaderFileName)));
  CRVM_RETURN_IF_ERROR(
      file_system_->Lock(header_fd_.get(), Path(kHeaderFileName)));
  for (File& file : files_) {
    CRVM_ASSIGN_OR_RETURN(file.fd, file_system_->CreateFile(Path(file.name)));
  }
  return absl::OkStatus();
}

IncomingSnapshot::~IncomingSnapshot() {
  if (published_) return;
  const absl::Status status = file_system_->RemoveSnapshot(directory_);
  if (!status.ok()) {
    CRVM_LOG(WARNING) << "an unfinished snapshot stays behind: "
                      << status.message();
  }
}

std::string IncomingSnapshot::Path(absl::string_view file) const {
  return absl::StrCat(directory_, "/", file);
}

absl::Status IncomingSnapshot::OnData(const TransferData& data) {
  CRVM_CHECK(!finished_);
  File& file = files_[static_cast<size_t>(data.file)];
  if (data.offset != file.received ||
      data.bytes.size() > file.expected - file.received) {
    return absl::DataLossError(
        absl::StrCat("the sender sends other data than it offered (", file.name,
                     ", ", data.bytes.size(), " bytes at ", data.offset, ")"));
  }
  CRVM_RETURN_IF_ERROR(file_system_->WriteAt(file.fd.get(), Path(file.name),
                                             data.offset, AsBytes(data.bytes)));
  file.checksum.Update(data.bytes.data(), data.bytes.size());
  file.received += data.bytes.size();
  return absl::OkStatus();
}

absl::Status IncomingSnapshot::VerifyContents() const {
  CRVM_ASSIGN_OR_RETURN(UniqueFd header, Duplicate(header_fd_));
  CRVM_ASSIGN_OR_RETURN(UniqueFd state, Duplicate(files_[0].fd));
  CRVM_ASSIGN_OR_RETURN(UniqueFd memory, Duplicate(files_[1].fd));
  CRVM_ASSIGN_OR_RETURN(auto reader, SnapshotReader::FromFiles(
                                         std::move(header), std::move(state),
                                         std::move(memory), {}));
  return reader->Verify();
}

absl::Status IncomingSnapshot::Finish(const TransferDataEnd& end) {
  CRVM_CHECK(!finished_);
  for (size_t i = 0; i < files_.size(); ++i) {
    const File& file = files_[i];
    if (file.received != file.expected ||
        file.checksum.Digest() != end.checksums[i]) {
      return absl::DataLossError(absl::StrCat("the snapshot's file ", file.name,
                                              " did not arrive whole"));
    }
  }
  CRVM_RETURN_IF_ERROR(file_system_->WriteAt(
      header_fd_.get(), Path(kHeaderFileName), 0, AsBytes(header_file_)));
  CRVM_RETURN_IF_ERROR(VerifyContents());
  for (const File& file : files_) {
    CRVM_RETURN_IF_ERROR(file_system_->Sync(file.fd.get(), Path(file.name)));
  }
  CRVM_RETURN_IF_ERROR(
      file_system_->Sync(header_fd_.get(), Path(kHeaderFileName)));
  CRVM_RETURN_IF_ERROR(file_system_->SyncDirectory(directory_));
  finished_ = true;
  return absl::OkStatus();
}

absl::Status IncomingSnapshot::Publish(const std::string& final_directory) {
  CRVM_CHECK(finished_ && !published_);
  CRVM_RETURN_IF_ERROR(file_system_->Rename(directory_, final_directory));
  published_ = true;
  directory_ = final_directory;
  return file_system_->SyncDirectory(
      final_directory.substr(0, final_directory.rfind('/')));
}

}  // namespace crvm
