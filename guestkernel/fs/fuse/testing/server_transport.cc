// SPDX-License-Identifier: Apache-2.0
//
// See server_transport.h.
#include "guestkernel/fs/fuse/testing/server_transport.h"

#include <asm/errno.h>

#include <utility>

#include "guestkernel/lib/panic.h"

namespace gk {

namespace {

template <typename Byte>
std::vector<absl::Span<Byte>> Spans(const FuseSegment* segments, size_t n) {
  std::vector<absl::Span<Byte>> spans;
  for (size_t i = 0; i < n; ++i) {
    spans.emplace_back(static_cast<Byte*>(segments[i].data), segments[i].size);
  }
  return spans;
}

}  // namespace

ServerTransport::ServerTransport(const std::string& root) {
  crvm::FuseServerOptions options;
  options.root = root;
  auto server = crvm::FuseServer::Create(std::move(options));
  if (!server.ok()) Panic("%s", server.status().ToString().c_str());
  server_ = *std::move(server);
}

int ServerTransport::Post(const FuseSegment& request) {
  posted_.push_back(request);
  return 0;
}

int ServerTransport::Call(const FuseSegment* request, size_t request_count,
                          const FuseSegment* reply, size_t reply_count) {
  if (broken_) return -EIO;
  Flush();
  ++exits_;
  server_->Handle(Spans<const uint8_t>(request, request_count),
                  Spans<uint8_t>(reply, reply_count));
  return 0;
}

int ServerTransport::Flush() {
  if (posted_.empty()) return 0;
  for (const FuseSegment& request : posted_) {
    server_->Handle(Spans<const uint8_t>(&request, 1), {});
  }
  posted_.clear();
  return 0;
}

}  // namespace gk
