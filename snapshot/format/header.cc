// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/header.h"

#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "snapshot/format/checksum.h"
#include "snapshot/format/limits.h"
#include "vmm/base/check.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

// Metadata tags. Written to disk.
constexpr uint32_t kOptional = 0x80000000;
enum Tag : uint32_t {
  kTagName = 1,
  kTagCreated = 2,
  kTagArgv = 3,
  kTagMemorySize = 4,
  kTagAbiVersion = 5,
  kTagCpu = 6,
  kTagMemoryEncoding = 7,
  kTagCrvmVersion = 8,
  kTagHost = kOptional | 1,
  kTagParent = kOptional | 2,
  kTagPrivilege = kOptional | 3,
  kTagMemoryUsed = kOptional | 4,
};
constexpr uint32_t kLastRequiredTag = kTagCrvmVersion;
constexpr size_t kMaxText = 4096;

absl::Status Damaged(absl::string_view why) {
  return absl::DataLossError(
      absl::StrCat("the snapshot's header is damaged: ", why));
}

std::string EncodeU32(uint32_t value) {
  StateWriter writer;
  writer.U32(value);
  return writer.Take();
}

std::string EncodeU64(uint64_t value) {
  StateWriter writer;
  writer.U64(value);
  return writer.Take();
}

std::string EncodeArgv(const std::vector<std::string>& argv) {
  StateWriter writer;
  writer.U64(argv.size());
  for (const std::string& arg : argv) writer.String(arg);
  return writer.Take();
}

std::string EncodeCpu(const CpuRequirements& cpu) {
  StateWriter writer;
  EncodeCpuRequirements(cpu, writer);
  return writer.Take();
}

void EncodeMetadata(const SnapshotMetadata& metadata, StateWriter& writer) {
  std::vector<std::pair<uint32_t, std::string>> records = {
      {kTagName, metadata.name},
      {kTagCreated, EncodeU64(metadata.created_ns)},
      {kTagArgv, EncodeArgv(metadata.argv)},
      {kTagMemorySize, EncodeU64(metadata.memory_size)},
      {kTagAbiVersion, EncodeU32(metadata.abi_version)},
      {kTagCpu, EncodeCpu(metadata.cpu)},
      {kTagMemoryEncoding, EncodeU32(kMemoryEncodingLz4Chunks)},
      {kTagCrvmVersion, metadata.crvm_version},
  };
  const auto add_text = [&](uint32_t tag, const std::string& text) {
    if (!text.empty()) records.emplace_back(tag, text);
  };
  add_text(kTagHost, metadata.host);
  add_text(kTagParent, metadata.parent);
  add_text(kTagPrivilege, metadata.privilege);
  if (metadata.memory_used != 0) {
    records.emplace_back(kTagMemoryUsed, EncodeU64(metadata.memory_used));
  }
  writer.U64(records.size());
  for (const auto& [tag, value] : records) {
    writer.U32(tag);
    writer.String(value);
  }
}

absl::Status DecodeArgv(StateReader& reader, std::vector<std::string>& argv) {
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(kMaxArgs));
  argv.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    CRVM_ASSIGN_OR_RETURN(std::string arg, reader.String(kMaxHeaderBody));
    argv.push_back(std::move(arg));
  }
  return absl::OkStatus();
}

absl::Status DecodeMemorySize(StateReader& reader, uint64_t& size) {
  CRVM_ASSIGN_OR_RETURN(size, reader.U64());
  if (size == 0 || size % kPageSize != 0 || size > kMaxGuestMemory) {
    return absl::InvalidArgumentError(
        absl::StrCat("impossible memory size ", size));
  }
  return absl::OkStatus();
}

absl::Status DecodeMemoryEncoding(StateReader& reader) {
  CRVM_ASSIGN_OR_RETURN(const uint32_t encoding, reader.U32());
  if (encoding == kMemoryEncodingLz4Chunks) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("memory encoding ", encoding,
                   " is not known to this crvm; use a newer ", "one"));
}

