// SPDX-License-Identifier: Apache-2.0
//
// See fuse_file.h. Here: directories.
#include "guestkernel/fs/fuse/fuse_file.h"
#include "guestkernel/lib/heap.h"

namespace gk {

namespace abi = crvm::abi;

FuseDirectory::~FuseDirectory() {
  HeapFree(buffer_);
  if (fh_) inode_->connection()->Release(inode_->nodeid(), fh_);
}

// The server opens it when it is first listed: many are opened only to be
// named.
Result<RefPtr<File>> FuseInode::OpenDirectory(uint32_t flags) {
  auto file = MakeRef<FuseDirectory>(RefPtr<FuseInode>(this), flags);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

// Records from position() on.
int FuseDirectory::Fill() {
  if (!buffer_) buffer_ = static_cast<char*>(HeapAllocate(kBufferSize));
  if (!buffer_) return -ENOMEM;
  filled_ = at_ = 0;
  at_position_ = position_;
  at_end_ = false;
  FuseRequest request(inode_->connection(), abi::kFuseExtReadDir,
                      inode_->nodeid());
  abi::FuseExtReadDirIn in = {};
  in.fh = fh_;
  in.offset = position_;
  in.size = kBufferSize;
  in.meta_size = sizeof(fuse_out_header) + sizeof(abi::FuseExtReadDirOut);
  request.Add(in);
  request.ExpectData(buffer_, kBufferSize);
  int error = request.Call(sizeof(abi::FuseExtReadDirOut));
  // There is nothing in a removed directory.
  if (fh_ == 0 && error == -ENOENT) return 0;
  GK_RETURN_IF_ERROR(error);
  auto out = request.Get<abi::FuseExtReadDirOut>();
  if (out.data_len > kBufferSize) return -EIO;
  fh_ = out.fh;
  filled_ = out.data_len;
  at_end_ = out.at_end != 0;
  return 0;
}

int FuseDirectory::ReadDirectory(DirSink& sink) {
  for (;;) {
    // Position 0 is a rewind: what has changed since must be seen.
    bool known = position_ != 0 && at_position_ == position_;
    if (!known || at_ == filled_) {
      if (known && at_end_) return 0;
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
    at_ = filled_;
  }
}

int FuseDirectory::Sync(bool data_only) {
  if (fh_ == 0) {
    FuseRequest request(inode_->connection(), FUSE_OPENDIR, inode_->nodeid());
    request.Add(fuse_open_in{});
    GK_RETURN_IF_ERROR(request.Call());
    fh_ = request.Get<fuse_open_out>().fh;
  }
  FuseRequest request(inode_->connection(), FUSE_FSYNCDIR, inode_->nodeid());
  fuse_fsync_in in = {};
  in.fh = fh_;
  in.fsync_flags = data_only ? 1 : 0;
  request.Add(in);
  return request.Call();
}

}  // namespace gk
