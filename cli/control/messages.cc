// SPDX-License-Identifier: Apache-2.0

#include "cli/control/messages.h"

#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr size_t kMaxText = 64 * 1024;
constexpr size_t kMaxArgs = 65536;
// Of a command line in an answer; the rest is cut off.
constexpr size_t kMaxArgvBytes = 256 * 1024;

}  // namespace

std::string Encode(const VmInfo& info) {
  StateWriter writer;
  writer.String(info.name);
  writer.U32(info.pid);
  writer.U64(info.started_ns);
  writer.U64(info.memory_size);
  writer.String(info.privilege);
  writer.String(info.state);
  writer.String(info.parent);
  writer.Bool(info.detached);
  size_t count = 0;
  size_t bytes = 0;
  while (count < info.argv.size() && bytes < kMaxArgvBytes) {
    bytes += info.argv[count++].size();
  }
  writer.U64(count);
  for (size_t i = 0; i < count; ++i) {
    writer.String(info.argv[i].substr(0, kMaxText));
  }
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, VmInfo& info) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(info.name, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(info.pid, reader.U32());
  CRVM_ASSIGN_OR_RETURN(info.started_ns, reader.U64());
  CRVM_ASSIGN_OR_RETURN(info.memory_size, reader.U64());
  CRVM_ASSIGN_OR_RETURN(info.privilege, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(info.state, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(info.parent, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(info.detached, reader.Bool());
  CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(kMaxArgs));
  info.argv.clear();
  for (size_t i = 0; i < count; ++i) {
    CRVM_ASSIGN_OR_RETURN(std::string arg, reader.String(kMaxText));
    info.argv.push_back(std::move(arg));
  }
  return reader.ExpectEnd();
}

std::string Encode(const SnapshotRequest& request) {
  StateWriter writer;
  writer.String(request.tag);
  writer.Bool(request.stop);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, SnapshotRequest& request) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(request.tag, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(request.stop, reader.Bool());
  return reader.ExpectEnd();
}

std::string Encode(const SnapshotReply& reply) {
  StateWriter writer;
  writer.String(reply.id);
  writer.String(reply.tag);
  writer.U64(reply.memory_used);
  writer.U64(reply.stored_bytes);
  writer.U64(reply.pause_us);
  writer.U64(reply.total_us);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, SnapshotReply& reply) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(reply.id, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(reply.tag, reader.String(kMaxText));
  CRVM_ASSIGN_OR_RETURN(reply.memory_used, reader.U64());
  CRVM_ASSIGN_OR_RETURN(reply.stored_bytes, reader.U64());
  CRVM_ASSIGN_OR_RETURN(reply.pause_us, reader.U64());
  CRVM_ASSIGN_OR_RETURN(reply.total_us, reader.U64());
  return reader.ExpectEnd();
}

std::string Encode(const KillRequest& request) {
  StateWriter writer;
  writer.U32(request.signal);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, KillRequest& request) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(request.signal, reader.U32());
  return reader.ExpectEnd();
}

std::string Encode(const ResizeRequest& request) {
  StateWriter writer;
  writer.U16(request.cols);
  writer.U16(request.rows);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, ResizeRequest& request) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(request.cols, reader.U16());
  CRVM_ASSIGN_OR_RETURN(request.rows, reader.U16());
  return reader.ExpectEnd();
}

std::string Encode(const ErrorReply& reply) {
  StateWriter writer;
  writer.U32(reply.exit_code);
  writer.String(reply.message);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, ErrorReply& reply) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(reply.exit_code, reader.U32());
  CRVM_ASSIGN_OR_RETURN(reply.message, reader.String(kMaxText));
  return reader.ExpectEnd();
}

std::string Encode(const ProgressReply& reply) {
  StateWriter writer;
  writer.U64(reply.done);
  writer.U64(reply.total);
  return writer.Take();
}

absl::Status Decode(absl::string_view bytes, ProgressReply& reply) {
  StateReader reader(bytes);
  CRVM_ASSIGN_OR_RETURN(reply.done, reader.U64());
  CRVM_ASSIGN_OR_RETURN(reply.total, reader.U64());
  return reader.ExpectEnd();
}

}  // namespace crvm
