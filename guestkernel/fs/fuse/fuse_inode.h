// SPDX-License-Identifier: Apache-2.0
//
// FuseInode: a file of the host. Others change it at any time, so what is
// cached here is believed for a short time only, and is checked at every open
// and at the end of file (close-to-open consistency). Written data goes to the
// host at once; only pages of shared mappings are written back later.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_FUSE_INODE_H_
#define CRVM_GUESTKERNEL_FS_FUSE_FUSE_INODE_H_

#include "guestkernel/fs/fuse/fuse_fs.h"
#include "guestkernel/fs/fuse/listing.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

// An open file at the server.
class FuseHandle final : public RefCounted {
 public:
  FuseHandle(FuseConnection* connection, uint64_t nodeid, uint64_t fh,
             uint32_t flags)
      : connection_(connection), nodeid_(nodeid), fh_(fh), flags_(flags) {}
  ~FuseHandle() override { connection_->Release(nodeid_, fh_); }
  uint64_t fh() const { return fh_; }
  uint32_t flags() const { return flags_; }
  bool readable() const { return (flags_ & kOpenAccessMask) != kOpenWriteOnly; }
  bool writable() const { return (flags_ & kOpenAccessMask) != kOpenReadOnly; }

  ListLink link;  // FuseInode's handles

 private:
  FuseConnection* connection_;
  uint64_t nodeid_, fh_;
  uint32_t flags_;
};

class FuseInode final : public Inode, public PageCache::Backing {
 public:
  // Attributes younger than this are true enough for the end of file.
  static constexpr uint64_t kEndOfFileTimeoutNs = 5'000'000;

  FuseInode(FuseFs* fs, const fuse_entry_out& entry);
  ~FuseInode() override;

  FuseFs* fuse() const { return static_cast<FuseFs*>(fs_); }
  FuseConnection* connection() const { return fuse()->connection(); }
  uint64_t nodeid() const { return nodeid_; }

  // ---- Inode
  int GetAttributes(FileAttributes* out) override;
  int GetCachedAttributes(FileAttributes* out) override;
  int AskAccess(int want) override;
  int SetAttributes(const AttributeChange& change) override;
  Result<RefPtr<Inode>> Lookup(StringView name) override;
  int LookupPath(StringView path, RefPtr<Inode>* inodes, int max) override;
  Result<RefPtr<Inode>> Create(StringView name, uint32_t mode,
                               uint64_t rdev) override;
  Result<RefPtr<Inode>> MakeDirectory(StringView name, uint32_t mode) override;
  Result<RefPtr<Inode>> MakeSymlink(StringView name,
                                    StringView target) override;
  int Link(StringView name, Inode* target) override;
  int Unlink(StringView name, Inode* target) override;
  int RemoveDirectory(StringView name, Inode* target) override;
  int Rename(StringView name, Inode* new_directory, StringView new_name,
             uint32_t flags) override;
  void NamesChanged() override { ForgetAttributes(); }
  Result<RefPtr<Inode>> CreateUnnamed(uint32_t mode) override;
  Result<RefPtr<File>> CreateAndOpen(StringView name, uint32_t mode,
                                     uint32_t flags,
                                     RefPtr<Inode>* created) override;
  Result<KString> ReadLink() override;
  bool open_truncates() const override { return true; }
  Result<RefPtr<File>> Open(uint32_t flags) override;
  int64_t GetXattr(StringView name, void* value, size_t size) override;
  int SetXattr(StringView name, const void* value, size_t size,
               int flags) override;
  int64_t ListXattr(char* list, size_t size) override;
  int RemoveXattr(StringView name) override;
  bool CachedEntryValid(const Dentry& entry) override;

  // ---- PageCache::Backing
  int ReadPages(uint64_t first, size_t count, FrameNumber* frames) override;
  int WritePages(uint64_t offset, uint64_t length,
                 const FrameNumber* frames) override;

