// SPDX-License-Identifier: Apache-2.0
//
// Page frames from malloc, and mappings that nobody has, so that the real page
// cache runs in the hosted tests of the FUSE client.
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "guestkernel/mm/address_space.h"
#include "guestkernel/mm/frame.h"
#include "guestkernel/mm/memory_object.h"
#include "guestkernel/mm/page_cache_stats.h"

namespace gk {

namespace {

std::unordered_map<uint64_t, uint32_t>& Counts() {
  static auto* counts = new std::unordered_map<uint64_t, uint32_t>;
  return *counts;
}

}  // namespace

FrameNumber AllocateFrame(FrameZeroing zeroing) {
  void* page = aligned_alloc(4096, 4096);
  memset(page, zeroing == FrameZeroing::kZeroed ? 0 : 0xa5, 4096);
  FrameNumber frame(reinterpret_cast<uint64_t>(page) >> 12);
  Counts()[frame.value] = 1;
  return frame;
}
void AddFrameRef(FrameNumber frame) { ++Counts()[frame.value]; }
void ReleaseFrame(FrameNumber frame) {
  if (--Counts()[frame.value] > 0) return;
  Counts().erase(frame.value);
  free(FrameData(frame));
}
uint32_t FrameRefCount(FrameNumber frame) { return Counts()[frame.value]; }
void* FrameData(FrameNumber frame) {
  return reinterpret_cast<void*>(frame.value << 12);
}
void RegisterShrinker(Shrinker*) {}
void CountFrames(FrameKind, int64_t) {}

void MemoryObject::UnmapRange(uint64_t, uint64_t, bool) {}
void MemoryObject::WriteProtectRange(uint64_t, uint64_t) {}
void MemoryObject::GetPresentPages(uint64_t, size_t, FrameNumber*) {}

}  // namespace gk
