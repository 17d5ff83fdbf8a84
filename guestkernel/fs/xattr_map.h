// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes kept in memory: name and value pairs of one inode.
#ifndef CRVM_GUESTKERNEL_FS_XATTR_MAP_H_
#define CRVM_GUESTKERNEL_FS_XATTR_MAP_H_

#include <cstdint>

#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"
#include "guestkernel/lib/vector.h"

namespace gk {

// setxattr(2).
inline constexpr int kXattrCreate = 1, kXattrReplace = 2;
inline constexpr size_t kXattrSizeMax = 65536, kXattrNameMax = 255,
                        kXattrListMax = 65536;

class XattrMap {
 public:
  // Results as of the Inode functions of the same names.
  int64_t Get(StringView name, void* value, size_t size) const;
  int Set(StringView name, const void* value, size_t size, int flags);
  int64_t List(char* list, size_t size) const;
  int Remove(StringView name);

 private:
  struct Entry {
    KString name;
    KString value;
  };
  Entry* Find(StringView name);
  Vector<Entry> entries_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_XATTR_MAP_H_