// One metadata record. `value` has passed the checksum and nothing else.
absl::Status DecodeRecord(uint32_t tag, const std::string& value,
                          SnapshotMetadata& metadata) {
  StateReader reader(value);
  switch (tag) {
    case kTagName:
      metadata.name = value;
      if (!IsValidVmName(value)) {
        return absl::InvalidArgumentError("the VM's name is not a valid name");
      }
      return absl::OkStatus();
    case kTagCreated: {
      CRVM_ASSIGN_OR_RETURN(metadata.created_ns, reader.U64());
      break;
    }
    case kTagArgv:
      CRVM_RETURN_IF_ERROR(DecodeArgv(reader, metadata.argv));
      break;
    case kTagMemorySize:
      CRVM_RETURN_IF_ERROR(DecodeMemorySize(reader, metadata.memory_size));
      break;
    case kTagAbiVersion: {
      CRVM_ASSIGN_OR_RETURN(metadata.abi_version, reader.U32());
      break;
    }
    case kTagCpu: {
      CRVM_ASSIGN_OR_RETURN(metadata.cpu, DecodeCpuRequirements(reader));
      break;
    }
    case kTagMemoryEncoding:
      CRVM_RETURN_IF_ERROR(DecodeMemoryEncoding(reader));
      break;
    case kTagCrvmVersion:
      metadata.crvm_version = value;
      return absl::OkStatus();
    case kTagHost:
      metadata.host = value;
      return absl::OkStatus();
    case kTagParent:
      metadata.parent = value;
      return absl::OkStatus();
    case kTagPrivilege:
      metadata.privilege = value;
      return absl::OkStatus();
    case kTagMemoryUsed: {
      CRVM_ASSIGN_OR_RETURN(metadata.memory_used, reader.U64());
      break;
    }
    default:
      if ((tag & kOptional) != 0) return absl::OkStatus();
      return absl::FailedPreconditionError(
          absl::StrCat("required field ", tag,
                       " is not known to this crvm; use a newer one"));
  }
  return reader.ExpectEnd();
}

absl::Status DecodeMetadata(StateReader& reader, SnapshotMetadata& metadata) {
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(kMaxMetadataRecords));
  uint32_t previous = 0;
  uint32_t required_seen = 0;
  for (size_t i = 0; i < count; ++i) {
    CRVM_ASSIGN_OR_RETURN(const uint32_t tag, reader.U32());
    CRVM_ASSIGN_OR_RETURN(const std::string value,
                          reader.String(kMaxHeaderBody));
    if (tag <= previous) {
      return absl::InvalidArgumentError("metadata tags are not ascending");
    }
    previous = tag;
    const bool is_text = tag == kTagCrvmVersion || (tag & kOptional) != 0;
    if (is_text && value.size() > kMaxText) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata field ", tag, " is too long"));
    }
    CRVM_RETURN_IF_ERROR(DecodeRecord(tag, value, metadata));
    if (tag <= kLastRequiredTag) ++required_seen;
  }
  if (required_seen != kLastRequiredTag) {
    return absl::InvalidArgumentError("a required metadata field is missing");
  }
  return absl::OkStatus();
}

absl::Status DecodeSections(StateReader& reader, SnapshotHeader& header) {
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(kMaxSections));
  std::set<std::string> names;
  uint64_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    SectionEntry entry;
    CRVM_ASSIGN_OR_RETURN(entry.name, reader.String(kMaxSectionName));
    CRVM_ASSIGN_OR_RETURN(entry.version, reader.U32());
    CRVM_ASSIGN_OR_RETURN(entry.offset, reader.U64());
    CRVM_ASSIGN_OR_RETURN(entry.length, reader.U64());
    CRVM_ASSIGN_OR_RETURN(entry.checksum, reader.U64());
    if (!IsValidSectionName(entry.name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("section ", i, " has no valid name"));
    }
    if (!names.insert(entry.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("section ", entry.name, " is there twice"));
    }
    if (entry.offset != end || entry.length > header.state_length - end) {
      return absl::InvalidArgumentError(
          absl::StrCat("section ", entry.name, " is out of place"));
    }
    end += entry.length;
    header.sections.push_back(std::move(entry));
  }
  if (end != header.state_length) {
    return absl::InvalidArgumentError(
        "the sections do not fill the state file");
  }
  return absl::OkStatus();
}

void EncodeSections(const std::vector<SectionEntry>& sections,
                    StateWriter& writer) {
  writer.U64(sections.size());
  for (const SectionEntry& entry : sections) {
    writer.String(entry.name);
    writer.U32(entry.version);
    writer.U64(entry.offset);
    writer.U64(entry.length);
    writer.U64(entry.checksum);
  }
}

