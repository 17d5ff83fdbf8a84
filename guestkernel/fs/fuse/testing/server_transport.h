// SPDX-License-Identifier: Apache-2.0
//
// Joins the two ends of the file protocol for tests: the guest kernel's client
// talks to the VMM's real server, over a directory of the test.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_TESTING_SERVER_TRANSPORT_H_
#define CRVM_GUESTKERNEL_FS_FUSE_TESTING_SERVER_TRANSPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "guestkernel/fs/fuse/transport.h"
#include "vmm/devices/fs/fuse_server.h"

namespace gk {

class ServerTransport final : public FuseTransport {
 public:
  explicit ServerTransport(const std::string& root);

  int Post(const FuseSegment& request) override;
  int Call(const FuseSegment* request, size_t request_count,
           const FuseSegment* reply, size_t reply_count) override;
  int Flush() override;

  // Exits to the VMM since the last call.
  int TakeExits() { return std::exchange(exits_, 0); }
  // Answer nothing from here on.
  void Break() { broken_ = true; }

 private:
  std::unique_ptr<crvm::FuseServer> server_;
  std::vector<FuseSegment> posted_;
  int exits_ = 0;
  bool broken_ = false;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_TESTING_SERVER_TRANSPORT_H_
