// SPDX-License-Identifier: Apache-2.0
//
// FuseTransport: how FUSE requests get to the host and replies back. A request
// is complete when Call() returns; nothing else runs meanwhile. Segments are
// kernel memory that is physically contiguous each: frames, large heap blocks.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_TRANSPORT_H_
#define CRVM_GUESTKERNEL_FS_FUSE_TRANSPORT_H_

#include <cstddef>
#include <cstdint>

namespace gk {

struct FuseSegment {
  void* data;
  uint32_t size;
};

class FuseTransport {
 public:
  // Of request and reply of one Call together.
  static constexpr size_t kMaxSegments = 96;

  // Queues a request without a reply, to be sent by the next Call or Flush. The
  // segment must stay as it is until then. 0 or -ENOSPC.
  virtual int Post(const FuseSegment& request) = 0;
  // 0 or -EIO (the device has not answered).
  virtual int Call(const FuseSegment* request, size_t request_count,
                   const FuseSegment* reply, size_t reply_count) = 0;
  virtual int Flush() = 0;

 protected:
  ~FuseTransport() = default;
};

// The virtio-fs device (fs/fuse/virtio_fs.cc). -ENODEV, -ENOMEM.
int VirtioFsStart(FuseTransport** transport);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_TRANSPORT_H_
