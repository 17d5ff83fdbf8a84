// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/header.h"

#include <cstring>
#include <map>

#include "gtest/gtest.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "snapshot/testing/sample_snapshot.h"
#include "vmm/base/state_codec.h"

namespace crvm {
namespace {

SnapshotHeader SampleHeader() {
  SnapshotHeader header;
  header.metadata = SampleMetadata();
  header.metadata.memory_used = 8192;
  header.metadata.parent = "sample@4";
  header.sections = {{"vcpu.0", 1, 0, 10, 111}, {"clock", 2, 10, 30, 222}};
  header.state_length = 40;
  header.memory_length = 12345;
  return header;
}

// Makes the checksums of an altered header right again.
std::string Resign(std::string bytes) {
  const auto put = [&](size_t offset, uint64_t value) {
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
  };
  put(16, bytes.size() - 64);
  put(24, Checksum64(bytes.data() + 64, bytes.size() - 64));
  put(56, Checksum64(bytes.data(), 56));
  return bytes;
}

// A header whose body is what `fill` writes.
template <typename Fill>
std::string HeaderWithBody(Fill fill) {
  StateWriter writer;
  fill(writer);
  std::string bytes = EncodeHeader(SampleHeader()).substr(0, 64);
  return Resign(bytes + writer.Take());
}

std::string Message(absl::string_view bytes) {
  return std::string(DecodeHeader(bytes).status().message());
}

TEST(HeaderTest, RoundTrip) {
  const SnapshotHeader header = SampleHeader();
  const auto decoded = DecodeHeader(EncodeHeader(header));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, header);
}

TEST(HeaderTest, TheLeadIsWhereTheFormatSays) {
  const std::string bytes = EncodeHeader(SampleHeader());
  EXPECT_EQ(bytes.substr(0, 8), "crvmsnap");
  EXPECT_EQ(bytes[8], 1);    // format version
  EXPECT_EQ(bytes[12], 64);  // lead length
  EXPECT_EQ(bytes[32], 40);  // state length
}

TEST(HeaderTest, EveryFlippedBitIsFound) {
  const std::string good = EncodeHeader(SampleHeader());
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] ^= 1 << bit;
      EXPECT_TRUE(absl::IsDataLoss(DecodeHeader(bad).status()))
          << "byte " << i << ": " << DecodeHeader(bad).status();
    }
  }
}

TEST(HeaderTest, EveryTruncationIsFound) {
  const std::string good = EncodeHeader(SampleHeader());
  for (size_t n = 0; n < good.size(); ++n) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeHeader(good.substr(0, n)).status()));
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeHeader(good + "x").status()));
}

TEST(HeaderTest, ANewerVersionIsRefusedByName) {
  std::string bytes = EncodeHeader(SampleHeader());
  bytes[8] = 9;
  const absl::Status status = DecodeHeader(Resign(bytes)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(),
            "the snapshot has format version 9; this crvm reads 1 to 1: use "
            "the crvm that wrote it or a newer one");
}

// The sample with one more metadata record, put where its tag belongs.
std::string HeaderWithTag(uint32_t extra_tag) {
  const std::string good = EncodeHeader(SampleHeader());
  StateReader reader(absl::string_view(good).substr(64));
  std::map<uint32_t, std::string> records = {{extra_tag, "?"}};
  for (uint64_t left = *reader.U64(); left != 0; --left) {
    const uint32_t tag = *reader.U32();
    records[tag] = *reader.String(1 << 20);
  }
  StateWriter writer;
  writer.U64(records.size());
  for (const auto& [tag, value] : records) {
    writer.U32(tag);
    writer.String(value);
  }
  return Resign(good.substr(0, 64) + writer.Take() +
                good.substr(good.size() - reader.remaining()));
}

TEST(HeaderTest, AnUnknownRequiredFieldIsRefused) {
  const absl::Status status = DecodeHeader(HeaderWithTag(9)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(status.message(),
            "required field 9 is not known to this crvm; use a newer one");
}

TEST(HeaderTest, AnUnknownOptionalFieldIsSkipped) {
  const auto header = DecodeHeader(HeaderWithTag(0x80000099));
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(*header, SampleHeader());
}

TEST(HeaderTest, CountsAreCapped) {
  EXPECT_NE(Message(HeaderWithBody([](StateWriter& w) { w.U64(1 << 30); })),
            "");
  EXPECT_NE(Message(HeaderWithBody([](StateWriter&) {})), "");
  EXPECT_NE(Message(HeaderWithBody([](StateWriter& w) { w.U64(0); })), "");
}

TEST(HeaderTest, SectionsMustBeInPlace) {
  const auto message = [](auto change) {
    SnapshotHeader header = SampleHeader();
    change(header);
    return Message(EncodeHeader(header));
  };
  EXPECT_EQ(message([](SnapshotHeader& h) { h.sections[1].offset = 9; }),
            "the snapshot's header is damaged: section clock is out of place");
  EXPECT_EQ(message([](SnapshotHeader& h) { h.sections[1].length = ~0ull; }),
            "the snapshot's header is damaged: section clock is out of place");
  EXPECT_EQ(message([](SnapshotHeader& h) { h.sections[1].name = "vcpu.0"; }),
            "the snapshot's header is damaged: section vcpu.0 is there twice");
  EXPECT_EQ(message([](SnapshotHeader& h) { h.sections[1].name = "a/b"; }),
            "the snapshot's header is damaged: section 1 has no valid name");
  EXPECT_EQ(message([](SnapshotHeader& h) { h.state_length = 41; }),
            "the snapshot's header is damaged: the sections do not fill the "
            "state file");
}

TEST(HeaderTest, ImpossibleMetadataIsRefused) {
  const auto message = [](auto change) {
    SnapshotHeader header = SampleHeader();
    change(header.metadata);
    return Message(EncodeHeader(header));
  };
  EXPECT_NE(message([](SnapshotMetadata& m) { m.name = "../../etc"; }), "");
  EXPECT_NE(message([](SnapshotMetadata& m) { m.memory_size = 0; }), "");
  EXPECT_NE(message([](SnapshotMetadata& m) { m.memory_size = 4097; }), "");
  EXPECT_NE(message([](SnapshotMetadata& m) { m.memory_size = 1ull << 60; }),
            "");
  EXPECT_NE(message([](SnapshotMetadata& m) {
              m.crvm_version = std::string(5000, 'v');
            }),
            "");
}

TEST(HeaderTest, VmNames) {
  for (const char* good : {"a", "python3", "my-job_2.1", "9lives"}) {
    EXPECT_TRUE(IsValidVmName(good)) << good;
  }
  for (const char* bad : {"", ".", "..", ".hidden", "-x", "a b", "a/b", "a@b",
                          "\xc3\xa4", "a\n"}) {
    EXPECT_FALSE(IsValidVmName(bad)) << bad;
  }
  EXPECT_TRUE(IsValidVmName(std::string(64, 'x')));
  EXPECT_FALSE(IsValidVmName(std::string(65, 'x')));
}

}  // namespace
}  // namespace crvm
