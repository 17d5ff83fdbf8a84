// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/locations.h"

#include <sys/stat.h>

#include <map>

#include "gtest/gtest.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

absl::StatusOr<Locations> With(const std::map<std::string, std::string>& env) {
  return Locations::FromEnvironment([&](const char* name) -> const char* {
    const auto it = env.find(name);
    return it == env.end() ? nullptr : it->second.c_str();
  });
}

TEST(LocationsTest, Defaults) {
  const auto home = With({{"HOME", "/home/u"}});
  EXPECT_EQ(home->store, "/home/u/.local/share/crvm");
  EXPECT_EQ(home->run, "/home/u/.local/share/crvm/run");
  const auto xdg = With({{"HOME", "/home/u"},
                         {"XDG_DATA_HOME", "/data"},
                         {"XDG_RUNTIME_DIR", "/run/user/1"}});
  EXPECT_EQ(xdg->store, "/data/crvm");
  EXPECT_EQ(xdg->run, "/run/user/1/crvm");
}

TEST(LocationsTest, CrvmHomeIsAWorldOfItsOwn) {
  const auto own = With({{"HOME", "/home/u"},
                         {"CRVM_HOME", "/scratch/c"},
                         {"XDG_DATA_HOME", "/data"},
                         {"XDG_RUNTIME_DIR", "/run/user/1"}});
  EXPECT_EQ(own->store, "/scratch/c");
  EXPECT_EQ(own->run, "/scratch/c/run");
  EXPECT_EQ(own->logs, "/scratch/c/logs");
}

TEST(LocationsTest, Refusals) {
  EXPECT_FALSE(With({}).ok());
  EXPECT_FALSE(With({{"CRVM_HOME", "relative"}}).ok());
}

TEST(LocationsTest, PrivateDirectories) {
  TempDir dir;
  const std::string deep = dir.File("a/b/c");
  ASSERT_TRUE(MakePrivateDirectory(deep).ok());
  ASSERT_TRUE(MakePrivateDirectory(deep).ok());
  struct stat info;
  ASSERT_EQ(stat(deep.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(chmod(deep.c_str(), 0777), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(MakePrivateDirectory(deep)));
  WriteWholeFile(dir.File("file"), "");
  EXPECT_FALSE(MakePrivateDirectory(dir.File("file")).ok());
  EXPECT_FALSE(MakePrivateDirectory(dir.File("file/below")).ok());
}

}  // namespace
}  // namespace crvm
