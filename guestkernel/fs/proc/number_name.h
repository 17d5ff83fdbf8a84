// SPDX-License-Identifier: Apache-2.0
//
// Names that are numbers (processes, threads, descriptors).
#ifndef CRVM_GUESTKERNEL_FS_PROC_NUMBER_NAME_H_
#define CRVM_GUESTKERNEL_FS_PROC_NUMBER_NAME_H_

#include "guestkernel/lib/panic.h"
#include "guestkernel/lib/string.h"

namespace gk {

class NumberName {
 public:
  explicit NumberName(int number) {
    size_ = static_cast<size_t>(Format(text_, sizeof(text_), "%d", number));
  }
  StringView view() const { return StringView(text_, size_); }

 private:
  char text_[12];
  size_t size_;
};

// -1 when the name is not a number as it would be written.
inline int NumberFromName(StringView name) {
  if (name.empty() || name.size() > 9) return -1;
  if (name[0] == '0' && name.size() > 1) return -1;
  int number = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_PROC_NUMBER_NAME_H_
