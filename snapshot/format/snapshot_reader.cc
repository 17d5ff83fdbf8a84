// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/snapshot_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/memory_reader.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr size_t kPiece = 256 * 1024;

// Opens one of the files. O_NONBLOCK: whoever made the directory may have put
// a FIFO there.
absl::StatusOr<UniqueFd> OpenFile(const std::string& directory,
                                  absl::string_view name) {
  const std::string path = absl::StrCat(directory, "/", name);
  UniqueFd fd(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid() && errno == ENOENT) {
    return absl::NotFoundError(
        absl::StrCat("the snapshot's file ", path, " is missing"));
  }
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return fd;
}

// The size of a regular file.
absl::StatusOr<uint64_t> FileSize(const UniqueFd& fd, absl::string_view name) {
  struct stat info;
  if (fstat(fd.get(), &info) < 0) {
    return ErrnoStatus(errno, absl::StrCat("stat the snapshot's ", name));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::DataLossError(
        absl::StrCat("the snapshot's ", name, " is not a regular file"));
  }
  return static_cast<uint64_t>(info.st_size);
}

absl::Status CheckSize(const UniqueFd& fd, absl::string_view name,
                       uint64_t expected) {
  CRVM_ASSIGN_OR_RETURN(const uint64_t size, FileSize(fd, name));
  if (size == expected) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the snapshot's file ", name,
                   size < expected ? " is truncated" : " is too long", ": ",
                   size, " bytes instead of ", expected));
}

absl::StatusOr<SnapshotHeader> ReadHeader(const UniqueFd& fd) {
  CRVM_ASSIGN_OR_RETURN(const uint64_t size, FileSize(fd, kHeaderFileName));
  if (size > kHeaderLeadLength + kMaxHeaderBody) {
    return absl::DataLossError(absl::StrCat(
        "the snapshot's header is damaged: impossible size ", size));
  }
  std::string bytes(size, '\0');
  CRVM_RETURN_IF_ERROR(ReadExactly(
      fd.get(), 0,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()),
      kHeaderFileName));
  return DecodeHeader(bytes);
}

// Takes decompressed memory and forgets it: for Verify.
class Discard : public MemorySink {
 public:
  explicit Discard(uint64_t memory_size) : memory_size_(memory_size) {}

  absl::StatusOr<absl::Span<uint8_t>> Slice(uint64_t gpa,
                                            uint64_t length) override {
    if (length > kChunkSize || gpa > memory_size_ ||
        length > memory_size_ - gpa) {
      return absl::DataLossError(
          "the snapshot's memory is damaged: a chunk is outside memory");
    }
    thread_local std::vector<uint8_t> scratch(kChunkSize);
    return absl::MakeSpan(scratch.data(), length);
  }

 private:
  const uint64_t memory_size_;
};

absl::Status WrongChecksum(const SectionEntry& entry) {
  return absl::DataLossError(absl::StrCat("the snapshot's section ", entry.name,
                                          " is damaged: wrong checksum"));
}

}  // namespace

