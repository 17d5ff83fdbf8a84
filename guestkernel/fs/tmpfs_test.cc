// SPDX-License-Identifier: Apache-2.0
//
// tmpfs through the system calls.
#include "guestkernel/fs/tmpfs.h"

#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

using TmpfsTest = FsTest;
using Strings = std::vector<std::string>;

TEST_F(TmpfsTest, WriteReadSeek) {
  int fd = Open("/f", kOpenCreate | kOpenReadWrite);
  EXPECT_EQ(WriteText(fd, "hello world"), 11);
  EXPECT_EQ(ReadText(fd), "");
  EXPECT_EQ(Call(SysLseek, fd, 6, 0), 6);
  EXPECT_EQ(ReadText(fd), "world");
  EXPECT_EQ(Call(SysLseek, fd, -5, 2), 6);
  EXPECT_EQ(Call(SysLseek, fd, -7, 1), -EINVAL);
  EXPECT_EQ(Call(SysPwrite64, fd, "W", 1, 6), 1);
  char buffer[16] = {};
  EXPECT_EQ(Call(SysPread64, fd, buffer, 5, 6), 5);
  EXPECT_STREQ(buffer, "World");
  EXPECT_EQ(Call(SysPread64, fd, buffer, 5, -1), -EINVAL);
  // A bad buffer.
  EXPECT_EQ(Call(SysPread64, fd, static_cast<void*>(nullptr), 5, 0), -EFAULT);
}

TEST_F(TmpfsTest, AccessModes) {
  MakeFile("/f", "x");
  int fd = Open("/f", kOpenReadOnly);
  EXPECT_EQ(WriteText(fd, "y"), -EBADF);
  EXPECT_EQ(Call(SysFtruncate, fd, 0), -EINVAL);
  fd = Open("/f", kOpenWriteOnly);
  char c;
  EXPECT_EQ(Call(SysRead, fd, &c, 1), -EBADF);
  EXPECT_EQ(Call(SysRead, 99, &c, 1), -EBADF);
}

TEST_F(TmpfsTest, CreateFlags) {
  EXPECT_EQ(Open("/f", kOpenReadOnly), -ENOENT);
  EXPECT_GE(Open("/f", kOpenCreate | kOpenReadOnly, 0777), 0);
  EXPECT_EQ(Stat("/f").mode, kModeRegular | 0755);  // umask 022
  EXPECT_EQ(Open("/f", kOpenCreate | kOpenExclusive), -EEXIST);
  EXPECT_EQ(Open("/f", kOpenDirectory), -ENOTDIR);
  EXPECT_EQ(Open("/f/", kOpenCreate), -EISDIR);
  EXPECT_EQ(Open("/f/", kOpenReadOnly), -ENOTDIR);
  EXPECT_EQ(Open("/", kOpenWriteOnly), -EISDIR);
  EXPECT_EQ(Open("/", kOpenCreate | kOpenReadOnly), -EISDIR);
  EXPECT_EQ(Open("", kOpenReadOnly), -ENOENT);
  MakeFile("/f", "longer");
  MakeFile("/f", "x");
  EXPECT_EQ(Slurp("/f"), "x");
}

TEST_F(TmpfsTest, NoFollowAndPath) {
  MakeFile("/f", "text");
  EXPECT_EQ(Call(SysSymlink, "f", "/link"), 0);
  EXPECT_EQ(Open("/link", kOpenNoFollow), -ELOOP);
  EXPECT_EQ(Open("/link", kOpenNoFollow | kOpenDirectory), -ENOTDIR);
  EXPECT_EQ(Open("/link", kOpenCreate | kOpenExclusive), -EEXIST);
  int fd = Open("/link", kOpenNoFollow | kOpenPath);
  ASSERT_GE(fd, 0);
  char buffer[8] = {};
  EXPECT_EQ(Call(SysReadlinkat, fd, "", buffer, 8), 1);
  EXPECT_STREQ(buffer, "f");
  EXPECT_EQ(Call(SysRead, fd, buffer, 1), -EBADF);
  EXPECT_EQ(Call(SysFchmod, fd, 0600), -EBADF);
  // Creating through a dangling link makes its target.
  EXPECT_EQ(Call(SysSymlink, "/new", "/dangling"), 0);
  MakeFile("/dangling", "made");
  EXPECT_EQ(Slurp("/new"), "made");
}

