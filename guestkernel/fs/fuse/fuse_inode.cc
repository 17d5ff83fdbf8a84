// SPDX-License-Identifier: Apache-2.0
//
// See fuse_inode.h. Here: attributes, how long they are believed, and what
// follows for cached pages.
#include "guestkernel/fs/fuse/fuse_inode.h"

#include "guestkernel/sched/clock.h"

namespace gk {

namespace {

TimeSpec Time(uint64_t seconds, uint32_t nanoseconds) {
  return TimeSpec{static_cast<int64_t>(seconds), nanoseconds};
}

}  // namespace

FuseInode::FuseInode(FuseFs* fs, const fuse_entry_out& entry)
    : Inode(fs, entry.attr.mode),
      nodeid_(entry.nodeid),
      device_(entry.generation),
      attr_(entry.attr) {
  attr_ns_ = MonotonicNs();
  attr_until_ns_ =
      attr_ns_ + entry.attr_valid * 1'000'000'000 + entry.attr_valid_nsec;
  fs->Insert(this);
}

// May run inside any allocation: no requests here.
FuseInode::~FuseInode() {
  fuse()->Remove(this);
  DropListing();
  if (fuse()->opened_ahead_ == this) fuse()->opened_ahead_ = nullptr;
  if (cache_) cache_->DetachBacking();
  DropPrefetch();
  connection()->Forget(nodeid_, lookups_);
}

bool FuseInode::AttributesFresh(uint64_t max_age_ns) const {
  uint64_t now = MonotonicNs();
  return now < attr_until_ns_ && now - attr_ns_ <= max_age_ns &&
         fuse()->MayBelieve(attr_ns_);
}

// Whether the file's contents are those that we know. As in NFS, ctime does not
// count: it moves with every rename.
bool FuseInode::SameState(uint64_t size, uint64_t mtime,
                          uint32_t mtimensec) const {
  return size == attr_.size && mtime == attr_.mtime &&
         mtimensec == attr_.mtimensec;
}

void FuseInode::Apply(const fuse_attr& attr, uint64_t valid_ns) {
  if (!SameState(attr.size, attr.mtime, attr.mtimensec)) {
    // Somebody is changing things: a file that appears may be the sign that
    // others are ready.
    if (type() == kModeRegular) fuse()->Distrust();
    DropPrefetch();
    if (cache_) cache_->Invalidate(/*all=*/true);
  }
  ApplyOwn(attr);
  attr_until_ns_ = attr_ns_ + valid_ns;
}

void FuseInode::ApplyOwn(const fuse_attr& attr) {
  if (attr.ctime != attr_.ctime || attr.ctimensec != attr_.ctimensec) {
    absent_xattrs_ = 0;
  }
  bool resized = attr.size != attr_.size;
  attr_ = attr;
  mode_ = (mode_ & kModeTypeMask) | (attr.mode & ~kModeTypeMask);
  attr_ns_ = MonotonicNs();
  attr_until_ns_ = attr_ns_ + 1'000'000'000;
  if (resized) DropPrefetch();
  if (resized && cache_) cache_->SetSize(attr.size);
}

void FuseInode::DropPrefetch() {
  if (fuse()->prefetch().inode == this) fuse()->prefetch().inode = nullptr;
}

Result<fuse_attr_out> FuseInode::AskAttributes() {
  fuse_getattr_in in = {};
  // An open file is found whatever has become of its name.
  if (FuseHandle* handle = AnyHandle()) {
    in.getattr_flags = FUSE_GETATTR_FH;
    in.fh = handle->fh();
  }
  FuseRequest request(connection(), FUSE_GETATTR, nodeid_);
  request.Add(in);
  GK_RETURN_IF_ERROR(request.Call());
  return request.Get<fuse_attr_out>();
}

int FuseInode::Refresh(uint64_t max_age_ns) {
  if (AttributesFresh(max_age_ns)) return 0;
  GK_ASSIGN_OR_RETURN(fuse_attr_out out, AskAttributes());
  Apply(out.attr, out.attr_valid * 1'000'000'000 + out.attr_valid_nsec);
  return 0;
}

int FuseInode::RefreshOwn() {
  GK_ASSIGN_OR_RETURN(fuse_attr_out out, AskAttributes());
  ApplyOwn(out.attr);
  return 0;
}

void FuseInode::FillAttributes(FileAttributes* out) const {
  *out = FileAttributes();
  out->device = device_;
  out->inode = attr_.ino;
  out->mode = attr_.mode;
  out->link_count = attr_.nlink;
  out->uid = attr_.uid;
  out->gid = attr_.gid;
  out->rdev = attr_.rdev;
  out->size = attr_.size;
  out->blocks = attr_.blocks;
  out->block_size = attr_.blksize;
  out->atime = Time(attr_.atime, attr_.atimensec);
  out->mtime = Time(attr_.mtime, attr_.mtimensec);
  out->ctime = Time(attr_.ctime, attr_.ctimensec);
  out->btime = out->ctime;
}

int FuseInode::GetAttributes(FileAttributes* out) {
  GK_RETURN_IF_ERROR(Refresh(~uint64_t{0}));
  FillAttributes(out);
  return 0;
}

int FuseInode::GetCachedAttributes(FileAttributes* out) {
  FillAttributes(out);
  return 0;
}

int FuseInode::SetAttributes(const AttributeChange& change) {
  return SetAttributesBy(change, WritableHandle());
}

int FuseInode::SetAttributesBy(const AttributeChange& change,
                               FuseHandle* handle) {
  // Mapped pages written back later would change the times again.
  if (cache_ && (change.set_mtime || change.set_atime)) WriteBack();
  fuse_setattr_in in = {};
  if (change.set_mode) in.valid |= FATTR_MODE, in.mode = change.mode;
  if (change.set_uid) in.valid |= FATTR_UID, in.uid = change.uid;
  if (change.set_gid) in.valid |= FATTR_GID, in.gid = change.gid;
  if (change.set_size) {
    in.valid |= FATTR_SIZE;
    in.size = change.size;
    if (handle && handle->writable())
      in.valid |= FATTR_FH, in.fh = handle->fh();
  }
  if (change.set_atime) {
    in.valid |= change.atime_now ? FATTR_ATIME | FATTR_ATIME_NOW : FATTR_ATIME;
    in.atime = static_cast<uint64_t>(change.atime.seconds);
    in.atimensec = static_cast<uint32_t>(change.atime.nanoseconds);
  }
  if (change.set_mtime) {
    in.valid |= change.mtime_now ? FATTR_MTIME | FATTR_MTIME_NOW : FATTR_MTIME;
    in.mtime = static_cast<uint64_t>(change.mtime.seconds);
    in.mtimensec = static_cast<uint32_t>(change.mtime.nanoseconds);
  }
  if (in.valid == 0) return 0;
  fuse_attr attr;
  {
    FuseRequest request(connection(), FUSE_SETATTR, nodeid_);
    request.Add(in);
    GK_RETURN_IF_ERROR(request.Call());
    attr = request.Get<fuse_attr_out>().attr;
  }
  ApplyOwn(attr);
  return 0;
}

int FuseInode::AskAccess(int want) {
  FuseRequest request(connection(), FUSE_ACCESS, nodeid_);
  request.Add(fuse_access_in{static_cast<uint32_t>(want), 0});
  return request.Call();
}

bool FuseInode::CachedEntryValid(const Dentry& entry) {
  uint64_t validated = entry.validated_ns();
  if (!fuse()->MayBelieve(validated)) return false;
  uint64_t age = MonotonicNs() - validated;
  if (entry.is_negative()) return age < FuseFs::kNegativeTimeoutNs;
  return age < FuseFs::kEntryTimeoutNs;
}

FuseHandle* FuseInode::AnyHandle() { return handles_.front(); }

FuseHandle* FuseInode::ReadableHandle() {
  for (FuseHandle& handle : handles_) {
    if (handle.readable()) return &handle;
  }
  return nullptr;
}

FuseHandle* FuseInode::WritableHandle() {
  for (FuseHandle& handle : handles_) {
    if (handle.writable()) return &handle;
  }
  return nullptr;
}

}  // namespace gk
