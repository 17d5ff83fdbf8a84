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
  if (flags & kOpenTruncate) {
    if (cache_) cache_->SetSize(0);
    ApplyOwn(out.attr);
  } else {
    Apply(out.attr, 1'000'000'000);
  }
  if (prefetch && out.data_len <= FuseFs::kPrefetchSize) {
    first.inode = this;
    first.size = out.data_len;
    first.to_end = out.data_len < FuseFs::kPrefetchSize;
  }
  return AddHandle(out.fh, flags);
}

// Fills frames from what has come with the last open; how many.
size_t FuseInode::TakePrefetched(uint64_t first, size_t count,
                                 const FrameNumber* frames) {
  const FuseFs::Prefetch& here = fuse()->prefetch();
  if (here.inode != this) return 0;
  // Without the end, only whole pages are known.
  uint64_t limit = here.to_end ? here.size : here.size / kPageSize * kPageSize;
  size_t i = 0;
  for (; i < count && (first + i) * kPageSize < limit; ++i) {
    uint64_t from = (first + i) * kPageSize;
    size_t n = Min(limit - from, kPageSize);
    char* to = static_cast<char*>(FrameData(frames[i]));
    memcpy(to, here.data + from, n);
    memset(to + n, 0, kPageSize - n);
  }
  return i;
}

int FuseInode::ReadPages(uint64_t first, size_t count, FrameNumber* frames) {
  size_t here = TakePrefetched(first, count, frames);
  first += here;
  count -= here;
  frames += here;
  if (count == 0) return 0;
  FuseHandle* handle = ReadableHandle();
  if (!handle) {
    GK_RETURN_IF_ERROR(OpenOwnHandle());
    handle = own_handle_.get();
  }
  for (size_t done = 0; done < count;) {
    Result<size_t> read = ReadPart(handle, (first + done) * kPageSize,
                                   count - done, frames + done);
    GK_RETURN_IF_ERROR(read);
    done += *read;
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

// As many of the pages as one request may have.
Result<size_t> FuseInode::ReadPart(FuseHandle* handle, uint64_t offset,
                                   size_t pages, const FrameNumber* frames) {
  size_t taken = 0, got;
  {
    FuseRequest request(connection(), FUSE_READ, nodeid_);
    while (taken < Min(pages, FuseConnection::kMaxPages) &&
           request.has_room()) {
      request.ExpectData(FrameData(frames[taken++]), kPageSize);
    }
    fuse_read_in in = {};
    in.fh = handle->fh();
    in.offset = offset;
    in.size = static_cast<uint32_t>(taken * kPageSize);
    request.Add(in);
    GK_RETURN_IF_ERROR(request.Call(0));
    got = Min(request.reply_size(), taken * kPageSize);
  }
  if (got < taken * kPageSize && offset + got < attr_.size) ForgetAttributes();
  for (size_t i = got / kPageSize; i < taken; ++i) {
    size_t from = i == got / kPageSize ? got % kPageSize : 0;
    memset(static_cast<char*>(FrameData(frames[i])) + from, 0,
           kPageSize - from);
  }
  return taken;
}

// Pages of shared mappings. Whoever maps a file for writing has it open.
int FuseInode::WritePages(uint64_t offset, uint64_t length,
                          const FrameNumber* frames) {
  FuseHandle* handle = WritableHandle();
  if (!handle) return -EIO;
  size_t skip = offset % kPageSize;  // within frames[0]
  while (length > 0) {
    Result<size_t> written = WritePart(handle, offset, skip, length, frames);
    GK_RETURN_IF_ERROR(written);
    skip += *written;
    frames += skip / kPageSize;
    skip %= kPageSize;
    offset += *written;
    length -= *written;
  }
  return 0;
}

// As much as one request may have.
Result<size_t> FuseInode::WritePart(FuseHandle* handle, uint64_t offset,
                                    size_t skip, uint64_t length,
                                    const FrameNumber* frames) {
  abi::FuseExtWriteOut out;
  size_t taken = 0;
  {
    FuseRequest request(connection(), abi::kFuseExtWrite, nodeid_);
    fuse_write_in in = {};
    in.fh = handle->fh();
    in.offset = offset;
    in.write_flags = FUSE_WRITE_CACHE;
    size_t in_at = request.Add(in);
    size_t limit = Min(length, FuseConnection::kMaxData);
    while (taken < limit && request.has_room()) {
      size_t at = (skip + taken) % kPageSize;
      size_t n = Min(limit - taken, kPageSize - at);
      request.AddData(
          static_cast<char*>(FrameData(frames[(skip + taken) / kPageSize])) +
              at,
          n);
      taken += n;
    }
    in.size = static_cast<uint32_t>(taken);
    request.Replace(in_at, in);
    GK_RETURN_IF_ERROR(request.Call(sizeof(out)));
    out = request.Get<abi::FuseExtWriteOut>();
  }
  if (out.size == 0 || out.size > taken) return Error(-EIO);
  // Not Invalidate() or SetSize() from within the cache: others' changes are
  // noticed at the next open.
  if (SameState(out.before_size, out.before_mtime, out.before_mtimensec) &&
      out.attr.size == attr_.size) {
    ApplyOwn(out.attr);
  } else {
    ForgetAttributes();
  }
  return static_cast<size_t>(out.size);
}

int FuseInode::WriteBack() {
  return cache_ ? cache_->Sync(0, ~uint64_t{0}) : 0;
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
