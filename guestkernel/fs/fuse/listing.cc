// SPDX-License-Identifier: Apache-2.0
//
// See listing.h. Here also: when a directory is listed ahead, and how.
#include "guestkernel/fs/fuse/listing.h"

#include "guestkernel/fs/fuse/fuse_inode.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/sched/clock.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

// Look-ups in one directory within this time are one program's going through
// it; after so many, entries are fetched ahead.
constexpr uint64_t kSpreeNs = 1'000'000'000;
constexpr uint32_t kSpreeLookups = 8;
constexpr uint64_t kListingTimeoutNs = 500'000'000;
constexpr size_t kReplySize = 64 << 10;

}  // namespace

int FuseDirRecord::Parse(const char* from, size_t left, bool plus) {
  const size_t head = plus ? sizeof(fuse_entry_out) : 0;
  if (left < head + FUSE_NAME_OFFSET) return -EIO;
  entry = {};
  memcpy(&entry, from, head);
  fuse_dirent dirent;
  memcpy(&dirent, from + head, FUSE_NAME_OFFSET);
  const size_t link_length = plus ? dirent.type >> 16 : 0;
  const size_t end = head + FUSE_NAME_OFFSET + dirent.namelen + link_length;
  if (dirent.namelen > 255 || end > left) return -EIO;
  inode = dirent.ino;
  next_offset = dirent.off;
  type = static_cast<uint8_t>(dirent.type);
  name = StringView(from + head + FUSE_NAME_OFFSET, dirent.namelen);
  link = StringView(name.end(), link_length);
  size = FUSE_REC_ALIGN(end);
  return 0;
}

int FuseListing::Add(StringView name, RefPtr<Inode> inode) {
  if (buckets_.empty()) GK_RETURN_IF_ERROR(buckets_.Resize(kBuckets));
  Entry entry{{}, std::move(inode), HashString(name), 0};
  GK_ASSIGN_OR_RETURN(entry.name, KString::From(name));
  uint32_t& bucket = buckets_[entry.hash % kBuckets];
  entry.next = bucket;
  GK_RETURN_IF_ERROR(entries_.PushBack(std::move(entry)));
  bucket = static_cast<uint32_t>(entries_.size());
  return 0;
}

FuseListing::Entry* FuseListing::Find(StringView name) {
  if (buckets_.empty()) return nullptr;
  uint64_t hash = HashString(name);
  for (uint32_t at = buckets_[hash % kBuckets]; at;
       at = entries_[at - 1].next) {
    Entry& entry = entries_[at - 1];
    if (entry.hash == hash && entry.name.view() == name) return &entry;
  }
  return nullptr;
}

bool FuseListing::Take(StringView name, RefPtr<Inode>* inode) {
  Entry* entry = Find(name);
  if (!entry || !entry->inode) return false;
  *inode = std::move(entry->inode);
  return true;
}

void FuseListing::Erase(StringView name) {
  complete = false;
  if (Entry* entry = Find(name)) entry->inode.reset();
}

// Whether the listing knows the answer to Lookup(name): an inode, or null for
// absent.
bool FuseInode::AskListing(StringView name, RefPtr<Inode>* inode) {
  if (MonotonicNs() - listed_ns_ < kSpreeNs) fuse()->CountStatAfterList();
  if (!listing_) return false;
  uint64_t age = MonotonicNs() - listing_->told_ns;
  if (age > kListingTimeoutNs || !fuse()->MayBelieve(listing_->told_ns)) {
    DropListing();
    return false;
  }
  if (listing_->Take(name, inode)) return true;
  return listing_->complete && age < FuseFs::kNegativeTimeoutNs &&
         !listing_->Has(name);
}

void FuseInode::DropListing() {
  if (listing_ && listing_->fh) connection()->Release(nodeid_, listing_->fh);
  listing_.reset();
}

// A look-up in this directory was a request of its own.
void FuseInode::CountLookup() {
  uint64_t now = MonotonicNs();
  if (now - spree_ns_ > kSpreeNs) {
    spree_ns_ = now;
    spree_lookups_ = 0;
  }
  if (++spree_lookups_ < kSpreeLookups) return;
  spree_lookups_ = 0;
  // Without memory, or if the directory may not be read, each look-up just
  // goes on asking.
  (void)ExtendListing();
}

bool FuseInode::BeginListing() {
  listed_ns_ = MonotonicNs();
  return fuse()->ListWithEntries() && StartListing() != nullptr;
}

FuseListing* FuseInode::StartListing() {
  DropListing();
  listing_ = MakeUnique<FuseListing>();
  if (listing_) listing_->told_ns = MonotonicNs();
  return listing_.get();
}

int FuseInode::ExtendListing() {
  if (listing_ &&
      (!listing_->fh || listing_->size() > FuseListing::kMaxEntries))
    return 0;
  if (!listing_ && !StartListing()) return -ENOMEM;
  auto* buffer = static_cast<char*>(HeapAllocate(kReplySize));
  if (!buffer) return -ENOMEM;
  int error = FetchListing(buffer);
  HeapFree(buffer);
  if (error < 0) DropListing();
  return error;
}

int FuseInode::FetchListing(char* buffer) {
  abi::FuseExtReadDirOut out;
  {
    FuseRequest request(connection(), abi::kFuseExtReadDir, nodeid_);
    abi::FuseExtReadDirIn in = {};
    in.fh = listing_->fh;
    in.offset = listing_->next_offset;
    in.size = kReplySize;
    in.meta_size = sizeof(fuse_out_header) + sizeof(out);
    in.flags = abi::kFuseExtReadDirPlus;
    request.Add(in);
    request.ExpectData(buffer, kReplySize);
    GK_RETURN_IF_ERROR(request.Call(sizeof(out)));
    out = request.Get<abi::FuseExtReadDirOut>();
  }
  if (out.data_len > kReplySize) return -EIO;
  listing_->fh = out.fh;
  GK_RETURN_IF_ERROR(KeepListed(buffer, out.data_len, out.at_end));
  if (out.at_end) {
    connection()->Release(nodeid_, listing_->fh);
    listing_->fh = 0;
  }
  return 0;
}

// Takes the entries of a reply (with kFuseExtReadDirPlus) into the listing, if
// there is one; the lookups that the server has counted in any case.
int FuseInode::KeepListed(const char* records, size_t size, bool at_end) {
  int result = 0;
  for (size_t at = 0; at < size;) {
    FuseDirRecord record;
    GK_RETURN_IF_ERROR(record.Parse(records + at, size - at, /*plus=*/true));
    at += record.size;
    if (listing_) listing_->next_offset = record.next_offset;
    if (record.entry.nodeid == 0) continue;  // ".", ".."
    Result<RefPtr<Inode>> inode = fuse()->Intern(record.entry);
    if (!inode.ok()) {
      result = inode.error();
      continue;
    }
    auto* file = static_cast<FuseInode*>(inode->get());
    if (file->link_target_.empty() && record.link.size() > 0) {
      // Without memory, asked for when needed.
      (void)file->link_target_.Append(record.link);
    }
    if (!listing_) continue;
    if (int error = listing_->Add(record.name, inode.take())) result = error;
  }
  if (listing_ && result == 0) listing_->complete = at_end;
  return result;
}

}  // namespace gk
