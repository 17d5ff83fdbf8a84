// SPDX-License-Identifier: Apache-2.0
//
// Real snapshots, damaged in every way: each must be refused with a reason,
// and none may crash the reader.

#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "snapshot/format/limits.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/testing/fake_memory.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

class CorruptionTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteSample(dir_.File(".tmp"), dir_.File("1")).ok());
    header_ = ReadWholeFile(Path("header"));
    state_ = ReadWholeFile(Path("state"));
    memory_ = ReadWholeFile(Path("memory"));
  }

  std::string Path(const std::string& file) { return dir_.File("1/" + file); }

  // What a resume does: all sections, all memory.
  absl::Status ReadAll() {
    auto reader = SnapshotReader::Open(dir_.File("1"), {.threads = 1});
    CRVM_RETURN_IF_ERROR(reader.status());
    uint32_t version;
    for (const SectionEntry& entry : (*reader)->header().sections) {
      CRVM_RETURN_IF_ERROR((*reader)->Section(entry.name, &version).status());
    }
    FakeMemory memory(kSampleMemory);
    return (*reader)->Memory(memory);
  }

  TempDir dir_;
  std::string header_;
  std::string state_;
  std::string memory_;
};

TEST_F(CorruptionTest, Undamaged) { EXPECT_TRUE(ReadAll().ok()); }

TEST_F(CorruptionTest, EveryByteOfTheHeader) {
  for (size_t i = 0; i < header_.size(); ++i) {
    std::string bad = header_;
    bad[i] ^= 0x40;
    WriteWholeFile(Path("header"), bad);
    const absl::Status status = ReadAll();
    EXPECT_TRUE(absl::IsDataLoss(status)) << "byte " << i << ": " << status;
    EXPECT_NE(status.message().find("header"), std::string::npos) << status;
  }
}

TEST_F(CorruptionTest, EveryByteOfTheState) {
  for (size_t i = 0; i < state_.size(); ++i) {
    std::string bad = state_;
    bad[i] ^= 0x40;
    WriteWholeFile(Path("state"), bad);
    const absl::Status status = ReadAll();
    EXPECT_TRUE(absl::IsDataLoss(status)) << "byte " << i << ": " << status;
    EXPECT_NE(status.message().find("section"), std::string::npos) << status;
  }
}

TEST_F(CorruptionTest, BytesOfTheMemory) {
  for (size_t i = 0; i < memory_.size(); i += 509) {
    std::string bad = memory_;
    bad[i] ^= 0x40;
    WriteWholeFile(Path("memory"), bad);
    const absl::Status status = ReadAll();
    EXPECT_TRUE(absl::IsDataLoss(status)) << "byte " << i << ": " << status;
    EXPECT_NE(status.message().find("memory"), std::string::npos) << status;
  }
}

TEST_F(CorruptionTest, Truncation) {
  const std::pair<std::string, const std::string*> files[] = {
      {"header", &header_}, {"state", &state_}, {"memory", &memory_}};
  for (const auto& [name, good] : files) {
    const size_t step = std::max<size_t>(1, good->size() / 300);
    for (size_t n = 0; n < good->size(); n += step) {
      WriteWholeFile(Path(name), good->substr(0, n));
      const absl::Status status = ReadAll();
      EXPECT_TRUE(absl::IsDataLoss(status)) << name << " " << n << status;
      EXPECT_NE(status.message().find(name), std::string::npos) << status;
    }
    WriteWholeFile(Path(name), *good + "tail");
    EXPECT_TRUE(absl::IsDataLoss(ReadAll())) << name;
    WriteWholeFile(Path(name), *good);
  }
  EXPECT_TRUE(ReadAll().ok());
}

TEST_F(CorruptionTest, MissingFiles) {
  for (const char* name : {"header", "state", "memory"}) {
    const std::string good = ReadWholeFile(Path(name));
    ASSERT_EQ(unlink(Path(name).c_str()), 0);
    const absl::Status status = ReadAll();
    EXPECT_TRUE(absl::IsNotFound(status)) << status;
    EXPECT_NE(status.message().find(name), std::string::npos) << status;
    WriteWholeFile(Path(name), good);
  }
}

TEST_F(CorruptionTest, FilesOfAnotherKind) {
  ASSERT_EQ(unlink(Path("header").c_str()), 0);
  ASSERT_EQ(mkfifo(Path("header").c_str(), 0600), 0);
  EXPECT_FALSE(ReadAll().ok());  // and does not hang
  ASSERT_EQ(unlink(Path("header").c_str()), 0);
  ASSERT_EQ(mkdir(Path("header").c_str(), 0700), 0);
  EXPECT_FALSE(ReadAll().ok());
  ASSERT_EQ(rmdir(Path("header").c_str()), 0);
  ASSERT_EQ(symlink("/dev/zero", Path("header").c_str()), 0);
  EXPECT_FALSE(ReadAll().ok());
}

TEST_F(CorruptionTest, FilesOfAnotherSnapshot) {
  // Same sizes, other contents.
  auto writer = *SnapshotWriter::Create(dir_.File(".tmp"), {});
  auto memory = SampleMemory();
  memory->Fill(0, 0x10000, 1, 99);
  ASSERT_TRUE(SaveSample(*writer, *memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  ASSERT_TRUE(writer->Publish(dir_.File("2")).ok());
  WriteWholeFile(Path("memory"), ReadWholeFile(dir_.File("2/memory")));
  EXPECT_TRUE(absl::IsDataLoss(ReadAll()));
}

}  // namespace
}  // namespace crvm
