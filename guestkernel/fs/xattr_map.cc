// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes kept in memory.
#include "guestkernel/fs/xattr_map.h"

namespace gk {

XattrMap::Entry* XattrMap::Find(StringView name) {
  for (Entry& entry : entries_) {
    if (entry.name.view() == name) return &entry;
  }
  return nullptr;
}

int64_t XattrMap::Get(StringView name, void* value, size_t size) const {
  const Entry* entry = const_cast<XattrMap*>(this)->Find(name);
  if (!entry) return -ENODATA;
  size_t length = entry->value.size();
  if (size == 0) return static_cast<int64_t>(length);
  if (size < length) return -ERANGE;
  memcpy(value, entry->value.c_str(), length);
  return static_cast<int64_t>(length);
}

int XattrMap::Set(StringView name, const void* value, size_t size, int flags) {
  Entry* entry = Find(name);
  if (entry && (flags & kXattrCreate)) return -EEXIST;
  if (!entry && (flags & kXattrReplace)) return -ENODATA;
  KString copy;
  GK_ASSIGN_OR_RETURN(
      copy, KString::From(StringView(static_cast<const char*>(value), size)));
  if (entry) {
    entry->value = std::move(copy);
    return 0;
  }
  Entry created;
  GK_ASSIGN_OR_RETURN(created.name, KString::From(name));
  created.value = std::move(copy);
  return entries_.PushBack(std::move(created));
}

int64_t XattrMap::List(char* list, size_t size) const {
  size_t needed = 0;
  for (const Entry& entry : entries_) {
    size_t n = entry.name.size() + 1;
    if (size > 0) {
      if (needed + n > size) return -ERANGE;
      memcpy(list + needed, entry.name.c_str(), n);
    }
    needed += n;
  }
  return static_cast<int64_t>(needed);
}

int XattrMap::Remove(StringView name) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name.view() == name) {
      entries_.RemoveAt(i);
      return 0;
    }
  }
  return -ENODATA;
}

}  // namespace gk
