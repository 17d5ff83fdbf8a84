// SPDX-License-Identifier: Apache-2.0
//
// MemoryObject: pages that a VMA can map, whoever they belong to: the page
// cache of a file, tmpfs, shared anonymous memory, SysV segments. Private
// anonymous memory has none (its pages live in the page tables). The one
// page-fault path asks it for pages. PageCache is the implementation for
// everything file-like.
#ifndef CRVM_GUESTKERNEL_MM_MEMORY_OBJECT_H_
#define CRVM_GUESTKERNEL_MM_MEMORY_OBJECT_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/intrusive_list.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/mm/frame.h"

namespace gk {

class Vma;

class MemoryObject : public RefCounted {
 public:
  // The frame of page `index`, with a reference for the caller; read in or
  // created when needed. -ERANGE: beyond the end (SIGBUS); -EIO: cannot be read
  // (SIGBUS); -ENOMEM.
  virtual Result<FrameNumber> GetPage(uint64_t index, bool for_write) = 0;
  // Fault-around: fills frames[i] (referenced) for those of [first, first +
  // count) that are present without I/O, null FrameNumber else. Default: none.
  virtual void GetPresentPages(uint64_t first, size_t count,
                               FrameNumber* frames);
  // A shared writable mapping has written the page. Called when that comes to
  // light: at the fault, or by CollectDirty, or when a mapping goes.
  virtual void MarkDirty(uint64_t index) { (void)index; }
  // False: pages are never written back, so shared writable mappings are
  // writable at once and MarkDirty is not needed.
  virtual bool tracks_dirty() const { return true; }
  // Reads pages in ahead of use; errors do not matter.
  virtual void ReadAhead(uint64_t first, uint64_t count) {
    (void)first, (void)count;
  }
  // Creates absent pages, zeroed, as far as the object and memory allow. Only
  // for objects that do not track dirty pages.
  virtual void CreatePages(uint64_t first, size_t count) {
    (void)first, (void)count;
  }
  // Makes pages read as zero and frees them: MADV_REMOVE of memory without a
  // file.
  virtual int PunchHole(uint64_t first, uint64_t count) {
    (void)first, (void)count;
    return -EOPNOTSUPP;
  }
  // Writes dirty pages back to where they belong. 0 or negative errno (the
  // first one).
  virtual int Sync(uint64_t first, uint64_t count) {
    (void)first, (void)count;
    return 0;
  }

  // Links of all VMAs that map this object, kept by mm; used to unmap on
  // truncation.
  void AddMapping(Vma* vma);
  void RemoveMapping(Vma* vma);
  // Removes every page-table mapping of pages [first, first + count) in every
  // address space (mm/address_space.cc). Private copies (already copied on
  // write) go too when `also_private_copies` (truncation), as Linux does.
  void UnmapRange(uint64_t first, uint64_t count, bool also_private_copies);
  // MarkDirty for what was written through shared mappings, which become
  // read-only, so that the next write is seen.
  void CollectDirty(uint64_t first, uint64_t count);

  Vma* first_mapping =
      nullptr;  // intrusive, linked through Vma; maintained by mm
};

// Pages by index, with an owner that can read and write them. Used by FUSE
// files (owner reads from the host), tmpfs and shared memory (owner-less:
// absent pages are zero, never dropped).
class PageCache : public MemoryObject {
 public:
  class Backing {
   public:
    // Fills whole frames [first, first + count) of the file; beyond the end:
    // zeros. 0 or negative errno.
    virtual int ReadPages(uint64_t first, size_t count,
                          FrameNumber* frames) = 0;
    // Writes `length` bytes at byte offset from the frames.
    virtual int WritePages(uint64_t offset, uint64_t length,
                           const FrameNumber* frames) = 0;

   protected:
    ~Backing() = default;
  };

  explicit PageCache(
      Backing* backing);  // null: memory-only, absent pages read as zero
  ~PageCache() override;

  Result<FrameNumber> GetPage(uint64_t index, bool for_write) override;
  void GetPresentPages(uint64_t first, size_t count,
                       FrameNumber* frames) override;
  void MarkDirty(uint64_t index) override;
  int Sync(uint64_t first, uint64_t count) override;
  bool tracks_dirty() const override { return backing_ != nullptr; }
  void ReadAhead(uint64_t first, uint64_t count) override;
  int PunchHole(uint64_t first, uint64_t count) override;
  void CreatePages(uint64_t first, size_t count) override;