  // ---- For open files.
  PageCache* cache() const { return cache_.get(); }
  uint64_t size() const { return attr_.size; }
  // Whether what is cached of the file may hold (FuseFs::MayBelieve).
  bool MayBelieve() const { return fuse()->MayBelieve(attr_ns_); }
  // Asks for attributes unless they are younger than max_age_ns.
  int Refresh(uint64_t max_age_ns);
  // The same after a change of our own.
  int RefreshOwn();
  // FUSE_SETATTR. `handle` may be null.
  int SetAttributesBy(const AttributeChange& change, FuseHandle* handle);
  // One FUSE write of `size` bytes of kernel memory. Where it ended (for
  // O_APPEND) and how much was written, or negative errno.
  struct Written {
    uint64_t end;
    size_t size;
  };
  Result<Written> Write(FuseHandle* handle, uint64_t offset, const void* data,
                        size_t size, bool append);
  // For open directories: a listing begins; whether to ask for entries, too.
  // Then what comes.
  bool BeginListing();
  int KeepListed(const char* records, size_t size, bool at_end);
  // Something unknown about the file has changed.
  void ForgetAttributes() { attr_until_ns_ = 0; }

 private:
  friend class FuseFs;

  bool AttributesFresh(uint64_t max_age_ns) const;
  // Takes over what the server says, and drops cached pages of an older state
  // of the file.
  void Apply(const fuse_attr& attr, uint64_t valid_ns);
  // The same after a change of our own: pages stay.
  void ApplyOwn(const fuse_attr& attr);
  bool SameState(uint64_t size, uint64_t mtime, uint32_t mtimensec) const;
  Result<fuse_attr_out> AskAttributes();
  void FillAttributes(FileAttributes* out) const;
  void DropPrefetch();
  FuseHandle* AnyHandle();
  FuseHandle* ReadableHandle();
  FuseHandle* WritableHandle();
  int EnsureCache();
  Result<RefPtr<FuseHandle>> OpenHandle(uint32_t flags, bool prefetch);
  RefPtr<FuseHandle> TakeAhead(uint32_t flags);
  int Walk(StringView path, RefPtr<Inode>* inodes, int max);
  void OpenedAhead(uint64_t fh, uint32_t flags, size_t prefetched);
  int OpenOwnHandle();
  size_t TakePrefetched(uint64_t first, size_t count,
                        const FrameNumber* frames);
  Result<RefPtr<FuseHandle>> AddHandle(uint64_t fh, uint32_t flags);
  Result<RefPtr<File>> OpenDirectory(uint32_t flags);
  Result<RefPtr<File>> MakeFile(RefPtr<FuseHandle> handle, uint32_t flags);
  Result<RefPtr<Inode>> InternReply(int error, const fuse_entry_out& entry);
  Result<size_t> ReadPart(FuseHandle* handle, uint64_t offset, size_t pages,
                          const FrameNumber* frames);
  Result<size_t> WritePart(FuseHandle* handle, uint64_t offset, size_t skip,
                           uint64_t length, const FrameNumber* frames);
  int64_t ReadXattr(uint32_t opcode, const StringView* name, void* value,
                    size_t size);
  int WriteBack();
  // Directories: entries fetched ahead (listing.cc).
  bool AskListing(StringView name, RefPtr<Inode>* inode);
  void CountLookup();
  int ExtendListing();
  int FetchListing(char* buffer);
  FuseListing* StartListing();
  void DropListing();
  // An operation of our own on `name` in this directory.
  void NameChanged(StringView name) {
    if (listing_) listing_->Erase(name);
    ForgetAttributes();
  }

  uint64_t nodeid_;
  uint64_t lookups_ = 1;
  uint64_t device_;
  fuse_attr attr_;
  uint64_t attr_ns_ = 0;        // when it was told
  uint64_t attr_until_ns_ = 0;  // how long it may be believed
  // Extended attributes that programs ask for again and again and that were
  // absent, at attr_.ctime.
  uint8_t absent_xattrs_ = 0;
  RefPtr<PageCache> cache_;                               // regular files
  IntrusiveList<FuseHandle, &FuseHandle::link> handles_;  // not owned
  // For the next Open: of CreateUnnamed, and of a look-up that opened, too.
  RefPtr<FuseHandle> unnamed_, ahead_;
  RefPtr<FuseHandle> own_handle_;  // for pages, when nobody else has one
  KString link_target_;
  UniquePtr<FuseListing> listing_;
  uint64_t spree_ns_ = 0;  // look-ups counted since
  uint32_t spree_lookups_ = 0;
  uint64_t listed_ns_ = 0;  // when a program last listed it
  FuseInode* hash_next_ = nullptr;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_FUSE_INODE_H_
