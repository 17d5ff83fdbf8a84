// SPDX-License-Identifier: Apache-2.0
//
// memcpy & co. (defined in string.cc for the freestanding build),
// string_view-like StringView, and KString, an owned string whose growth may
// fail. KString is always NUL-terminated at c_str().
#ifndef CRVM_GUESTKERNEL_LIB_STRING_H_
#define CRVM_GUESTKERNEL_LIB_STRING_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "guestkernel/lib/result.h"

#if __STDC_HOSTED__
#include <cstring>
#else
extern "C" {
void* memcpy(void* __restrict to, const void* __restrict from, size_t n);
void* memmove(void* to, const void* from, size_t n);
void* memset(void* to, int value, size_t n);
int memcmp(const void* a, const void* b, size_t n);
size_t strlen(const char* s);
}
#endif

namespace gk {

class StringView {
 public:
  constexpr StringView() = default;
  constexpr StringView(const char* s)
      : data_(s), size_(__builtin_strlen(s)) {}  // NOLINT: implicit by design
  constexpr StringView(const char* s, size_t n) : data_(s), size_(n) {}
  constexpr const char* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr char operator[](size_t i) const { return data_[i]; }
  constexpr const char* begin() const { return data_; }
  constexpr const char* end() const { return data_ + size_; }
  constexpr StringView substr(size_t from, size_t n = ~size_t{0}) const {
    if (from > size_) from = size_;
    return StringView(data_ + from, n < size_ - from ? n : size_ - from);
  }
  bool StartsWith(StringView prefix) const {
    return size_ >= prefix.size_ &&
           memcmp(data_, prefix.data_, prefix.size_) == 0;
  }
  // ~0 when absent.
  size_t Find(char c, size_t from = 0) const {
    for (size_t i = from; i < size_; ++i)
      if (data_[i] == c) return i;
    return ~size_t{0};
  }
  friend bool operator==(StringView a, StringView b) {
    return a.size_ == b.size_ && memcmp(a.data_, b.data_, a.size_) == 0;
  }

 private:
  const char* data_ = "";
  size_t size_ = 0;
};

class KString {
 public:
  KString() = default;
  KString(KString&& other) noexcept { Swap(other); }
  KString& operator=(KString&& other) noexcept {
    KString moved(std::move(other));
    Swap(moved);
    return *this;
  }
  KString(const KString&) = delete;
  KString& operator=(const KString&) = delete;
  ~KString();

  static Result<KString> From(StringView text);
  [[nodiscard]] int Append(StringView text);  // 0 or -ENOMEM
  [[nodiscard]] int AppendFormat(const char* format, ...)
      __attribute__((format(printf, 2, 3)));
  [[nodiscard]] int Reserve(size_t capacity);
  void Truncate(size_t size);
  const char* c_str() const { return data_ ? data_ : ""; }
  char* data() { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  StringView view() const { return StringView(c_str(), size_); }
  operator StringView() const { return view(); }  // NOLINT: implicit by design
  void Swap(KString& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// FNV-1a.
uint64_t HashString(StringView text);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_LIB_STRING_H_
