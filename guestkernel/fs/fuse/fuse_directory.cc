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
  if (position_ == 0) plus_ = inode_->BeginListing();
  abi::FuseExtReadDirOut out;
  {
    FuseRequest request(inode_->connection(), abi::kFuseExtReadDir,
                        inode_->nodeid());
    abi::FuseExtReadDirIn in = {};
    in.fh = fh_;
    in.offset = position_;
    // Names alone are small.
    in.size = plus_ ? kBufferSize : kBufferSize / 2;
    in.meta_size = sizeof(fuse_out_header) + sizeof(out);
    if (plus_) in.flags = abi::kFuseExtReadDirPlus;
    request.Add(in);
    request.ExpectData(buffer_, in.size);
    int error = request.Call(sizeof(out));
    // There is nothing in a removed directory.
    if (fh_ == 0 && error == -ENOENT) return 0;
    GK_RETURN_IF_ERROR(error);
    out = request.Get<abi::FuseExtReadDirOut>();
  }
  if (out.data_len > kBufferSize) return -EIO;
  fh_ = out.fh;
  filled_ = out.data_len;
  at_end_ = out.at_end != 0;
  // Without memory for the entries, the names are there.
  if (plus_) (void)inode_->KeepListed(buffer_, filled_, at_end_);
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
    while (at_ < filled_) {
      FuseDirRecord record;
      GK_RETURN_IF_ERROR(record.Parse(buffer_ + at_, filled_ - at_, plus_));
      if (!sink.Add(record.name, record.inode, record.type,
                    record.next_offset)) {
        return 0;
      }
      position_ = at_position_ = record.next_offset;
      at_ += record.size;
    }
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
