// SPDX-License-Identifier: Apache-2.0
//
// crvm ps

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/json_writer.h"
#include "cli/base/units.h"
#include "cli/commands/ask_vm.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "cli/control/control_client.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm ps [--json]

Lists your running VMs on this host.

  NAME      for snapshot and kill
  PID       of the crvm process that the VM is
  STATE     running, stopped (its program was, by a signal), saving, or
            no answer
  UP        since when it has been running here
  RESIDENT  host memory that it takes now
  PROGRAM   its command line

Options:
  --json    as JSON: an array of objects
)";

constexpr size_t kArgvWidth = 60;

// Resident memory of a process, from /proc; 0 if it is gone.
uint64_t ResidentBytes(pid_t pid) {
  FILE* file = fopen(absl::StrCat("/proc/", pid, "/statm").c_str(), "re");
  if (file == nullptr) return 0;
  unsigned long long total = 0, resident = 0;
  const int fields = fscanf(file, "%llu %llu", &total, &resident);
  fclose(file);
  return fields == 2 ? resident * static_cast<uint64_t>(getpagesize()) : 0;
}

// What the VM says of itself, or what is known without it.
VmInfo InfoOf(const LiveVm& vm) {
  auto info = AskInfo(vm.directory, kAskTimeoutMs);
  if (info.ok()) return *info;
  VmInfo unknown;
  unknown.name = vm.name;
  unknown.pid = static_cast<uint32_t>(vm.pid);
  unknown.state = absl::IsUnavailable(info.status()) ? "starting" : "no answer";
  return unknown;
}

std::string Up(uint64_t started_ns) {
  if (started_ns == 0) return "?";
  const uint64_t now = static_cast<uint64_t>(time(nullptr));
  const uint64_t started = started_ns / 1'000'000'000;
  return FormatAge(now > started ? now - started : 0);
}

std::string Table(const std::vector<VmInfo>& infos) {
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "PID", "STATE", "UP", "RESIDENT", "PROGRAM"}};
  for (const VmInfo& info : infos) {
    rows.push_back({info.name, absl::StrCat(info.pid), info.state,
                    Up(info.started_ns),
                    FormatSize(ResidentBytes(static_cast<pid_t>(info.pid))),
                    FormatArgv(info.argv, kArgvWidth)});
  }
  return FormatTable(rows);
}

std::string Json(const std::vector<VmInfo>& infos) {
  JsonWriter json;
  json.BeginArray();
  for (const VmInfo& info : infos) {
    json.BeginObject();
    json.Key("name").String(info.name);
    json.Key("pid").Number(info.pid);
    json.Key("state").String(info.state);
    if (info.started_ns != 0) {
      json.Key("started").String(FormatTimeUtc(info.started_ns));
    }
    json.Key("memory_bytes").Number(info.memory_size);
    json.Key("resident_bytes")
        .Number(ResidentBytes(static_cast<pid_t>(info.pid)));
    json.Key("privilege").String(info.privilege);
    json.Key("detached").Bool(info.detached);
    json.Key("resumed_from").String(info.parent);
    json.Key("argv").BeginArray();
    for (const std::string& arg : info.argv) json.String(arg);
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  return json.text();
}

int Ps(CommandContext&, const std::vector<std::string>& args) {
  bool as_json = false;
  ArgParser parser;
  parser.Flag("json", 0, &as_json);
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(PsCommand(), operands.status());
  if (!operands->empty()) {
    return UsageError(PsCommand(),
                      absl::InvalidArgumentError("takes no operands"));
  }
  const auto vms = ListLiveVms();
  if (!vms.ok()) return Fail("ps", vms.status());
  std::vector<VmInfo> infos;
  for (const LiveVm& vm : *vms) infos.push_back(InfoOf(vm));
  return PrintOut(as_json ? Json(infos) : Table(infos));
}

}  // namespace

const Command& PsCommand() {
  static const Command command = {"ps", "list running VMs", kHelp, Ps};
  return command;
}

}  // namespace crvm
