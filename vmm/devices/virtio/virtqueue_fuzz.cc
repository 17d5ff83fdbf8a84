// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes Virtqueue: the input is guest memory with the rings at its start, and
// a script of pops, pushes and changes of the rings in between.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>

#include "vmm/devices/virtio/virtqueue.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr uint64_t kMemory = 64 << 10;
constexpr uint64_t kScript = 64;  // bytes of the input that are the script

void Touch(const DescriptorChain& chain) {
  uint8_t sum = 0;
  for (auto buffer : chain.readable()) sum += buffer.front() + buffer.back();
  for (auto buffer : chain.writable()) buffer.back() = sum;
}

void Step(Virtqueue& queue, GuestMemory& memory,
          std::deque<DescriptorChain>& out, uint8_t op) {
  switch (op % 4) {
    case 0: {
      auto chain = queue.Pop();
      if (!chain.ok() || !chain->has_value()) return;
      Touch(**chain);
      out.push_back(*std::move(*chain));
      return;
    }
    case 1:
      if (out.empty()) return;
      if (!queue.Push(out.front(), out.front().writable_bytes()).ok()) abort();
      out.pop_front();
      (void)queue.NeedsInterrupt();
      return;
    case 2: {  // The driver moves the available index.
      const GuestAddress index(1024 + 2);
      const uint16_t value = *memory.Read<uint16_t>(index) + (op >> 2);
      (void)memory.Write<uint16_t>(index, value);
      return;
    }
    case 3:
      if (queue.RestoreState(queue.SaveState()).ok()) return;
      abort();
  }
}

int Fuzz(const uint8_t* data, size_t size) {
  if (size < kScript) return 0;
  static GuestMemory* const memory =
      new GuestMemory(*GuestMemory::Create(kMemory));
  std::memset(memory->host_base(), 0, kMemory);
  std::memcpy(memory->host_base(), data + kScript,
              std::min<size_t>(size - kScript, kMemory));
  Virtqueue queue(memory, 64);
  if (!queue
           .Configure(1 << (data[0] % 7), GuestAddress(0), GuestAddress(1024),
                      GuestAddress(2048))
           .ok()) {
    abort();
  }
  std::deque<DescriptorChain> out;
  for (size_t i = 1; i < kScript; ++i) Step(queue, *memory, out, data[i]);
  return 0;
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return crvm::Fuzz(data, size);
}
