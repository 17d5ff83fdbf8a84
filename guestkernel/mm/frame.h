// SPDX-License-Identifier: Apache-2.0
//
// Page frames: 4 KiB of guest-physical memory each, counted references, lowest
// free one first, so that memory in use stays together. The allocator's bitmap
// is what the VMM saves by (abi::KernelInfo). A frame freed to count 0 is free
// at once.
#ifndef CRVM_GUESTKERNEL_MM_FRAME_H_
#define CRVM_GUESTKERNEL_MM_FRAME_H_

#include <cstddef>
#include <cstdint>

namespace gk {

// Physical frame number: GPA >> 12.
struct FrameNumber {
  uint64_t value = 0;
  constexpr FrameNumber() = default;
  constexpr explicit FrameNumber(uint64_t v) : value(v) {}
  constexpr bool is_null() const { return value == 0; }
  constexpr uint64_t gpa() const { return value << 12; }
  friend constexpr bool operator==(FrameNumber, FrameNumber) = default;
};

enum class FrameZeroing { kZeroed, kUndefined };

// Called once by KernelMain. Frames below `first` belong to the boot image.
void FrameAllocatorInit(uint64_t first_free_gpa, uint64_t memory_size);

// One frame with count 1; null FrameNumber when out of memory (after asking the
// page cache to drop clean pages).
FrameNumber AllocateFrame(FrameZeroing zeroing);
// 2^order contiguous frames aligned to their size, count 1 each in the first
// frame only; null when none.
FrameNumber AllocateFrames(unsigned order, FrameZeroing zeroing);
void FreeFrames(FrameNumber first, unsigned order);

// 2 MiB, aligned, with count 1 in each of its 512 frames, so that a mapping of
// it can be split without looking at the others.
FrameNumber AllocateHugePage(FrameZeroing zeroing);
// Zeroed. Kept away from other frames while memory is plentiful: a hypervisor
// with shadow paging maps every 2 MiB that hold a page table in small pieces.
FrameNumber AllocatePageTable();
void FreePageTable(FrameNumber frame);

void AddFrameRef(FrameNumber frame);
void ReleaseFrame(FrameNumber frame);
uint32_t FrameRefCount(FrameNumber frame);
void* FrameData(FrameNumber frame);  // kernel address of its 4 KiB

struct MemoryStatistics {
  uint64_t total_frames, free_frames, page_cache_frames, shmem_frames,
      heap_frames, page_table_frames;
};
MemoryStatistics GetMemoryStatistics();
// Kept by those who know what a frame is for.
enum class FrameKind { kPageCache, kShmem, kHeap, kPageTable };
void CountFrames(FrameKind kind, int64_t change);
// True while giving out memory that may never be touched (huge pages, fault-
// around) is harmless.
bool MemoryIsPlentiful();

// Things that can give memory back (page cache, dentry cache) register here;
// called when an allocation would fail.
class Shrinker {
 public:
  virtual size_t Shrink(size_t frames_wanted) = 0;  // frames freed
  Shrinker* next_shrinker = nullptr;

 protected:
  ~Shrinker() = default;
};
void RegisterShrinker(Shrinker* shrinker);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_FRAME_H_
