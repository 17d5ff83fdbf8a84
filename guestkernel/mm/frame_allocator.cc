// SPDX-License-Identifier: Apache-2.0
//
// See frame_allocator.h. Kernel only, big kernel lock held.
#include "guestkernel/mm/frame_allocator.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kNone = ~uint64_t{0};

// Bits that may start an aligned run of 2^order frames in a word.
constexpr uint64_t kRunStart[6] = {~uint64_t{0},       0x5555555555555555,
                                   0x1111111111111111, 0x0101010101010101,
                                   0x0001000100010001, 0x0000000100000001};

uint64_t DivideUp(uint64_t n, uint64_t by) { return (n + by - 1) / by; }

// Bits [from, 64) set.
uint64_t MaskFrom(uint64_t from) {
  return from >= 64 ? 0 : ~uint64_t{0} << from;
}

// Bits that start a free aligned run of 2^order in a word of the bitmap.
uint64_t RunsIn(uint64_t used, unsigned order) {
  uint64_t free = ~used;
  for (unsigned i = 0; i < order; ++i) free &= free >> (1u << i);
  return free & kRunStart[order];
}

}  // namespace

void FrameAllocator::Init(uint8_t* memory, uint64_t first_free_gpa,
                          uint64_t memory_size, uint64_t* published_watermark) {
  *this = FrameAllocator();
  memory_ = memory;
  total_ = memory_size / kPage;
  blocks_ = total_ / kFramesPerBlock;
  PlaceTables(first_free_gpa);
  first_ = DivideUp(tables_end_gpa_, kPage);
  GK_ASSERT(first_ < total_);
  free_ = total_ - first_;
  watermark_ = first_;
  published_watermark_ = published_watermark;
  ReserveTables(first_free_gpa / kPage);
  if (published_watermark_) *published_watermark_ = watermark_;
}

// Decides where the tables are; all of it reads as zero.
void FrameAllocator::PlaceTables(uint64_t first_free_gpa) {
  uint64_t at = first_free_gpa;
  auto place = [&](uint64_t bytes) {
    uint64_t here = at;
    at = DivideUp(at + bytes, kPage) * kPage;
    return memory_ + here;
  };
  bitmap_gpa_ = at;
  uint64_t bits = total_;
  for (int level = 0; level <= kLevels; ++level) {
    words_[level] = DivideUp(bits, 64);
    auto* table = reinterpret_cast<uint64_t*>(place(words_[level] * 8));
    (level == 0 ? bits_ : summary_[level - 1]) = table;
    bits = words_[level];
  }
  block_used_ = reinterpret_cast<uint16_t*>(place((blocks_ + 1) * 2));
  block_bits_ = reinterpret_cast<uint64_t*>(place(blocks_ / 8 + 8));
  block_is_table_ = place(blocks_ + 1);
  state_gpa_ = at;
  state_ = reinterpret_cast<uint32_t*>(place(total_ * 4));
  tables_end_gpa_ = at;
}

// Takes out of the allocator's sight: the boot image, the tables, and what the
// last words have beyond the end.
void FrameAllocator::ReserveTables(uint64_t first_free_frame) {
  uint64_t bits = total_;
  for (int level = 0; level <= kLevels; ++level) {
    uint64_t* table = level == 0 ? bits_ : summary_[level - 1];
    if (bits % 64 != 0) table[words_[level] - 1] |= MaskFrom(bits % 64);
    bits = words_[level];
  }
  // In use and saved: the boot image, the small tables; of the bitmap and the
  // states as much as the watermark covers.
  uint64_t bitmap_end = bitmap_gpa_ / kPage + DivideUp(words_[0] * 8, kPage);
  for (uint64_t f = 0; f < state_gpa_ / kPage; ++f) {
    if (f < first_free_frame || f >= bitmap_end) {
      bits_[f / 64] |= uint64_t{1} << f % 64;
    }
  }
  for (uint64_t f = 0; f < first_free_frame; ++f) state_[f] = kUsedBefore | 1;
  CoverTable(bitmap_gpa_, 1, 0, first_);
  CoverTable(state_gpa_, 32, 0, first_free_frame);
  for (uint64_t w = 0; w < first_ / 64; ++w) SummarySet(w);
  if (first_ % 64 != 0) bits_[first_ / 64] |= ~MaskFrom(first_ % 64);
  for (uint64_t b = 0; b <= first_ / kFramesPerBlock; ++b) {
    uint64_t start = b * kFramesPerBlock;
    uint64_t used =
        first_ - start < kFramesPerBlock ? first_ - start : kFramesPerBlock;
    block_used_[b] = used;
    if (used != 0) block_bits_[b / 64] |= uint64_t{1} << b % 64;
  }
  block_bits_[blocks_ / 64] |= MaskFrom(blocks_ % 64);
  for (uint64_t& hint : run_hint_) hint = first_ / 64;
}

