// SPDX-License-Identifier: Apache-2.0
//
// A progress bar on stderr for work that takes longer than half a second, if
// stderr is a terminal; otherwise nothing. Update is thread-safe.

#ifndef CRVM_CLI_BASE_PROGRESS_BAR_H_
#define CRVM_CLI_BASE_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace crvm {

class ProgressBar {
 public:
  // `fd` is written to if it is a terminal.
  ProgressBar(std::string label, int fd);
  // Wipes the bar off.
  ~ProgressBar();

  void Update(uint64_t done, uint64_t total);

  // The line for this state; `width` columns at most.
  static std::string Render(const std::string& label, uint64_t done,
                            uint64_t total, double seconds, int width);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string label_;
  const int fd_;
  const bool enabled_;
  const Clock::time_point start_;
  std::mutex mutex_;
  Clock::time_point last_;  // guarded by mutex_
  bool drawn_ = false;      // guarded by mutex_
};

}  // namespace crvm

#endif  // CRVM_CLI_BASE_PROGRESS_BAR_H_
