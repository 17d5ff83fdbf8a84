// SPDX-License-Identifier: Apache-2.0

#include "cli/base/progress_bar.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace crvm {
namespace {

TEST(ProgressBarTest, Render) {
  EXPECT_EQ(ProgressBar::Render("saving", 512 << 20, 1 << 30, 0.5, 79),
            "saving [####################                    ]  50%  512 MiB  "
            "1.0 GiB/s");
  EXPECT_EQ(ProgressBar::Render("saving", 0, 0, 0, 79).substr(0, 8),
            "saving [");
}

TEST(ProgressBarTest, NeverWiderThanTheTerminal) {
  for (int width = 0; width < 100; ++width) {
    EXPECT_LE(ProgressBar::Render("saving", 3 << 20, 5 << 20, 1, width).size(),
              static_cast<size_t>(width));
  }
}

TEST(ProgressBarTest, SilentWhenNotATerminal) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_NONBLOCK), 0);
  {
    ProgressBar bar("saving", fds[1]);
    usleep(600'000);
    bar.Update(1, 2);
  }
  char byte;
  EXPECT_EQ(read(fds[0], &byte, 1), -1);
}

}  // namespace
}  // namespace crvm