  uint64_t size() const {
    return size_;
  }  // bytes; pages at or beyond it give -ERANGE
  // Grows or truncates (unmaps, frees and zeroes the tail of the last page).
  void SetSize(uint64_t size);
  // Drops clean pages that nobody else references; with `all`, also unmaps and
  // drops mapped clean ones.
  void Invalidate(bool all);
  // Copies cached data; reads missing pages in through the backing with
  // read-ahead of up to `read_ahead` pages. Bytes copied to `to`, or negative
  // errno. Stops at size().
  class UserIoRef;
  int64_t Read(class UserIo& io, uint64_t offset, size_t read_ahead_pages);
  // Stores into the cache, creating pages (memory-only objects; grows size()).
  // Bytes or negative errno.
  int64_t Write(class UserIo& io, uint64_t offset);
  // For write-through files: updates those pages that are cached, from kernel
  // memory.
  void UpdateIfCached(uint64_t offset, const void* data, size_t n);
  // Punches a hole: pages become absent/zero.
  void Zero(uint64_t offset, uint64_t length);
  size_t page_count() const { return page_count_; }
  size_t dirty_count() const { return dirty_count_; }
  bool IsPresent(uint64_t index) const;
  // The first page >= index that is present (or absent); ~0 when none is
  // present any more. For SEEK_DATA and SEEK_HOLE of memory-only files.
  uint64_t NextPresent(uint64_t index) const;
  uint64_t NextAbsent(uint64_t index) const;
  void DetachBacking() { backing_ = nullptr; }

 private:
  friend class PageCacheShrinker;
  struct Node;
  // A place in the tree: the leaf and the page's slot in it.
  Node* FindLeaf(uint64_t index) const;
  Node* GetLeaf(uint64_t index);  // made when absent; null: out of memory
  // Referenced; null when absent.
  FrameNumber Find(uint64_t index) const;
  // Takes the frame over; where there is one already, that one stays. 0 or
  // -ENOMEM.
  int Insert(uint64_t index, FrameNumber frame);
  int InsertZeroed(uint64_t index);
  // Reads page `index` and absent ones around it, [first, first + count).
  int ReadIn(uint64_t index, uint64_t first, size_t count);
  int ReadRun(uint64_t first, size_t count);
  int ReadMissing(uint64_t index, size_t wanted);
  // The page, made or read in; for Write: when all of it will be overwritten,
  // contents are undefined.
  Result<FrameNumber> GetForWrite(uint64_t index, bool overwrite);
  void RemoveRange(uint64_t first, uint64_t last);
  size_t DropClean(size_t at_most);
  void DropFrame(Node* leaf, unsigned slot);
  int WriteRun(Node* leaf, uint64_t base, unsigned slot, unsigned count);
  void SetDirty(Node* leaf, unsigned slot, bool dirty);
  void ZeroPart(uint64_t offset, uint64_t end);
  uint64_t PageLimit() const { return (size_ + 4095) >> 12; }

  // Calls visit(leaf, index of its first page) for leaves that overlap [first,
  // last]; frees those that it leaves empty.
  template <typename Visit>
  void ForEachLeaf(uint64_t first, uint64_t last, Visit visit);
  template <typename Visit>
  void VisitNode(Node*& node, unsigned height, uint64_t base, uint64_t first,
                 uint64_t last, Visit& visit);

  template <typename BitsOf>
  static uint64_t FindFirst(const Node* node, unsigned height, uint64_t base,
                            uint64_t first, BitsOf bits_of);

  Backing* backing_;
  bool is_shmem_;  // never had a backing
  uint64_t size_ = 0;
  size_t page_count_ = 0, dirty_count_ = 0;
  Node* root_ = nullptr;  // radix tree, 64-way (mm/page_cache.cc)
  unsigned height_ = 0;
  uint64_t next_read_ = ~uint64_t{0};  // where a sequential reader misses next
  size_t read_window_ = 0;
  ListLink lru_link_;  // caches with a backing, most recently read first
};

// Zeroed memory that several address spaces can map (MAP_SHARED|MAP_ANONYMOUS,
// SysV segments, memfd).
Result<RefPtr<PageCache>> NewSharedMemory(uint64_t size);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_MM_MEMORY_OBJECT_H_
