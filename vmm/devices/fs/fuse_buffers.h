// SPDX-License-Identifier: Apache-2.0
//
// A FUSE request and its reply as the guest laid them out: lists of spans of
// guest memory. Another vCPU may change that memory at any time, so what is
// looked at is first copied out, exactly once. vCPU thread.

#ifndef CRVM_VMM_DEVICES_FS_FUSE_BUFFERS_H_
#define CRVM_VMM_DEVICES_FS_FUSE_BUFFERS_H_

#include <limits.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace crvm {

using RequestSpans = absl::Span<const absl::Span<const uint8_t>>;
using ReplySpans = absl::Span<const absl::Span<uint8_t>>;

// A string from a request: NUL-terminated, in the caller's stack frame.
template <size_t kMax>
struct BoundedString {
  size_t length = 0;
  char text[kMax + 1];

  const char* c_str() const { return text; }
  absl::string_view view() const { return absl::string_view(text, length); }
};
using FileName = BoundedString<NAME_MAX>;
using PathText = BoundedString<PATH_MAX - 1>;

// Data of a READ or WRITE, for preadv and pwritev.
struct IovecList {
  static constexpr int kMax = 1024;  // IOV_MAX
  struct iovec items[kMax];
  int count = 0;
  size_t bytes = 0;
};

// Reads a request from front to back.
class RequestReader {
 public:
  explicit RequestReader(RequestSpans spans);

  size_t remaining() const { return remaining_; }
  // Makes everything after the next `size` bytes invisible.
  void Limit(size_t size) {
    if (size < remaining_) remaining_ = size;
  }

  // False, and nothing read, if less than `size` is left.
  bool Read(void* out, size_t size);
  template <typename T>
  bool Read(T* out) {
    static_assert(std::is_trivially_copyable_v<T>);
    return Read(static_cast<void*>(out), sizeof(T));
  }

  // A string and its NUL. 0 or a negative errno: -ENAMETOOLONG, or -EINVAL if
  // it is not terminated.
  template <size_t kMax>
  int ReadString(BoundedString<kMax>* out) {
    return ReadString(out->text, kMax, &out->length);
  }

  // The next `size` bytes in place; less if there are too many pieces.
  void Take(size_t size, IovecList* list);

 private:
  int ReadString(char* text, size_t max, size_t* length);
  // Copies up to `size` bytes without moving on; how many.
  size_t Peek(void* out, size_t size) const;
  void Skip(size_t size);

  RequestSpans spans_;
  size_t span_ = 0;    // the next byte is in spans_[span_]
  size_t offset_ = 0;  // at this offset
  size_t remaining_ = 0;
};

// Writes a reply at any offset; the FUSE header is filled in last.
class ReplyWriter {
 public:
  explicit ReplyWriter(ReplySpans spans);

  size_t capacity() const { return capacity_; }
  size_t end() const { return end_; }
  void set_end(size_t end) { end_ = end; }

  // False, and nothing written, if it does not fit.
  bool Put(size_t offset, const void* data, size_t size);
  // At end(), which moves.
  bool Append(const void* data, size_t size);
  template <typename T>
  bool Append(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return Append(static_cast<const void*>(&value), sizeof(T));
  }

  // [offset, offset + size) in place; less if it does not fit or there are too
  // many pieces.
  void Map(size_t offset, size_t size, IovecList* list) const;

 private:
  ReplySpans spans_;
  size_t capacity_ = 0;
  size_t end_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FUSE_BUFFERS_H_
