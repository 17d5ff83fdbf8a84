// SPDX-License-Identifier: Apache-2.0
//
// mm/frame.h: the one frame allocator, reference counts, shrinkers. Kernel
// only, big kernel lock held.
#include "guestkernel/mm/frame.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/mm/frame_internal.h"

namespace gk {
namespace {

constexpr uint32_t kCountMask = FrameAllocator::kUsedBefore - 1;
constexpr size_t kShrinkAtLeast = 256;

constinit FrameAllocator g_frames;
constinit Shrinker* g_shrinkers = nullptr;
constinit bool g_shrinking = false;
constinit int64_t g_counts[4] = {};

// Runs `allocate` until it gives a frame or nothing more can be freed.
template <typename Allocate>
FrameNumber AllocateOrShrink(size_t frames, Allocate allocate) {
  for (int attempt = 0;; ++attempt) {
    FrameNumber frame = allocate();
    if (!frame.is_null()) [[likely]]
      return frame;
    if (attempt == 3 || !ShrinkCaches(frames)) return FrameNumber();
  }
}

}  // namespace

FrameAllocator& Frames() { return g_frames; }

bool ShrinkCaches(size_t frames_wanted) {
  if (g_shrinking) return false;
  g_shrinking = true;
  if (frames_wanted < kShrinkAtLeast) frames_wanted = kShrinkAtLeast;
  size_t freed = 0;
  for (Shrinker* s = g_shrinkers; s && freed < frames_wanted;
       s = s->next_shrinker) {
    freed += s->Shrink(frames_wanted - freed);
  }
  g_shrinking = false;
  return freed > 0;
}

void RegisterShrinker(Shrinker* shrinker) {
  shrinker->next_shrinker = g_shrinkers;
  g_shrinkers = shrinker;
}

void FrameAllocatorInit(uint64_t first_free_gpa, uint64_t memory_size) {
  for (int64_t& count : g_counts) count = 0;
  crvm::abi::KernelInfo& info = GetKernelInfo();
  g_frames.Init(static_cast<uint8_t*>(PhysicalToVirtual(0)), first_free_gpa,
                memory_size, &info.frame_watermark);
  info.frame_bitmap_gpa = g_frames.bitmap_gpa();
  info.frame_bitmap_bits = g_frames.total_frames();
  info.first_root = BootRootGpa();
  info.magic = crvm::abi::kBootInfoMagic;
}

FrameNumber AllocateFrame(FrameZeroing zeroing) {
  return AllocateOrShrink(
      1, [&] { return g_frames.Allocate(FrameUse::kData, zeroing); });
}

FrameNumber AllocateFrames(unsigned order, FrameZeroing zeroing) {
  return AllocateOrShrink(size_t{1} << order,
                          [&] { return g_frames.AllocateRun(order, zeroing); });
}

// Does not shrink: a huge page is never needed.
FrameNumber AllocateHugePage(FrameZeroing zeroing) {
  FrameNumber first = g_frames.AllocateRun(kHugeOrder, zeroing);
  if (first.is_null()) return first;
  for (uint64_t i = 1; i < kFramesPerBlock; ++i) {
    ++g_frames.state(FrameNumber(first.value + i));
  }
  return first;
}

FrameNumber AllocatePageTable() {
  FrameNumber frame = AllocateOrShrink(1, [] {
    return g_frames.Allocate(FrameUse::kPageTable, FrameZeroing::kZeroed);
  });
  if (!frame.is_null()) CountFrames(FrameKind::kPageTable, 1);
  return frame;
}

void FreePageTable(FrameNumber frame) {
  CountFrames(FrameKind::kPageTable, -1);
  g_frames.Free(frame);
}

void FreeFrames(FrameNumber first, unsigned order) {
  g_frames.FreeRun(first, order);
}

void AddFrameRef(FrameNumber frame) { ++g_frames.state(frame); }

void ReleaseFrame(FrameNumber frame) {
  uint32_t& state = g_frames.state(frame);
  GK_ASSERT((state & kCountMask) != 0);
  // Frames of the boot image (the clock page, say) may be mapped, never freed.
  if ((--state & kCountMask) == 0) g_frames.Free(frame);
}

uint32_t FrameRefCount(FrameNumber frame) {
  return g_frames.state(frame) & kCountMask;
}

void* FrameData(FrameNumber frame) { return PhysicalToVirtual(frame.gpa()); }

void CountFrames(FrameKind kind, int64_t change) {
  g_counts[static_cast<int>(kind)] += change;
}

MemoryStatistics GetMemoryStatistics() {
  auto count = [](FrameKind kind) {
    return static_cast<uint64_t>(g_counts[static_cast<int>(kind)]);
  };
  return MemoryStatistics{
      .total_frames = g_frames.total_frames(),
      .free_frames = g_frames.free_frames(),
      .page_cache_frames = count(FrameKind::kPageCache),
      .shmem_frames = count(FrameKind::kShmem),
      .heap_frames = count(FrameKind::kHeap),
      .page_table_frames = count(FrameKind::kPageTable),
  };
}

bool MemoryIsPlentiful() {
  return g_frames.free_frames() > g_frames.total_frames() / 8 + 1024;
}

}  // namespace gk
