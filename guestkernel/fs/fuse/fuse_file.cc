// SPDX-License-Identifier: Apache-2.0
//
// See fuse_file.h. Here: regular files.
#include "guestkernel/fs/fuse/fuse_file.h"

namespace gk {

namespace {

constexpr size_t kFirstWindow = 16, kMaxWindow = 64;  // pages

// lseek(2)'s whence.
enum { kSeekEnd = 2, kSeekData = 3, kSeekHole = 4 };
// fallocate(2)'s modes.
enum { kFallocKeepSize = 1 };

}  // namespace

// A writer's close is told at once, for those who wait for it on the host; a
// reader's can wait for the next request.
FuseFile::~FuseFile() {
  bool written = handle_->writable();
  FuseConnection* connection = inode_->connection();
  handle_.reset();
  if (written) connection->FlushDrops();
}

// The window doubles while the file is read in order.
size_t FuseFile::ReadAhead(uint64_t offset) {
  if (offset != sequential_) {
    window_ = 0;
  } else if (window_ == 0) {
    window_ = kFirstWindow;
  } else if (window_ < kMaxWindow) {
    window_ *= 2;
  }
  return window_;
}

int64_t FuseFile::ReadAt(UserIo& io, uint64_t offset) {
  if (io.remaining() == 0) return 0;
  // Whether there is more by now is worth a question; and whether it is still
  // the same, if the program may have heard that it is not.
  if (offset + io.remaining() > inode_->size() || !inode_->MayBelieve()) {
    GK_RETURN_IF_ERROR(inode_->Refresh(FuseInode::kEndOfFileTimeoutNs));
  }
  int64_t n = inode_->cache()->Read(io, offset, ReadAhead(offset));
  if (n > 0) sequential_ = offset + static_cast<uint64_t>(n);
  return n;
}

int64_t FuseFile::Write(UserIo& io) {
  uint64_t end = position_;
  int64_t n = WriteThrough(io, position_, &end);
  if (n > 0) position_ = end;
  return n;
}

int64_t FuseFile::WriteAt(UserIo& io, uint64_t offset) {
  uint64_t end;
  return WriteThrough(io, offset, &end);
}

int64_t FuseFile::WriteThrough(UserIo& io, uint64_t offset, uint64_t* end) {
  bool append = flags_ & kOpenAppend;
  if (append && !(handle_->flags() & kOpenAppend)) {
    // O_APPEND was set later, by fcntl: the host does not know.
    GK_RETURN_IF_ERROR(inode_->Refresh(0));
    offset = inode_->size();
    append = false;
  }
  FuseConnection* connection = inode_->connection();
  int64_t total = 0;
  while (io.remaining() > 0) {
    size_t part = io.remaining();
    if (part > FuseConnection::kBounceSize) part = FuseConnection::kBounceSize;
    int64_t n = io.CopyIn(connection->bounce(), part);
    if (n <= 0) return total > 0 ? total : n;
    auto taken = static_cast<size_t>(n);
    auto written = inode_->Write(handle_.get(), offset, connection->bounce(),
                                 taken, append);
    size_t done = written.ok() ? written->size : 0;
    io.Rewind(taken - done);
    total += static_cast<int64_t>(done);
    if (done > 0) offset = *end = written->end;
    if (done < taken) {
      return total > 0 || written.ok() ? total : written.error();
    }
  }
  return total;
}

int64_t FuseFile::Seek(int64_t offset, int whence) {
  if (whence == kSeekEnd) {
    GK_RETURN_IF_ERROR(inode_->Refresh(FuseInode::kEndOfFileTimeoutNs));
  }
  if (whence != kSeekData && whence != kSeekHole) {
    return File::Seek(offset, whence);
  }
  if (offset < 0) return -ENXIO;
  FuseRequest request(inode_->connection(), FUSE_LSEEK, inode_->nodeid());
  fuse_lseek_in in = {};
  in.fh = handle_->fh();
  in.offset = static_cast<uint64_t>(offset);
  in.whence = static_cast<uint32_t>(whence);
  request.Add(in);
  GK_RETURN_IF_ERROR(request.Call());
  position_ = request.Get<fuse_lseek_out>().offset;
  return static_cast<int64_t>(position_);
}

int FuseFile::GetAttributes(FileAttributes* out) {
  return inode_->GetAttributes(out);
}

int FuseFile::SetAttributes(const AttributeChange& change) {
  return inode_->SetAttributesBy(change, handle_.get());
}

Result<RefPtr<MemoryObject>> FuseFile::GetMemoryObject() {
  return RefPtr<MemoryObject>(inode_->cache());
}

int FuseFile::Sync(bool data_only) {
  GK_RETURN_IF_ERROR(inode_->cache()->Sync(0, ~uint64_t{0}));
  FuseRequest request(inode_->connection(), FUSE_FSYNC, inode_->nodeid());
  fuse_fsync_in in = {};
  in.fh = handle_->fh();
  in.fsync_flags = data_only ? 1 : 0;
  request.Add(in);
  return request.Call();
}

int FuseFile::Allocate(int mode, uint64_t offset, uint64_t length) {
  // Holes and shifted ranges are made on the host: it must have what is here.
  if (mode & ~kFallocKeepSize) {
    GK_RETURN_IF_ERROR(inode_->cache()->Sync(0, ~uint64_t{0}));
  }
  {
    FuseRequest request(inode_->connection(), FUSE_FALLOCATE, inode_->nodeid());
    fuse_fallocate_in in = {};
    in.fh = handle_->fh();
    in.offset = offset;
    in.length = length;
    in.mode = static_cast<uint32_t>(mode);
    request.Add(in);
    GK_RETURN_IF_ERROR(request.Call());
  }
  if (mode & ~kFallocKeepSize) inode_->cache()->Invalidate(/*all=*/true);
  return inode_->RefreshOwn();
}

Result<RefPtr<File>> FuseInode::MakeFile(RefPtr<FuseHandle> handle,
                                         uint32_t flags) {
  GK_RETURN_IF_ERROR(EnsureCache());
  auto file =
      MakeRef<FuseFile>(RefPtr<FuseInode>(this), std::move(handle), flags);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

// A handle that is there already and does what one opened with `flags` would.
RefPtr<FuseHandle> FuseInode::TakeAhead(uint32_t flags) {
  RefPtr<FuseHandle> unnamed = std::move(unnamed_);
  if (unnamed && !(flags & (kOpenAppend | kOpenSync | kOpenTruncate))) {
    return unnamed;
  }
  if (fuse()->opened_ahead_ != this) return nullptr;
  RefPtr<FuseHandle> handle = std::move(ahead_);
  fuse()->opened_ahead_ = nullptr;
  // Not one that was opened for somebody who then did not want it, long ago.
  if (!AttributesFresh(kEndOfFileTimeoutNs)) return nullptr;
  return handle && handle->flags() == flags ? handle : nullptr;
}

Result<RefPtr<File>> FuseInode::Open(uint32_t flags) {
  if (is_directory()) return OpenDirectory(flags);
  if (type() != kModeRegular) return Error(-ENXIO);
  RefPtr<FuseHandle> handle = TakeAhead(flags);
  if (!handle) {
    bool readable = (flags & kOpenAccessMask) != kOpenWriteOnly;
    GK_ASSIGN_OR_RETURN(handle, OpenHandle(flags, /*prefetch=*/readable));
  }
  return MakeFile(std::move(handle), flags);
}

Result<RefPtr<File>> FuseInode::CreateAndOpen(StringView name, uint32_t mode,
                                              uint32_t flags,
                                              RefPtr<Inode>* created) {
  fuse_entry_out entry;
  fuse_open_out opened;
  {
    FuseRequest request(connection(), FUSE_CREATE, nodeid_);
    fuse_create_in in = {};
    in.flags = flags | kOpenCreate;
    in.mode = mode & ~kModeTypeMask;
    request.Add(in);
    request.AddName(name);
    GK_RETURN_IF_ERROR(request.Call());
    entry = request.Get<fuse_entry_out>();
    opened = request.Get<fuse_open_out>(sizeof(entry));
  }
  NameChanged(name);
  Result<RefPtr<Inode>> inode = fuse()->Intern(entry);
  if (!inode.ok()) {
    connection()->Release(entry.nodeid, opened.fh);
    return Error(inode.error());
  }
  auto* file_inode = static_cast<FuseInode*>(inode->get());
  RefPtr<FuseHandle> handle;
  GK_ASSIGN_OR_RETURN(handle, file_inode->AddHandle(opened.fh, flags));
  RefPtr<File> file;
  GK_ASSIGN_OR_RETURN(file, file_inode->MakeFile(std::move(handle), flags));
  *created = inode.take();
  return file;
}

Result<RefPtr<Inode>> FuseInode::CreateUnnamed(uint32_t mode) {
  fuse_entry_out entry;
  fuse_open_out opened;
  {
    FuseRequest request(connection(), FUSE_TMPFILE, nodeid_);
    fuse_create_in in = {};
    in.flags = kOpenReadWrite;
    in.mode = mode & ~kModeTypeMask;
    request.Add(in);
    request.AddName("");
    GK_RETURN_IF_ERROR(request.Call());
    entry = request.Get<fuse_entry_out>();
    opened = request.Get<fuse_open_out>(sizeof(entry));
  }
  Result<RefPtr<Inode>> inode = fuse()->Intern(entry);
  if (!inode.ok()) {
    connection()->Release(entry.nodeid, opened.fh);
    return inode;
  }
  auto* file_inode = static_cast<FuseInode*>(inode->get());
  GK_ASSIGN_OR_RETURN(file_inode->unnamed_,
                      file_inode->AddHandle(opened.fh, kOpenReadWrite));
  return inode;
}

}  // namespace gk
