// SPDX-License-Identifier: Apache-2.0
//
// See fuse_fs.h. Here: the file system as such, and its table of inodes.
#include "guestkernel/fs/fuse/fuse_fs.h"

#include "guestkernel/fs/fuse/fuse_inode.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/sched/clock.h"

namespace gk {

namespace {

constexpr size_t kFirstBuckets = 256;
constexpr uint64_t kFuseSuperMagic = 0x65735546;  // linux/magic.h

}  // namespace

Result<FuseFs*> FuseFs::Create(FuseTransport* transport) {
  auto* fs = new (std::nothrow) FuseFs;
  if (!fs) return Error(-ENOMEM);
  fs->is_remote = true;
  GK_RETURN_IF_ERROR(fs->buckets_.Resize(kFirstBuckets));
  fs->prefetch_.data = static_cast<char*>(HeapAllocate(kPrefetchSize));
  if (!fs->prefetch_.data) return Error(-ENOMEM);
  GK_ASSIGN_OR_RETURN(fs->connection_, FuseConnection::Create(transport));

  fuse_entry_out entry = {};
  {
    FuseRequest request(fs->connection_, FUSE_GETATTR, FUSE_ROOT_ID);
    request.Add(fuse_getattr_in{});
    GK_RETURN_IF_ERROR(request.Call());
    auto reply = request.Get<fuse_attr_out>();
    entry.attr = reply.attr;
    entry.generation = reply.dummy;
  }
  entry.nodeid = FUSE_ROOT_ID;
  GK_ASSIGN_OR_RETURN(fs->root_, fs->Intern(entry));
  return fs;
}

FuseFs::~FuseFs() {
  root_.reset();
  GK_ASSERT(inode_count_ == 0);
  HeapFree(prefetch_.data);
  delete connection_;
}

RefPtr<Inode> FuseFs::Root() { return root_; }

int FuseFs::GetStatistics(FsStatistics* out) {
  FuseRequest request(connection_, FUSE_STATFS, FUSE_ROOT_ID);
  GK_RETURN_IF_ERROR(request.Call());
  fuse_kstatfs st = request.Get<fuse_statfs_out>().st;
  *out = FsStatistics();
  out->type = kFuseSuperMagic;
  // statfs(2) counts in f_frsize units where there are any.
  out->block_size = st.frsize ? st.frsize : st.bsize;
  out->blocks = st.blocks;
  out->blocks_free = st.bfree;
  out->blocks_available = st.bavail;
  out->files = st.files;
  out->files_free = st.ffree;
  out->name_max = st.namelen;
  return 0;
}

void FuseFs::WriteBackAll() {
  ForEachInode([](FuseInode* inode) {
    if (int error = inode->WriteBack(); error < 0) {
      Log(LogLevel::kError, "a mapped file cannot be written: error %d", error);
    }
  });
}

int FuseFs::SyncAll() {
  WriteBackAll();
  FuseRequest request(connection_, FUSE_SYNCFS, FUSE_ROOT_ID);
  request.Add(fuse_syncfs_in{});
  return request.Call();
}

Result<RefPtr<Inode>> FuseFs::Intern(const fuse_entry_out& entry) {
  if (FuseInode* known = Find(entry.nodeid)) {
    if (known->type() == (entry.attr.mode & kModeTypeMask)) {
      ++known->lookups_;
      known->Apply(entry.attr,
                   entry.attr_valid * 1'000'000'000 + entry.attr_valid_nsec);
      return RefPtr<Inode>(known);
    }
  }
  auto inode = MakeRef<FuseInode>(this, entry);
  if (!inode) {
    connection_->Forget(entry.nodeid, 1);
    return Error(-ENOMEM);
  }
  return RefPtr<Inode>(std::move(inode));
}

bool FuseFs::TakeExpected(uint32_t* flags) {
  bool expected = open_expected_;
  open_expected_ = false;
  *flags = expected_flags_;
  return expected;
}

void FuseFs::SetOpenedAhead(FuseInode* inode) {
  if (opened_ahead_ && opened_ahead_ != inode) opened_ahead_->ahead_.reset();
  opened_ahead_ = inode;
}

FuseInode** FuseFs::Bucket(uint64_t nodeid) {
  // The low half counts slots up: spread enough.
  return &buckets_[nodeid & (buckets_.size() - 1)];
}

FuseInode* FuseFs::Find(uint64_t nodeid) {
  FuseInode* at = *Bucket(nodeid);
  while (at && at->nodeid_ != nodeid) at = at->hash_next_;
  return at;
}

void FuseFs::Insert(FuseInode* inode) {
  if (inode_count_ >= 2 * buckets_.size()) Grow();
  FuseInode** bucket = Bucket(inode->nodeid_);
  inode->hash_next_ = *bucket;
  *bucket = inode;
  ++inode_count_;
}

void FuseFs::Remove(FuseInode* inode) {
  FuseInode** at = Bucket(inode->nodeid_);
  while (*at != inode) at = &(*at)->hash_next_;
  *at = inode->hash_next_;
  --inode_count_;
}

// Without memory the chains just get longer.
void FuseFs::Grow() {
  Vector<FuseInode*> old;
  if (old.Resize(4 * buckets_.size()) < 0) return;
  // The allocation may have made inodes go: they were in buckets_, still.
  old.Swap(buckets_);
  for (FuseInode* inode : old) {
    while (inode) {
      FuseInode* next = inode->hash_next_;
      FuseInode** bucket = Bucket(inode->nodeid_);
      inode->hash_next_ = *bucket;
      *bucket = inode;
      inode = next;
    }
  }
}

// `f` must not make new inodes.
template <typename F>
void FuseFs::ForEachInode(F f) {
  for (size_t i = 0; i < buckets_.size(); ++i) {
    RefPtr<FuseInode> inode(buckets_[i]);
    while (inode) {
      f(inode.get());
      inode = RefPtr<FuseInode>(inode->hash_next_);
    }
  }
}

void FuseFs::Pause() {
  SetOpenedAhead(nullptr);
  WriteBackAll();
  ForEachInode([](FuseInode* inode) {
    inode->DropListing();
    if (inode->cache_ && !inode->cache_->first_mapping) {
      inode->cache_->Invalidate(/*all=*/false);
    }
  });
  connection_->FlushDrops();
}

void FuseFs::Resumed() {
  resumed_ns_ = MonotonicNs();
  prefetch_.inode = nullptr;
  labelled_ = -1;
  ForEachInode([](FuseInode* inode) { inode->ForgetAttributes(); });
}

}  // namespace gk
