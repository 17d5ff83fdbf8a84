// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/elf.h"

#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/abi/layout.h"

namespace gk {
namespace {

constexpr uint32_t kLoad = 1, kInterp = 3, kStack = 0x6474e551;

ElfHeader GoodHeader(int count) {
  ElfHeader h = {};
  memcpy(h.ident, "\177ELF\2\1\1", 7);
  h.type = 2;
  h.machine = 62;
  h.entry = 0x401000;
  h.program_headers = 64;
  h.program_header_size = 56;
  h.program_header_count = static_cast<uint16_t>(count);
  return h;
}

ElfProgramHeader Load(uint64_t offset, uint64_t address, uint64_t file_size,
                      uint64_t memory_size, uint32_t flags = 5) {
  ElfProgramHeader p = {};
  p.type = kLoad;
  p.flags = flags;
  p.offset = offset;
  p.virtual_address = address;
  p.file_size = file_size;
  p.memory_size = memory_size;
  p.alignment = 0x1000;
  return p;
}

Result<ElfProgram> Parse(const std::vector<ElfProgramHeader>& headers,
                         uint16_t type = 2) {
  ElfHeader h = GoodHeader(static_cast<int>(headers.size()));
  h.type = type;
  return ParseElfProgram(h, headers.data(),
                         headers.size() * sizeof(ElfProgramHeader));
}

TEST(ElfHeaderTest, RefusesWhatIsNoX86_64Program) {
  EXPECT_TRUE(CheckElfHeader(GoodHeader(3)).ok());
  EXPECT_EQ(*CheckElfHeader(GoodHeader(3)), 3 * 56u);
  auto refused = [](auto change) {
    ElfHeader h = GoodHeader(1);
    change(h);
    return CheckElfHeader(h).error() == -ENOEXEC;
  };
  EXPECT_TRUE(refused([](ElfHeader& h) { h.ident[0] = 0; }));
  EXPECT_TRUE(refused([](ElfHeader& h) { h.ident[4] = 1; }));  // 32 bit
  EXPECT_TRUE(refused([](ElfHeader& h) { h.ident[5] = 2; }));  // big endian
  EXPECT_TRUE(refused([](ElfHeader& h) { h.type = 1; }));      // object file
  EXPECT_TRUE(refused([](ElfHeader& h) { h.type = 4; }));      // core
  EXPECT_TRUE(refused([](ElfHeader& h) { h.machine = 183; }));
  EXPECT_TRUE(refused([](ElfHeader& h) { h.program_header_size = 32; }));
  EXPECT_TRUE(refused([](ElfHeader& h) { h.program_header_count = 0; }));
  EXPECT_TRUE(refused([](ElfHeader& h) { h.program_header_count = 2000; }));
  EXPECT_TRUE(refused([](ElfHeader& h) { h.program_headers = ~0ull - 8; }));
}

TEST(ElfProgramTest, FindsSegmentsSpanAndHeaders) {
  auto program = Parse({Load(0, 0x400000, 0x500, 0x500, 4),
                        Load(0x1000, 0x401000, 0x2345, 0x2345, 5),
                        Load(0x4e10, 0x405e10, 0x200, 0x1300, 6)});
  ASSERT_TRUE(program.ok());
  EXPECT_FALSE(program->position_independent);
  EXPECT_EQ(program->entry, 0x401000u);
  EXPECT_EQ(program->low, 0x400000u);
  EXPECT_EQ(program->high, 0x408000u);
  EXPECT_EQ(program->header_address, 0x400040u);
  EXPECT_EQ(program->header_count, 3);
  ASSERT_EQ(program->segments.size(), 3u);
  EXPECT_EQ(program->segments[0].protection, kElfRead);
  EXPECT_EQ(program->segments[1].protection, kElfRead | kElfExec);
  EXPECT_EQ(program->segments[2].protection, kElfRead | kElfWrite);
  EXPECT_EQ(program->segments[2].memory_size, 0x1300u);
}

TEST(ElfProgramTest, InterpreterStackAndAlignment) {
  ElfProgramHeader interp = {};
  interp.type = kInterp;
  interp.offset = 0x318;
  interp.file_size = 28;
  ElfProgramHeader stack = {};
  stack.type = kStack;
  stack.flags = 7;
  ElfProgramHeader load = Load(0, 0, 0x1000, 0x1000);
  load.alignment = 0x200000;
  auto program = Parse({interp, load, stack}, 3);
  ASSERT_TRUE(program.ok());
  EXPECT_TRUE(program->position_independent);
  EXPECT_TRUE(program->executable_stack);
  EXPECT_EQ(program->interpreter_offset, 0x318u);
  EXPECT_EQ(program->interpreter_size, 28u);
  EXPECT_EQ(program->alignment, 0x200000u);
  // An alignment that is none is not honoured.
  load.alignment = 0x3000;
  EXPECT_EQ(Parse({load}, 3)->alignment, 0x1000u);
  interp.file_size = 5000;
  EXPECT_EQ(Parse({interp, load}).error(), -ENOEXEC);
  interp.file_size = 28;
  interp.offset = ~0ull - 3;
  EXPECT_EQ(Parse({interp, load}).error(), -ENOEXEC);
}

TEST(ElfProgramTest, RefusesSegmentsThatDoNotFit) {
  constexpr uint64_t kEnd = crvm::abi::kUserEnd;
  // More in the file than in memory.
  EXPECT_FALSE(Parse({Load(0, 0x400000, 0x2000, 0x1000)}).ok());
  // Beyond the end of user memory, by address or by wrapping round.
  EXPECT_FALSE(Parse({Load(0, kEnd, 1, 1)}).ok());
  EXPECT_FALSE(Parse({Load(0, kEnd - 0x1000, 0x1000, 0x2000)}).ok());
  EXPECT_FALSE(Parse({Load(0, ~0ull - 0xfff, 0x1000, 0x1000)}).ok());
  EXPECT_FALSE(Parse({Load(0, 0x400000, 0, ~0ull)}).ok());
  EXPECT_FALSE(
      Parse({Load(0xffffffffffffe000, 0x400000, 0x1000, 0x4000)}).ok());
  // Not at the same place within a page.
  EXPECT_FALSE(Parse({Load(0x10, 0x400000, 0x1000, 0x1000)}).ok());
  // Nothing at all.
  EXPECT_FALSE(Parse({Load(0, 0x400000, 0, 0)}).ok());
  // The last byte of user memory may be used.
  EXPECT_TRUE(Parse({Load(0, kEnd - 0x1000, 0x1000, 0x1000)}).ok());
}

TEST(ElfProgramTest, RefusesATableThatIsTooShort) {
  ElfProgramHeader load = Load(0, 0x400000, 0x1000, 0x1000);
  EXPECT_EQ(ParseElfProgram(GoodHeader(2), &load, sizeof(load)).error(),
            -ENOEXEC);
}

TEST(ElfProgramTest, HeadersThatAreNotLoadedHaveNoAddress) {
  auto program = Parse({Load(0x1000, 0x401000, 0x1000, 0x1000)});
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->header_address, 0u);
}

}  // namespace
}  // namespace gk
