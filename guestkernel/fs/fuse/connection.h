// SPDX-License-Identifier: Apache-2.0
//
// FuseConnection: builds requests, sends them, takes replies apart; collects
// RELEASEs and FORGETs, which wait for a request that goes anyway. Requests are
// synchronous and use buffers of the connection: a FuseRequest must be gone
// before anything that may make another one, such as an allocation.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_CONNECTION_H_
#define CRVM_GUESTKERNEL_FS_FUSE_CONNECTION_H_

#include <cstdint>

#include "guestkernel/abi/fuse_ext.h"
#include "guestkernel/fs/fuse/transport.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/mm/frame.h"

namespace gk {

class FuseConnection {
 public:
  static constexpr size_t kPageSize = 4096;
  // Data of one READ or WRITE; less if its pages are all over the place.
  static constexpr size_t kMaxPages = 128;
  static constexpr size_t kMaxData = kMaxPages * kPageSize;
  static_assert(kMaxData <= crvm::abi::kFuseMaxData);

  static Result<FuseConnection*> Create(FuseTransport* transport);
  ~FuseConnection();

  // Both may run inside any allocation: they allocate nothing.
  void Forget(uint64_t nodeid, uint64_t count);
  void Release(uint64_t nodeid, uint64_t fh);
  // Sends what waits.
  void FlushDrops();

  // CLOCK_MONOTONIC when the server last said that a file is no longer where
  // it was: names that were confirmed before are to be asked again.
  uint64_t stale_ns() const { return stale_ns_; }

  // A buffer of kBounceSize for file data on its way from a program, and for
  // other large things; its contents do not survive the next user.
  static constexpr size_t kBounceSize = 128 << 10;
  char* bounce() { return bounce_; }

 private:
  friend class FuseRequest;
  static constexpr size_t kHalf = 8192;
  static constexpr size_t kMaxReleases = 64;
  static constexpr size_t kMaxForgets = 180;
  struct DropPage {
    fuse_in_header header;
    crvm::abi::FuseExtDropIn counts;
    // Releases and then forgets, packed when it is sent.
    crvm::abi::FuseExtRelease releases[kMaxReleases];
    fuse_forget_one forgets[kMaxForgets];
  };
  static_assert(sizeof(DropPage) <= kPageSize);

  explicit FuseConnection(FuseTransport* transport) : transport_(transport) {}
  int Handshake();
  bool PostDrops();

  FuseTransport* transport_;
  char* request_ = nullptr;  // kHalf
  char* reply_ = nullptr;    // kHalf
  char* bounce_ = nullptr;
  DropPage* drops_ = nullptr;
  uint64_t unique_ = 0;
  uint64_t stale_ns_ = 0;
  uint32_t releases_ = 0;
  uint32_t forgets_ = 0;
  bool busy_ = false;  // a FuseRequest exists
};

// One request, on the stack.
class FuseRequest {
 public:
  FuseRequest(FuseConnection* connection, uint32_t opcode, uint64_t nodeid);
  FuseRequest(const FuseRequest&) = delete;
  FuseRequest& operator=(const FuseRequest&) = delete;
  ~FuseRequest() { connection_->busy_ = false; }

  // ---- The request, in order.
  template <typename T>
  size_t Add(const T& value) {
    size_t at = request_size_;
    AddBytes(&value, sizeof(T));
    return at;
  }
  // Overwrites what Add() has put there.
  template <typename T>
  void Replace(size_t at, const T& value) {
    memcpy(connection_->request_ + at, &value, sizeof(T));
  }
  void AddBytes(const void* data, size_t size);
  void AddName(StringView name);  // and its NUL
  // Data in place; after everything else.
  void AddData(const void* data, size_t size);

  // ---- The reply: first payload into the connection's buffer, then data into
  // these places.
  void ExpectData(void* data, size_t size);

  // Whether another piece of data may be added.
  bool has_room() const {
    // One for the reply's header.
    return request_segments_ + reply_segments_ + 1 <
           FuseTransport::kMaxSegments;
  }

  // Sends it. `payload` is how much the reply's payload may be (exactly where
  // the data begins, if data is expected). 0 or negative errno.
  int Call(size_t payload = FuseConnection::kHalf - sizeof(fuse_out_header));

  // How much payload and data there is.
  size_t reply_size() const { return reply_size_; }
  const char* payload() const {
    return connection_->reply_ + sizeof(fuse_out_header);
  }
  // A part of the payload; zeros where the reply is too short.
  template <typename T>
  T Get(size_t offset = 0) const {
    T value = {};
    if (offset + sizeof(T) <= reply_size_) {
      memcpy(&value, payload() + offset, sizeof(T));
    }
    return value;
  }

 private:
  FuseSegment* AddSegment(void* data, size_t size);

  FuseConnection* connection_;
  size_t request_size_ = sizeof(fuse_in_header);
  size_t data_size_ = 0;  // of the request's data in place
  size_t reply_size_ = 0;
  // Request, its data; reply, its data.
  FuseSegment segments_[FuseTransport::kMaxSegments];
  size_t request_segments_ = 1;
  size_t reply_segments_ = 0;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_CONNECTION_H_
