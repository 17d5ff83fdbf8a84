// SPDX-License-Identifier: Apache-2.0
//
// A save during which one call fails - each call in turn - must say so, leave
// nothing behind and leave the older snapshot alone.

#include "gtest/gtest.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/format/snapshot_writer.h"
#include "snapshot/testing/faulty_file_system.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

SnapshotWriter::Options With(FileSystem& file_system) {
  SnapshotWriter::Options options;
  options.file_system = &file_system;
  options.threads = 2;
  return options;
}

TEST(FaultInjectionTest, EveryCall) {
  TempDir dir;
  FaultyFileSystem none(-1);
  ASSERT_TRUE(WriteSample(dir.File(".t"), dir.File("1"), With(none)).ok());
  ASSERT_GT(none.calls(), 12);
  const std::string older = ReadWholeFile(dir.File("1/header"));

  for (int i = 0; i < none.calls() - 1; ++i) {
    FaultyFileSystem faulty(i);
    const absl::Status status =
        WriteSample(dir.File(".t"), dir.File("2"), With(faulty));
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << i << ": " << status;
    EXPECT_NE(status.message().find("No space left"), std::string::npos);
    EXPECT_EQ(dir.List(), std::vector<std::string>{"1"}) << "call " << i;
  }
  EXPECT_EQ(ReadWholeFile(dir.File("1/header")), older);
}

TEST(FaultInjectionTest, AFailedSyncOfTheParentIsReported) {
  // By then the snapshot is there, but may not survive a power cut.
  TempDir dir;
  FaultyFileSystem none(-1);
  ASSERT_TRUE(WriteSample(dir.File(".t"), dir.File("1"), With(none)).ok());
  FaultyFileSystem faulty(none.calls() - 1, EIO);
  EXPECT_FALSE(WriteSample(dir.File(".t"), dir.File("2"), With(faulty)).ok());
  EXPECT_TRUE((*SnapshotReader::Open(dir.File("2"), {}))->Verify().ok());
}

TEST(FaultInjectionTest, AnErrorSticks) {
  TempDir dir;
  FaultyFileSystem faulty(5);  // the first write
  auto writer = *SnapshotWriter::Create(dir.File(".t"), With(faulty));
  EXPECT_FALSE(writer->Section("a", 1, "bytes").ok());
  EXPECT_FALSE(writer->Section("b", 1, "bytes").ok());
  auto memory = SampleMemory();
  EXPECT_FALSE(writer->Memory(*memory).ok());
  EXPECT_FALSE(writer->Finish(SampleMetadata()).ok());
  EXPECT_FALSE(writer->Publish(dir.File("1")).ok());
}

}  // namespace
}  // namespace crvm