TEST_F(TmpfsTest, Append) {
  MakeFile("/f", "one");
  int fd = Open("/f", kOpenWriteOnly | kOpenAppend);
  EXPECT_EQ(WriteText(fd, " two"), 4);
  EXPECT_EQ(Call(SysLseek, fd, 0, 0), 0);
  EXPECT_EQ(WriteText(fd, " three"), 6);
  EXPECT_EQ(Slurp("/f"), "one two three");
  EXPECT_EQ(Call(SysLseek, fd, 0, 1), 13);
}

TEST_F(TmpfsTest, TruncateAndHoles) {
  MakeFile("/f", "0123456789");
  EXPECT_EQ(Call(SysTruncate, "/f", 4), 0);
  EXPECT_EQ(Slurp("/f"), "0123");
  EXPECT_EQ(Call(SysTruncate, "/f", 8), 0);
  EXPECT_EQ(Slurp("/f"), std::string("0123\0\0\0\0", 8));
  EXPECT_EQ(Call(SysTruncate, "/", 0), -EISDIR);
  int fd = Open("/f", kOpenReadWrite);
  EXPECT_EQ(Call(SysPwrite64, fd, "end", 3, 20000), 3);
  EXPECT_EQ(Call(SysLseek, fd, 5000, 3), 16384);   // SEEK_DATA
  EXPECT_EQ(Call(SysLseek, fd, 100, 4), 4096);     // SEEK_HOLE
  EXPECT_EQ(Call(SysLseek, fd, 20000, 4), 20003);  // the end is a hole
  EXPECT_EQ(Call(SysLseek, fd, 20003, 3), -ENXIO);
  EXPECT_EQ(Stat("/f").blocks, 16u);
  EXPECT_EQ(Call(SysFallocate, fd, 3, 0, 4096), 0);  // punch
  EXPECT_EQ(Stat("/f").blocks, 8u);
  EXPECT_EQ(Call(SysFallocate, fd, 0, 0, 30000), 0);
  EXPECT_EQ(Stat("/f").size, 30000u);
  EXPECT_EQ(Call(SysFallocate, fd, 2, 0, 1), -EOPNOTSUPP);
  EXPECT_EQ(Call(SysFallocate, fd, 0, 0, 0), -EINVAL);
}

TEST_F(TmpfsTest, SpaceRunsOut) {
  Tmpfs* small = NewFs(8192);
  Call(SysMkdir, "/m", 0755);
  ASSERT_EQ(Mount(small, "/m", "small"), 0);
  int fd = Open("/m/f", kOpenCreate | kOpenWriteOnly);
  std::string text(10000, 'x');
  EXPECT_EQ(WriteText(fd, text), 8192);
  EXPECT_EQ(WriteText(fd, text), -ENOSPC);
  EXPECT_EQ(Call(SysPwrite64, fd, "yyyy", 4, 100), 4);
  FsStatistics statistics;
  small->GetStatistics(&statistics);
  EXPECT_EQ(statistics.blocks, 2u);
  EXPECT_EQ(statistics.blocks_free, 0u);
  EXPECT_EQ(Call(SysUnlink, "/m/f"), 0);
  Close(fd);
  small->GetStatistics(&statistics);
  EXPECT_EQ(statistics.blocks_free, 2u);
}

TEST_F(TmpfsTest, Directories) {
  EXPECT_EQ(Call(SysMkdir, "/d", 0777), 0);
  EXPECT_EQ(Call(SysMkdir, "/d", 0777), -EEXIST);
  EXPECT_EQ(Call(SysMkdir, "/d/sub/", 0777), 0);
  EXPECT_EQ(Call(SysMkdir, "/none/sub", 0777), -ENOENT);
  EXPECT_EQ(Call(SysMkdir, "/", 0777), -EEXIST);
  EXPECT_EQ(Stat("/d").link_count, 3u);
  MakeFile("/d/file", "");
  EXPECT_EQ(Names("/d"), (Strings{".", "..", "sub", "file"}));
  EXPECT_EQ(Call(SysRmdir, "/d"), -ENOTEMPTY);
  EXPECT_EQ(Call(SysRmdir, "/d/file"), -ENOTDIR);
  EXPECT_EQ(Call(SysUnlink, "/d/sub"), -EISDIR);
  EXPECT_EQ(Call(SysRmdir, "/d/."), -EINVAL);
  EXPECT_EQ(Call(SysRmdir, "/d/.."), -ENOTEMPTY);
  EXPECT_EQ(Call(SysRmdir, "/"), -EBUSY);
  EXPECT_EQ(Call(SysUnlink, "/d/file/"), -ENOTDIR);
  EXPECT_EQ(Call(SysUnlink, "/d/file"), 0);
  EXPECT_EQ(Call(SysRmdir, "/d/sub"), 0);
  EXPECT_EQ(Stat("/d").link_count, 2u);
  EXPECT_EQ(Call(SysUnlinkat, kAtFdCwd, "/d", 0x200), 0);
}

