// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/process/credentials.h"

#include "gtest/gtest.h"
#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

Credentials User(uint32_t uid) {
  Credentials c = {};
  c.uid = c.euid = c.suid = c.fsuid = uid;
  c.gid = c.egid = c.sgid = c.fsgid = uid;
  c.cap_bounding = kAllCapabilities;
  if (uid == 0) c.cap_permitted = c.cap_effective = kAllCapabilities;
  return c;
}

TEST(CredentialsTest, RootGivesUpEverything) {
  Credentials c = User(0);
  ASSERT_EQ(SetUid(&c, 1000, {}), 0);
  EXPECT_EQ(c.uid, 1000u);
  EXPECT_EQ(c.suid, 1000u);
  EXPECT_EQ(c.fsuid, 1000u);
  EXPECT_EQ(c.cap_permitted, 0u);
  EXPECT_EQ(c.cap_effective, 0u);
  EXPECT_EQ(SetUid(&c, 0, {}), -EPERM);
}

TEST(CredentialsTest, RootSwitchesAndComesBack) {
  Credentials c = User(0);
  ASSERT_EQ(SetResuid(&c, kNoId, 1000, kNoId, {}), 0);
  EXPECT_EQ(c.cap_effective, 0u);
  EXPECT_EQ(c.cap_permitted, kAllCapabilities);
  ASSERT_EQ(SetResuid(&c, kNoId, 0, kNoId, {}), 0);
  EXPECT_EQ(c.cap_effective, kAllCapabilities);
}

TEST(CredentialsTest, KeepCaps) {
  Credentials c = User(0);
  ASSERT_EQ(SetUid(&c, 1000, {.keep_capabilities = true}), 0);
  EXPECT_EQ(c.cap_permitted, kAllCapabilities);
  EXPECT_EQ(c.cap_effective, 0u);
}

TEST(CredentialsTest, UsersMoveAmongTheirOwnIds) {
  Credentials c = User(1000);
  c.suid = 2000;
  EXPECT_EQ(SetUid(&c, 3000, {}), -EPERM);
  ASSERT_EQ(SetUid(&c, 2000, {}), 0);
  EXPECT_EQ(c.uid, 1000u);
  EXPECT_EQ(c.euid, 2000u);
  ASSERT_EQ(SetReuid(&c, 2000, 1000, {}), 0);  // swaps
  EXPECT_EQ(c.uid, 2000u);
  EXPECT_EQ(c.euid, 1000u);
  EXPECT_EQ(c.suid, 1000u);
  EXPECT_EQ(SetResuid(&c, 0, kNoId, kNoId, {}), -EPERM);
  EXPECT_EQ(SetUid(&c, kNoId, {}), -EINVAL);
}

TEST(CredentialsTest, Groups) {
  Credentials c = User(1000);
  EXPECT_EQ(SetGid(&c, 5), -EPERM);
  EXPECT_EQ(SetResgid(&c, 1000, kNoId, 1000), 0);
  Credentials root = User(0);
  EXPECT_EQ(SetGid(&root, 5), 0);
  EXPECT_EQ(root.sgid, 5u);
}

TEST(CredentialsTest, FsuidTellsTheOldOne) {
  Credentials c = User(0);
  EXPECT_EQ(SetFsuid(&c, 1000, {}), 0u);
  EXPECT_EQ(c.fsuid, 1000u);
  EXPECT_FALSE(Has(c, kCapChown));
  EXPECT_TRUE(Has(c, kCapKill));
  EXPECT_EQ(SetFsuid(&c, kNoId, {}), 1000u);
  EXPECT_EQ(SetFsuid(&c, 0, {}), 1000u);
  EXPECT_TRUE(Has(c, kCapChown));
}

TEST(CredentialsTest, CapsetOnlyTakesAway) {
  Credentials c = User(0);
  ASSERT_EQ(SetCapabilities(&c, 6, 2, 0), 0);
  EXPECT_EQ(c.cap_permitted, 6u);
  EXPECT_EQ(SetCapabilities(&c, 7, 2, 0), -EPERM);
  EXPECT_EQ(SetCapabilities(&c, 2, 4, 0), -EPERM);
  ASSERT_EQ(SetCapabilities(&c, 6, 6, 0), 0);
}

TEST(CredentialsTest, Exec) {
  Credentials c = User(0);
  c.cap_effective = 0;
  CapabilitiesAfterExec(&c, 0);
  EXPECT_EQ(c.cap_effective, kAllCapabilities);
  CapabilitiesAfterExec(&c, kSecureNoRoot);
  EXPECT_EQ(c.cap_effective, 0u);
  Credentials user = User(1000);
  user.euid = 2000;
  CapabilitiesAfterExec(&user, 0);
  EXPECT_EQ(user.suid, 2000u);
  EXPECT_EQ(user.cap_permitted, 0u);
}

}  // namespace
}  // namespace gk