void FrameAllocator::CoverTable(uint64_t table_gpa, uint64_t bits_per_frame,
                                uint64_t from, uint64_t to) {
  if (from >= to) return;
  uint64_t first = (table_gpa + from * bits_per_frame / 8) / kPage;
  uint64_t last = (table_gpa + (to * bits_per_frame - 1) / 8) / kPage;
  for (uint64_t f = first; f <= last; ++f) {
    bits_[f / 64] |= uint64_t{1} << f % 64;
  }
}

void FrameAllocator::RaiseWatermark(uint64_t end) {
  if (end <= watermark_) [[likely]]
    return;
  CoverTable(bitmap_gpa_, 1, watermark_, end);
  CoverTable(state_gpa_, 32, watermark_, end);
  watermark_ = end;
  if (published_watermark_) *published_watermark_ = end;
}

void FrameAllocator::Zero(uint64_t frame) {
  memset(memory_ + frame * kPage, 0, kPage);
}

uint64_t FrameAllocator::FindWord() const {
  uint64_t at = 0;
  while (at < words_[kLevels] && summary_[kLevels - 1][at] == kNone) ++at;
  if (at == words_[kLevels]) return kNone;
  for (int level = kLevels - 1; level >= 0; --level) {
    at = at * 64 + __builtin_ctzll(~summary_[level][at]);
  }
  return at;
}

void FrameAllocator::SummarySet(uint64_t word) {
  for (uint64_t* level : summary_) {
    uint64_t& summary = level[word / 64];
    summary |= uint64_t{1} << word % 64;
    if (summary != kNone) return;
    word /= 64;
  }
}

void FrameAllocator::SummaryClear(uint64_t word) {
  for (uint64_t* level : summary_) {
    uint64_t& summary = level[word / 64];
    bool was_full = summary == kNone;
    summary &= ~(uint64_t{1} << word % 64);
    if (!was_full) return;
    word /= 64;
  }
}

void FrameAllocator::MarkUsed(uint64_t word, uint64_t mask) {
  GK_ASSERT((bits_[word] & mask) == 0);
  bits_[word] |= mask;
  if (bits_[word] == kNone) SummarySet(word);
  uint64_t n = __builtin_popcountll(mask), block = word / kWordsPerBlock;
  if (block_used_[block] == 0) {
    block_bits_[block / 64] |= uint64_t{1} << block % 64;
  }
  block_used_[block] += n;
  free_ -= n;
}

void FrameAllocator::MarkFree(uint64_t word, uint64_t mask) {
  GK_ASSERT((bits_[word] & mask) == mask);
  bool was_full = bits_[word] == kNone;
  bits_[word] &= ~mask;
  uint64_t n = __builtin_popcountll(mask), block = word / kWordsPerBlock;
  block_used_[block] -= n;
  free_ += n;
  if (block_is_table_[block]) [[unlikely]] {
    table_block_hint_ = 0;
    return;
  }
  if (was_full) SummaryClear(word);
  if (block_used_[block] == 0 && block < blocks_) {
    block_bits_[block / 64] &= ~(uint64_t{1} << block % 64);
    if (block < block_hint_) block_hint_ = block;
  }
  // A run can only have come about where the frame's neighbour is free too.
  if ((mask & (mask - 1)) == 0) {
    unsigned pair = __builtin_ctzll(mask) & ~1u;
    if (bits_[word] >> pair & 3) return;
  }
  for (uint64_t& hint : run_hint_) {
    if (word < hint) hint = word;
  }
}

