// SPDX-License-Identifier: Apache-2.0
//
// tmpfs regular files: contents, space, seals.
#include "guestkernel/fs/tmpfs.h"
#include "guestkernel/mm/address_space.h"

namespace gk {

namespace {

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kMaxFileSize = uint64_t{1} << 62;

class TmpfsFile final : public File {
 public:
  TmpfsFile(uint32_t flags, RefPtr<TmpfsRegular> inode)
      : File(flags), inode_(std::move(inode)) {}
  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo& io, uint64_t offset) override {
    int64_t n = inode_->Read(io, offset);
    if (n > 0 && !(flags_ & kOpenNoAtime)) inode_->TouchAccess();
    return n;
  }
  int64_t WriteAt(UserIo& io, uint64_t offset) override {
    if (flags_ & kOpenAppend) offset = inode_->cache()->size();
    return inode_->Write(io, offset);
  }
  Result<RefPtr<MemoryObject>> GetMemoryObject() override {
    return RefPtr<MemoryObject>(inode_->cache());
  }
  int64_t Seek(int64_t offset, int whence) override {
    if (whence < kSeekData) return File::Seek(offset, whence);
    return SeekContent(offset, whence);
  }
  int Sync(bool) override { return 0; }
  int Allocate(int mode, uint64_t offset, uint64_t length) override {
    return inode_->Allocate(mode, offset, length);
  }
  Result<uint32_t> GetSeals() override { return inode_->seals; }
  int AddSeals(uint32_t seals) override {
    if (!writable()) return -EPERM;
    return inode_->AddSeals(seals);
  }

 private:
  static constexpr int kSeekData = 3;  // the other one is SEEK_HOLE
  // The next page that is (not) there.
  int64_t SeekContent(int64_t offset, int whence) {
    PageCache* cache = inode_->cache().get();
    auto at = static_cast<uint64_t>(offset);
    if (offset < 0 || at >= cache->size()) return -ENXIO;
    uint64_t page = at / kPageSize;
    uint64_t found = whence == kSeekData ? cache->NextPresent(page)
                                         : cache->NextAbsent(page);
    if (found == page) {
      found = at;
    } else if (found > cache->size() / kPageSize) {
      found = cache->size();  // also ~0: none
    } else {
      found *= kPageSize;
    }
    if (whence == kSeekData && found >= cache->size()) return -ENXIO;
    if (found > cache->size()) found = cache->size();
    position_ = found;
    return static_cast<int64_t>(found);
  }
  RefPtr<TmpfsRegular> inode_;
};

}  // namespace

TmpfsRegular::~TmpfsRegular() {
  tmpfs()->AccountPages(-static_cast<int64_t>(accounted_pages_));
}

void TmpfsRegular::Account() {
  size_t now = cache_->page_count();
  tmpfs()->AccountPages(static_cast<int64_t>(now) -
                        static_cast<int64_t>(accounted_pages_));
  accounted_pages_ = now;
}

Result<RefPtr<File>> TmpfsRegular::Open(uint32_t flags) {
  auto file = MakeRef<TmpfsFile>(flags, RefPtr<TmpfsRegular>(this));
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

int64_t TmpfsRegular::Read(UserIo& io, uint64_t offset) {
  return cache_->Read(io, offset, 0);
}

int64_t TmpfsRegular::Write(UserIo& io, uint64_t offset) {
  if (io.remaining() == 0) return 0;
  if (seals & (kSealWrite | kSealFutureWrite)) return -EPERM;
  if (offset >= kMaxFileSize) return -EFBIG;
  uint64_t end = offset + io.remaining();
  if ((seals & kSealGrow) && end > cache_->size()) return -EPERM;
  Account();
  // Beyond the pages that are there, only as many more as there is room for.
  uint64_t covered = (cache_->size() + kPageSize - 1) & ~(kPageSize - 1);
  if (end > covered) {
    uint64_t inside = covered > offset ? covered - offset : 0;
    uint64_t room = inside + tmpfs()->pages_left() * kPageSize;
    if (room == 0) return -ENOSPC;
    io.LimitTo(room);
  }
  int64_t n = cache_->Write(io, offset);
  Account();
  if (n > 0) {
    TouchModified();
    DropPrivilegeBits();
  }
  return n;
}

int TmpfsRegular::SetSize(uint64_t size) {
  if (size > kMaxFileSize) return -EFBIG;
  if ((seals & kSealShrink) && size < cache_->size()) return -EPERM;
  if ((seals & kSealGrow) && size > cache_->size()) return -EPERM;
  cache_->SetSize(size);
  Account();
  return 0;
}

int TmpfsRegular::Allocate(int mode, uint64_t offset, uint64_t length) {
  enum { kKeepSize = 1, kPunchHole = 2 };
  uint64_t end = offset + length;
  if (end < offset || end > kMaxFileSize) return -EFBIG;
  if (mode == (kKeepSize | kPunchHole)) {
    if (seals & (kSealWrite | kSealFutureWrite)) return -EPERM;
    if (offset < cache_->size()) {
      uint64_t size = cache_->size();
      cache_->Zero(offset, (end < size ? end : size) - offset);
    }
    Account();
    TouchModified();
    return 0;
  }
  if (mode & ~kKeepSize) return -EOPNOTSUPP;
  if ((seals & kSealGrow) && end > cache_->size()) return -EPERM;
  uint64_t pages = (length + kPageSize - 1) / kPageSize;
  Account();
  if (pages > tmpfs()->pages_left()) return -ENOSPC;
  // Absent pages read as zero and are made when they are written.
  if (!(mode & kKeepSize) && end > cache_->size()) cache_->SetSize(end);
  TouchModified();
  DropPrivilegeBits();
  return 0;
}

int TmpfsRegular::AddSeals(uint32_t wanted) {
  if (wanted & ~(kSealSeal | kSealShrink | kSealGrow | kSealWrite |
                 kSealFutureWrite | kSealExec)) {
    return -EINVAL;
  }
  if (seals & kSealSeal) return -EPERM;
  if ((wanted & kSealWrite) && !(seals & kSealWrite)) {
    for (Vma* vma = cache_->first_mapping; vma; vma = vma->next_mapping) {
      if ((vma->flags & kVmaShared) && (vma->flags & kVmaMayWrite)) {
        return -EBUSY;
      }
    }
  }
  seals |= wanted;
  return 0;
}

}  // namespace gk
