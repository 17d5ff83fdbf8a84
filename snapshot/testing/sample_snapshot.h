// SPDX-License-Identifier: Apache-2.0
//
// A small snapshot with a bit of everything, for tests.

#ifndef CRVM_SNAPSHOT_TESTING_SAMPLE_SNAPSHOT_H_
#define CRVM_SNAPSHOT_TESTING_SAMPLE_SNAPSHOT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "snapshot/format/header.h"
#include "snapshot/format/snapshot_writer.h"
#include "snapshot/testing/fake_memory.h"
#include "vmm/base/status_macros.h"

namespace crvm {

inline constexpr uint64_t kSampleMemory = 1 << 20;

inline SnapshotMetadata SampleMetadata() {
  SnapshotMetadata metadata;
  metadata.name = "sample";
  metadata.created_ns = 1'700'000'000'123'456'789;
  metadata.argv = {"./app", "--fast", ""};
  metadata.memory_size = kSampleMemory;
  metadata.abi_version = 3;
  metadata.cpu = {{1, 0, 2, 0x10, 0x10}};
  metadata.crvm_version = "0.1";
  metadata.host = "here";
  metadata.privilege = "deprivileged";
  return metadata;
}

// Whole, partial, holed, incompressible and zero chunks.
inline std::unique_ptr<FakeMemory> SampleMemory() {
  auto memory = std::make_unique<FakeMemory>(kSampleMemory);
  memory->Use(0x0, 0x10000);
  memory->Use(0x21000, 0x3000);
  memory->Use(0x26000, 0x1000);
  memory->Use(0x40000, 0x40000);
  memory->Use(0xff000, 0x1000);
  memory->Fill(0x0, 0x10000, 1, 1);        // incompressible
  memory->Fill(0x21000, 0x3000, 97, 2);    // compressible
  memory->Fill(0x26000, 0x1000, 4096, 3);  // one byte
  memory->Fill(0x51000, 0x1000, 8, 4);     // between zero pages
  memory->Fill(0xff000, 0x1000, 1, 5);     // the last page
  return memory;
}

// What the machine does in a save.
inline absl::Status SaveSample(ComponentSink& sink, FakeMemory& memory) {
  CRVM_RETURN_IF_ERROR(sink.Section("vcpu.0", 1, "registers and all that"));
  CRVM_RETURN_IF_ERROR(sink.Section("empty", 7, ""));
  CRVM_RETURN_IF_ERROR(sink.Memory(memory));
  return sink.Section("clock", 2, std::string(3000, 'c'));
}

// Writes the sample to `temporary` and publishes it as `directory`.
inline absl::Status WriteSample(const std::string& temporary,
                                const std::string& directory,
                                SnapshotWriter::Options options = {}) {
  CRVM_ASSIGN_OR_RETURN(std::unique_ptr<SnapshotWriter> writer,
                        SnapshotWriter::Create(temporary, options));
  std::unique_ptr<FakeMemory> memory = SampleMemory();
  CRVM_RETURN_IF_ERROR(SaveSample(*writer, *memory));
  CRVM_RETURN_IF_ERROR(writer->Finish(SampleMetadata()));
  return writer->Publish(directory);
}

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_TESTING_SAMPLE_SNAPSHOT_H_
