// SPDX-License-Identifier: Apache-2.0
//
// The kernel's printf subset.
#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {
namespace {

// Writes into a bounded buffer and counts what did not fit.
class Sink {
 public:
  Sink(char* buffer, size_t size) : buffer_(buffer), size_(size) {}
  void Put(char c) {
    if (length_ + 1 < size_) buffer_[length_] = c;
    ++length_;
  }
  int Finish() {
    if (size_ > 0) buffer_[length_ < size_ ? length_ : size_ - 1] = 0;
    return static_cast<int>(length_);
  }

 private:
  char* buffer_;
  size_t size_;
  size_t length_ = 0;
};

struct Spec {
  bool left = false;
  bool zero = false;
  int width = 0;
  int precision = -1;
  int longs = 0;
};

void PutPadded(Sink& sink, const Spec& spec, const char* text, size_t n,
               bool negative = false) {
  int pad = spec.width - static_cast<int>(n) - (negative ? 1 : 0);
  if (!spec.left && !spec.zero)
    for (; pad > 0; --pad) sink.Put(' ');
  if (negative) sink.Put('-');
  if (!spec.left && spec.zero)
    for (; pad > 0; --pad) sink.Put('0');
  for (size_t i = 0; i < n; ++i) sink.Put(text[i]);
  for (; pad > 0; --pad) sink.Put(' ');
}

void PutNumber(Sink& sink, const Spec& spec, uint64_t value, unsigned base,
               bool negative, bool upper = false) {
  char digits[24];
  size_t n = sizeof(digits);
  do {
    unsigned d = value % base;
    digits[--n] =
        static_cast<char>(d < 10 ? '0' + d : (upper ? 'A' : 'a') + d - 10);
    value /= base;
  } while (value != 0);
  PutPadded(sink, spec, digits + n, sizeof(digits) - n, negative);
}

const char* ParseSpec(const char* p, Spec& spec, va_list& args) {
  for (;; ++p) {
    if (*p == '-')
      spec.left = true;
    else if (*p == '0')
      spec.zero = true;
    else
      break;
  }
  if (*p == '*') {
    spec.width = va_arg(args, int);
    ++p;
  }
  while (*p >= '0' && *p <= '9') spec.width = spec.width * 10 + (*p++ - '0');
  if (*p == '.') {
    ++p;
    spec.precision = 0;
    if (*p == '*') {
      spec.precision = va_arg(args, int);
      ++p;
    }
    while (*p >= '0' && *p <= '9')
      spec.precision = spec.precision * 10 + (*p++ - '0');
  }
  for (; *p == 'l' || *p == 'z'; ++p) ++spec.longs;
  while (*p == 'h') ++p;
  return p;
}

}  // namespace

int FormatV(char* buffer, unsigned long size, const char* format,
            va_list original) {
  Sink sink(buffer, size);
  va_list args;
  va_copy(args, original);
  for (const char* p = format; *p; ++p) {
    if (*p != '%') {
      sink.Put(*p);
      continue;
    }
    Spec spec;
    p = ParseSpec(p + 1, spec, args);
    switch (*p) {
      case 'd':
      case 'i': {
        int64_t v = spec.longs ? va_arg(args, int64_t) : va_arg(args, int);
        PutNumber(sink, spec, v < 0 ? -static_cast<uint64_t>(v) : v, 10, v < 0);
        break;
      }
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        uint64_t v =
            spec.longs ? va_arg(args, uint64_t) : va_arg(args, unsigned);
        PutNumber(sink, spec, v,
                  *p == 'u'   ? 10
                  : *p == 'o' ? 8
                              : 16,
                  false, *p == 'X');
        break;
      }
      case 'p':
        sink.Put('0');
        sink.Put('x');
        PutNumber(sink, spec, reinterpret_cast<uint64_t>(va_arg(args, void*)),
                  16, false);
        break;
      case 's': {
        const char* s = va_arg(args, const char*);
        if (!s) s = "(null)";
        size_t n = 0;
        while (
            (spec.precision < 0 || n < static_cast<size_t>(spec.precision)) &&
            s[n])
          ++n;
        PutPadded(sink, spec, s, n);
        break;
      }
      case 'c':
        sink.Put(static_cast<char>(va_arg(args, int)));
        break;
      case 0:
        --p;
        break;
      default:
        sink.Put(*p);
    }
  }
  va_end(args);
  return sink.Finish();
}

int Format(char* buffer, unsigned long size, const char* format, ...) {
  va_list args;
  va_start(args, format);
  int length = FormatV(buffer, size, format, args);
  va_end(args);
  return length;
}

}  // namespace gk
