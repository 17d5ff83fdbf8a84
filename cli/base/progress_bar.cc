// SPDX-License-Identifier: Apache-2.0

#include "cli/base/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/base/units.h"

namespace crvm {
namespace {

constexpr std::chrono::milliseconds kQuietFor(500);
constexpr std::chrono::milliseconds kInterval(100);
constexpr int kMaxBar = 40;

int TerminalWidth(int fd) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void WriteAll(int fd, const std::string& text) {
  (void)!write(fd, text.data(), text.size());
}

}  // namespace

ProgressBar::ProgressBar(std::string label, int fd)
    : label_(std::move(label)),
      fd_(fd),
      enabled_(isatty(fd) == 1),
      start_(Clock::now()),
      last_(start_ + kQuietFor - kInterval) {}

ProgressBar::~ProgressBar() {
  if (drawn_) WriteAll(fd_, "\r\x1b[K");
}

void ProgressBar::Update(uint64_t done, uint64_t total) {
  if (!enabled_) return;
  const auto now = Clock::now();
  std::lock_guard<std::mutex> lock(mutex_);
  if (now - last_ < kInterval) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  WriteAll(fd_, absl::StrCat("\r\x1b[K", Render(label_, done, total, seconds,
                                                TerminalWidth(fd_) - 1)));
}

std::string ProgressBar::Render(const std::string& label, uint64_t done,
                                uint64_t total, double seconds, int width) {
  const double fraction = total == 0
                              ? 0
                              : std::min(1.0, static_cast<double>(done) /
                                                  static_cast<double>(total));
  std::string right =
      absl::StrFormat(" %3.0f%%  %s", 100 * fraction, FormatSize(done));
  if (seconds > 0.1) {
    absl::StrAppend(
        &right, "  ",
        FormatSize(static_cast<uint64_t>(static_cast<double>(done) / seconds)),
        "/s");
  }
  std::string line = label + " ";
  const int room = width - static_cast<int>(line.size() + right.size()) - 2;
  if (room >= 10) {
    const int bar = std::min(room, kMaxBar);
    const int full = static_cast<int>(fraction * bar);
    absl::StrAppend(&line, "[", std::string(full, '#'),
                    std::string(bar - full, ' '), "]");
  }
  return (line + right).substr(0, static_cast<size_t>(std::max(width, 0)));
}

}  // namespace crvm
