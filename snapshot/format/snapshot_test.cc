// SPDX-License-Identifier: Apache-2.0
//
// Writer and reader together.

#include <unistd.h>

#include "gtest/gtest.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/format/snapshot_writer.h"
#include "snapshot/testing/fake_memory.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

std::unique_ptr<SnapshotReader> OpenOrDie(const std::string& path) {
  auto reader = SnapshotReader::Open(path, {});
  EXPECT_TRUE(reader.ok()) << reader.status();
  return std::move(reader).value();
}

TEST(SnapshotTest, RoundTrip) {
  TempDir dir;
  ASSERT_TRUE(WriteSample(dir.File(".tmp"), dir.File("1")).ok());
  EXPECT_EQ(dir.List(), std::vector<std::string>{"1"});

  const auto reader = OpenOrDie(dir.File("1"));
  EXPECT_TRUE(reader->Verify().ok());
  uint32_t version = 0;
  EXPECT_EQ(*reader->Section("vcpu.0", &version), "registers and all that");
  EXPECT_EQ(version, 1u);
  EXPECT_EQ(*reader->Section("empty", &version), "");
  EXPECT_EQ(version, 7u);
  EXPECT_EQ(*reader->Section("clock", &version), std::string(3000, 'c'));
  EXPECT_TRUE(absl::IsNotFound(reader->Section("none", &version).status()));

  FakeMemory restored(kSampleMemory);
  ASSERT_TRUE(reader->Memory(restored).ok());
  EXPECT_EQ(restored.bytes(), SampleMemory()->bytes());
}

TEST(SnapshotTest, TheHeaderIsReadableAlone) {
  TempDir dir;
  ASSERT_TRUE(WriteSample(dir.File(".tmp"), dir.File("1")).ok());
  ASSERT_EQ(unlink(dir.File("1/state").c_str()), 0);
  ASSERT_EQ(unlink(dir.File("1/memory").c_str()), 0);
  const auto header = ReadSnapshotHeader(dir.File("1"));
  ASSERT_TRUE(header.ok()) << header.status();
  SnapshotMetadata expected = SampleMetadata();
  expected.memory_used = header->metadata.memory_used;
  EXPECT_EQ(header->metadata, expected);
  // 16 + 3 + 1 + 1 + 1 pages are not zero.
  EXPECT_EQ(expected.memory_used, 22 * kPageSize);
}

