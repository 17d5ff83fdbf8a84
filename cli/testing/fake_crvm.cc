// SPDX-License-Identifier: Apache-2.0
//
// crvm with fake guests, so that the command line is tested where there is no
// KVM. Whatever program is run, the first argument says what the guest does:
//
//   exit N         exits with N
//   die N          is ended by signal N
//   cat            copies stdin to stdout
//   count N        prints 1 to N, one line each 20 ms; the counter is saved
//   signal         prints the number of the signal that it gets
//   sleep          does nothing until it is killed
//   tty            prints which of its files are terminals
//   panic          the guest kernel crashes

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/base/standard_files.h"
#include "cli/commands/command.h"
#include "cli/session/fake_guest.h"
#include "snapshot/testing/fake_memory.h"
#include "vmm/base/state_codec.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint64_t kMemory = 64 << 20;

struct ProgramState {
  std::vector<std::string> args;  // without argv[0]
  std::array<bool, 3> tty = {};
  std::atomic<uint64_t> counter{0};

  uint64_t Number() const {
    uint64_t number = 0;
    return args.size() > 1 && absl::SimpleAtoi(args[1], &number) ? number : 0;
  }
};

absl::StatusOr<int> RunProgram(ProgramState& state, FakeGuest& guest) {
  const std::string what = state.args.empty() ? "exit" : state.args[0];
  FakeConsole& out = guest.console_of(1);
  if (what == "exit") return static_cast<int>(state.Number() << 8);
  if (what == "die") return static_cast<int>(state.Number());
  if (what == "panic") {
    return absl::InternalError("the guest kernel stopped: test");
  }
  if (what == "signal") {
    out.Write("ready\n");
    out.Write(absl::StrCat(guest.NextSignal(), "\n"));
    return 0;
  }
  if (what == "tty") {
    out.Write(absl::StrCat(state.tty[0], state.tty[1], state.tty[2], "\n"));
    return 0;
  }
  if (what == "count") {
    while (state.counter < state.Number()) {
      // A guest that is paused stands still.
      while (guest.paused && !guest.killed()) usleep(1000);
      if (guest.killed()) break;
      out.Write(absl::StrCat(++state.counter, "\n"));
      usleep(20'000);
    }
  } else if (what == "cat") {
    std::string bytes;
    while (!(bytes = guest.console_of(0).Read()).empty()) out.Write(bytes);
  } else {
    while (!guest.killed()) usleep(1000);
  }
  if (guest.killed()) return absl::CancelledError("the VM was killed");
  return 0;
}

class FakeProgramGuest : public FakeGuest {
 public:
  explicit FakeProgramGuest(std::shared_ptr<ProgramState> state)
      : FakeGuest(
            state->tty,
            [state](FakeGuest& guest) { return RunProgram(*state, guest); }),
        state_(state) {}

  absl::Status Save(ComponentSink& sink) override {
    StateWriter writer;
    writer.U64(state_->counter);
    for (const bool tty : state_->tty) writer.Bool(tty);
    writer.U64(state_->args.size());
    for (const std::string& arg : state_->args) writer.String(arg);
    CRVM_RETURN_IF_ERROR(sink.Section("fake", 1, writer.Take()));
    FakeMemory memory(kMemory);
    memory.Use(0, kMemory);
    memory.Fill(0, kMemory / 8, 3, 1);
    return sink.Memory(memory);
  }
  uint64_t memory_size() const override { return kMemory; }

 private:
  const std::shared_ptr<ProgramState> state_;
};

class FakeGuestFactory : public GuestFactory {
 public:
  absl::StatusOr<std::unique_ptr<Guest>> Create(
      const GuestConfig& config) override {
    CRVM_RETURN_IF_ERROR(CheckAccess());
    auto state = std::make_shared<ProgramState>();
    state->args.assign(config.argv.begin() + 1, config.argv.end());
    for (int fd = 0; fd < 3; ++fd) state->tty[fd] = isatty(fd) == 1;
    return std::make_unique<FakeProgramGuest>(std::move(state));
  }

  absl::StatusOr<std::unique_ptr<Guest>> Restore(
      ComponentSource& source, const GuestRestoreOptions& options,
      std::vector<std::string>* warnings) override {
    CRVM_RETURN_IF_ERROR(CheckAccess());
    uint32_t version = 0;
    CRVM_ASSIGN_OR_RETURN(const std::string bytes,
                          source.Section("fake", &version));
    StateReader reader(bytes);
    auto state = std::make_shared<ProgramState>();
    CRVM_ASSIGN_OR_RETURN(const uint64_t counter, reader.U64());
    state->counter = counter;
    for (bool& tty : state->tty) {
      CRVM_ASSIGN_OR_RETURN(tty, reader.Bool());
    }
    CRVM_ASSIGN_OR_RETURN(const size_t count, reader.Count(1000));
    for (size_t i = 0; i < count; ++i) {
      CRVM_ASSIGN_OR_RETURN(std::string arg, reader.String(1000));
      state->args.push_back(std::move(arg));
    }
    FakeMemory memory(kMemory);
    CRVM_RETURN_IF_ERROR(source.Memory(memory));
    if (options.files == "restore") warnings->push_back("a file has changed");
    return std::make_unique<FakeProgramGuest>(std::move(state));
  }

  absl::Status CheckAccess() override {
    if (getenv("FAKE_NO_KVM") == nullptr) return absl::OkStatus();
    return absl::NotFoundError("/dev/kvm does not exist: load the kvm module");
  }
  absl::StatusOr<HostReport> ProbeHost() override {
    return HostReport{.interprets_ring0 = true, .ring0_instruction_ns = 900};
  }
  uint32_t abi_version() const override { return 1; }
  uint64_t min_memory() const override { return 16 << 20; }
  uint64_t default_memory() const override { return kMemory; }
};

}  // namespace
}  // namespace crvm

int main(int argc, char** argv) {
  crvm::OpenStandardFiles();
  crvm::FakeGuestFactory guests;
  crvm::CommandContext context{&guests};
  return crvm::RunCrvm(
      context, std::vector<std::string>(argv + (argc > 0), argv + argc));
}
