// SPDX-License-Identifier: Apache-2.0
//
// See connection.h.
#include "guestkernel/fs/fuse/connection.h"

#include "guestkernel/lib/heap.h"
#include "guestkernel/lib/panic.h"
#include "guestkernel/sched/clock.h"

namespace gk {

namespace abi = crvm::abi;

Result<FuseConnection*> FuseConnection::Create(FuseTransport* transport) {
  auto* connection = new (std::nothrow) FuseConnection(transport);
  if (!connection) return Error(-ENOMEM);
  // Blocks of a page and more are physically contiguous.
  char* buffers = static_cast<char*>(HeapAllocate(2 * kHalf));
  connection->bounce_ = static_cast<char*>(HeapAllocate(kBounceSize));
  connection->drops_ = static_cast<DropPage*>(HeapAllocateZeroed(kPageSize));
  if (!buffers || !connection->bounce_ || !connection->drops_) {
    return Error(-ENOMEM);  // at boot: the VM ends
  }
  connection->request_ = buffers;
  connection->reply_ = buffers + kHalf;
  GK_RETURN_IF_ERROR(connection->Handshake());
  return connection;
}

FuseConnection::~FuseConnection() {
  HeapFree(request_);
  HeapFree(bounce_);
  HeapFree(drops_);
}

int FuseConnection::Handshake() {
  FuseRequest request(this, FUSE_INIT, 0);
  fuse_init_in in = {};
  in.major = FUSE_KERNEL_VERSION;
  in.minor = 31;
  in.flags = FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_MAX_PAGES |
             FUSE_DO_READDIRPLUS | FUSE_DONT_MASK;
  request.Add(in);
  GK_RETURN_IF_ERROR(request.Call());
  auto out = request.Get<fuse_init_out>();
  if (out.major != FUSE_KERNEL_VERSION || out.max_write < kMaxData) {
    return -EPROTO;
  }
  return 0;
}

void FuseConnection::Forget(uint64_t nodeid, uint64_t count) {
  if (forgets_ == kMaxForgets) FlushDrops();
  drops_->forgets[forgets_++] = fuse_forget_one{nodeid, count};
}

void FuseConnection::Release(uint64_t nodeid, uint64_t fh) {
  if (releases_ == kMaxReleases) FlushDrops();
  drops_->releases[releases_++] = abi::FuseExtRelease{nodeid, fh};
}

// Queues what waits, if anything. The page must stay as it is until it is sent.
bool FuseConnection::PostDrops() {
  if (releases_ == 0 && forgets_ == 0) return false;
  size_t releases_size = releases_ * sizeof(abi::FuseExtRelease);
  size_t forgets_size = forgets_ * sizeof(fuse_forget_one);
  memmove(reinterpret_cast<char*>(drops_->releases) + releases_size,
          drops_->forgets, forgets_size);
  size_t size = offsetof(DropPage, releases) + releases_size + forgets_size;
  drops_->header = {};
  drops_->header.len = static_cast<uint32_t>(size);
  drops_->header.opcode = abi::kFuseExtDrop;
  drops_->header.unique = ++unique_;
  drops_->counts = {releases_, forgets_};
  releases_ = forgets_ = 0;
  return transport_->Post(FuseSegment{drops_, static_cast<uint32_t>(size)}) ==
         0;
}

void FuseConnection::FlushDrops() {
  if (PostDrops()) transport_->Flush();
}

FuseRequest::FuseRequest(FuseConnection* connection, uint32_t opcode,
                         uint64_t nodeid)
    : connection_(connection) {
  GK_ASSERT(!connection->busy_);
  connection->busy_ = true;
  fuse_in_header header = {};
  header.opcode = opcode;
  header.unique = ++connection->unique_;
  header.nodeid = nodeid;
  memcpy(connection->request_, &header, sizeof(header));
}

void FuseRequest::AddBytes(const void* data, size_t size) {
  GK_ASSERT(request_segments_ == 1);
  GK_ASSERT(size <= FuseConnection::kHalf - request_size_);
  memcpy(connection_->request_ + request_size_, data, size);
  request_size_ += size;
}

void FuseRequest::AddName(StringView name) {
  AddBytes(name.data(), name.size());
  AddBytes("", 1);
}

// Neighbours become one segment.
FuseSegment* FuseRequest::AddSegment(void* data, size_t size) {
  size_t count = request_segments_ + reply_segments_;
  FuseSegment* last = &segments_[count - 1];
  bool first_of_kind = count == 1 || (reply_segments_ == 1);
  if (!first_of_kind && static_cast<char*>(last->data) + last->size == data) {
    last->size += static_cast<uint32_t>(size);
    return nullptr;
  }
  GK_ASSERT(count < FuseTransport::kMaxSegments);
  segments_[count] = FuseSegment{data, static_cast<uint32_t>(size)};
  return &segments_[count];
}

void FuseRequest::AddData(const void* data, size_t size) {
  GK_ASSERT(reply_segments_ == 0);
  if (AddSegment(const_cast<void*>(data), size)) ++request_segments_;
  data_size_ += size;
}

void FuseRequest::ExpectData(void* data, size_t size) {
  if (reply_segments_ == 0) {
    // The header's place; Call() knows its size.
    segments_[request_segments_] = FuseSegment{connection_->reply_, 0};
    reply_segments_ = 1;
  }
  if (AddSegment(data, size)) ++reply_segments_;
}

int FuseRequest::Call(size_t payload) {
  FuseConnection* c = connection_;
  GK_ASSERT(payload <= FuseConnection::kHalf - sizeof(fuse_out_header));
  if (reply_segments_ == 0) {
    segments_[request_segments_].data = c->reply_;
    reply_segments_ = 1;
  }
  FuseSegment* reply = &segments_[request_segments_];
  reply->size = static_cast<uint32_t>(sizeof(fuse_out_header) + payload);
  segments_[0] = FuseSegment{c->request_, static_cast<uint32_t>(request_size_)};
  auto length = static_cast<uint32_t>(request_size_ + data_size_);
  memcpy(c->request_ + offsetof(fuse_in_header, len), &length, sizeof(length));
  uint64_t unique;
  memcpy(&unique, c->request_ + offsetof(fuse_in_header, unique),
         sizeof(unique));
  // A reply that is not written must not look like one.
  memset(c->reply_, 0, sizeof(fuse_out_header));

  c->PostDrops();
  GK_RETURN_IF_ERROR(c->transport_->Call(segments_, request_segments_, reply,
                                         reply_segments_));
  fuse_out_header header;
  memcpy(&header, c->reply_, sizeof(header));
  if (header.len < sizeof(header) || header.unique != unique) return -EIO;
  if (header.error == -ESTALE) c->stale_ns_ = MonotonicNs();
  if (header.error != 0) {
    return header.error < 0 && header.error > -512 ? header.error : -EIO;
  }
  reply_size_ = header.len - sizeof(header);
  return 0;
}

}  // namespace gk
