// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/exec_stack.h"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gk {
namespace {

constexpr uint64_t kTop = 0x7ffff0000000;

class FakeStack : public StackWriter {
 public:
  int Write(uint64_t address, const void* data, size_t n) override {
    auto* bytes = static_cast<const uint8_t*>(data);
    EXPECT_TRUE(end_ == 0 || address == end_) << "not ascending";
    end_ = address + n;
    for (size_t i = 0; i < n; ++i) bytes_[address + i] = bytes[i];
    return 0;
  }
  uint64_t Word(uint64_t at) const {
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= uint64_t{bytes_.at(at + i)} << 8 * i;
    return word;
  }
  std::string String(uint64_t at) const {
    std::string s;
    while (char c = static_cast<char>(bytes_.at(at++))) s += c;
    return s;
  }
  uint64_t end() const { return end_; }

 private:
  std::map<uint64_t, uint8_t> bytes_;
  uint64_t end_ = 0;
};

class ExecStackTest : public ::testing::Test {
 protected:
  ExecStackTest() {
    contents_.script_arguments = &script_;
    contents_.arguments = &arguments_;
    contents_.environment = &environment_;
    contents_.file_name = "/bin/prog";
    memset(contents_.random, 0x5a, sizeof(contents_.random));
    contents_.aux = aux_;
    contents_.aux_count = 2;
  }
  StackPlan Build(uint64_t limit = 1 << 20) {
    auto plan = PlanStack(contents_, kTop, limit);
    EXPECT_TRUE(plan.ok());
    EXPECT_EQ(WriteStack(contents_, *plan, kTop, stack_, &auxv_), 0);
    return *plan;
  }
  std::vector<std::string> Vector(uint64_t* at) {
    std::vector<std::string> strings;
    for (; uint64_t pointer = stack_.Word(*at); *at += 8)
      strings.push_back(stack_.String(pointer));
    *at += 8;
    return strings;
  }

  AuxEntry aux_[2] = {{kAuxPageSize, 4096}, {kAuxUid, 1000}};
  ArgumentList script_, arguments_, environment_;
  StackContents contents_ = {};
  FakeStack stack_;
  gk::Vector<uint8_t> auxv_;
};

TEST_F(ExecStackTest, AsTheAbiWantsIt) {
  ASSERT_EQ(arguments_.Append("prog"), 0);
  ASSERT_EQ(arguments_.Append("-v"), 0);
  ASSERT_EQ(environment_.Append("HOME=/root"), 0);
  StackPlan plan = Build();
  EXPECT_EQ(plan.stack_pointer % 16, 0u);
  EXPECT_EQ(stack_.end(), kTop);
  uint64_t at = plan.stack_pointer;
  EXPECT_EQ(stack_.Word(at), 2u);
  at += 8;
  EXPECT_EQ(Vector(&at), (std::vector<std::string>{"prog", "-v"}));
  EXPECT_EQ(Vector(&at), (std::vector<std::string>{"HOME=/root"}));
  std::map<uint64_t, uint64_t> aux;
  uint64_t aux_start = at;
  for (; uint64_t type = stack_.Word(at); at += 16)
    aux[type] = stack_.Word(at + 8);
  EXPECT_EQ(aux[kAuxPageSize], 4096u);
  EXPECT_EQ(aux[kAuxUid], 1000u);
  EXPECT_EQ(stack_.String(aux[kAuxPlatform]), "x86_64");
  EXPECT_EQ(stack_.String(aux[kAuxExecFn]), "/bin/prog");
  EXPECT_EQ(stack_.Word(aux[kAuxRandom]), 0x5a5a5a5a5a5a5a5au);
  EXPECT_EQ(stack_.Word(aux[kAuxRandom] + 8), 0x5a5a5a5a5a5a5a5au);
  EXPECT_EQ(auxv_.size(), at + 16 - aux_start);
  for (size_t i = 0; i < auxv_.size(); i += 8) {
    uint64_t word;
    memcpy(&word, auxv_.data() + i, 8);
    EXPECT_EQ(word, stack_.Word(aux_start + i));
  }
}

TEST_F(ExecStackTest, AreasOfProcCmdlineAndEnviron) {
  ASSERT_EQ(arguments_.Append("a"), 0);
  ASSERT_EQ(arguments_.Append("bb"), 0);
  ASSERT_EQ(environment_.Append("X=1"), 0);
  StackPlan plan = Build();
  EXPECT_EQ(plan.arg_end - plan.arg_start, 5u);
  EXPECT_EQ(plan.env_start, plan.arg_end);
  EXPECT_EQ(plan.env_end - plan.env_start, 4u);
  EXPECT_EQ(stack_.String(plan.arg_start), "a");
  EXPECT_EQ(stack_.String(plan.env_start), "X=1");
}

TEST_F(ExecStackTest, ScriptArgumentsComeFirst) {
  ASSERT_EQ(script_.Append("/bin/sh"), 0);
  ASSERT_EQ(script_.Append("./s"), 0);
  ASSERT_EQ(arguments_.Append("s"), 0);
  ASSERT_EQ(arguments_.Append("x"), 0);
  arguments_.DropFirst();
  StackPlan plan = Build();
  EXPECT_EQ(stack_.Word(plan.stack_pointer), 3u);
  uint64_t at = plan.stack_pointer + 8;
  EXPECT_EQ(Vector(&at), (std::vector<std::string>{"/bin/sh", "./s", "x"}));
}

TEST_F(ExecStackTest, StaysAlignedWhateverTheLengths) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(arguments_.Append("abc"), 0);
    stack_ = FakeStack();
    StackPlan plan = Build();
    EXPECT_EQ(plan.stack_pointer % 16, 0u);
    EXPECT_EQ(plan.random % 16, 0u);
    uint64_t at = plan.stack_pointer + 8;
    EXPECT_EQ(Vector(&at).size(), static_cast<size_t>(i + 1));
  }
}

TEST_F(ExecStackTest, TooLong) {
  std::string text(100000, 'x');
  ASSERT_EQ(arguments_.Append(StringView(text.data(), text.size())), 0);
  EXPECT_TRUE(PlanStack(contents_, kTop, 131072).ok());
  ASSERT_EQ(environment_.Append(StringView(text.data(), text.size())), 0);
  EXPECT_EQ(PlanStack(contents_, kTop, 131072).error(), -E2BIG);
  // Many short ones are too long by their pointers.
  ArgumentList many;
  for (int i = 0; i < 20000; ++i) ASSERT_EQ(many.Append(""), 0);
  contents_.arguments = &many;
  ArgumentList none;
  contents_.environment = &none;
  EXPECT_EQ(PlanStack(contents_, kTop, 131072).error(), -E2BIG);
}

}  // namespace
}  // namespace gk