TEST_F(TmpfsTest, ListingGoesOnWhileEntriesGo) {
  Call(SysMkdir, "/d", 0755);
  for (int i = 0; i < 100; ++i) {
    MakeFile(("/d/" + std::to_string(i)).c_str(), "");
  }
  EXPECT_EQ(Names("/d").size(), 102u);
  int fd = Open("/d", kOpenReadOnly);
  char buffer[512];
  int removed = 0;
  for (;;) {
    int64_t n = Call(SysGetdents64, fd, buffer, sizeof(buffer));
    ASSERT_GE(n, 0);
    if (n == 0) break;
    for (int64_t at = 0; at < n;) {
      uint16_t length;
      memcpy(&length, buffer + at + 16, 2);
      if (buffer[at + 19] != '.') {
        EXPECT_EQ(
            Call(SysUnlink, ("/d/" + std::string(buffer + at + 19)).c_str()),
            0);
        ++removed;
      }
      at += length;
    }
  }
  EXPECT_EQ(removed, 100);
  EXPECT_EQ(Call(SysGetdents64, fd, buffer, 10), 0);
  Call(SysLseek, fd, 0, 0);
  EXPECT_EQ(Call(SysGetdents64, fd, buffer, 10), -EINVAL);
  EXPECT_EQ(Call(SysRmdir, "/d"), 0);
  EXPECT_EQ(Call(SysGetdents64, fd, buffer, sizeof(buffer)), -ENOENT);
}

TEST_F(TmpfsTest, HardLinks) {
  MakeFile("/f", "text");
  EXPECT_EQ(Call(SysLink, "/f", "/g"), 0);
  EXPECT_EQ(Stat("/f").link_count, 2u);
  EXPECT_EQ(Stat("/f").inode, Stat("/g").inode);
  EXPECT_EQ(Call(SysLink, "/f", "/g"), -EEXIST);
  EXPECT_EQ(Call(SysLink, "/", "/h"), -EPERM);
  EXPECT_EQ(Call(SysUnlink, "/f"), 0);
  EXPECT_EQ(Slurp("/g"), "text");
  EXPECT_EQ(Stat("/g").link_count, 1u);
  Call(SysSymlink, "g", "/s");
  EXPECT_EQ(Call(SysLinkat, kAtFdCwd, "/s", kAtFdCwd, "/t", 0), 0);
  EXPECT_EQ(Stat("/t").mode & kModeTypeMask, kModeSymlink);
  EXPECT_EQ(Call(SysLinkat, kAtFdCwd, "/s", kAtFdCwd, "/u", 0x400), 0);
  EXPECT_EQ(Stat("/u").inode, Stat("/g").inode);
}

TEST_F(TmpfsTest, Rename) {
  MakeFile("/a", "a");
  MakeFile("/b", "b");
  Call(SysMkdir, "/d", 0755);
  Call(SysMkdir, "/e", 0755);
  EXPECT_EQ(Call(SysRename, "/a", "/d/a"), 0);
  EXPECT_EQ(Open("/a", kOpenReadOnly), -ENOENT);
  EXPECT_EQ(Slurp("/d/a"), "a");
  EXPECT_EQ(Call(SysRename, "/b", "/d/a"), 0);
  EXPECT_EQ(Slurp("/d/a"), "b");
  EXPECT_EQ(Call(SysRename, "/d", "/d/x"), -EINVAL);
  EXPECT_EQ(Call(SysRename, "/d/a", "/d"), -ENOTEMPTY);
  EXPECT_EQ(Call(SysRename, "/e", "/d"), -ENOTEMPTY);
  EXPECT_EQ(Call(SysRename, "/e", "/d/a"), -ENOTDIR);
  MakeFile("/f", "f");
  EXPECT_EQ(Call(SysRename, "/f", "/e"), -EISDIR);
  EXPECT_EQ(Call(SysRename, "/none", "/e"), -ENOENT);
  EXPECT_EQ(Call(SysRename, "/d", "/e"), 0);  // over an empty directory
  EXPECT_EQ(Slurp("/e/a"), "b");
  Call(SysMkdir, "/p", 0755);
  EXPECT_EQ(Call(SysRename, "/e", "/p/"), 0);
  Call(SysMkdir, "/q", 0755);
  EXPECT_EQ(Call(SysRename, "/p", "/q/p"), 0);
  EXPECT_EQ(Stat("/q").link_count, 3u);
  EXPECT_EQ(Stat("/").link_count, 3u);
  EXPECT_EQ(Call(SysRename, "/q/.", "/r"), -EBUSY);
  // Two names of one file: both stay.
  Call(SysLink, "/f", "/g");
  EXPECT_EQ(Call(SysRename, "/f", "/g"), 0);
  EXPECT_EQ(Slurp("/f"), "f");
}

