// SPDX-License-Identifier: Apache-2.0
//
// tmpfs: the file system and what its inodes have in common.
#include "guestkernel/fs/tmpfs.h"

#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/permission.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {
constexpr uint64_t kTmpfsMagic = 0x01021994;  // linux/magic.h
TimeSpec Now() { return ToTimeSpec(RealtimeNs()); }
}  // namespace

Result<Tmpfs*> Tmpfs::Create(uint32_t root_mode, uint64_t size_limit,
                             const char* type_name) {
  UniquePtr<Tmpfs> fs(new (std::nothrow) Tmpfs);
  if (!fs) return Error(-ENOMEM);
  fs->type_name_ = type_name;
  fs->device_id = AllocateDeviceId();
  fs->page_limit_ = size_limit ? (size_limit + 4095) / 4096
                               : GetMemoryStatistics().total_frames / 2;
  fs->root_ = MakeRef<TmpfsDirectory>(fs.get(), root_mode);
  if (!fs->root_) return Error(-ENOMEM);
  return fs.release();
}

RefPtr<Inode> Tmpfs::Root() { return root_; }

int Tmpfs::GetStatistics(FsStatistics* out) {
  *out = FsStatistics();
  out->type = kTmpfsMagic;
  out->blocks = page_limit_;
  out->blocks_free = out->blocks_available = pages_left();
  out->files = page_limit_;
  out->files_free = page_limit_ > inodes_ ? page_limit_ - inodes_ : 0;
  out->fsid = device_id;
  return 0;
}

Result<FileSystem*> NewTmpfs(uint32_t mode, uint64_t size_limit) {
  Tmpfs* fs;
  GK_ASSIGN_OR_RETURN(fs, Tmpfs::Create(mode, size_limit, "tmpfs"));
  return static_cast<FileSystem*>(fs);
}

TmpfsInode::TmpfsInode(Tmpfs* fs, uint32_t mode, uint64_t rdev)
    : Inode(fs, mode), number_(fs->NextInodeNumber()), rdev_(rdev) {
  atime_ = mtime_ = ctime_ = btime_ = Now();
  fs->AccountInode(1);
}

TmpfsInode::~TmpfsInode() { tmpfs()->AccountInode(-1); }

int TmpfsInode::GetAttributes(FileAttributes* out) {
  *out = FileAttributes();
  out->device = tmpfs()->device_id;
  out->inode = number_;
  out->mode = mode_;
  out->link_count = link_count;
  out->uid = uid_;
  out->gid = gid_;
  out->rdev = rdev_;
  out->size = Size();
  out->blocks = Blocks();
  out->atime = atime_;
  out->mtime = mtime_;
  out->ctime = ctime_;
  out->btime = btime_;
  return 0;
}

int TmpfsInode::SetAttributes(const AttributeChange& change) {
  if (change.set_size) {
    GK_RETURN_IF_ERROR(SetSize(change.size));
    mtime_ = Now();
    DropPrivilegeBits();
  }
  if (change.set_mode) mode_ = type() | (change.mode & 07777);
  if (change.set_uid) uid_ = change.uid;
  if (change.set_gid) gid_ = change.gid;
  if (change.set_atime) atime_ = change.atime_now ? Now() : change.atime;
  if (change.set_mtime) mtime_ = change.mtime_now ? Now() : change.mtime;
  ctime_ = Now();
  return 0;
}

void TmpfsInode::TouchChange() { ctime_ = Now(); }
void TmpfsInode::TouchModified() { mtime_ = ctime_ = Now(); }

// As mount option relatime: once a day, or when older than the last change.
void TmpfsInode::TouchAccess() {
  TimeSpec now = Now();
  if (atime_.seconds <= mtime_.seconds || atime_.seconds <= ctime_.seconds ||
      now.seconds - atime_.seconds >= 24 * 3600) {
    atime_ = now;
  }
}

void TmpfsInode::DropPrivilegeBits() {
  if (!(mode_ & (kModeSetUid | kModeSetGid)) || HasCapability(kCapFsetid)) {
    return;
  }
  FileAttributes now;
  now.mode = mode_;
  now.gid = gid_;
  mode_ = WithoutPrivilegeBits(now);
}

int64_t TmpfsInode::GetXattr(StringView name, void* value, size_t size) {
  return xattrs_.Get(name, value, size);
}

int TmpfsInode::SetXattr(StringView name, const void* value, size_t size,
                         int flags) {
  GK_RETURN_IF_ERROR(xattrs_.Set(name, value, size, flags));
  ctime_ = Now();
  return 0;
}

int64_t TmpfsInode::ListXattr(char* list, size_t size) {
  return xattrs_.List(list, size);
}

int TmpfsInode::RemoveXattr(StringView name) {
  GK_RETURN_IF_ERROR(xattrs_.Remove(name));
  ctime_ = Now();
  return 0;
}

}  // namespace gk