FrameNumber FrameAllocator::Take(uint64_t word, FrameUse use,
                                 FrameZeroing zeroing) {
  unsigned bit = __builtin_ctzll(~bits_[word]);
  uint64_t frame = word * 64 + bit;
  MarkUsed(word, uint64_t{1} << bit);
  RaiseWatermark(frame + 1);
  if (zeroing == FrameZeroing::kZeroed && (state_[frame] & kUsedBefore)) {
    if (use == FrameUse::kPageTable) {
      auto* table = reinterpret_cast<uint64_t*>(memory_ + frame * kPage);
      StoreTableEntries(table, nullptr, kPage / sizeof(*table));
    } else {
      Zero(frame);
    }
  }
  state_[frame] = kUsedBefore | 1;
  return FrameNumber(frame);
}

FrameNumber FrameAllocator::Allocate(FrameUse use, FrameZeroing zeroing) {
  if (use == FrameUse::kPageTable) {
    FrameNumber frame = AllocateTableFrame(zeroing);
    if (!frame.is_null()) return frame;
  }
  uint64_t word = FindWord();
  if (word == kNone) [[unlikely]] {
    if (table_block_count_ == 0) return FrameNumber();
    ReleaseTableBlocks();
    word = FindWord();
    if (word == kNone) return FrameNumber();
  }
  return Take(word, use, zeroing);
}

// ---- runs

FrameNumber FrameAllocator::TakeRun(uint64_t first, unsigned order,
                                    FrameZeroing zeroing) {
  uint64_t count = uint64_t{1} << order;
  if (order < 6) {
    uint64_t mask = (uint64_t{1} << count) - 1;
    MarkUsed(first / 64, mask << first % 64);
  } else {
    for (uint64_t w = first / 64; w < (first + count) / 64; ++w) {
      MarkUsed(w, kNone);
    }
  }
  RaiseWatermark(first + count);
  for (uint64_t f = first; f < first + count; ++f) {
    if (zeroing == FrameZeroing::kZeroed && (state_[f] & kUsedBefore)) Zero(f);
    state_[f] = kUsedBefore;
  }
  state_[first] = kUsedBefore | 1;
  return FrameNumber(first);
}

uint64_t FrameAllocator::FindInWord(unsigned order) {
  for (uint64_t w = run_hint_[order]; w < words_[0]; ++w) {
    if (bits_[w] == kNone || block_is_table_[w / kWordsPerBlock]) continue;
    if (uint64_t runs = RunsIn(bits_[w], order)) {
      run_hint_[order] = w;
      return w * 64 + __builtin_ctzll(runs);
    }
  }
  run_hint_[order] = words_[0];
  return 0;
}

uint64_t FrameAllocator::FindWords(unsigned order) {
  uint64_t count = uint64_t{1} << (order - 6);
  uint64_t w = run_hint_[order] & ~(count - 1);
  for (; w + count <= words_[0]; w += count) {
    bool free = w * 64 >= first_ && !block_is_table_[w / kWordsPerBlock];
    for (uint64_t i = 0; free && i < count; ++i) free = bits_[w + i] == 0;
    if (free) {
      run_hint_[order] = w;
      return w * 64;
    }
  }
  run_hint_[order] = words_[0];
  return 0;
}

uint64_t FrameAllocator::FindBlocks(unsigned order) {
  uint64_t count = uint64_t{1} << (order - kHugeOrder);
  auto used = [&](uint64_t b) { return block_bits_[b / 64] >> b % 64 & 1; };
  while (block_hint_ < blocks_ && used(block_hint_)) {
    uint64_t free = ~block_bits_[block_hint_ / 64] & MaskFrom(block_hint_ % 64);
    block_hint_ = free ? (block_hint_ & ~uint64_t{63}) + __builtin_ctzll(free)
                       : (block_hint_ | 63) + 1;
  }
  uint64_t b = DivideUp(block_hint_, count) * count;
  for (; b + count <= blocks_; b += count) {
    uint64_t i = 0;
    while (i < count && !used(b + i)) ++i;
    if (i == count) return b * kFramesPerBlock;
  }
  return 0;
}

