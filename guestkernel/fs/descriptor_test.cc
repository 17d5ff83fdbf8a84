// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: numbers, dup, close-on-exec, fcntl, ioctl, vectored and copied
// I/O.
#include "guestkernel/fs/fd_table.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

using DescriptorTest = FsTest;

TEST_F(DescriptorTest, LowestFreeNumber) {
  MakeFile("/f", "");
  EXPECT_EQ(Open("/f", kOpenReadOnly), 0);
  EXPECT_EQ(Open("/f", kOpenReadOnly), 1);
  EXPECT_EQ(Open("/f", kOpenReadOnly), 2);
  EXPECT_EQ(Close(1), 0);
  EXPECT_EQ(Close(1), -EBADF);
  EXPECT_EQ(Call(SysDup, 0), 1);
  EXPECT_EQ(Call(SysFcntl, 0, 0, 10), 10);  // F_DUPFD
  EXPECT_EQ(Call(SysFcntl, 0, 0, 10), 11);
  EXPECT_EQ(Call(SysDup, 0), 3);
  EXPECT_EQ(Call(SysDup2, 0, 20), 20);
  EXPECT_EQ(Call(SysDup2, 0, 0), 0);
  EXPECT_EQ(Call(SysDup2, 99, 99), -EBADF);
  EXPECT_EQ(Call(SysDup3, 0, 0, 0), -EINVAL);
  EXPECT_EQ(Call(SysDup3, 0, 1, 1), -EINVAL);
  EXPECT_EQ(Call(SysDup3, 0, 21, uint32_t{kOpenCloexec}), 21);
  EXPECT_EQ(Call(SysFcntl, 21, 1), 1);
}

TEST_F(DescriptorTest, Limit) {
  MakeFile("/f", "");
  process()->limits[7].soft = 3;
  EXPECT_EQ(Open("/f", kOpenReadOnly), 0);
  EXPECT_EQ(Open("/f", kOpenReadOnly), 1);
  EXPECT_EQ(Open("/f", kOpenReadOnly), 2);
  EXPECT_EQ(Open("/f", kOpenReadOnly), -EMFILE);
  EXPECT_EQ(Call(SysDup, 0), -EMFILE);
  EXPECT_EQ(Call(SysDup2, 0, 3), -EBADF);
  EXPECT_EQ(Call(SysFcntl, 0, 0, 3), -EINVAL);
}

TEST_F(DescriptorTest, CloseOnExecAndRange) {
  MakeFile("/f", "");
  for (int i = 0; i < 6; ++i) Open("/f", i == 2 ? uint32_t{kOpenCloexec} : 0);
  EXPECT_EQ(Call(SysFcntl, 3, 2, 1), 0);
  process()->files->CloseOnExec();
  EXPECT_EQ(Call(SysFcntl, 2, 1), -EBADF);
  EXPECT_EQ(Call(SysFcntl, 3, 1), -EBADF);
  EXPECT_EQ(Call(SysFcntl, 4, 1), 0);
  EXPECT_EQ(Call(SysCloseRange, 4, 4, 4), 0);  // CLOSE_RANGE_CLOEXEC
  EXPECT_EQ(Call(SysFcntl, 4, 1), 1);
  EXPECT_EQ(Call(SysCloseRange, 1, ~0u, 0), 0);
  EXPECT_EQ(Call(SysFcntl, 0, 1), 0);
  EXPECT_EQ(Call(SysFcntl, 5, 1), -EBADF);
  EXPECT_EQ(Call(SysCloseRange, 2, 1, 0), -EINVAL);
}

TEST_F(DescriptorTest, SharedPositionAndClone) {
  MakeFile("/f", "abcdef");
  int fd = Open("/f", kOpenReadOnly);
  int copy = static_cast<int>(Call(SysDup, fd));
  EXPECT_EQ(ReadText(fd, 2), "ab");
  EXPECT_EQ(ReadText(copy, 2), "cd");
  auto table = process()->files->Clone();
  EXPECT_EQ((*table)->Get(fd)->position(), 4u);
  Close(fd);
  EXPECT_TRUE((*table)->Get(fd));
  EXPECT_EQ(ReadText(copy, 2), "ef");
}

TEST_F(DescriptorTest, StatusFlags) {
  int fd = Open("/f", kOpenCreate | kOpenExclusive | kOpenReadWrite |
                          kOpenTruncate | kOpenNonblock);
  EXPECT_EQ(Call(SysFcntl, fd, 3),
            kOpenReadWrite | kOpenNonblock | kOpenLargeFile);
  EXPECT_EQ(Call(SysFcntl, fd, 4, uint32_t{kOpenAppend}), 0);
  EXPECT_EQ(Call(SysFcntl, fd, 3),
            kOpenReadWrite | kOpenAppend | kOpenLargeFile);
  int on = 1;
  EXPECT_EQ(Call(SysIoctl, fd, 0x5421, &on), 0);  // FIONBIO
  EXPECT_TRUE(Call(SysFcntl, fd, 3) & kOpenNonblock);
  EXPECT_EQ(Call(SysIoctl, fd, 0x5451), 0);  // FIOCLEX
  EXPECT_EQ(Call(SysFcntl, fd, 1), 1);
  WriteText(fd, "12345");
  Call(SysLseek, fd, 2, 0);
  int left = 0;
  EXPECT_EQ(Call(SysIoctl, fd, 0x541b, &left), 0);  // FIONREAD
  EXPECT_EQ(left, 3);
  EXPECT_EQ(Call(SysIoctl, fd, 0x5401, &left), -ENOTTY);  // TCGETS
  EXPECT_EQ(Call(SysFcntl, fd, 1024, 0), -EINVAL);        // leases
}