TEST_F(TmpfsTest, RenameFlags) {
  MakeFile("/a", "a");
  MakeFile("/b", "b");
  Call(SysMkdir, "/d", 0755);
  auto rename = [](const char* from, const char* to, int flags) {
    return Call(SysRenameat2, kAtFdCwd, from, kAtFdCwd, to, flags);
  };
  EXPECT_EQ(rename("/a", "/b", 1), -EEXIST);
  EXPECT_EQ(rename("/a", "/c", 1), 0);
  EXPECT_EQ(rename("/c", "/x", 2), -ENOENT);
  EXPECT_EQ(rename("/c", "/b", 2), 0);
  EXPECT_EQ(Slurp("/c") + Slurp("/b"), "ba");
  EXPECT_EQ(rename("/c", "/d", 2), 0);
  EXPECT_EQ(Stat("/c").mode & kModeTypeMask, kModeDirectory);
  EXPECT_EQ(Slurp("/d"), "b");
  EXPECT_EQ(rename("/c", "/d", 3), -EINVAL);
  EXPECT_EQ(rename("/c", "/d", 4), -EINVAL);
}

TEST_F(TmpfsTest, UnlinkedFilesLive) {
  MakeFile("/f", "text");
  int fd = Open("/f", kOpenReadWrite);
  EXPECT_EQ(Call(SysUnlink, "/f"), 0);
  EXPECT_EQ(ReadText(fd), "text");
  MakeFile("/f", "other");
  EXPECT_EQ(Call(SysPwrite64, fd, "T", 1, 0), 1);
  EXPECT_EQ(Slurp("/f"), "other");
  auto file = GetFile(fd);
  EXPECT_STREQ((*file)->Describe().take().c_str(), "/f (deleted)");
}

TEST_F(TmpfsTest, TmpfileGetsAName) {
  int fd = Open("/", kOpenTmpfile | kOpenReadWrite, 0600);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(WriteText(fd, "text"), 4);
  EXPECT_EQ(Call(SysLinkat, fd, "", kAtFdCwd, "/f", 0x1000), 0);
  EXPECT_EQ(Slurp("/f"), "text");
  EXPECT_EQ(Stat("/f").link_count, 1u);
  EXPECT_EQ(Open("/", kOpenTmpfile | kOpenReadOnly, 0600), -EINVAL);
}

TEST_F(TmpfsTest, NodesAndModes) {
  EXPECT_EQ(Call(SysMknod, "/fifo", kModeFifo | 0666, 0), 0);
  EXPECT_EQ(Stat("/fifo").mode, kModeFifo | 0644);
  EXPECT_EQ(Call(SysMknod, "/sock", kModeSocket | 0666, 0), 0);
  EXPECT_EQ(Open("/sock", kOpenReadOnly), -ENXIO);
  EXPECT_EQ(Call(SysMknod, "/dev", kModeChar | 0666, 0x105), -EPERM);
  EXPECT_EQ(Call(SysMknod, "/fifo", kModeFifo | 0666, 0), -EEXIST);
  MakeFile("/f", "");
  EXPECT_EQ(Call(SysChmod, "/f", 04755), 0);
  EXPECT_EQ(Stat("/f").mode, kModeRegular | 04755);
  // A writer's file loses the bit.
  int fd = Open("/f", kOpenWriteOnly);
  WriteText(fd, "x");
  EXPECT_EQ(Stat("/f").mode, kModeRegular | 0755);
  EXPECT_EQ(Call(SysUmask, 077), 022);
  EXPECT_EQ(Call(SysMkdir, "/private", 0777), 0);
  EXPECT_EQ(Stat("/private").mode, kModeDirectory | 0700);
}

