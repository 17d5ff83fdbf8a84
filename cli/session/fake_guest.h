// SPDX-License-Identifier: Apache-2.0
//
// A guest for tests whose program is a C++ function.

#ifndef CRVM_CLI_SESSION_FAKE_GUEST_H_
#define CRVM_CLI_SESSION_FAKE_GUEST_H_

#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cli/session/guest.h"
#include "snapshot/testing/sample_snapshot.h"

namespace crvm {

class FakeConsole : public GuestConsole {
 public:
  size_t InputSpace() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return eof_ ? 0 : capacity_ - input_.size();
  }
  size_t PushInput(absl::Span<const uint8_t> bytes) override {
    std::lock_guard<std::mutex> lock(mutex_);
    input_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    changed_.notify_all();
    return bytes.size();
  }
  void PushEof() override {
    std::lock_guard<std::mutex> lock(mutex_);
    eof_ = true;
    changed_.notify_all();
  }
  void SetWindowSize(uint16_t cols, uint16_t rows) override {
    std::lock_guard<std::mutex> lock(mutex_);
    size_ = {cols, rows};
    changed_.notify_all();
  }
  void AttachOutput(UniqueFd fd) override { output_ = std::move(fd); }
  int OutputFdToPoll() const override { return -1; }
  void OutputReady() override {}

  // ---- The program's side. ----

  // The next input, at most `max` bytes; empty at the end of it.
  std::string Read(size_t max = 4096) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !input_.empty() || eof_; });
    std::string out = input_.substr(0, max);
    input_.erase(0, out.size());
    lock.unlock();
    if (interest) interest();  // there is space again
    return out;
  }
  std::function<void()> interest;
  void Write(const std::string& text) {
    (void)!write(output_.get(), text.data(), text.size());
  }
  std::pair<uint16_t, uint16_t> size() {
    std::lock_guard<std::mutex> lock(mutex_);
    return size_;
  }

 private:
  static constexpr size_t capacity_ = 64;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string input_;
  bool eof_ = false;
  std::pair<uint16_t, uint16_t> size_;
  UniqueFd output_;
};

class FakeGuest : public Guest {
 public:
  // Returns the program's wait status.
  using Program = std::function<absl::StatusOr<int>(FakeGuest&)>;

  // `tty[i]`: file descriptor i is a terminal.
  FakeGuest(std::array<bool, 3> tty, Program program)
      : tty_(tty), program_(std::move(program)) {}

  FakeConsole& console_of(int fd) {
    return tty_[fd] ? terminal_ : streams_[fd];
  }
  // The next signal that the program gets; 0 when it is killed.
  int NextSignal() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return !received_.empty() || killed_; });
    if (killed_) return 0;
    const int signal = received_.front();
    received_.pop_front();
    return signal;
  }
  bool killed() {
    std::lock_guard<std::mutex> lock(mutex_);
    return killed_;
  }
  void ReportStopped(int signal) { stopped_(signal); }

  // What Save returns, and how often Pause and Resume were called.
  absl::Status save_status;
  std::function<void()> during_save;
  int pauses = 0;
  int resumes = 0;
  std::atomic<bool> paused{false};

  // Guest:
  bool IsTty(int fd) const override { return tty_[fd]; }
  GuestConsole* tty() override {
    return tty_[0] || tty_[1] || tty_[2] ? &terminal_ : nullptr;
  }
  GuestConsole* stream(int fd) override {
    return tty_[fd] ? nullptr : &streams_[fd];
  }
  absl::StatusOr<int> Run() override { return program_(*this); }
  absl::Status SendSignal(int signal, SignalTarget) override {
    std::lock_guard<std::mutex> lock(mutex_);
    received_.push_back(signal);
    changed_.notify_all();
    return absl::OkStatus();
  }
  void Kill() override {
    std::lock_guard<std::mutex> lock(mutex_);
    killed_ = true;
    changed_.notify_all();
    // Whoever waits for input need not any more.
    terminal_.PushEof();
    for (FakeConsole& console : streams_) console.PushEof();
  }
  absl::Status Pause() override {
    ++pauses;
    paused = true;
    return absl::OkStatus();
  }
  void Resume() override {
    ++resumes;
    paused = false;
  }
  absl::Status Save(ComponentSink& sink) override {
    if (during_save) during_save();
    CRVM_RETURN_IF_ERROR(save_status);
    auto memory = SampleMemory();
    return SaveSample(sink, *memory);
  }
  void set_interest_callback(std::function<void()> callback) override {
    terminal_.interest = callback;
    for (FakeConsole& console : streams_) console.interest = callback;
  }
  void set_stopped_callback(std::function<void(int)> callback) override {
    stopped_ = std::move(callback);
  }
  uint64_t memory_size() const override { return kSampleMemory; }
  std::string privilege() const override { return "fake"; }

 private:
  const std::array<bool, 3> tty_;
  const Program program_;
  FakeConsole terminal_;
  std::array<FakeConsole, 3> streams_;
  std::function<void(int)> stopped_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int> received_;
  bool killed_ = false;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_FAKE_GUEST_H_
