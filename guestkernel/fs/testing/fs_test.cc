// SPDX-License-Identifier: Apache-2.0
//
// See fs_test.h.
#include "guestkernel/fs/testing/fs_test.h"

#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/special.h"

namespace gk {

FsTest::FsTest() {
  SetBooting(true);
  EXPECT_EQ(MountRoot(NewFs(), "test"), 0);
  SetBooting(false);
  process()->files = MakeRef<FdTable>();
  process()->fs = MakeRef<FsContext>();
  process()->fs->root = RefPtr<Dentry>(RootDentry());
  process()->fs->cwd = process()->fs->root;
}

FsTest::~FsTest() {
  process()->files.reset();
  process()->fs.reset();
  ForgetMounts();
  for (FileSystem* fs : file_systems_) delete fs;
}

Tmpfs* FsTest::NewFs(uint64_t size_limit) {
  Tmpfs* fs = Tmpfs::Create(0755, size_limit, "tmpfs").take();
  Keep(fs);
  return fs;
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

// For OpenSpecial; tests may have the real one.
[[gnu::weak]] Result<RefPtr<File>> OpenFifo(Inode*, uint32_t) {
  return Error(-ENXIO);
}

}  // namespace gk
