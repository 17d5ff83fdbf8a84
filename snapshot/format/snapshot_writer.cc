// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/snapshot_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/memory_index.h"
#include "snapshot/format/memory_writer.h"
#include "vmm/base/check.h"
#include "vmm/base/log.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

absl::Span<const uint8_t> AsBytes(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotWriter::Create(
    std::string directory, Options options) {
  FileSystem& fs = *options.file_system;
  CRVM_RETURN_IF_ERROR(fs.MakeDirectory(directory));
  // From here on the destructor removes the directory.
  std::unique_ptr<SnapshotWriter> writer(
      new SnapshotWriter(std::move(directory), std::move(options)));
  CRVM_RETURN_IF_ERROR(writer->Initialize());
  return writer;
}

absl::Status SnapshotWriter::Initialize() {
  FileSystem& fs = *options_.file_system;
  CRVM_ASSIGN_OR_RETURN(header_fd_, fs.CreateFile(Path(kHeaderFileName)));
  CRVM_RETURN_IF_ERROR(fs.Lock(header_fd_.get(), Path(kHeaderFileName)));
  CRVM_ASSIGN_OR_RETURN(state_fd_, fs.CreateFile(Path(kStateFileName)));
  CRVM_ASSIGN_OR_RETURN(memory_fd_, fs.CreateFile(Path(kMemoryFileName)));
  return absl::OkStatus();
}

SnapshotWriter::~SnapshotWriter() {
  if (published_) return;
  const absl::Status status = options_.file_system->RemoveSnapshot(directory_);
  if (!status.ok()) {
    CRVM_LOG(WARNING) << "an unfinished snapshot stays behind: "
                      << status.message();
  }
}

std::string SnapshotWriter::Path(absl::string_view file) const {
  return absl::StrCat(directory_, "/", file);
}

template <typename Step>
absl::Status SnapshotWriter::Guarded(Step step) {
  if (error_.ok()) error_ = step();
  return error_;
}

absl::Status SnapshotWriter::Section(absl::string_view name, uint32_t version,
                                     absl::string_view bytes) {
  return StreamSection(name, version, [&](const AppendFunction& append) {
    return append(AsBytes(bytes));
  });
}

absl::Status SnapshotWriter::StreamSection(absl::string_view name,
                                           uint32_t version,
                                           const Producer& produce) {
  CRVM_CHECK(!finished_);
  CRVM_CHECK(IsValidSectionName(name));
  return Guarded([&] { return DoStreamSection(name, version, produce); });
}

absl::Status SnapshotWriter::DoStreamSection(absl::string_view name,
                                             uint32_t version,
                                             const Producer& produce) {
  for (const SectionEntry& entry : header_.sections) {
    CRVM_CHECK(entry.name != name);
  }
  if (header_.sections.size() >= kMaxSections) {
    return absl::ResourceExhaustedError("too many sections in a snapshot");
  }
  SectionEntry entry = {.name = std::string(name),
                        .version = version,
                        .offset = header_.state_length,
                        .length = 0,
                        .checksum = 0};
  StreamingChecksum checksum;
  const auto append = [&](absl::Span<const uint8_t> bytes) -> absl::Status {
    CRVM_RETURN_IF_ERROR(
        options_.file_system->WriteAt(state_fd_.get(), Path(kStateFileName),
                                      entry.offset + entry.length, bytes));
    checksum.Update(bytes.data(), bytes.size());
    entry.length += bytes.size();
    return absl::OkStatus();
  };
  CRVM_RETURN_IF_ERROR(produce(append));
  entry.checksum = checksum.Digest();
  header_.state_length += entry.length;
  header_.sections.push_back(std::move(entry));
  return absl::OkStatus();
}

absl::Status SnapshotWriter::Memory(MemorySource& memory) {
  CRVM_RETURN_IF_ERROR(error_);
  CRVM_CHECK(!finished_ && !has_memory_);
  return Guarded([&] { return DoMemory(memory); });
}

absl::Status SnapshotWriter::DoMemory(MemorySource& memory) {
  has_memory_ = true;
  const MemoryWriterOptions options = {.file_system = options_.file_system,
                                       .fd = memory_fd_.get(),
                                       .path = Path(kMemoryFileName),
                                       .threads = options_.threads,
                                       .progress = options_.progress};
  CRVM_ASSIGN_OR_RETURN(const WrittenMemory written,
                        WriteMemory(memory, options));
  header_.memory_length = written.file_length;
  memory_used_ = written.plain_length;
  const std::string index = EncodeMemoryIndex(written.chunks);
  return DoStreamSection(
      kMemoryIndexSection, kMemoryIndexVersion,
      [&](const AppendFunction& append) { return append(AsBytes(index)); });
}

absl::Status SnapshotWriter::Finish(SnapshotMetadata metadata) {
  CRVM_CHECK(!finished_);
  CRVM_RETURN_IF_ERROR(error_);
  CRVM_CHECK(has_memory_);
  return Guarded([&] { return DoFinish(std::move(metadata)); });
}

absl::Status SnapshotWriter::DoFinish(SnapshotMetadata metadata) {
  header_.metadata = std::move(metadata);
  header_.metadata.memory_used = memory_used_;
  const std::string bytes = EncodeHeader(header_);
  if (bytes.size() > kHeaderLeadLength + kMaxHeaderBody) {
    return absl::ResourceExhaustedError(
        "the program's command line is too long for a snapshot's header");
  }
  // The header last: a directory with a header has all the rest.
  FileSystem& fs = *options_.file_system;
  CRVM_RETURN_IF_ERROR(fs.Sync(memory_fd_.get(), Path(kMemoryFileName)));
  CRVM_RETURN_IF_ERROR(fs.Sync(state_fd_.get(), Path(kStateFileName)));
  CRVM_RETURN_IF_ERROR(
      fs.WriteAt(header_fd_.get(), Path(kHeaderFileName), 0, AsBytes(bytes)));
  CRVM_RETURN_IF_ERROR(fs.Sync(header_fd_.get(), Path(kHeaderFileName)));
  CRVM_RETURN_IF_ERROR(fs.SyncDirectory(directory_));
  finished_ = true;
  return absl::OkStatus();
}

absl::Status SnapshotWriter::Publish(const std::string& final_directory) {
  CRVM_CHECK(!published_);
  CRVM_RETURN_IF_ERROR(error_);
  CRVM_CHECK(finished_);
  FileSystem& fs = *options_.file_system;
  CRVM_RETURN_IF_ERROR(fs.Rename(directory_, final_directory));
  published_ = true;
  directory_ = final_directory;
  return fs.SyncDirectory(ParentOf(final_directory));
}

}  // namespace crvm
