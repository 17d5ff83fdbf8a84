// SPDX-License-Identifier: Apache-2.0
//
// SlotTable<T> hands out 64-bit ids that a guest may present back: the low half
// is a slot, the high half how often the slot has been used before. So finding
// is an array access, a wrong or outdated id is noticed, and no id is ever
// given out twice. Values do not move. Not thread-safe.

#ifndef CRVM_VMM_DEVICES_FS_SLOT_TABLE_H_
#define CRVM_VMM_DEVICES_FS_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace crvm {

template <typename T>
class SlotTable {
 public:
  // Slot numbers are 1..max_slots: 0 is never an id, and the first is 1.
  explicit SlotTable(size_t max_slots) : max_slots_(max_slots) {}

  T* Find(uint64_t id) {
    Slot* slot = SlotOf(id);
    return slot != nullptr && slot->used ? &slot->value : nullptr;
  }

  // A fresh value and its id; nullptr when the table is full.
  T* Insert(uint64_t* id) {
    if (free_.empty()) {
      if (slots_.size() >= max_slots_) return nullptr;
      slots_.emplace_back();
      slots_.back().generation = first_generation_;
      free_.push_back(static_cast<uint32_t>(slots_.size()));
    }
    uint32_t number = free_.back();
    free_.pop_back();
    Slot& slot = slots_[number - 1];
    slot.used = true;
    ++size_;
    *id = (uint64_t{slot.generation} << 32) | number;
    return &slot.value;
  }

  // A fresh value under an id from a saved state; nullptr when there cannot be
  // such an id. Call FinishRestore() after the last.
  T* InsertAt(uint64_t id) {
    uint32_t number = static_cast<uint32_t>(id);
    if (number == 0 || number > max_slots_) return nullptr;
    while (slots_.size() < number) slots_.emplace_back();
    Slot& slot = slots_[number - 1];
    if (slot.used) return nullptr;
    slot.used = true;
    slot.generation = static_cast<uint32_t>(id >> 32);
    ++size_;
    return &slot.value;
  }

  // `generation`: of the ids given out from here on; above that of every id
  // that was given out before the save.
  void FinishRestore(uint32_t generation) {
    free_.clear();
    for (size_t i = slots_.size(); i > 0; --i) {
      Slot& slot = slots_[i - 1];
      if (slot.used) continue;
      slot.generation = generation;
      free_.push_back(static_cast<uint32_t>(i));
    }
    first_generation_ = generation;
  }

  // The generation that FinishRestore() needs to be given after a save.
  uint32_t NextGeneration() const {
    uint32_t generation = first_generation_;
    for (const Slot& slot : slots_) {
      if (slot.generation >= generation) generation = slot.generation + 1;
    }
    return generation;
  }

  void Erase(uint64_t id) {
    Slot* slot = SlotOf(id);
    if (slot == nullptr || !slot->used) return;
    slot->value = T();
    slot->used = false;
    ++slot->generation;
    --size_;
    free_.push_back(static_cast<uint32_t>(id));
  }

  size_t size() const { return size_; }

  // Calls f(id, value) for each, in the order of the slots.
  template <typename F>
  void ForEach(F f) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].used) continue;
      f((uint64_t{slots_[i].generation} << 32) | (i + 1), slots_[i].value);
    }
  }

 private:
  struct Slot {
    T value;
    uint32_t generation = 0;
    bool used = false;
  };

  Slot* SlotOf(uint64_t id) {
    uint32_t number = static_cast<uint32_t>(id);
    if (number == 0 || number > slots_.size()) return nullptr;
    Slot& slot = slots_[number - 1];
    return slot.generation == id >> 32 ? &slot : nullptr;
  }

  size_t max_slots_;
  size_t size_ = 0;
  uint32_t first_generation_ = 0;
  std::deque<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_SLOT_TABLE_H_
