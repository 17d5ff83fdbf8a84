// SPDX-License-Identifier: Apache-2.0

#include "cli/base/arg_parser.h"

#include "gtest/gtest.h"

namespace crvm {
namespace {

using Strings = std::vector<std::string>;

struct Parsed {
  bool detach = false;
  std::string name;
  std::string clock = "now";
  absl::StatusOr<Strings> operands;
};

Parsed Parse(const Strings& args, bool stop = false) {
  Parsed out;
  ArgParser parser;
  parser.Flag("detach", 'd', &out.detach);
  parser.Value("name", 'n', &out.name);
  parser.Choice("clock", {"now", "as-saved"}, &out.clock);
  if (stop) parser.StopAtFirstOperand();
  out.operands = parser.Parse(args);
  return out;
}

std::string Error(const Strings& args) {
  return std::string(Parse(args).operands.status().message());
}

TEST(ArgParserTest, AllForms) {
  for (const Strings& args :
       {Strings{"--detach", "--name=x", "op"}, Strings{"-d", "-n", "x", "op"},
        Strings{"op", "--name", "x", "--detach"}}) {
    const Parsed parsed = Parse(args);
    ASSERT_TRUE(parsed.operands.ok()) << parsed.operands.status();
    EXPECT_TRUE(parsed.detach);
    EXPECT_EQ(parsed.name, "x");
    EXPECT_EQ(*parsed.operands, Strings{"op"});
  }
}

TEST(ArgParserTest, TheProgramsOwnOptionsAreLeftAlone) {
  const Parsed parsed = Parse({"-d", "ls", "--detach", "-n"}, true);
  EXPECT_TRUE(parsed.detach);
  EXPECT_EQ(*parsed.operands, (Strings{"ls", "--detach", "-n"}));
}

TEST(ArgParserTest, DoubleDashEndsOptions) {
  const Parsed parsed = Parse({"--", "--detach", "-x"}, true);
  EXPECT_FALSE(parsed.detach);
  EXPECT_EQ(*parsed.operands, (Strings{"--detach", "-x"}));
}

TEST(ArgParserTest, SingleDashIsAnOperand) {
  EXPECT_EQ(*Parse({"-"}).operands, Strings{"-"});
}

TEST(ArgParserTest, EmptyValueAndOperand) {
  const Parsed parsed = Parse({"--name=", ""});
  ASSERT_TRUE(parsed.operands.ok());
  EXPECT_EQ(*parsed.operands, Strings{""});
}

TEST(ArgParserTest, Errors) {
  EXPECT_EQ(Error({"--nmae=x"}), "unknown option --nmae; did you mean --name?");
  EXPECT_EQ(Error({"--det"}), "unknown option --det; did you mean --detach?");
  EXPECT_EQ(Error({"--frobnicate"}), "unknown option --frobnicate");
  EXPECT_EQ(Error({"-x"}), "unknown option -x");
  EXPECT_EQ(Error({"--name"}), "option --name needs a value");
  EXPECT_EQ(Error({"--detach=yes"}), "option --detach takes no value");
  EXPECT_EQ(Error({"--clock=later"}),
            "--clock=later: must be one of now, as-saved");
}

TEST(ArgParserTest, Nearest) {
  const Strings verbs = {"run", "snapshot", "resume", "ps", "list"};
  EXPECT_EQ(Nearest("snapshto", verbs), "snapshot");
  EXPECT_EQ(Nearest("snap", verbs), "snapshot");
  EXPECT_EQ(Nearest("resmue", verbs), "resume");
  EXPECT_EQ(Nearest("xyzzy", verbs), "");
}

}  // namespace
}  // namespace crvm
