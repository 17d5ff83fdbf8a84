// SPDX-License-Identifier: Apache-2.0
//
// See entropy.h.
#include "guestkernel/drivers/entropy.h"

#include "guestkernel/arch/random.h"
#include "guestkernel/drivers/virtio_device.h"
#include "guestkernel/drivers/virtio_queue.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/lib/string.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

constexpr uint32_t kSeedBytes = 64;

struct Entropy {
  VirtioDevice device;
  VirtioQueue queue;
  FrameNumber buffer;
};
constinit Entropy g_entropy;

// Not at boot, where the VMM has given a seed: each register costs an exit.
int Start() {
  if (g_entropy.device.started()) return 0;
  if (g_entropy.buffer.is_null()) {
    g_entropy.buffer = AllocateFrame(FrameZeroing::kZeroed);
  }
  if (g_entropy.buffer.is_null()) return -ENOMEM;
  if (int error = g_entropy.device.Start(abi::kSlotRng, abi::kVirtioIdEntropy,
                                         0, &g_entropy.queue, 1, 4)) {
    return error;
  }
  g_entropy.queue.DisableEvents();
  return 0;
}

}  // namespace

void EntropyReseed() {
  if (Start()) return;
  const VirtioBuffer buffer = {g_entropy.buffer.gpa(), kSeedBytes};
  if (g_entropy.queue.Submit(nullptr, 0, &buffer, 1, nullptr)) return;
  g_entropy.queue.Notify();
  VirtioUsed used;
  if (!g_entropy.queue.TakeUsed(&used) || used.length > kSeedBytes) return;
  void* seed = FrameData(g_entropy.buffer);
  AddEntropy(seed, used.length);
  memset(seed, 0, kSeedBytes);  // not to be found in a snapshot
}

}  // namespace gk
