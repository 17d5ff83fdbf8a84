// SPDX-License-Identifier: Apache-2.0
//
// See fs_test.h.
#include "guestkernel/fs/testing/fs_test.h"

#include <algorithm>
#include <array>
#include <map>

#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/special.h"

namespace gk {

FsTest::FsTest() {
  SetBooting(true);
  root_ = Tmpfs::Create(0755, 0, "tmpfs").take();
  EXPECT_EQ(MountRoot(root_, "test"), 0);
  SetBooting(false);
  process()->files = MakeRef<FdTable>();
  process()->fs = MakeRef<FsContext>();
  process()->fs->root = RefPtr<Dentry>(RootDentry());
  process()->fs->cwd = process()->fs->root;
}

FsTest::~FsTest() {
  process()->files.reset();
  process()->fs.reset();
}

std::string FsTest::ReadText(int fd, size_t n) {
  std::string text(n, 0);
  int64_t got = Call(SysRead, fd, text.data(), n);
  if (got < 0) return "error " + std::to_string(got);
  text.resize(static_cast<size_t>(got));
  return text;
}

void FsTest::MakeFile(const char* path, const std::string& text) {
  int fd = Open(path, kOpenCreate | kOpenWriteOnly | kOpenTruncate);
  ASSERT_GE(fd, 0) << path;
  EXPECT_EQ(WriteText(fd, text), static_cast<int64_t>(text.size()));
  Close(fd);
}

std::string FsTest::Slurp(const char* path) {
  int fd = Open(path, kOpenReadOnly);
  if (fd < 0) return "error " + std::to_string(fd);
  std::string text = ReadText(fd, 65536);
  Close(fd);
  return text;
}

std::vector<std::string> FsTest::Names(const char* path) {
  std::vector<std::string> names;
  int fd = Open(path, kOpenReadOnly | kOpenDirectory);
  EXPECT_GE(fd, 0) << path;
  char buffer[256];
  for (;;) {
    int64_t n = Call(SysGetdents64, fd, buffer, sizeof(buffer));
    EXPECT_GE(n, 0);
    if (n <= 0) break;
    for (int64_t at = 0; at < n;) {
      uint16_t length;
      memcpy(&length, buffer + at + 16, 2);
      names.push_back(buffer + at + 19);
      at += length;
    }
  }
  Close(fd);
  return names;
}

FileAttributes FsTest::Stat(const char* path) {
  FileAttributes attributes;
  auto dentry = LookupPath(kAtFdCwd, path, 0);
  EXPECT_TRUE(dentry.ok()) << path;
  if (dentry.ok()) (*dentry)->inode()->GetAttributes(&attributes);
  return attributes;
}

// ---- fakes of mm

struct PageCache::Node {
  std::map<uint64_t, std::array<char, 4096>> pages;
};

void MemoryObject::GetPresentPages(uint64_t, size_t, FrameNumber*) {}
PageCache::PageCache(Backing* backing)
    : backing_(backing), is_shmem_(true), root_(new Node) {}
PageCache::~PageCache() { delete root_; }
Result<FrameNumber> PageCache::GetPage(uint64_t, bool) {
  return Error(-ENOMEM);
}
void PageCache::GetPresentPages(uint64_t, size_t, FrameNumber*) {}
void PageCache::MarkDirty(uint64_t) {}
int PageCache::Sync(uint64_t, uint64_t) { return 0; }

int64_t PageCache::Read(UserIo& io, uint64_t offset, size_t) {
  int64_t total = 0;
  while (io.remaining() > 0 && offset < size_) {
    uint64_t in_page = offset % 4096;
    size_t n = std::min<uint64_t>(4096 - in_page, size_ - offset);
    auto page = root_->pages.find(offset / 4096);
    int64_t moved = page == root_->pages.end()
                        ? io.ZeroOut(n)
                        : io.CopyOut(page->second.data() + in_page, n);
    if (moved < 0) return total ? total : moved;
    total += moved;
    offset += static_cast<uint64_t>(moved);
  }
  return total;
}

int64_t PageCache::Write(UserIo& io, uint64_t offset) {
  int64_t total = 0;
  while (io.remaining() > 0) {
    uint64_t in_page = offset % 4096;
    auto& page = root_->pages[offset / 4096];
    page_count_ = root_->pages.size();
    int64_t moved = io.CopyIn(page.data() + in_page, 4096 - in_page);
    if (moved < 0) return total ? total : moved;
    total += moved;
    offset += static_cast<uint64_t>(moved);
    size_ = std::max(size_, offset);
  }
  return total;
}

void PageCache::SetSize(uint64_t size) {
  if (size < size_) Zero(size, size_ - size);
  size_ = size;
}

void PageCache::Zero(uint64_t offset, uint64_t length) {
  auto& pages = root_->pages;
  for (auto it = pages.begin(); it != pages.end();) {
    uint64_t begin = it->first * 4096, end = begin + 4096;
    uint64_t from = std::max(begin, offset),
             to = std::min(end, offset + length);
    if (from == begin && to == end) {
      it = pages.erase(it);
      continue;
    }
    if (from < to) memset(it->second.data() + from - begin, 0, to - from);
    ++it;
  }
  page_count_ = pages.size();
}

uint64_t PageCache::NextPresent(uint64_t index) const {
  auto it = root_->pages.lower_bound(index);
  return it == root_->pages.end() ? ~uint64_t{0} : it->first;
}

uint64_t PageCache::NextAbsent(uint64_t index) const {
  while (root_->pages.count(index)) ++index;
  return index;
}

MemoryStatistics GetMemoryStatistics() {
  MemoryStatistics statistics = {};
  statistics.total_frames = 2048;  // a tmpfs gets half of that
  return statistics;
}
void RegisterShrinker(Shrinker*) {}

// ---- fakes of the file systems that MountAll wants

Result<FileSystem*> FuseRootInit() { return Error(-ENODEV); }
Result<FileSystem*> NewDevPts() { return NewTmpfs(0755, 0); }
Result<FileSystem*> NewDevFs() { return NewTmpfs(0755, 0); }
Result<FileSystem*> NewProcFs() { return NewTmpfs(0755, 0); }
Result<FileSystem*> NewSysFs() { return NewTmpfs(0755, 0); }
Result<RefPtr<File>> OpenFifo(Inode*, uint32_t) { return Error(-ENXIO); }

}  // namespace gk