FrameNumber FrameAllocator::AllocateRun(unsigned order, FrameZeroing zeroing) {
  if (order == 0) return Allocate(FrameUse::kData, zeroing);
  for (;;) {
    uint64_t first = order < 6            ? FindInWord(order)
                     : order < kHugeOrder ? FindWords(order)
                                          : FindBlocks(order);
    if (first != 0) return TakeRun(first, order, zeroing);
    if (table_block_count_ == 0) return FrameNumber();
    ReleaseTableBlocks();
  }
}

void FrameAllocator::Free(FrameNumber frame) {
  GK_ASSERT(frame.value >= first_ && frame.value < total_);
  state_[frame.value] = kUsedBefore;
  MarkFree(frame.value / 64, uint64_t{1} << frame.value % 64);
}

void FrameAllocator::FreeRun(FrameNumber first, unsigned order) {
  if (order == 0) return Free(first);
  uint64_t count = uint64_t{1} << order;
  GK_ASSERT(first.value >= first_ && first.value + count <= total_);
  for (uint64_t i = 0; i < count; ++i) state_[first.value + i] = kUsedBefore;
  if (order < 6) {
    uint64_t mask = (uint64_t{1} << count) - 1;
    return MarkFree(first.value / 64, mask << first.value % 64);
  }
  for (uint64_t w = first.value / 64; w < (first.value + count) / 64; ++w) {
    MarkFree(w, kNone);
  }
}

// ---- page tables

uint64_t FrameAllocator::TableWord() {
  for (; table_block_hint_ < table_block_count_; ++table_block_hint_) {
    uint64_t block = table_blocks_[table_block_hint_];
    if (block_used_[block] == kFramesPerBlock) continue;
    uint64_t word = block * kWordsPerBlock;
    while (bits_[word] == kNone) ++word;
    return word;
  }
  return kNone;
}

FrameNumber FrameAllocator::AllocateTableFrame(FrameZeroing zeroing) {
  uint64_t word = TableWord();
  if (word == kNone) {
    if (!AddTableBlock()) return FrameNumber();
    word = TableWord();
  }
  return Take(word, FrameUse::kPageTable, zeroing);
}

// Sets a whole free block aside, unless memory is short. Its frames stay free:
// only the general search does not see them.
bool FrameAllocator::AddTableBlock() {
  if (table_block_count_ == kMaxTableBlocks) return false;
  if (free_ < total_ / 4 || free_ < 8 * kFramesPerBlock) return false;
  uint64_t first = FindBlocks(kHugeOrder);
  if (first == 0) return false;
  uint64_t block = first / kFramesPerBlock;
  block_is_table_[block] = 1;
  block_bits_[block / 64] |= uint64_t{1} << block % 64;
  for (uint64_t i = 0; i < kWordsPerBlock; ++i) SummarySet(first / 64 + i);
  table_block_hint_ = table_block_count_;
  table_blocks_[table_block_count_++] = block;
  return true;
}

void FrameAllocator::ReleaseTableBlocks() {
  while (table_block_count_ > 0) {
    uint64_t block = table_blocks_[--table_block_count_];
    block_is_table_[block] = 0;
    if (block_used_[block] == 0) {
      block_bits_[block / 64] &= ~(uint64_t{1} << block % 64);
      if (block < block_hint_) block_hint_ = block;
    }
    for (uint64_t i = 0; i < kWordsPerBlock; ++i) {
      uint64_t word = block * kWordsPerBlock + i;
      if (bits_[word] != kNone) SummaryClear(word);
      for (uint64_t& hint : run_hint_) {
        if (word < hint) hint = word;
      }
    }
  }
  table_block_hint_ = 0;
}

}  // namespace gk
