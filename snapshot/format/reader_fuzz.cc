// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target of the snapshot reader. The input is cut into the three
// files; the header's checksums are made right, so that the fuzzer gets past
// them to the parsers.

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
#include "vmm/base/check.h"

namespace crvm {
namespace {

constexpr uint64_t kMemorySize = 1 << 20;

UniqueFd FileWith(const std::string& bytes) {
  UniqueFd fd(memfd_create("fuzz", MFD_CLOEXEC));
  CRVM_CHECK(pwrite(fd.get(), bytes.data(), bytes.size(), 0) ==
             static_cast<ssize_t>(bytes.size()));
  return fd;
}

void PutU64(std::string& bytes, size_t offset, uint64_t value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

// Fixes magic, version, lengths and checksums.
void Sign(std::string& header, size_t state, size_t memory) {
  if (header.size() < kHeaderLeadLength) header.resize(kHeaderLeadLength);
  std::memcpy(header.data(), kSnapshotMagic, sizeof(kSnapshotMagic));
  header[8] = 1;
  header[9] = header[10] = header[11] = 0;
  const size_t body = header.size() - kHeaderLeadLength;
  PutU64(header, 16, body);
  PutU64(header, 24, Checksum64(header.data() + kHeaderLeadLength, body));
  PutU64(header, 32, state);
  PutU64(header, 40, memory);
  PutU64(header, 56, Checksum64(header.data(), 56));
}

void FuzzOne(const uint8_t* data, size_t size) {
  if (size < 5) return;
  const bool sign = (data[0] & 1) != 0;
  const size_t header_size = data[1] | data[2] << 8;
  const size_t state_size = data[3] | data[4] << 8;
  std::string rest(reinterpret_cast<const char*>(data + 5), size - 5);
  std::string header = rest.substr(0, header_size);
  rest.erase(0, header.size());
  const std::string state = rest.substr(0, state_size);
  const std::string memory = rest.substr(state.size());
  if (sign) Sign(header, state.size(), memory.size());

  auto reader = SnapshotReader::FromFiles(FileWith(header), FileWith(state),
                                          FileWith(memory), {.threads = 1});
  if (!reader.ok()) return;
  uint32_t version;
  for (const SectionEntry& entry : (*reader)->header().sections) {
    (void)(*reader)->Section(entry.name, &version);
  }
  (void)(*reader)->Verify();
  FakeMemory sink(kMemorySize);
  (void)(*reader)->Memory(sink);

  // The index and the chunks behind no checksum at all.
  auto chunks = DecodeMemoryIndex(state, kMemorySize, memory.size());
  if (!chunks.ok()) return;
  ChunkDecoder decoder;
  for (ChunkEntry& chunk : *chunks) {
    const auto* at =
        reinterpret_cast<const uint8_t*>(memory.data()) + chunk.offset;
    chunk.checksum = Checksum64(at, chunk.stored_length);
    (void)decoder.Decode(chunk, absl::MakeConstSpan(at, chunk.stored_length),
                         sink);
  }
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  crvm::FuzzOne(data, size);
  return 0;
}
