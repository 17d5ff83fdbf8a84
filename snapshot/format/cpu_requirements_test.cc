// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/cpu_requirements.h"

#include <map>
#include <utility>

#include "gtest/gtest.h"

namespace crvm {
namespace {

// A CPU made of a table.
class FakeCpu {
 public:
  CpuidRegs& at(uint32_t leaf, uint32_t subleaf) {
    return regs_[{leaf, subleaf}];
  }
  CpuidFunction function() const {
    return [this](uint32_t leaf, uint32_t subleaf) {
      const auto it = regs_.find({leaf, subleaf});
      return it == regs_.end() ? CpuidRegs() : it->second;
    };
  }

 private:
  std::map<std::pair<uint32_t, uint32_t>, CpuidRegs> regs_;
};

FakeCpu Avx512Cpu() {
  FakeCpu cpu;
  cpu.at(1, 0).reg[2] = 1u << 0 | 1u << 28 | 1u << 27 | 1u << 31;
  cpu.at(7, 0).reg[1] = 1u << 16;
  cpu.at(0xd, 0).reg[0] = 0xe7;
  for (uint32_t component : {2, 5, 6, 7}) {
    cpu.at(0xd, component).reg[0] = 256;
    cpu.at(0xd, component).reg[1] = 500 + component;
  }
  return cpu;
}

TEST(CpuRequirementsTest, ACpuFitsItself) {
  const FakeCpu cpu = Avx512Cpu();
  EXPECT_TRUE(MissingCpuFeatures(RequirementsOf(cpu.function()), cpu.function())
                  .empty());
}

TEST(CpuRequirementsTest, ThisHostFitsItself) {
  const CpuRequirements here = RequirementsOf(HostCpuid);
  EXPECT_FALSE(here.empty());
  EXPECT_LE(here.size(), 64u);
  EXPECT_TRUE(MissingCpuFeatures(here, HostCpuid).empty());
}

TEST(CpuRequirementsTest, NamesWhatIsMissing) {
  const FakeCpu rich = Avx512Cpu();
  FakeCpu poor = Avx512Cpu();
  poor.at(7, 0).reg[1] = 0;
  EXPECT_EQ(
      MissingCpuFeatures(RequirementsOf(rich.function()), poor.function()),
      std::vector<std::string>{"avx512f"});
  EXPECT_TRUE(
      MissingCpuFeatures(RequirementsOf(poor.function()), rich.function())
          .empty());
}

TEST(CpuRequirementsTest, BitsThatProgramsCannotUseDoNotMatter) {
  const FakeCpu with = Avx512Cpu();
  FakeCpu without = Avx512Cpu();
  without.at(1, 0).reg[2] &= ~(1u << 27 | 1u << 31);  // OSXSAVE, hypervisor
  EXPECT_TRUE(
      MissingCpuFeatures(RequirementsOf(with.function()), without.function())
          .empty());
}

TEST(CpuRequirementsTest, XsaveLayoutMustBeTheSame) {
  const FakeCpu one = Avx512Cpu();
  FakeCpu other = Avx512Cpu();
  other.at(0xd, 5).reg[1] = 832;
  const auto missing =
      MissingCpuFeatures(RequirementsOf(one.function()), other.function());
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0],
            "the same XSAVE layout (CPUID 0xd.5 ebx: 505 needed, 832 here)");
}

TEST(CpuRequirementsTest, UnknownBitsAreNamedByNumber) {
  const CpuRequirements odd = {{7, 2, 3, 1u << 9, 1u << 9}};
  EXPECT_EQ(MissingCpuFeatures(odd, FakeCpu().function()),
            std::vector<std::string>{"CPUID 0x7.2 edx bit 9"});
}

TEST(CpuRequirementsTest, RoundTrip) {
  const CpuRequirements cpu = RequirementsOf(Avx512Cpu().function());
  StateWriter writer;
  EncodeCpuRequirements(cpu, writer);
  const std::string bytes = writer.Take();
  StateReader reader(bytes);
  EXPECT_EQ(*DecodeCpuRequirements(reader), cpu);
  EXPECT_TRUE(reader.ExpectEnd().ok());
}

TEST(CpuRequirementsTest, RefusesBadRegisterAndCount) {
  StateWriter writer;
  EncodeCpuRequirements({{1, 0, 4, 1, 1}}, writer);
  const std::string bad_register = writer.Take();
  StateReader reader(bad_register);
  EXPECT_FALSE(DecodeCpuRequirements(reader).ok());

  EncodeCpuRequirements(CpuRequirements(65), writer);
  const std::string too_many = writer.Take();
  StateReader many(too_many);
  EXPECT_FALSE(DecodeCpuRequirements(many).ok());
}

}  // namespace
}  // namespace crvm
