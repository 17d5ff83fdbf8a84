// SPDX-License-Identifier: Apache-2.0
//
// Fuzz target of the snapshot reader. The input is either the three files, cut
// apart, or a list of edits of a good snapshot's files. The header's checksums
// are made right, so that the parsers behind them are reached.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "snapshot/format/checksum.h"
#include "snapshot/format/chunk_codec.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/memory_index.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/testing/fake_memory.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"
#include "vmm/base/check.h"

namespace crvm {
namespace {

struct Files {
  std::string header;
  std::string state;
  std::string memory;
};

const Files& Sample() {
  static const Files* const files = [] {
    TempDir dir;
    CRVM_CHECK(WriteSample(dir.File("t"), dir.File("1")).ok());
    return new Files{ReadWholeFile(dir.File("1/header")),
                     ReadWholeFile(dir.File("1/state")),
                     ReadWholeFile(dir.File("1/memory"))};
  }();
  return *files;
}

UniqueFd FileWith(const std::string& bytes) {
  UniqueFd fd(memfd_create("fuzz", MFD_CLOEXEC));
  CRVM_CHECK(pwrite(fd.get(), bytes.data(), bytes.size(), 0) ==
             static_cast<ssize_t>(bytes.size()));
  return fd;
}

void PutU64(std::string& bytes, size_t offset, uint64_t value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// Fixes magic, version, lengths and checksums of the header.
void Sign(Files& files) {
  std::string& header = files.header;
  if (header.size() < kHeaderLeadLength) header.resize(kHeaderLeadLength);
  std::memcpy(header.data(), kSnapshotMagic, sizeof(kSnapshotMagic));
  header[8] = 1;
  header[9] = header[10] = header[11] = 0;
  const size_t body = header.size() - kHeaderLeadLength;
  PutU64(header, 16, body);
  PutU64(header, 24, Checksum64(header.data() + kHeaderLeadLength, body));
  PutU64(header, 32, files.state.size());
  PutU64(header, 40, files.memory.size());
  PutU64(header, 56, Checksum64(header.data(), 56));
}

// u16 header size, u16 state size, header, state, memory.
Files CutApart(absl::string_view input) {
  const auto byte = [&](size_t i) -> size_t {
    return i < input.size() ? static_cast<uint8_t>(input[i]) : 0;
  };
  const size_t header_size = byte(0) | byte(1) << 8;
  const size_t state_size = byte(2) | byte(3) << 8;
  input.remove_prefix(std::min<size_t>(4, input.size()));
  Files files;
  files.header = std::string(input.substr(0, header_size));
  input.remove_prefix(files.header.size());
  files.state = std::string(input.substr(0, state_size));
  files.memory = std::string(input.substr(files.state.size()));
  return files;
}

// Edits of 4 bytes each: which file, u16 offset, new value.
Files EditSample(absl::string_view input) {
  Files files = Sample();
  for (; input.size() >= 4; input.remove_prefix(4)) {
    std::string* const all[] = {&files.header, &files.state, &files.memory};
    std::string& file = *all[static_cast<uint8_t>(input[0]) % 3];
    const size_t offset =
        static_cast<uint8_t>(input[1]) | static_cast<uint8_t>(input[2]) << 8;
    file[offset % file.size()] = input[3];
  }
  return files;
}

void ReadAll(const Files& files) {
  auto reader =
      SnapshotReader::FromFiles(FileWith(files.header), FileWith(files.state),
                                FileWith(files.memory), {.threads = 1});
  if (!reader.ok()) return;
  uint32_t version;
  for (const SectionEntry& entry : (*reader)->header().sections) {
    (void)(*reader)->Section(entry.name, &version);
  }
  (void)(*reader)->Verify();
  FakeMemory sink(kSampleMemory);
  (void)(*reader)->Memory(sink);
}

// The index and the chunks, behind no checksum at all.
void ReadChunks(const Files& files) {
  auto chunks =
      DecodeMemoryIndex(files.state, kSampleMemory, files.memory.size());
  if (!chunks.ok()) return;
  FakeMemory sink(kSampleMemory);
  ChunkDecoder decoder;
  for (ChunkEntry& chunk : *chunks) {
    const auto stored = absl::MakeConstSpan(
        reinterpret_cast<const uint8_t*>(files.memory.data()) + chunk.offset,
        chunk.stored_length);
    chunk.checksum = Checksum64(stored.data(), stored.size());
    (void)decoder.Decode(chunk, stored, sink);
  }
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view input(reinterpret_cast<const char*>(data + 1),
                                size - 1);
  crvm::Files files =
      (data[0] & 2) != 0 ? crvm::EditSample(input) : crvm::CutApart(input);
  if ((data[0] & 1) != 0) crvm::Sign(files);
  crvm::ReadAll(files);
  crvm::ReadChunks(files);
  return 0;
}
