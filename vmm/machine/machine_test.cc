// SPDX-License-Identifier: Apache-2.0
//
// Whole machines on /dev/kvm. A test that needs KVM fails without it.
#include "vmm/machine/machine.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <thread>

namespace crvm {
namespace {

// A snapshot in this process's memory.
class InMemory : public ComponentSink, public ComponentSource {
 public:
  absl::Status Section(absl::string_view name, uint32_t version,
                       absl::string_view bytes) override {
    sections_[std::string(name)] = {version, std::string(bytes)};
    return absl::OkStatus();
  }
  absl::Status StreamSection(absl::string_view, uint32_t,
                             const Producer&) override {
    return absl::UnimplementedError("not used by the machine");
  }
  absl::Status Memory(MemorySource& memory) override {
    return memory.ForEachInUse(
        [this](uint64_t gpa, absl::Span<const uint8_t> bytes) {
          ranges_[gpa].assign(bytes.begin(), bytes.end());
          return absl::OkStatus();
        });
  }
  absl::StatusOr<std::string> Section(absl::string_view name,
                                      uint32_t* version) override {
    auto found = sections_.find(std::string(name));
    if (found == sections_.end()) return absl::NotFoundError("no section");
    *version = found->second.first;
    return found->second.second;
  }
  absl::Status StreamSection(absl::string_view, uint32_t*,
                             const Consumer&) override {
    return absl::UnimplementedError("not used by the machine");
  }
  absl::Status Memory(MemorySink& memory) override {
    for (const auto& [gpa, bytes] : ranges_) {
      auto to = memory.Slice(gpa, bytes.size());
      if (!to.ok()) return to.status();
      std::memcpy(to->data(), bytes.data(), bytes.size());
    }
    return absl::OkStatus();
  }
  std::map<std::string, std::pair<uint32_t, std::string>>& sections() {
    return sections_;
  }

 private:
  std::map<std::string, std::pair<uint32_t, std::string>> sections_;
  std::map<uint64_t, std::vector<uint8_t>> ranges_;
};

MachineConfig Config(std::vector<std::string> argv) {
  MachineConfig config;
  config.memory_bytes = 256 << 20;
  config.executable = argv[0];
  config.argv = std::move(argv);
  config.cwd = "/";
  config.hostname = "test";
  for (StdioConfig& stdio : config.stdio) {
    stdio.kind = abi::StdioKind::kStream;
    stdio.stream = abi::kStreamCharacter;
  }
  return config;
}

int ExitCodeOf(Machine& machine) {
  auto status = machine.Run();
  EXPECT_TRUE(status.ok()) << status.status();
  return status.ok() && WIFEXITED(status->wait_status)
             ? WEXITSTATUS(status->wait_status)
             : -1;
}

TEST(MachineTest, TheProgramsExitCode) {
  auto machine = Machine::Create(Config({"/bin/sh", "-c", "exit 7"}));
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(ExitCodeOf(**machine), 7);
}

TEST(MachineTest, ASnapshotGoesOnInANewMachine) {
  auto first = Machine::Create(Config({"/bin/sh", "-c",
                                       "i=0; while [ $i -lt 5 ]; do sleep 0.2; "
                                       "i=$((i+1)); done; exit $((i+20))"}));
  ASSERT_TRUE(first.ok()) << first.status();
  InMemory snapshot;
  std::thread saver([&] {
    usleep(400'000);
    ASSERT_TRUE((*first)->Pause(5000).ok());
    EXPECT_TRUE((*first)->Save(snapshot).ok());
    (*first)->Kill();
  });
  EXPECT_EQ((*first)->Run().status().code(), absl::StatusCode::kCancelled);
  saver.join();
  for (int clone = 0; clone < 2; ++clone) {
    std::vector<std::string> warnings;
    auto second = Machine::Restore(snapshot, RestoreOptions(), &warnings);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_EQ(ExitCodeOf(**second), 25);
  }
}

TEST(MachineTest, PauseAndResume) {
  auto machine = Machine::Create(Config({"/bin/sh", "-c", "sleep 0.5"}));
  ASSERT_TRUE(machine.ok()) << machine.status();
  std::thread pauser([&] {
    for (int i = 0; i < 3; ++i) {
      usleep(50'000);
      EXPECT_TRUE((*machine)->Pause(5000).ok());
      (*machine)->Resume();
    }
  });
  EXPECT_EQ(ExitCodeOf(**machine), 0);
  pauser.join();
}

TEST(MachineTest, DamagedSectionsAreRefused) {
  auto first = Machine::Create(Config({"/bin/sleep", "5"}));
  ASSERT_TRUE(first.ok()) << first.status();
  InMemory snapshot;
  std::thread saver([&] {
    usleep(200'000);
    ASSERT_TRUE((*first)->Pause(5000).ok());
    EXPECT_TRUE((*first)->Save(snapshot).ok());
    (*first)->Kill();
  });
  (void)(*first)->Run();
  saver.join();
  for (auto& [name, section] : snapshot.sections()) {
    InMemory damaged = snapshot;
    damaged.sections()[name].second.resize(section.second.size() / 2);
    std::vector<std::string> warnings;
    EXPECT_FALSE(Machine::Restore(damaged, RestoreOptions(), &warnings).ok())
        << name;
  }
}

TEST(MachineTest, TooLittleMemoryIsRefused) {
  MachineConfig config = Config({"/bin/true"});
  config.memory_bytes = 2 << 20;
  EXPECT_EQ(Machine::Create(config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace crvm
