// SPDX-License-Identifier: Apache-2.0
//
// crvm list

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/json_writer.h"
#include "cli/base/units.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/snapshot_store.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm list [--json] [NAME]

Lists snapshots, all or those of NAME, the newest of each name last.

  SNAPSHOT  for resume and rm
  TAG       may be used instead of the number: NAME@TAG
  TAKEN     when
  MEMORY    how much memory the program had in use
  DISK      what the snapshot takes
  PROGRAM   its command line; or why the snapshot cannot be used

Options:
  --json    as JSON: an array of objects
)";

constexpr size_t kArgvWidth = 60;

struct Listed {
  StoredSnapshot stored;
  absl::StatusOr<SnapshotHeader> header;
  uint64_t disk_bytes = 0;
};

absl::StatusOr<std::vector<Listed>> Collect(const std::string& name) {
  CRVM_ASSIGN_OR_RETURN(const Locations locations,
                        Locations::FromEnvironment());
  CRVM_ASSIGN_OR_RETURN(SnapshotStore store,
                        SnapshotStore::Open(locations.store));
  CRVM_RETURN_IF_ERROR(store.CollectGarbage().status());
  CRVM_ASSIGN_OR_RETURN(const std::vector<StoredSnapshot> all, store.List());
  std::vector<Listed> out;
  for (const StoredSnapshot& stored : all) {
    if (!name.empty() && stored.name != name) continue;
    out.push_back({.stored = stored,
                   .header = ReadSnapshotHeader(stored.directory),
                   .disk_bytes = SnapshotDiskSize(stored)});
  }
  return out;
}

std::string Table(const std::vector<Listed>& snapshots) {
  std::vector<std::vector<std::string>> rows = {
      {"SNAPSHOT", "TAG", "TAKEN", "MEMORY", "DISK", "PROGRAM"}};
  for (const Listed& item : snapshots) {
    std::vector<std::string> row = {
        item.stored.id(), item.stored.tag.empty() ? "-" : item.stored.tag};
    if (item.header.ok()) {
      const SnapshotMetadata& metadata = item.header->metadata;
      row.push_back(FormatTime(metadata.created_ns));
      row.push_back(FormatSize(metadata.memory_used));
      row.push_back(FormatSize(item.disk_bytes));
      row.push_back(FormatArgv(metadata.argv, kArgvWidth));
    } else {
      row.insert(row.end(),
                 {"?", "?", FormatSize(item.disk_bytes),
                  absl::StrCat("unusable: ", item.header.status().message())});
    }
    rows.push_back(std::move(row));
  }
  return FormatTable(rows);
}

void AddMetadata(const SnapshotMetadata& metadata, JsonWriter& json) {
  json.Key("taken").String(FormatTimeUtc(metadata.created_ns));
  json.Key("memory_used_bytes").Number(metadata.memory_used);
  json.Key("memory_bytes").Number(metadata.memory_size);
  json.Key("crvm_version").String(metadata.crvm_version);
  json.Key("abi_version").Number(metadata.abi_version);
  json.Key("host").String(metadata.host);
  json.Key("parent").String(metadata.parent);
  json.Key("argv").BeginArray();
  for (const std::string& arg : metadata.argv) json.String(arg);
  json.EndArray();
}

std::string Json(const std::vector<Listed>& snapshots) {
  JsonWriter json;
  json.BeginArray();
  for (const Listed& item : snapshots) {
    json.BeginObject();
    json.Key("snapshot").String(item.stored.id());
    json.Key("name").String(item.stored.name);
    json.Key("number").Number(item.stored.number);
    json.Key("tag").String(item.stored.tag);
    json.Key("directory").String(item.stored.directory);
    json.Key("disk_bytes").Number(item.disk_bytes);
    json.Key("usable").Bool(item.header.ok());
    if (item.header.ok()) {
      AddMetadata(item.header->metadata, json);
    } else {
      json.Key("error").String(item.header.status().message());
    }
    json.EndObject();
  }
  json.EndArray();
  return json.text();
}

int List(CommandContext&, const std::vector<std::string>& args) {
  bool as_json = false;
  ArgParser parser;
  parser.Flag("json", 0, &as_json);
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(ListCommand(), operands.status());
  if (operands->size() > 1) {
    return UsageError(ListCommand(),
                      absl::InvalidArgumentError("give at most one NAME"));
  }
  const auto snapshots = Collect(operands->empty() ? "" : (*operands)[0]);
  if (!snapshots.ok()) return Fail("list", snapshots.status());
  return PrintOut(as_json ? Json(*snapshots) : Table(*snapshots));
}

}  // namespace

const Command& ListCommand() {
  static const Command command = {"list", "list snapshots", kHelp, List};
  return command;
}

}  // namespace crvm