uint64_t LoadU64(absl::string_view bytes, size_t offset) {
  uint64_t value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// The fixed lead; see the drawing in docs/snapshot_format.md.
constexpr size_t kLeadVersionOffset = 8;
constexpr size_t kLeadBodyLengthOffset = 16;
constexpr size_t kLeadBodyChecksumOffset = 24;
constexpr size_t kLeadStateLengthOffset = 32;
constexpr size_t kLeadMemoryLengthOffset = 40;
constexpr size_t kLeadChecksumOffset = 56;

absl::Status CheckLead(absl::string_view bytes) {
  if (bytes.size() < kHeaderLeadLength) {
    return Damaged(absl::StrCat("truncated, ", bytes.size(), " of ",
                                kHeaderLeadLength, " bytes"));
  }
  if (std::memcmp(bytes.data(), kSnapshotMagic, sizeof(kSnapshotMagic)) != 0) {
    return absl::DataLossError(
        "this is not a crvm snapshot, or its header is damaged (wrong magic)");
  }
  if (Checksum64(bytes.data(), kLeadChecksumOffset) !=
      LoadU64(bytes, kLeadChecksumOffset)) {
    return Damaged("checksum of its first 64 bytes is wrong");
  }
  uint32_t version;
  std::memcpy(&version, bytes.data() + kLeadVersionOffset, sizeof(version));
  if (version == 0 || version > kSnapshotFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the snapshot has format version ", version, "; this crvm reads 1 to ",
        kSnapshotFormatVersion, ": use the crvm that wrote it or a newer one"));
  }
  return absl::OkStatus();
}

absl::Status DecodeBody(absl::string_view body, SnapshotHeader& header) {
  StateReader reader(body);
  CRVM_RETURN_IF_ERROR(DecodeMetadata(reader, header.metadata));
  CRVM_RETURN_IF_ERROR(DecodeSections(reader, header));
  return reader.ExpectEnd();
}

}  // namespace

bool IsValidVmName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxVmName) return false;
  if (!absl::ascii_isalnum(name[0])) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '-' && c != '_') {
      return false;
    }
  }
  return true;
}

bool IsValidSectionName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxSectionName) return false;
  for (const char c : name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '.' &&
        c != '-' && c != '_') {
      return false;
    }
  }
  return true;
}

std::string EncodeHeader(const SnapshotHeader& header) {
  StateWriter body_writer;
  EncodeMetadata(header.metadata, body_writer);
  EncodeSections(header.sections, body_writer);
  const std::string body = body_writer.Take();

  StateWriter writer;
  writer.Raw(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(kSnapshotMagic),
                          sizeof(kSnapshotMagic)));
  writer.U32(kSnapshotFormatVersion);
  writer.U32(kHeaderLeadLength);
  writer.U64(body.size());
  writer.U64(Checksum64(body.data(), body.size()));
  writer.U64(header.state_length);
  writer.U64(header.memory_length);
  writer.U64(0);
  std::string out = writer.Take();
  CRVM_CHECK(out.size() == kLeadChecksumOffset);
  out += EncodeU64(Checksum64(out.data(), out.size()));
  return out + body;
}

absl::StatusOr<SnapshotHeader> DecodeHeader(absl::string_view bytes) {
  CRVM_RETURN_IF_ERROR(CheckLead(bytes));
  const absl::string_view body = bytes.substr(kHeaderLeadLength);
  const uint64_t body_length = LoadU64(bytes, kLeadBodyLengthOffset);
  if (body_length > kMaxHeaderBody) {
    return Damaged(absl::StrCat("impossible length ", body_length));
  }
  if (body.size() != body_length) {
    return Damaged(absl::StrCat(
        body.size() < body_length ? "truncated" : "too long", ", ",
        bytes.size(), " bytes instead of ", body_length + kHeaderLeadLength));
  }
  if (Checksum64(body.data(), body.size()) !=
      LoadU64(bytes, kLeadBodyChecksumOffset)) {
    return Damaged("wrong checksum");
  }
  SnapshotHeader header;
  header.state_length = LoadU64(bytes, kLeadStateLengthOffset);
  header.memory_length = LoadU64(bytes, kLeadMemoryLengthOffset);
  const absl::Status status = DecodeBody(body, header);
  if (absl::IsFailedPrecondition(status)) return status;
  if (!status.ok()) return Damaged(status.message());
  return header;
}

}  // namespace crvm
