// SPDX-License-Identifier: Apache-2.0
#include "vmm/machine/fs_sections.h"

#include "absl/strings/str_cat.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"
#include "vmm/devices/fs/fs_state.h"

namespace crvm {
namespace {

constexpr char kStateSection[] = "fs";
constexpr char kDataPrefix[] = "fs-data-";
constexpr uint32_t kVersion = 1;
constexpr size_t kPieceSize = 16 << 20;

absl::Status CheckVersion(absl::string_view section, uint32_t version) {
  if (version == kVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("section ", section, " has version ", version,
                   ", this crvm knows ", kVersion));
}

absl::Status RestorePiece(FsSnapshot& fs, absl::string_view bytes) {
  StateReader reader(bytes);
  while (reader.remaining() > 0) {
    FsChunk chunk;
    CRVM_ASSIGN_OR_RETURN(chunk.content, reader.U64());
    CRVM_ASSIGN_OR_RETURN(chunk.offset, reader.U64());
    CRVM_ASSIGN_OR_RETURN(auto data, reader.Bytes(FsChunk::kMaxSize));
    chunk.data = data;
    CRVM_RETURN_IF_ERROR(fs.RestoreChunk(chunk));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveFs(FuseServer* server, ComponentSink& sink) {
  FsSnapshot fs(server);
  CRVM_ASSIGN_OR_RETURN(FsState state, fs.SaveState());
  StateWriter writer;
  Encode(state, writer);
  CRVM_RETURN_IF_ERROR(sink.Section(kStateSection, kVersion, writer.Take()));
  int piece = 0;
  auto flush = [&]() -> absl::Status {
    return sink.Section(absl::StrCat(kDataPrefix, piece++), kVersion,
                        writer.Take());
  };
  CRVM_RETURN_IF_ERROR(fs.SaveContents([&](const FsChunk& chunk) {
    Encode(chunk, writer);
    return writer.size() >= kPieceSize ? flush() : absl::OkStatus();
  }));
  return writer.size() > 0 ? flush() : absl::OkStatus();
}

absl::Status RestoreFs(FuseServer* server, ComponentSource& source,
                       ChangedFiles policy,
                       std::vector<std::string>* warnings) {
  uint32_t version = 0;
  CRVM_ASSIGN_OR_RETURN(std::string bytes,
                        source.Section(kStateSection, &version));
  CRVM_RETURN_IF_ERROR(CheckVersion(kStateSection, version));
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(FsState state, DecodeFsState(reader));
  CRVM_RETURN_IF_ERROR(reader.ExpectEnd());
  FsSnapshot fs(server);
  CRVM_RETURN_IF_ERROR(fs.RestoreState(state, policy));
  for (int piece = 0;; ++piece) {
    std::string name = absl::StrCat(kDataPrefix, piece);
    auto data = source.Section(name, &version);
    if (absl::IsNotFound(data.status())) break;
    CRVM_RETURN_IF_ERROR(data.status());
    CRVM_RETURN_IF_ERROR(CheckVersion(name, version));
    CRVM_RETURN_IF_ERROR(RestorePiece(fs, *data));
  }
  CRVM_ASSIGN_OR_RETURN(FsRestoreReport report, fs.FinishRestore());
  for (const std::string& file : report.changed) {
    warnings->push_back(absl::StrCat(
        file, " has changed since the snapshot; going on with it as it is"));
  }
  warnings->insert(warnings->end(), report.warnings.begin(),
                   report.warnings.end());
  return absl::OkStatus();
}

}  // namespace crvm
