// SPDX-License-Identifier: Apache-2.0

#include "cli/base/program.h"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>

#include "cli/base/errors.h"
#include "gtest/gtest.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

std::string Elf(uint16_t machine, uint8_t elf_class = ELFCLASS64) {
  Elf64_Ehdr elf = {};
  memcpy(elf.e_ident, ELFMAG, SELFMAG);
  elf.e_ident[EI_CLASS] = elf_class;
  elf.e_machine = machine;
  elf.e_type = ET_DYN;
  return std::string(reinterpret_cast<const char*>(&elf), sizeof(elf));
}

class ProgramTest : public testing::Test {
 protected:
  std::string Make(const std::string& name, const std::string& bytes,
                   mode_t mode = 0755) {
    const std::string path = dir_.File(name);
    WriteWholeFile(path, bytes);
    chmod(path.c_str(), mode);
    return path;
  }

  // The exit code and the message.
  std::pair<int, std::string> Failure(const std::string& program) {
    const absl::Status status = FindProgram(program, dir_.path()).status();
    EXPECT_FALSE(status.ok());
    return {ExitCodeOf(status), std::string(status.message())};
  }

  TempDir dir_;
};

TEST_F(ProgramTest, FindsPrograms) {
  const std::string app = Make("app", Elf(EM_X86_64));
  EXPECT_EQ(*FindProgram(app, ""), app);
  EXPECT_EQ(*FindProgram("app", "/nonexistent:" + dir_.path()), app);
  const std::string script = Make("script", "#!/bin/sh\n");
  EXPECT_EQ(*FindProgram("script", dir_.path()), script);
  EXPECT_TRUE(FindProgram("sh", "/usr/bin:/bin").ok());
}

TEST_F(ProgramTest, NotFoundIs127) {
  EXPECT_EQ(Failure("nope").first, 127);
  EXPECT_EQ(Failure("nope").second, "nope: not found in PATH");
  EXPECT_EQ(Failure("./nope").first, 127);
  EXPECT_EQ(Failure("").first, 127);
  const std::string file = Make("file", "");
  EXPECT_EQ(Failure(file + "/x").first, 127);
}

TEST_F(ProgramTest, NotExecutableIs126) {
  EXPECT_EQ(Failure(Make("plain", Elf(EM_X86_64), 0644)).first, 126);
  EXPECT_EQ(Failure(Make("text", "hello\n")).first, 126);
  EXPECT_EQ(Failure(Make("empty", "")).first, 126);
  EXPECT_EQ(Failure(Make("cut", Elf(EM_X86_64).substr(0, 20))).first, 126);
  EXPECT_EQ(Failure(dir_.path()).first, 126);
  EXPECT_EQ(Failure("/dev/null").first, 126);
}

TEST_F(ProgramTest, WrongArchitecture) {
  const std::string arm = Make("arm", Elf(EM_AARCH64));
  EXPECT_EQ(Failure(arm).first, 126);
  EXPECT_EQ(Failure(arm).second,
            arm +
                ": wrong architecture: built for 64-bit Arm, crvm runs "
                "x86-64");
  EXPECT_EQ(Failure(Make("i386", Elf(EM_386, ELFCLASS32))).first, 126);
}

TEST_F(ProgramTest, TheFirstExecutableInPathWins) {
  Make("x", Elf(EM_AARCH64));
  EXPECT_EQ(Failure("x").first, 126);
}

}  // namespace
}  // namespace crvm