absl::StatusOr<SnapshotHeader> ReadSnapshotHeader(
    const std::string& directory) {
  CRVM_ASSIGN_OR_RETURN(const UniqueFd fd,
                        OpenFile(directory, kHeaderFileName));
  return ReadHeader(fd);
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::Open(
    const std::string& directory, Options options) {
  CRVM_ASSIGN_OR_RETURN(UniqueFd header, OpenFile(directory, kHeaderFileName));
  CRVM_ASSIGN_OR_RETURN(UniqueFd state, OpenFile(directory, kStateFileName));
  CRVM_ASSIGN_OR_RETURN(UniqueFd memory, OpenFile(directory, kMemoryFileName));
  return FromFiles(std::move(header), std::move(state), std::move(memory),
                   std::move(options));
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotReader::FromFiles(
    UniqueFd header_file, UniqueFd state, UniqueFd memory, Options options) {
  CRVM_ASSIGN_OR_RETURN(SnapshotHeader header, ReadHeader(header_file));
  CRVM_RETURN_IF_ERROR(CheckSize(state, kStateFileName, header.state_length));
  CRVM_RETURN_IF_ERROR(
      CheckSize(memory, kMemoryFileName, header.memory_length));
  return std::unique_ptr<SnapshotReader>(
      new SnapshotReader(std::move(header), std::move(state), std::move(memory),
                         std::move(options)));
}

absl::StatusOr<const SectionEntry*> SnapshotReader::Find(
    absl::string_view name) const {
  for (const SectionEntry& entry : header_.sections) {
    if (entry.name == name) return &entry;
  }
  return absl::NotFoundError(
      absl::StrCat("the snapshot has no section ", name));
}

absl::StatusOr<std::string> SnapshotReader::Section(absl::string_view name,
                                                    uint32_t* version) {
  CRVM_ASSIGN_OR_RETURN(const SectionEntry* entry, Find(name));
  if (entry->length > kMaxSectionInMemory) {
    return absl::DataLossError(absl::StrCat("the snapshot's section ", name,
                                            " is damaged: impossible length ",
                                            entry->length));
  }
  std::string bytes(entry->length, '\0');
  CRVM_RETURN_IF_ERROR(ReadExactly(
      state_.get(), entry->offset,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()),
      absl::StrCat("section ", name)));
  if (Checksum64(bytes.data(), bytes.size()) != entry->checksum) {
    return WrongChecksum(*entry);
  }
  *version = entry->version;
  return bytes;
}

absl::StatusOr<uint64_t> SnapshotReader::ReadPieces(
    const SectionEntry& entry, const Consumer& consume) const {
  StreamingChecksum checksum;
  std::vector<uint8_t> buffer(
      std::min<uint64_t>(kPiece, std::max<uint64_t>(entry.length, 1)));
  for (uint64_t done = 0; done < entry.length;) {
    const size_t n = std::min<uint64_t>(buffer.size(), entry.length - done);
    const absl::Span<uint8_t> piece(buffer.data(), n);
    CRVM_RETURN_IF_ERROR(ReadExactly(state_.get(), entry.offset + done, piece,
                                     absl::StrCat("section ", entry.name)));
    checksum.Update(piece.data(), piece.size());
    CRVM_RETURN_IF_ERROR(consume(piece));
    done += n;
  }
  return checksum.Digest();
}

absl::Status SnapshotReader::VerifySection(const SectionEntry& entry) const {
  CRVM_ASSIGN_OR_RETURN(const uint64_t checksum,
                        ReadPieces(entry, [](absl::Span<const uint8_t>) {
                          return absl::OkStatus();
                        }));
  return checksum == entry.checksum ? absl::OkStatus() : WrongChecksum(entry);
}

absl::Status SnapshotReader::StreamSection(absl::string_view name,
                                           uint32_t* version,
                                           const Consumer& consume) {
  CRVM_ASSIGN_OR_RETURN(const SectionEntry* entry, Find(name));
  // Two passes, so that nothing of a damaged section reaches the consumer.
  CRVM_RETURN_IF_ERROR(VerifySection(*entry));
  *version = entry->version;
  return ReadPieces(*entry, consume).status();
}

absl::StatusOr<std::vector<ChunkEntry>> SnapshotReader::ReadIndex() {
  uint32_t version = 0;
  CRVM_ASSIGN_OR_RETURN(const std::string bytes,
                        Section(kMemoryIndexSection, &version));
  if (version != kMemoryIndexVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the snapshot's section ", kMemoryIndexSection,
                     " has version ", version, "; this crvm reads ",
                     kMemoryIndexVersion, ": use a newer one"));
  }
  return DecodeMemoryIndex(bytes, header_.metadata.memory_size,
                           header_.memory_length);
}

absl::Status SnapshotReader::Memory(MemorySink& memory) {
  CRVM_ASSIGN_OR_RETURN(const std::vector<ChunkEntry> chunks, ReadIndex());
  return ReadMemory(chunks, memory,
                    {.fd = memory_.get(),
                     .threads = options_.threads,
                     .progress = options_.progress});
}

absl::Status SnapshotReader::Verify() {
  for (const SectionEntry& entry : header_.sections) {
    CRVM_RETURN_IF_ERROR(VerifySection(entry));
  }
  Discard discard(header_.metadata.memory_size);
  return Memory(discard);
}

}  // namespace crvm
