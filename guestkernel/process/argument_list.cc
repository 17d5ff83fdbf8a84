// SPDX-License-Identifier: Apache-2.0
//
// See argument_list.h.
#include "guestkernel/process/argument_list.h"

namespace gk {

int ArgumentList::AppendBytes(const char* data, size_t n) {
  while (n > 0) {
    if (blocks_.empty() || blocks_.back()->used == sizeof(Block::data)) {
      // Not zeroed: Block's constructor leaves `data` alone.
      UniquePtr<Block> block(new (std::nothrow) Block);
      if (!block) return -ENOMEM;
      if (int error = blocks_.PushBack(std::move(block))) return error;
    }
    Block& block = *blocks_.back();
    size_t room = sizeof(block.data) - block.used;
    size_t piece = n < room ? n : room;
    memcpy(block.data + block.used, data, piece);
    block.used += piece;
    data += piece;
    n -= piece;
    bytes_ += piece;
  }
  return 0;
}

int ArgumentList::Append(StringView text) {
  if (int error = AppendBytes(text.data(), text.size())) return error;
  if (int error = AppendBytes("", 1)) return error;
  ++count_;
  return 0;
}

int ArgumentList::AppendAll(const ArgumentList& other) {
  int error = other.ForEachPiece(
      [this](const char* data, size_t n) { return AppendBytes(data, n); });
  if (error == 0) count_ += other.count();
  return error;
}

void ArgumentList::DropFirst() {
  if (count_ == 0) return;
  size_t length = 0;
  ForEachPiece([&](const char* data, size_t n) {
    for (size_t i = 0; i < n; ++i)
      if (data[i] == 0) {
        length += i + 1;
        return -1;  // found: stop
      }
    length += n;
    return 0;
  });
  skipped_ += length;
  bytes_ -= length;
  --count_;
}

}  // namespace gk
