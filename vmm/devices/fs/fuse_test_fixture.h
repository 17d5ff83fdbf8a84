// SPDX-License-Identifier: Apache-2.0
//
// A temporary tree on the host, a FuseServer over it, and a client.

#ifndef CRVM_VMM_DEVICES_FS_FUSE_TEST_FIXTURE_H_
#define CRVM_VMM_DEVICES_FS_FUSE_TEST_FIXTURE_H_

#include <sys/stat.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_server.h"
#include "vmm/devices/fs/fuse_test_client.h"

namespace crvm {

class FuseTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kRoot = FUSE_ROOT_ID;

  FuseTest();
  ~FuseTest() override;

  // A new server over the same tree, as after a resume or a restart.
  void StartServer(FuseServerOptions options = {});

  // All paths are relative to the tree.
  std::string Host(const std::string& path) const { return dir_ + "/" + path; }
  void WriteHost(const std::string& path, const std::string& text);
  std::string ReadHost(const std::string& path) const;
  bool ExistsOnHost(const std::string& path) const;
  struct stat StatHost(const std::string& path) const;

  FuseServer& server() { return *server_; }
  FuseTestClient& client() { return *client_; }

  std::string dir_;
  std::unique_ptr<FuseServer> server_;
  std::unique_ptr<FuseTestClient> client_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FUSE_TEST_FIXTURE_H_
