// SPDX-License-Identifier: Apache-2.0
//
// File: what every open file description does unless its kind overrides it.
#include "guestkernel/fs/file.h"

#include "guestkernel/fs/inode.h"
#include "guestkernel/fs/locks.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

void (*File::on_watched_file_closed)(File* file);

File::~File() {
  if (first_epoll_item) on_watched_file_closed(this);
  ReleaseLocksOfFile(this);
}

int64_t File::Read(UserIo& io) {
  int64_t n = ReadAt(io, position_);
  if (n > 0) position_ += n;
  return n;
}

int64_t File::Write(UserIo& io) {
  if ((flags_ & kOpenAppend) && seekable()) {
    FileAttributes attributes;
    GK_RETURN_IF_ERROR(GetAttributes(&attributes));
    position_ = attributes.size;
  }
  int64_t n = WriteAt(io, position_);
  if (n > 0) position_ += n;
  return n;
}

int64_t File::ReadAt(UserIo&, uint64_t) {
  return seekable() ? -EINVAL : -ESPIPE;
}

int64_t File::WriteAt(UserIo&, uint64_t) {
  return seekable() ? -EINVAL : -ESPIPE;
}

int64_t File::Seek(int64_t offset, int whence) {
  enum { kSet, kCurrent, kEnd, kData, kHole };
  if (!seekable()) return -ESPIPE;
  int64_t base = 0;
  if (whence == kCurrent) base = static_cast<int64_t>(position_);
  if (whence == kEnd || whence == kData || whence == kHole) {
    FileAttributes attributes;
    GK_RETURN_IF_ERROR(GetAttributes(&attributes));
    base = static_cast<int64_t>(attributes.size);
    if (whence != kEnd) {
      // All is data, up to the one hole at the end.
      if (offset < 0 || offset >= base) return -ENXIO;
      base = whence == kData ? 0 : base - offset;
    }
  } else if (whence != kSet && whence != kCurrent) {
    return -EINVAL;
  }
  int64_t position;
  if (__builtin_add_overflow(base, offset, &position)) return -EOVERFLOW;
  if (position < 0) return -EINVAL;
  position_ = static_cast<uint64_t>(position);
  return position;
}

uint32_t File::Poll(PollTable*) {
  return kPollIn | kPollOut | kPollRdNorm | kPollWrNorm;
}

int64_t File::Ioctl(uint32_t, uint64_t) { return -ENOTTY; }

int64_t File::Fcntl(uint32_t, uint64_t) { return -EBADF; }

int64_t File::Peek(UserIo&, size_t) { return -EINVAL; }

int File::GetAttributes(FileAttributes* out) {
  return inode() ? inode()->GetAttributes(out) : -EBADF;
}

int File::SetAttributes(const AttributeChange& change) {
  return inode() ? inode()->SetAttributes(change) : -EINVAL;
}

Result<RefPtr<MemoryObject>> File::GetMemoryObject() { return Error(-ENODEV); }

int File::ReadDirectory(DirSink&) { return -ENOTDIR; }

int File::OnClose(Process*) { return 0; }

Result<KString> File::Describe() {
  if (dentry_) return PathOf(dentry_.get(), /*mark_deleted=*/true);
  return KString::From("anon_inode:[unknown]");
}

void File::set_dentry(RefPtr<Dentry> dentry) { dentry_ = std::move(dentry); }

Inode* File::inode() const { return dentry_ ? dentry_->inode() : nullptr; }

}  // namespace gk
