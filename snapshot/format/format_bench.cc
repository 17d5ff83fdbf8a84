// SPDX-License-Identifier: Apache-2.0
//
// Speed of saving and restoring guest memory, per kind of content. Prints a
// table; nothing depends on it. Usage: format_bench [MiB [DIRECTORY]]

#include <stdio.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "snapshot/format/snapshot_reader.h"
#include "snapshot/format/snapshot_writer.h"
#include "snapshot/testing/fake_memory.h"
#include "snapshot/testing/sample_snapshot.h"
#include "vmm/base/check.h"

namespace crvm {
namespace {

double Seconds(const std::function<absl::Status()>& work) {
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = work();
  CRVM_CHECK(status.ok());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

void Measure(const char* kind, uint64_t size, uint64_t stride,
             const std::string& directory) {
  FakeMemory memory(size);
  memory.Use(0, size);
  if (stride != 0) memory.Fill(0, size, stride, 1);
  SnapshotMetadata metadata = SampleMetadata();
  metadata.memory_size = size;
  const std::string path = directory + "/format_bench";
  auto writer = *SnapshotWriter::Create(path, {});
  const double save = Seconds([&] { return writer->Memory(memory); });
  const double sync = Seconds([&] { return writer->Finish(metadata); });
  const uint64_t stored = writer->header().memory_length;
  auto reader = *SnapshotReader::Open(path, {});
  FakeMemory restored(size);
  const double restore = Seconds([&] { return reader->Memory(restored); });
  const double gib = static_cast<double>(size) / (1 << 30);
  printf("%-16s %8.2f GiB/s %8.3f s %8.2f GiB/s %7.1f %%\n", kind, gib / save,
         sync, gib / restore, 100.0 * static_cast<double>(stored) / size);
}

}  // namespace
}  // namespace crvm

int main(int argc, char** argv) {
  const uint64_t size = (argc > 1 ? strtoull(argv[1], nullptr, 0) : 512) << 20;
  const std::string directory = argc > 2 ? argv[2] : "/tmp";
  printf("%-16s %14s %10s %14s %9s\n", "content", "save", "sync", "restore",
         "stored");
  crvm::Measure("incompressible", size, 1, directory);
  crvm::Measure("every 8th byte", size, 8, directory);
  crvm::Measure("every 64th byte", size, 64, directory);
  crvm::Measure("one byte a page", size, 4096, directory);
  crvm::Measure("zero", size, 0, directory);
}
