// SPDX-License-Identifier: Apache-2.0
#include "guestkernel/lib/string.h"

#include <cstdarg>
#include <cstdint>

#include "guestkernel/lib/heap.h"

#ifndef GK_HOSTED
namespace {

// From this size on, plain stores. A frame that has been a page table is still
// write-protected by a KVM that shadows page tables (interpreting hosts); a
// `rep` store into it is then emulated iteration by iteration, 0.5 ms for a
// page, whereas KVM gives the page up after a few single stores.
constexpr size_t kPlainStores = 4096;

}  // namespace

// `rep` forms: microcoded fast strings on hardware, and native in both
// privilege modes.
extern "C" {
void* memcpy(void* __restrict to, const void* __restrict from, size_t n) {
  void* result = to;
  if (n >= kPlainStores) {
    auto* d = static_cast<volatile uint64_t*>(to);
    auto* s = static_cast<const uint64_t*>(from);
    size_t words = n / 8;
    for (size_t i = 0; i < words; ++i) d[i] = s[i];
    to = static_cast<char*>(to) + words * 8;
    from = s + words;
    n %= 8;
  }
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return result;
}
void* memmove(void* to, const void* from, size_t n) {
  auto* d = static_cast<char*>(to);
  auto* s = static_cast<const char*>(from);
  if (d <= s || d >= s + n) return memcpy(to, from, n);
  while (n >= 8) {
    n -= 8;
    __builtin_memcpy(d + n, s + n, 8);
  }
  while (n > 0) {
    --n;
    d[n] = s[n];
  }
  return to;
}
void* memset(void* to, int value, size_t n) {
  void* result = to;
  if (n >= kPlainStores) {
    auto* d = static_cast<volatile uint64_t*>(to);
    uint64_t pattern = 0x0101010101010101 * static_cast<unsigned char>(value);
    size_t words = n / 8;
    for (size_t i = 0; i < words; ++i) d[i] = pattern;
    to = static_cast<char*>(to) + words * 8;
    n %= 8;
  }
  asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return result;
}
int memcmp(const void* a, const void* b, size_t n) {
  auto* x = static_cast<const unsigned char*>(a);
  auto* y = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < n; ++i)
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return 0;
}
size_t strlen(const char* s) {
  size_t n = 0;
  while (s[n]) ++n;
  return n;
}
}
#endif

namespace gk {

KString::~KString() { HeapFree(data_); }

Result<KString> KString::From(StringView text) {
  KString s;
  GK_RETURN_IF_ERROR(s.Append(text));
  return s;
}

int KString::Reserve(size_t capacity) {
  if (capacity + 1 <= capacity_) return 0;
  size_t grown = capacity + 1 > 2 * capacity_ ? capacity + 1 : 2 * capacity_;
  if (grown < 32) grown = 32;
  auto* data = static_cast<char*>(HeapAllocate(grown));
  if (!data) return -ENOMEM;
  if (size_ > 0) memcpy(data, data_, size_);
  data[size_] = 0;
  HeapFree(data_);
  data_ = data;
  capacity_ = grown;
  return 0;
}

int KString::Append(StringView text) {
  if (int error = Reserve(size_ + text.size())) return error;
  if (text.size() > 0) memcpy(data_ + size_, text.data(), text.size());
  size_ += text.size();
  data_[size_] = 0;
  return 0;
}

int KString::AppendFormat(const char* format, ...) {
  va_list args;
  va_start(args, format);
  va_list again;
  va_copy(again, args);
  int length = FormatV(nullptr, 0, format, args);
  int error = Reserve(size_ + length);
  if (error == 0) {
    FormatV(data_ + size_, length + 1, format, again);
    size_ += length;
  }
  va_end(again);
  va_end(args);
  return error;
}

void KString::Truncate(size_t size) {
  if (size >= size_) return;
  size_ = size;
  data_[size_] = 0;
}

uint64_t HashString(StringView text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace gk
