// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/script.h"

#include <string>

#include "gtest/gtest.h"

namespace gk {
namespace {

std::string Text(StringView s) { return std::string(s.data(), s.size()); }

Result<ScriptLine> Parse(const std::string& head) {
  static std::string kept;
  kept = head;
  return ParseScriptLine(StringView(kept.data(), kept.size()));
}

TEST(ScriptTest, InterpreterAndOneArgument) {
  auto line = Parse("#!/bin/sh\necho hi\n");
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(Text(line->interpreter), "/bin/sh");
  EXPECT_EQ(Text(line->argument), "");
  line = Parse("#! \t/usr/bin/env \t python3 -u \t\nx");
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(Text(line->interpreter), "/usr/bin/env");
  EXPECT_EQ(Text(line->argument), "python3 -u");
}

TEST(ScriptTest, NoNewlineAtTheEndOfAShortFile) {
  auto line = Parse("#!/bin/sh");
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(Text(line->interpreter), "/bin/sh");
}

TEST(ScriptTest, RefusesNoName) {
  EXPECT_EQ(Parse("#!").error(), -ENOEXEC);
  EXPECT_EQ(Parse("#!   \n").error(), -ENOEXEC);
  EXPECT_EQ(Parse("#\n").error(), -ENOEXEC);
  EXPECT_EQ(Parse("").error(), -ENOEXEC);
}

TEST(ScriptTest, ANameThatMayBeCutOffIsRefusedAnArgumentIsCut) {
  std::string name = "#!/" + std::string(kExecHeadSize, 'x');
  EXPECT_EQ(Parse(name.substr(0, kExecHeadSize)).error(), -ENOEXEC);
  std::string argument = "#!/bin/x " + std::string(kExecHeadSize, 'y');
  auto line = Parse(argument.substr(0, kExecHeadSize));
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(Text(line->interpreter), "/bin/x");
  EXPECT_EQ(line->argument.size(), kExecHeadSize - 9);
}

}  // namespace
}  // namespace gk
