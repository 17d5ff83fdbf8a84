// SPDX-License-Identifier: Apache-2.0
//
// The page-frame allocator behind mm/frame.h: a bitmap of frames (read by the
// VMM, abi::KernelInfo) under a 64-ary tree of "look no further" summaries, a
// second one of 2 MiB blocks, and one word of state for each frame. Its tables
// lie at the start of free memory. They are never cleared as a whole and count
// as in use only as far as the watermark reaches, so that a big VM's boot does
// not touch megabytes of tables. Kernel only; trusts its callers.
#ifndef CRVM_GUESTKERNEL_MM_FRAME_ALLOCATOR_H_
#define CRVM_GUESTKERNEL_MM_FRAME_ALLOCATOR_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/mm/frame.h"

namespace gk {

inline constexpr unsigned kHugeOrder = 9;
inline constexpr uint64_t kFramesPerBlock = uint64_t{1} << kHugeOrder;

// What a frame is for: page tables are kept apart, because a hypervisor with
// shadow paging must map every 2 MiB region that holds one in 4 KiB pieces.
enum class FrameUse { kData, kPageTable };

class FrameAllocator {
 public:
  // `memory`: kernel address of GPA 0. `published_watermark`: where the VMM
  // reads how far the bitmap is valid; may be null.
  void Init(uint8_t* memory, uint64_t first_free_gpa, uint64_t memory_size,
            uint64_t* published_watermark);

  // Null when none. The count is 1, with AllocateRun in the first frame only.
  FrameNumber Allocate(FrameUse use, FrameZeroing zeroing);
  FrameNumber AllocateRun(unsigned order, FrameZeroing zeroing);
  void Free(FrameNumber frame);
  void FreeRun(FrameNumber first, unsigned order);

  // The state word belongs to whoever has the frame: a reference count, or the
  // heap's description of the block. Its top bit is the allocator's.
  uint32_t& state(FrameNumber frame) { return state_[frame.value]; }
  static constexpr uint32_t kUsedBefore = 1u << 31;

  bool IsFree(FrameNumber frame) const {
    return !(bits_[frame.value >> 6] >> (frame.value & 63) & 1);
  }
  uint64_t total_frames() const { return total_; }
  uint64_t free_frames() const { return free_; }
  uint64_t watermark() const { return watermark_; }
  uint64_t first_frame() const { return first_; }
  uint64_t bitmap_gpa() const { return bitmap_gpa_; }

 private:
  static constexpr int kLevels = 3;  // summaries above the bitmap
  static constexpr unsigned kMaxTableBlocks = 64;
  static constexpr uint64_t kWordsPerBlock = kFramesPerBlock / 64;

  void PlaceTables(uint64_t first_free_gpa);
  void ReserveTables(uint64_t first_free_frame);
  uint64_t FindWord() const;  // lowest with a free frame; ~0: none
  void MarkUsed(uint64_t word, uint64_t mask);
  void MarkFree(uint64_t word, uint64_t mask);
  void SummarySet(uint64_t word);
  void SummaryClear(uint64_t word);
  void RaiseWatermark(uint64_t end);
  void CoverTable(uint64_t table_gpa, uint64_t bits_per_frame, uint64_t from,
                  uint64_t to);
  FrameNumber Take(uint64_t word, FrameUse use, FrameZeroing zeroing);
  FrameNumber TakeRun(uint64_t first, unsigned order, FrameZeroing zeroing);
  uint64_t FindInWord(unsigned order);  // frame numbers; 0: none
  uint64_t FindWords(unsigned order);
  uint64_t FindBlocks(unsigned order);
  FrameNumber AllocateTableFrame(FrameZeroing zeroing);
  uint64_t TableWord();  // with a free frame in a table block; ~0: none
  bool AddTableBlock();
  void ReleaseTableBlocks();
  void Zero(uint64_t frame);

  uint8_t* memory_ = nullptr;
  uint64_t* bits_ = nullptr;         // one for each frame, 1 = in use
  uint64_t* summary_[kLevels] = {};  // 1 = do not look into the word below
  uint64_t words_[kLevels + 1] = {};
  uint32_t* state_ = nullptr;
  uint16_t* block_used_ = nullptr;  // frames in use of each 2 MiB
  uint64_t* block_bits_ = nullptr;  // 1 = some are, or it is for tables
  uint8_t* block_is_table_ = nullptr;
  uint64_t bitmap_gpa_ = 0, state_gpa_ = 0, tables_end_gpa_ = 0;
  uint64_t first_ = 0;  // lowest frame ever handed out
  uint64_t total_ = 0;  // frames from GPA 0
  uint64_t free_ = 0;
  uint64_t watermark_ = 0;
  uint64_t* published_watermark_ = nullptr;
  uint64_t blocks_ = 0;                 // whole 2 MiB blocks
  uint64_t block_hint_ = 0;             // no free block below it
  uint64_t run_hint_[kHugeOrder] = {};  // no such run in the words below it
  uint32_t table_blocks_[kMaxTableBlocks] = {};
  unsigned table_block_count_ = 0;
  unsigned table_block_hint_ = 0;  // those before it are full
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_FRAME_ALLOCATOR_H_
