// SPDX-License-Identifier: Apache-2.0
//
// See fuse_file.h. Here: directories.
#include "guestkernel/fs/fuse/fuse_file.h"
#include "guestkernel/lib/heap.h"

namespace gk {

FuseDirectory::~FuseDirectory() {
  HeapFree(buffer_);
  inode_->connection()->Release(inode_->nodeid(), fh_);
}

Result<RefPtr<File>> FuseInode::OpenDirectory(uint32_t flags) {
  uint64_t fh;
  {
    FuseRequest request(connection(), FUSE_OPENDIR, nodeid_);
    request.Add(fuse_open_in{flags & kOpenNoAtime, 0});
    GK_RETURN_IF_ERROR(request.Call());
    fh = request.Get<fuse_open_out>().fh;
  }
  auto file = MakeRef<FuseDirectory>(RefPtr<FuseInode>(this), fh, flags);
  if (!file) {
    connection()->Release(nodeid_, fh);
    return Error(-ENOMEM);
  }
  return RefPtr<File>(std::move(file));
}

// Records from position() on.
int FuseDirectory::Fill() {
  if (!buffer_) buffer_ = static_cast<char*>(HeapAllocate(kBufferSize));
  if (!buffer_) return -ENOMEM;
  filled_ = at_ = 0;
  at_position_ = position_;
  FuseRequest request(inode_->connection(), FUSE_READDIR, inode_->nodeid());
  fuse_read_in in = {};
  in.fh = fh_;
  in.offset = position_;
  in.size = kBufferSize;
  request.Add(in);
  request.ExpectData(buffer_, kBufferSize);
  GK_RETURN_IF_ERROR(request.Call(0));
  filled_ = request.reply_size();
  return 0;
}

int FuseDirectory::ReadDirectory(DirSink& sink) {
  for (;;) {
    // Position 0 is a rewind: what has changed since must be seen.
    bool here = at_ < filled_ && at_position_ == position_ && position_ != 0;
    if (!here) {
      GK_RETURN_IF_ERROR(Fill());
      if (filled_ == 0) return 0;
    }
    while (at_ + FUSE_NAME_OFFSET <= filled_) {
      fuse_dirent entry;
      memcpy(&entry, buffer_ + at_, FUSE_NAME_OFFSET);
      size_t size = FUSE_NAME_OFFSET + entry.namelen;
      if (entry.namelen > 255 || size > filled_ - at_) return -EIO;
      StringView name(buffer_ + at_ + FUSE_NAME_OFFSET, entry.namelen);
      if (!sink.Add(name, entry.ino, static_cast<uint8_t>(entry.type),
                    entry.off)) {
        return 0;
      }
      position_ = at_position_ = entry.off;
      at_ += FUSE_REC_ALIGN(size);
    }
    filled_ = at_ = 0;
  }
}

int FuseDirectory::Sync(bool data_only) {
  FuseRequest request(inode_->connection(), FUSE_FSYNCDIR, inode_->nodeid());
  fuse_fsync_in in = {};
  in.fh = fh_;
  in.fsync_flags = data_only ? 1 : 0;
  request.Add(in);
  return request.Call();
}

}  // namespace gk
