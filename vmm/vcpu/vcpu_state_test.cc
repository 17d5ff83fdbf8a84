// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_state.h"

#include <gtest/gtest.h>

#include "vmm/kvm/kvm_abi.h"

namespace crvm {
namespace {

VcpuState Sample() {
  VcpuState state;
  state.regs.rax = 1;
  state.regs.r15 = 2;
  state.regs.rip = 3;
  state.regs.rflags = 4;
  state.cr3 = 5;
  state.fs_base = 6;
  state.gs_base = 7;
  state.xcr0 = 8;
  state.xsave.assign(kvm_abi::kXsaveSize, 9);
  return state;
}

TEST(VcpuStateTest, RoundTrip) {
  StateWriter writer;
  Encode(Sample(), writer);
  std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto out = DecodeVcpuState(reader);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->regs.rax, 1u);
  EXPECT_EQ(out->regs.r15, 2u);
  EXPECT_EQ(out->regs.rip, 3u);
  EXPECT_EQ(out->regs.rflags, 4u);
  EXPECT_EQ(out->cr3, 5u);
  EXPECT_EQ(out->fs_base, 6u);
  EXPECT_EQ(out->gs_base, 7u);
  EXPECT_EQ(out->xcr0, 8u);
  EXPECT_EQ(out->xsave, Sample().xsave);
  EXPECT_TRUE(reader.ExpectEnd().ok());
}

TEST(VcpuStateTest, TruncatedOrNewerIsRefused) {
  StateWriter writer;
  Encode(Sample(), writer);
  std::string bytes = writer.Take();
  for (size_t cut : {size_t{0}, size_t{3}, size_t{40}, bytes.size() - 1}) {
    std::string part = bytes.substr(0, cut);
    StateReader reader(part);
    EXPECT_FALSE(DecodeVcpuState(reader).ok()) << cut;
  }
  bytes[0] = 2;
  StateReader newer(bytes);
  EXPECT_FALSE(DecodeVcpuState(newer).ok());
}

TEST(VcpuStateTest, AnXsaveAreaOfAWrongSizeIsRefused) {
  VcpuState state = Sample();
  state.xsave.resize(100);
  StateWriter writer;
  Encode(state, writer);
  std::string bytes = writer.Take();
  StateReader reader(bytes);
  EXPECT_FALSE(DecodeVcpuState(reader).ok());
}

}  // namespace
}  // namespace crvm
