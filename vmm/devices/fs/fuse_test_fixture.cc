// SPDX-License-Identifier: Apache-2.0
//
// See fuse_test_fixture.h.

#include "vmm/devices/fs/fuse_test_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace crvm {

FuseTest::FuseTest() {
  const char* base = getenv("TEST_TMPDIR");
  dir_ = std::string(base != nullptr ? base : "/tmp") + "/fuseXXXXXX";
  EXPECT_NE(mkdtemp(dir_.data()), nullptr);
  StartServer();
}

FuseTest::~FuseTest() {
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void FuseTest::StartServer(FuseServerOptions options) {
  options.root = dir_;
  auto server = FuseServer::Create(std::move(options));
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  client_ = std::make_unique<FuseTestClient>(server_.get());
}

void FuseTest::WriteHost(const std::string& path, const std::string& text) {
  std::ofstream out(Host(path), std::ios::binary | std::ios::trunc);
  out << text;
  ASSERT_TRUE(out.good()) << path;
}

std::string FuseTest::ReadHost(const std::string& path) const {
  std::ifstream in(Host(path), std::ios::binary);
  if (!in) return "(missing)";
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool FuseTest::ExistsOnHost(const std::string& path) const {
  struct stat st;
  return lstat(Host(path).c_str(), &st) == 0;
}

struct stat FuseTest::StatHost(const std::string& path) const {
  struct stat st = {};
  EXPECT_EQ(lstat(Host(path).c_str(), &st), 0) << path;
  return st;
}

}  // namespace crvm
