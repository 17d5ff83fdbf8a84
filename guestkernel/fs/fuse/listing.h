// SPDX-License-Identifier: Apache-2.0
//
// FuseListing: entries of a directory with their inodes, fetched many at a time
// when a program looks at one after the other (ls -l, rm -r), so that not each
// of them costs an exit. Believed for a short time only.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_LISTING_H_
#define CRVM_GUESTKERNEL_FS_FUSE_LISTING_H_

#include "guestkernel/abi/fuse_ext.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/vector.h"

namespace gk {

// One record of a kFuseExtReadDir reply.
struct FuseDirRecord {
  fuse_entry_out entry;  // node id 0: not told
  uint64_t inode, next_offset;
  uint8_t type;
  StringView name;
  StringView link;  // empty: not told
  size_t size;      // of the record

  // `plus`: with kFuseExtReadDirPlus. 0 or -EIO.
  int Parse(const char* from, size_t left, bool plus);
};

class FuseListing {
 public:
  static constexpr size_t kMaxEntries = 4096;

  // -ENOMEM: not taken.
  int Add(StringView name, RefPtr<Inode> inode);
  // Gives the entry out, once. False when it is not here.
  bool Take(StringView name, RefPtr<Inode>* inode);
  bool Has(StringView name) { return Find(name) != nullptr; }
  // The name has changed hands.
  void Erase(StringView name);

  size_t size() const { return entries_.size(); }

  bool complete = false;  // what is not here does not exist
  uint64_t told_ns = 0;   // when the first of it was told
  uint64_t fh = 0;        // of the directory; 0 when complete
  uint64_t next_offset = 0;

 private:
  struct Entry {
    KString name;
    RefPtr<Inode> inode;  // null: given out
    uint64_t hash;
    uint32_t next;  // 1 + index; 0: none
  };
  Entry* Find(StringView name);

  static constexpr size_t kBuckets = 512;
  Vector<uint32_t> buckets_;  // as Entry::next
  Vector<Entry> entries_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_LISTING_H_
