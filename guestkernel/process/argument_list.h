// SPDX-License-Identifier: Apache-2.0
//
// The strings of an argument vector or environment on their way from one
// program to the next: NUL-terminated, one after the other, in blocks (the
// whole may be megabytes, and contiguous kernel memory is scarce).
#ifndef CRVM_GUESTKERNEL_PROCESS_ARGUMENT_LIST_H_
#define CRVM_GUESTKERNEL_PROCESS_ARGUMENT_LIST_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/lib/vector.h"

namespace gk {

class ArgumentList {
 public:
  // Adds `text` (without NULs) and a NUL. 0 or -ENOMEM.
  [[nodiscard]] int Append(StringView text);
  [[nodiscard]] int AppendAll(const ArgumentList& other);
  // Forgets the first string, if there is one.
  void DropFirst();

  size_t count() const { return count_; }
  // With the NULs.
  size_t bytes() const { return bytes_; }

  // The bytes in order, a piece at a time: visit(const char*, size_t) returns 0
  // or a negative errno, which ends it.
  template <typename Visit>
  int ForEachPiece(Visit visit) const {
    size_t skip = skipped_;
    for (const UniquePtr<Block>& block : blocks_) {
      if (skip >= block->used) {
        skip -= block->used;
        continue;
      }
      if (int error = visit(block->data + skip, block->used - skip))
        return error;
      skip = 0;
    }
    return 0;
  }
  // The offset of each string from the first byte: visit(uint64_t), as above.
  template <typename Visit>
  int ForEachOffset(Visit visit) const {
    uint64_t at = 0;
    bool at_start = true;
    return ForEachPiece([&](const char* data, size_t n) {
      for (size_t i = 0; i < n; ++i, ++at) {
        if (at_start)
          if (int error = visit(at)) return error;
        at_start = data[i] == 0;
      }
      return 0;
    });
  }

 private:
  struct Block {
    size_t used = 0;
    char data[16384 - sizeof(size_t)];
  };
  int AppendBytes(const char* data, size_t n);

  Vector<UniquePtr<Block>> blocks_;
  size_t count_ = 0;
  size_t bytes_ = 0;
  size_t skipped_ = 0;  // bytes of dropped strings
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_ARGUMENT_LIST_H_
