// SPDX-License-Identifier: Apache-2.0
//
// FuseInode's contents: handles at the server, pages read from and written to
// the host.
#include "guestkernel/fs/fuse/fuse_inode.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

constexpr uint64_t kPageSize = FuseConnection::kPageSize;
constexpr uint32_t kOpenMeta =
    sizeof(fuse_out_header) + sizeof(abi::FuseExtOpenOut);

size_t Min(size_t a, size_t b) { return a < b ? a : b; }

}  // namespace

int FuseInode::EnsureCache() {
  if (cache_) return 0;
  cache_ = MakeRef<PageCache>(this);
  if (!cache_) return -ENOMEM;
  cache_->SetSize(attr_.size);
  return 0;
}

Result<RefPtr<FuseHandle>> FuseInode::AddHandle(uint64_t fh, uint32_t flags) {
  auto handle = MakeRef<FuseHandle>(connection(), nodeid_, fh, flags);
  if (!handle) {
    connection()->Release(nodeid_, fh);
    return Error(-ENOMEM);
  }
  handles_.PushBack(handle.get());
  return handle;
}

Result<RefPtr<FuseHandle>> FuseInode::OpenHandle(uint32_t flags,
                                                 bool prefetch) {
  abi::FuseExtOpenOut out;
  FuseFs::Prefetch& first = fuse()->prefetch();
  // What is cached need not come again; unless it is out of date, which is
  // rare.
  if (cache_ && cache_->page_count() > 0) prefetch = false;
  if (flags & kOpenTruncate) prefetch = false;
  {
    FuseRequest request(connection(), abi::kFuseExtOpen, nodeid_);
    abi::FuseExtOpenIn in = {};
    in.open_flags = flags;
    in.meta_size = kOpenMeta;
    if (prefetch) {
      first.inode = nullptr;
      in.data_size = FuseFs::kPrefetchSize;
      request.ExpectData(first.data, FuseFs::kPrefetchSize);
    }
    request.Add(in);
    GK_RETURN_IF_ERROR(request.Call(sizeof(out)));
    out = request.Get<abi::FuseExtOpenOut>();
  }
  Apply(out.attr, 1'000'000'000);
  if (prefetch && out.data_len <= FuseFs::kPrefetchSize) {
    first.inode = this;
    first.size = out.data_len;
    first.to_end = out.data_len < FuseFs::kPrefetchSize;
  }
  return AddHandle(out.fh, flags);
}

int FuseInode::ReadPages(uint64_t first, size_t count, FrameNumber* frames) {
  // Already here?
  const FuseFs::Prefetch& here = fuse()->prefetch();
  if (here.inode == this && first * kPageSize < here.size &&
      (here.to_end || (first + count) * kPageSize <= here.size)) {
    for (size_t i = 0; i < count; ++i) {
      uint64_t from = (first + i) * kPageSize;
      size_t n = from < here.size ? Min(here.size - from, kPageSize) : 0;
      char* to = static_cast<char*>(FrameData(frames[i]));
      memcpy(to, here.data + from, n);
      memset(to + n, 0, kPageSize - n);
    }
    return 0;
  }
  FuseHandle* handle = ReadableHandle();
  if (!handle) {
    GK_RETURN_IF_ERROR(OpenOwnHandle());
    handle = own_handle_.get();
  }
  for (size_t done = 0; done < count;) {
    size_t pages = Min(count - done, FuseConnection::kMaxPages);
    GK_RETURN_IF_ERROR(
        ReadPart(handle, (first + done) * kPageSize, pages, frames + done));
    done += pages;
  }
  return 0;
}

// For the page cache's own reads, from within which it must not be told of new
// attributes.
int FuseInode::OpenOwnHandle() {
  uint64_t fh;
  {
    FuseRequest request(connection(), FUSE_OPEN, nodeid_);
    request.Add(fuse_open_in{kOpenReadOnly, 0});
    GK_RETURN_IF_ERROR(request.Call());
    fh = request.Get<fuse_open_out>().fh;
  }
  GK_ASSIGN_OR_RETURN(own_handle_, AddHandle(fh, kOpenReadOnly));
  return 0;
}

int FuseInode::ReadPart(FuseHandle* handle, uint64_t offset, size_t pages,
                        const FrameNumber* frames) {
  size_t wanted = pages * kPageSize;
  size_t got;
  {
    FuseRequest request(connection(), FUSE_READ, nodeid_);
    fuse_read_in in = {};
    in.fh = handle->fh();
    in.offset = offset;
    in.size = static_cast<uint32_t>(wanted);
    request.Add(in);
    for (size_t i = 0; i < pages; ++i) {
      request.ExpectData(FrameData(frames[i]), kPageSize);
    }
    GK_RETURN_IF_ERROR(request.Call(0));
    got = Min(request.reply_size(), wanted);
  }
  if (got < wanted && offset + got < attr_.size) ForgetAttributes();
  for (size_t i = got / kPageSize; i < pages; ++i) {
    size_t from = i == got / kPageSize ? got % kPageSize : 0;
    memset(static_cast<char*>(FrameData(frames[i])) + from, 0,
           kPageSize - from);
  }
  return 0;
}

// Pages of shared mappings. Whoever maps a file for writing has it open.
int FuseInode::WritePages(uint64_t offset, uint64_t length,
                          const FrameNumber* frames) {
  FuseHandle* handle = WritableHandle();
  if (!handle) return -EIO;
  while (length > 0) {
    size_t skip = offset % kPageSize;
    size_t part = Min(length, FuseConnection::kMaxData - skip);
    abi::FuseExtWriteOut out;
    {
      FuseRequest request(connection(), abi::kFuseExtWrite, nodeid_);
      fuse_write_in in = {};
      in.fh = handle->fh();
      in.offset = offset;
      in.size = static_cast<uint32_t>(part);
      in.write_flags = FUSE_WRITE_CACHE;
      request.Add(in);
      for (size_t done = 0; done < part;) {
        size_t at = (skip + done) % kPageSize;
        size_t n = Min(part - done, kPageSize - at);
        request.AddData(
            static_cast<char*>(FrameData(frames[(skip + done) / kPageSize])) +
                at,
            n);
        done += n;
      }
      GK_RETURN_IF_ERROR(request.Call(sizeof(out)));
      out = request.Get<abi::FuseExtWriteOut>();
    }
    if (out.size == 0 || out.size > part) return -EIO;
    // Not Invalidate() or SetSize() from within the cache: others' changes are
    // noticed at the next open.
    if (SameState(out.before_size, out.before_mtime, out.before_mtimensec) &&
        out.attr.size == attr_.size) {
      ApplyOwn(out.attr);
    } else {
      ForgetAttributes();
    }
    if (out.size < part) return -ENOSPC;
    frames += (skip + part) / kPageSize;
    offset += part;
    length -= part;
  }
  return 0;
}

void FuseInode::WriteBack() {
  if (cache_) cache_->Sync(0, ~uint64_t{0});
}

Result<FuseInode::Written> FuseInode::Write(FuseHandle* handle, uint64_t offset,
                                            const void* data, size_t size,
                                            bool append) {
  abi::FuseExtWriteOut out;
  {
    FuseRequest request(connection(), abi::kFuseExtWrite, nodeid_);
    fuse_write_in in = {};
    in.fh = handle->fh();
    in.offset = offset;
    in.size = static_cast<uint32_t>(size);
    if (!append) in.write_flags = FUSE_WRITE_CACHE;  // exactly at `offset`
    request.Add(in);
    request.AddData(data, size);
    GK_RETURN_IF_ERROR(request.Call(sizeof(out)));
    out = request.Get<abi::FuseExtWriteOut>();
  }
  if (out.size > size || out.end_offset < out.size) return Error(-EIO);
  if (cache_ &&
      !SameState(out.before_size, out.before_mtime, out.before_mtimensec)) {
    cache_->Invalidate(/*all=*/true);
  }
  DropPrefetch();
  ApplyOwn(out.attr);
  if (cache_) cache_->UpdateIfCached(out.end_offset - out.size, data, out.size);
  return Written{out.end_offset, out.size};
}

}  // namespace gk
