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

int FuseInode::ExtendListing() {
  if (listing_ && !listing_->fh) return 0;
  if (!listing_) {
    listing_ = MakeUnique<FuseListing>();
    if (!listing_) return -ENOMEM;
    listing_->told_ns = MonotonicNs();
  }
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
  int result = 0;
  for (size_t at = 0; at + FUSE_NAME_OFFSET_DIRENTPLUS <= out.data_len;) {
    fuse_entry_out entry;
    fuse_dirent dirent;
    memcpy(&entry, buffer + at, sizeof(entry));
    memcpy(&dirent, buffer + at + sizeof(entry), FUSE_NAME_OFFSET);
    size_t size = FUSE_NAME_OFFSET_DIRENTPLUS + dirent.namelen;
    if (dirent.namelen > 255 || size > out.data_len - at) return -EIO;
    StringView name(buffer + at + FUSE_NAME_OFFSET_DIRENTPLUS, dirent.namelen);
    at += FUSE_REC_ALIGN(size);
    listing_->next_offset = dirent.off;
    if (entry.nodeid == 0) continue;  // ".", ".."
    Result<RefPtr<Inode>> inode = fuse()->Intern(entry);
    if (!inode.ok()) {
      result = inode.error();
    } else if (listing_->Add(name, inode.take()) < 0) {
      result = -ENOMEM;
    }
  }
  if (out.at_end && result == 0) {
    connection()->Release(nodeid_, listing_->fh);
    listing_->fh = 0;
    listing_->complete = true;
  }
  return result;
}

}  // namespace gk