TEST_F(TmpfsTest, Times) {
  MakeFile("/f", "");
  TimeSpec times[2] = {{100, 5}, {200, 6}};
  EXPECT_EQ(Call(SysUtimensat, kAtFdCwd, "/f", times, 0), 0);
  EXPECT_EQ(Stat("/f").atime.seconds, 100);
  EXPECT_EQ(Stat("/f").mtime.nanoseconds, 6);
  times[0].nanoseconds = 0x3ffffffe;  // UTIME_OMIT
  times[1].nanoseconds = 0x3fffffff;  // UTIME_NOW
  EXPECT_EQ(Call(SysUtimensat, kAtFdCwd, "/f", times, 0), 0);
  EXPECT_EQ(Stat("/f").atime.seconds, 100);
  EXPECT_GT(Stat("/f").mtime.seconds, 1000000);
  times[0].nanoseconds = 1000000000;
  EXPECT_EQ(Call(SysUtimensat, kAtFdCwd, "/f", times, 0), -EINVAL);
}

TEST_F(TmpfsTest, Xattrs) {
  MakeFile("/f", "");
  char value[8] = {};
  EXPECT_EQ(Call(SysGetxattr, "/f", "user.k", value, 8), -ENODATA);
  EXPECT_EQ(Call(SysSetxattr, "/f", "user.k", "val", 3, 0), 0);
  EXPECT_EQ(Call(SysSetxattr, "/f", "user.k", "val", 3, 1), -EEXIST);
  EXPECT_EQ(Call(SysGetxattr, "/f", "user.k", value, 8), 3);
  EXPECT_STREQ(value, "val");
  EXPECT_EQ(Call(SysGetxattr, "/f", "user.k", value, 0), 3);
  EXPECT_EQ(Call(SysGetxattr, "/f", "user.k", value, 2), -ERANGE);
  char list[16];
  EXPECT_EQ(Call(SysListxattr, "/f", list, sizeof(list)), 7);
  EXPECT_STREQ(list, "user.k");
  EXPECT_EQ(Call(SysRemovexattr, "/f", "user.k"), 0);
  EXPECT_EQ(Call(SysRemovexattr, "/f", "user.k"), -ENODATA);
  EXPECT_EQ(Call(SysSetxattr, "/f", "posix.k", "v", 1, 0), -EOPNOTSUPP);
}

TEST_F(TmpfsTest, MemfdAndSeals) {
  int fd = static_cast<int>(Call(SysMemfdCreate, "name", 2));
  ASSERT_GE(fd, 0);
  EXPECT_STREQ((*GetFile(fd))->Describe().take().c_str(),
               "/memfd:name (deleted)");
  EXPECT_EQ(WriteText(fd, "12345678"), 8);
  EXPECT_EQ(Call(SysFcntl, fd, 1034), 0);
  EXPECT_EQ(Call(SysFcntl, fd, 1033, kSealShrink | kSealGrow), 0);
  EXPECT_EQ(Call(SysFtruncate, fd, 4), -EPERM);
  EXPECT_EQ(Call(SysFtruncate, fd, 16), -EPERM);
  EXPECT_EQ(WriteText(fd, "x"), -EPERM);
  EXPECT_EQ(Call(SysPwrite64, fd, "x", 1, 0), 1);
  EXPECT_EQ(Call(SysFcntl, fd, 1033, kSealWrite | kSealSeal), 0);
  EXPECT_EQ(Call(SysPwrite64, fd, "x", 1, 0), -EPERM);
  EXPECT_EQ(Call(SysFcntl, fd, 1033, kSealExec), -EPERM);
  EXPECT_EQ(Call(SysFcntl, fd, 1034),
            kSealShrink | kSealGrow | kSealWrite | kSealSeal);
  // Without MFD_ALLOW_SEALING.
  fd = static_cast<int>(Call(SysMemfdCreate, "plain", 0));
  EXPECT_EQ(Call(SysFcntl, fd, 1033, kSealGrow), -EPERM);
  EXPECT_EQ(Call(SysMemfdCreate, std::string(250, 'n').c_str(), 0), -EINVAL);
  EXPECT_EQ(Call(SysMemfdCreate, "x", 4), -EINVAL);
}

}  // namespace
}  // namespace gk