TEST(SnapshotTest, MemoryNotInUseIsNotStored) {
  TempDir dir;
  auto writer = *SnapshotWriter::Create(dir.File(".tmp"), {});
  FakeMemory memory(kSampleMemory);
  memory.Fill(0, kSampleMemory, 1, 1);
  memory.Use(0x3000, 0x1000);
  ASSERT_TRUE(writer->Memory(memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  ASSERT_TRUE(writer->Publish(dir.File("1")).ok());
  FakeMemory restored(kSampleMemory);
  ASSERT_TRUE(OpenOrDie(dir.File("1"))->Memory(restored).ok());
  EXPECT_EQ(*restored.at(0x2fff), 0);
  EXPECT_EQ(*restored.at(0x3000), *memory.at(0x3000));
  EXPECT_EQ(*restored.at(0x3fff), *memory.at(0x3fff));
  EXPECT_EQ(*restored.at(0x4000), 0);
}

TEST(SnapshotTest, EmptyMemory) {
  TempDir dir;
  auto writer = *SnapshotWriter::Create(dir.File(".tmp"), {});
  FakeMemory memory(kSampleMemory);
  ASSERT_TRUE(writer->Memory(memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  ASSERT_TRUE(writer->Publish(dir.File("1")).ok());
  EXPECT_TRUE(OpenOrDie(dir.File("1"))->Verify().ok());
}

TEST(SnapshotTest, LargeMemoryOnManyThreads) {
  TempDir dir;
  constexpr uint64_t kSize = 64 << 20;
  FakeMemory memory(kSize);
  // Every other range, of odd sizes, so that ranges share chunks.
  for (uint64_t at = 0; at + 0x9000 < kSize; at += 0xd000) {
    memory.Use(at, 0x9000);
    memory.Fill(at, 0x9000, 1 + at % 7, at);
  }
  SnapshotMetadata metadata = SampleMetadata();
  metadata.memory_size = kSize;
  std::atomic<uint64_t> last{0};
  SnapshotWriter::Options options;
  options.threads = 4;
  options.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_LE(done, total);
    if (done == total) last = total;
  };
  auto writer = *SnapshotWriter::Create(dir.File(".tmp"), options);
  ASSERT_TRUE(writer->Memory(memory).ok());
  ASSERT_TRUE(writer->Finish(metadata).ok());
  ASSERT_TRUE(writer->Publish(dir.File("1")).ok());
  EXPECT_NE(last, 0u);
  FakeMemory restored(kSize);
  auto reader = *SnapshotReader::Open(dir.File("1"), {.threads = 3});
  ASSERT_TRUE(reader->Memory(restored).ok());
  EXPECT_TRUE(restored.bytes() == memory.bytes());
}

TEST(SnapshotTest, StreamedSections) {
  TempDir dir;
  auto writer = *SnapshotWriter::Create(dir.File(".tmp"), {});
  FakeMemory memory(kSampleMemory);
  FakeMemory contents(1'000'003);
  contents.Fill(0, contents.size(), 1, 9);
  ASSERT_TRUE(
      writer
          ->StreamSection("file.0", 1,
                          [&](const ComponentSink::AppendFunction& append) {
                            auto all = absl::MakeConstSpan(contents.bytes());
                            while (!all.empty()) {
                              auto status = append(all.subspan(0, 77777));
                              if (!status.ok()) return status;
                              all.remove_prefix(
                                  std::min<size_t>(77777, all.size()));
                            }
                            return absl::OkStatus();
                          })
          .ok());
  ASSERT_TRUE(writer->Memory(memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  ASSERT_TRUE(writer->Publish(dir.File("1")).ok());

  std::vector<uint8_t> got;
  uint32_t version = 0;
  ASSERT_TRUE(OpenOrDie(dir.File("1"))
                  ->StreamSection("file.0", &version,
                                  [&](absl::Span<const uint8_t> piece) {
                                    got.insert(got.end(), piece.begin(),
                                               piece.end());
                                    return absl::OkStatus();
                                  })
                  .ok());
  EXPECT_TRUE(got == contents.bytes());
}

TEST(SnapshotTest, AbandonedWriterLeavesNothing) {
  TempDir dir;
  {
    auto writer = *SnapshotWriter::Create(dir.File(".tmp"), {});
    ASSERT_TRUE(writer->Section("a", 1, "b").ok());
    EXPECT_EQ(dir.List(), std::vector<std::string>{".tmp"});
  }
  EXPECT_TRUE(dir.List().empty());
}

TEST(SnapshotTest, PublishNeverReplaces) {
  TempDir dir;
  ASSERT_TRUE(WriteSample(dir.File(".tmp"), dir.File("1")).ok());
  const std::string before = ReadWholeFile(dir.File("1/header"));
  EXPECT_TRUE(
      absl::IsAlreadyExists(WriteSample(dir.File(".tmp"), dir.File("1"))));
  EXPECT_EQ(dir.List(), std::vector<std::string>{"1"});
  EXPECT_EQ(ReadWholeFile(dir.File("1/header")), before);
}

TEST(SnapshotTest, BadMemoryReportsAreErrors) {
  TempDir dir;
  auto writer = *SnapshotWriter::Create(dir.File(".tmp"), {});
  FakeMemory memory(kSampleMemory);
  memory.Use(0x2000, 0x2000);
  memory.Use(0x3000, 0x1000);  // overlaps
  EXPECT_FALSE(writer->Memory(memory).ok());
}

TEST(SnapshotTest, MissingDirectory) {
  EXPECT_TRUE(absl::IsNotFound(
      SnapshotReader::Open("/nonexistent/snapshot", {}).status()));
}

}  // namespace
}  // namespace crvm
