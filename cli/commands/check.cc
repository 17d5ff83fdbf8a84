// SPDX-License-Identifier: Apache-2.0
//
// crvm check

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/base/errors.h"
#include "cli/base/exit_codes.h"
#include "cli/base/json_writer.h"
#include "cli/base/units.h"
#include "cli/commands/command.h"
#include "cli/commands/output.h"
#include "snapshot/store/locations.h"
#include "snapshot/store/snapshot_store.h"
#include "snapshot/store/vm_registry.h"
#include "vmm/base/unique_fd.h"

namespace crvm {
namespace {

constexpr char kHelp[] =
    R"(crvm check [--json]

Finds out whether crvm works on this host: access to /dev/kvm, what kind of KVM
host it is, the place for snapshots. Ends in "Looks good.", or says what to mend
and exits with 125.

On a host with VT-x or AMD-V (hardware host) the guest kernel runs in supervisor
mode, protected from the program. Where KVM itself runs in a VM without them
(interpreting host) privileged instructions are a thousand times slower, and the
guest kernel runs deprivileged: as fast, but the program could damage its own
guest kernel. Either way the VM is what protects the host.

Options:
  --json    as JSON
)";

enum class Verdict { kGood, kNote, kBad };

struct Finding {
  std::string name;
  Verdict verdict;
  std::string text;
};

Finding CheckKvm(GuestFactory& guests) {
  const absl::Status status = guests.CheckAccess();
  if (status.ok()) return {"kvm", Verdict::kGood, "/dev/kvm can be used"};
  return {"kvm", Verdict::kBad, std::string(status.message())};
}

Finding CheckHostKind(GuestFactory& guests) {
  const auto report = guests.ProbeHost();
  if (!report.ok()) {
    return {"host", Verdict::kBad,
            absl::StrCat("a VM cannot be made: ", report.status().message())};
  }
  const char* kind =
      report->interprets_ring0
          ? "interpreting host: the guest kernel runs deprivileged; the VM "
            "protects the host, but the program's own guest kernel is not "
            "protected from it"
          : "hardware host: the guest kernel runs in supervisor mode";
  return {"host", Verdict::kGood,
          absl::StrFormat("%s (a privileged instruction takes %.1f ns)", kind,
                          report->ring0_instruction_ns)};
}

Finding CheckCpu() {
  std::string model = "unknown";
  FILE* file = fopen("/proc/cpuinfo", "re");
  char line[512];
  while (file != nullptr && fgets(line, sizeof(line), file) != nullptr) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    const size_t colon = text.find(": ");
    if (absl::StartsWith(text, "model name") &&
        colon != absl::string_view::npos) {
      model = std::string(text.substr(colon + 2));
      break;
    }
  }
  if (file != nullptr) fclose(file);
  return {"cpu", Verdict::kGood, model};
}

Finding CheckMemory(GuestFactory& guests) {
  return {"memory", Verdict::kGood,
          absl::StrCat("a VM gets up to ", FormatSize(guests.default_memory()),
                       " by default")};
}

// Not needed yet by anything that would fail without it.
Finding CheckUserfaultfd() {
  const UniqueFd fd(open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
  if (fd.valid()) {
    return {"userfaultfd", Verdict::kGood, "/dev/userfaultfd can be used"};
  }
  return {"userfaultfd", Verdict::kNote,
          absl::StrCat("/dev/userfaultfd: ", strerror(errno),
                       "; snapshots work, but pause the program while memory "
                       "is written")};
}

Finding CheckStore() {
  const auto locations = Locations::FromEnvironment();
  if (!locations.ok()) {
    return {"store", Verdict::kBad, std::string(locations.status().message())};
  }
  absl::Status status = SnapshotStore::Open(locations->store).status();
  if (status.ok()) status = VmRegistry::Open(locations->run).status();
  if (!status.ok()) {
    return {"store", Verdict::kBad, std::string(status.message())};
  }
  struct statvfs info;
  if (statvfs(locations->store.c_str(), &info) < 0) {
    return {"store", Verdict::kBad,
            absl::StrCat(locations->store, ": ", strerror(errno))};
  }
  const uint64_t free = static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  constexpr uint64_t kLittle = 1 << 30;
  return {"store", free < kLittle ? Verdict::kNote : Verdict::kGood,
          absl::StrCat(locations->store, ", ", FormatSize(free), " free")};
}

std::string Text(const std::vector<Finding>& findings, bool good) {
  std::string out;
  for (const Finding& finding : findings) {
    const char* mark = finding.verdict == Verdict::kGood   ? "ok  "
                       : finding.verdict == Verdict::kNote ? "note"
                                                           : "BAD ";
    absl::StrAppendFormat(&out, "%s  %-12s %s\n", mark, finding.name,
                          Printable(finding.text));
  }
  absl::StrAppend(&out, good ? "Looks good.\n"
                             : "crvm does not work here: mend what is BAD.\n");
  return out;
}

std::string Json(const std::vector<Finding>& findings, bool good) {
  JsonWriter json;
  json.BeginObject();
  json.Key("good").Bool(good);
  json.Key("findings").BeginArray();
  for (const Finding& finding : findings) {
    json.BeginObject();
    json.Key("name").String(finding.name);
    json.Key("verdict").String(finding.verdict == Verdict::kGood   ? "good"
                               : finding.verdict == Verdict::kNote ? "note"
                                                                   : "bad");
    json.Key("text").String(finding.text);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.text();
}

int Check(CommandContext& context, const std::vector<std::string>& args) {
  bool as_json = false;
  ArgParser parser;
  parser.Flag("json", 0, &as_json);
  const auto operands = parser.Parse(args);
  if (!operands.ok()) return UsageError(CheckCommand(), operands.status());
  if (!operands->empty()) {
    return UsageError(CheckCommand(),
                      absl::InvalidArgumentError("takes no operands"));
  }
  GuestFactory& guests = *context.guests;
  std::vector<Finding> findings = {CheckKvm(guests)};
  if (findings[0].verdict != Verdict::kBad) {
    findings.push_back(CheckHostKind(guests));
  }
  findings.push_back(CheckCpu());
  findings.push_back(CheckMemory(guests));
  findings.push_back(CheckUserfaultfd());
  findings.push_back(CheckStore());
  bool good = true;
  for (const Finding& finding : findings) {
    good &= finding.verdict != Verdict::kBad;
  }
  const int printed =
      PrintOut(as_json ? Json(findings, good) : Text(findings, good));
  return good ? printed : kExitError;
}

}  // namespace

const Command& CheckCommand() {
  static const Command command = {"check", "diagnose this host", kHelp, Check};
  return command;
}

}  // namespace crvm
