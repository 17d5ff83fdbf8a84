// SPDX-License-Identifier: Apache-2.0
//
// FUSE over the virtio-fs device (virtio 1.2, section 5.11). The VMM serves
// requests within the notification, so there are no events and no waiting.
#include "guestkernel/abi/devices.h"
#include "guestkernel/abi/fuse_ext.h"
#include "guestkernel/arch/arch.h"
#include "guestkernel/drivers/virtio_queue.h"
#include "guestkernel/fs/fuse/transport.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/result.h"

namespace gk {

namespace {

namespace abi = crvm::abi;

class VirtioFs final : public FuseTransport {
 public:
  constexpr VirtioFs() = default;

  int Start() {
    GK_RETURN_IF_ERROR(device_.Start(abi::kSlotFs, abi::kVirtioIdFs, 0, queues_,
                                     2, VirtioQueue::kMaxSize));
    queue().DisableEvents();
    return 0;
  }

  int Post(const FuseSegment& request) override {
    VirtioBuffer buffer = BufferOf(request);
    return queue().Submit(&buffer, 1, nullptr, 0, nullptr);
  }

  int Call(const FuseSegment* request, size_t request_count,
           const FuseSegment* reply, size_t reply_count) override {
    GK_ASSERT(request_count + reply_count <= kMaxSegments);
    VirtioBuffer buffers[kMaxSegments];
    for (size_t i = 0; i < request_count; ++i) {
      buffers[i] = BufferOf(request[i]);
    }
    for (size_t i = 0; i < reply_count; ++i) {
      buffers[request_count + i] = BufferOf(reply[i]);
    }
    GK_RETURN_IF_ERROR(queue().Submit(
        buffers, request_count, buffers + request_count, reply_count, nullptr));
    return Flush();
  }

  int Flush() override {
    if (queue().in_flight() == 0) return 0;
    queue().Notify();
    VirtioUsed used;
    while (queue().TakeUsed(&used)) {
    }
    if (queue().in_flight() == 0) return 0;
    Log(LogLevel::kError, "virtio-fs: the device does not answer");
    return -EIO;
  }

 private:
  VirtioQueue& queue() { return queues_[abi::kFsRequestQueue]; }
  static VirtioBuffer BufferOf(const FuseSegment& segment) {
    return VirtioBuffer{VirtualToPhysical(segment.data), segment.size};
  }

  VirtioDevice device_;
  VirtioQueue queues_[2];
};

constinit VirtioFs g_virtio_fs;

}  // namespace

int VirtioFsStart(FuseTransport** transport) {
  GK_RETURN_IF_ERROR(g_virtio_fs.Start());
  *transport = &g_virtio_fs;
  return 0;
}

}  // namespace gk
