// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/fs/user_io.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace gk {
namespace {

TEST(UserIo, OneBuffer) {
  char buffer[8] = "xxxxxxx";
  UserIo io = UserIo::User(UserAddress(reinterpret_cast<uint64_t>(buffer)), 4);
  EXPECT_EQ(io.CopyOut("ab", 2), 2);
  EXPECT_EQ(io.remaining(), 2u);
  EXPECT_EQ(io.done(), 2u);
  EXPECT_EQ(io.CopyOut("cdef", 4), 2);
  EXPECT_EQ(io.CopyOut("z", 1), 0);
  EXPECT_STREQ(buffer, "abcdxxx");
}

TEST(UserIo, KernelBuffer) {
  char buffer[4] = {1, 2, 3, 4};
  UserIo io = UserIo::Kernel(buffer, 4);
  char out[2];
  EXPECT_EQ(io.CopyIn(out, 2), 2);
  EXPECT_EQ(out[1], 2);
  EXPECT_EQ(io.ZeroOut(1), 1);
  EXPECT_EQ(buffer[2], 0);
  EXPECT_EQ(buffer[3], 4);
}

TEST(UserIo, VectorsAndRewind) {
  char a[3], b[1], c[4];
  IoVec vectors[] = {{reinterpret_cast<uint64_t>(a), 3},
                     {reinterpret_cast<uint64_t>(b), 0},
                     {reinterpret_cast<uint64_t>(b), 1},
                     {reinterpret_cast<uint64_t>(c), 4}};
  auto io =
      UserIo::FromIovecs(UserAddress(reinterpret_cast<uint64_t>(vectors)), 4);
  ASSERT_TRUE(io.ok());
  EXPECT_EQ(io->remaining(), 8u);
  EXPECT_EQ(io->CopyOut("0123456", 6), 6);
  io->Rewind(4);
  EXPECT_EQ(io->remaining(), 6u);
  EXPECT_EQ(io->CopyOut("CDEFGH", 6), 6);
  EXPECT_EQ(std::string(a, 3) + b[0] + std::string(c, 4), "01CDEFGH");
  io->Rewind(8);
  char all[8];
  EXPECT_EQ(io->CopyIn(all, 8), 8);
  EXPECT_EQ(std::string(all, 8), "01CDEFGH");
}

TEST(UserIo, BadAddresses) {
  char good[4];
  IoVec vectors[] = {{reinterpret_cast<uint64_t>(good), 4}, {16, 4}};
  auto io =
      UserIo::FromIovecs(UserAddress(reinterpret_cast<uint64_t>(vectors)), 2);
  ASSERT_TRUE(io.ok());
  EXPECT_EQ(io->CopyOut("12345678", 8), 4);
  EXPECT_EQ(io->CopyOut("5678", 4), -EFAULT);
  EXPECT_EQ(UserIo::FromIovecs(UserAddress(16), 2).error(), -EFAULT);
}

TEST(UserIo, TotalIsLimited) {
  IoVec vectors[] = {{0x10000, 0x7fff0000}, {0x10000, 0x7fff0000}};
  auto io =
      UserIo::FromIovecs(UserAddress(reinterpret_cast<uint64_t>(vectors)), 2);
  ASSERT_TRUE(io.ok());
  EXPECT_EQ(io->remaining(), kMaxIoLength);
  EXPECT_EQ(UserIo::User(UserAddress(0x1000), ~0ull).remaining(), kMaxIoLength);
}

}  // namespace
}  // namespace gk