TEST_F(DescriptorTest, VectoredIo) {
  int fd = Open("/f", kOpenCreate | kOpenReadWrite);
  char one[] = "one ", two[] = "two";
  IoVec out[] = {{reinterpret_cast<uint64_t>(one), 4},
                 {0, 0},
                 {reinterpret_cast<uint64_t>(two), 3}};
  EXPECT_EQ(Call(SysWritev, fd, out, 3), 7);
  char a[3] = {}, b[8] = {};
  IoVec in[] = {{reinterpret_cast<uint64_t>(a), 2},
                {reinterpret_cast<uint64_t>(b), 7}};
  EXPECT_EQ(Call(SysPreadv, fd, in, 2, 0), 7);
  EXPECT_STREQ(a, "on");
  EXPECT_STREQ(b, "e two");
  EXPECT_EQ(Call(SysWritev, fd, out, 1025), -EINVAL);
  IoVec negative[] = {{0, ~uint64_t{0}}};
  EXPECT_EQ(Call(SysWritev, fd, negative, 1), -EINVAL);
  IoVec kernel[] = {{0xffff800000000000, 8}};
  EXPECT_EQ(Call(SysWritev, fd, kernel, 1), -EFAULT);
  // A bad second buffer: as much as the first one holds.
  IoVec half[] = {{reinterpret_cast<uint64_t>(one), 4}, {8, 4}};
  EXPECT_EQ(Call(SysPwritev, fd, half, 2, 0), 4);
  // pwritev2 with RWF_APPEND at the file's position.
  Call(SysLseek, fd, 0, 0);
  EXPECT_EQ(Call(SysPwritev2, fd, out, 1, -1, 0, 16), 4);
  EXPECT_EQ(Slurp("/f"), "one twoone ");
  EXPECT_EQ(Call(SysPwritev2, fd, out, 1, -1, 0, 0x100), -EOPNOTSUPP);
}

TEST_F(DescriptorTest, FileSizeLimit) {
  process()->limits[1].soft = 10;
  int fd = Open("/f", kOpenCreate | kOpenReadWrite);
  EXPECT_EQ(WriteText(fd, "123456789012345"), 10);
  EXPECT_EQ(WriteText(fd, "x"), -EFBIG);
  EXPECT_TRUE(CurrentThread()->pending.set().Has(25));
  EXPECT_EQ(Call(SysFtruncate, fd, 11), -EFBIG);
}

TEST_F(DescriptorTest, CopyBetweenFiles) {
  MakeFile("/f", "0123456789");
  int in = Open("/f", kOpenReadOnly);
  int out = Open("/g", kOpenCreate | kOpenReadWrite);
  int64_t offset = 2;
  EXPECT_EQ(Call(SysSendfile, out, in, &offset, 4), 4);
  EXPECT_EQ(offset, 6);
  EXPECT_EQ(Call(SysLseek, in, 0, 1), 0);
  EXPECT_EQ(Call(SysSendfile, out, in, static_cast<void*>(nullptr), 3), 3);
  EXPECT_EQ(Call(SysLseek, in, 0, 1), 3);
  EXPECT_EQ(Slurp("/g"), "2345012");
  int64_t from = 8, to = 0;
  EXPECT_EQ(Call(SysCopyFileRange, in, &from, out, &to, 100, 0), 2);
  EXPECT_EQ(from, 10);
  EXPECT_EQ(to, 2);
  EXPECT_EQ(Slurp("/g"), "8945012");
  from = 0, to = 3;
  EXPECT_EQ(Call(SysCopyFileRange, out, &from, out, &to, 4, 0), -EINVAL);
  EXPECT_EQ(Call(SysSplice, in, &from, out, &to, 4, 0), -EINVAL);
  EXPECT_EQ(Call(SysTee, in, out, 4, 0), -EINVAL);
}

TEST_F(DescriptorTest, StatLayouts) {
  MakeFile("/f", "12345");
  struct {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, rest[11];
  } stat;
  EXPECT_EQ(Call(SysStat, "/f", &stat), 0);
  EXPECT_EQ(stat.size, 5);
  EXPECT_EQ(stat.mode, kModeRegular | 0644);
  EXPECT_EQ(stat.nlink, 1u);
  int fd = Open("/f", kOpenPath);
  stat.size = 0;
  EXPECT_EQ(Call(SysFstat, fd, &stat), 0);
  EXPECT_EQ(stat.size, 5);
  EXPECT_EQ(Call(SysNewfstatat, fd, "", &stat, 0), -ENOENT);
  EXPECT_EQ(Call(SysNewfstatat, fd, "", &stat, 0x1000), 0);
  EXPECT_EQ(Call(SysNewfstatat, fd, "x", &stat, 0), -ENOTDIR);
  EXPECT_EQ(Call(SysNewfstatat, fd, "", &stat, 0x100000), -EINVAL);
  alignas(8) uint8_t statx[256];
  EXPECT_EQ(Call(SysStatx, kAtFdCwd, "/f", 0, 0x7ff, statx), 0);
  EXPECT_EQ(*reinterpret_cast<uint64_t*>(statx + 40), 5u);
  alignas(8) int64_t statfs[15];
  EXPECT_EQ(Call(SysStatfs, "/", statfs), 0);
  EXPECT_EQ(statfs[0], 0x01021994);
}

}  // namespace
}  // namespace gk
