// SPDX-License-Identifier: Apache-2.0
//
// The fs server's open files: handles, data, attributes, extended attributes.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_test_fixture.h"

namespace crvm {
namespace {

class FuseIoTest : public FuseTest {
 protected:
  void Create(const std::string& name, uint32_t flags) {
    ASSERT_EQ(client().Create(kRoot, name, flags, 0644, &node_, &fh_), 0);
  }
  int SetAttr(fuse_setattr_in in, fuse_attr* attr = nullptr) {
    auto reply = client().Call(FUSE_SETATTR, node_, FuseTestClient::Bytes(in));
    if (attr != nullptr) *attr = reply.As<fuse_attr_out>().attr;
    return reply.error;
  }
  uint64_t node_ = 0;
  uint64_t fh_ = 0;
};

TEST_F(FuseIoTest, WriteAndReadInPieces) {
  for (size_t piece : {0, 1, 7, 16, 4096}) {
    client().set_piece_size(piece);
    Create("f" + std::to_string(piece), O_RDWR);
    std::string data(300, 'x');
    data += "end";
    EXPECT_EQ(client().Write(node_, fh_, 10, data), 303);
    EXPECT_EQ(client().Read(node_, fh_, 300, 100), "xxxxxxxxxxend");
    EXPECT_EQ(client().Read(node_, fh_, 0, 3), std::string(3, '\0'));
    EXPECT_EQ(client().Read(node_, fh_, 313, 100), "");
    EXPECT_EQ(client().Read(node_, fh_, uint64_t{1} << 63, 1), "error 22");
  }
}

TEST_F(FuseIoTest, LargeData) {
  Create("f", O_RDWR);
  std::string data(1 << 20, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31);
  client().set_piece_size(4096);
  EXPECT_EQ(client().Write(node_, fh_, 0, data), 1 << 20);
  EXPECT_TRUE(client().Read(node_, fh_, 0, 1 << 20) == data);
  // More than the limit is a short write.
  client().set_piece_size(0);
  EXPECT_EQ(client().Write(node_, fh_, 0, data + "more"), 1 << 20);
}

TEST_F(FuseIoTest, Append) {
  WriteHost("f", "base");
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "f"));
  fh_ = static_cast<uint64_t>(client().Open(node_, O_RDWR | O_APPEND));
  EXPECT_EQ(client().Write(node_, fh_, 0, "+1"), 2);
  EXPECT_EQ(ReadHost("f"), "base+1");
  // The offset given does not matter, and the reply says where it went.
  fuse_write_in in = {};
  in.fh = fh_;
  in.size = 2;
  auto reply = client().Call(abi::kFuseExtWrite, node_,
                             FuseTestClient::Bytes(in) + "+2");
  ASSERT_EQ(reply.error, 0);
  auto out = reply.As<abi::FuseExtWriteOut>();
  EXPECT_EQ(out.end_offset, 8u);
  EXPECT_EQ(out.size, 2u);
  EXPECT_EQ(out.attr.size, 8u);
  EXPECT_EQ(out.before_size, 6u);
  // Write-back of a mapped page is no append.
  EXPECT_EQ(client().Write(node_, fh_, 0, "B", FUSE_WRITE_CACHE), 1);
  EXPECT_EQ(ReadHost("f"), "Base+1+2");
  EXPECT_EQ(client().Write(node_, fh_, 0, "+3"), 2);
  EXPECT_EQ(ReadHost("f"), "Base+1+2+3");
}

TEST_F(FuseIoTest, HandlesAreChecked) {
  Create("f", O_WRONLY);
  EXPECT_EQ(client().Read(node_, fh_, 0, 1), "error 9");
  EXPECT_EQ(client().Read(kRoot, fh_, 0, 1), "error 9");
  EXPECT_EQ(client().Read(node_, fh_ + 1, 0, 1), "error 9");
  EXPECT_EQ(client().Write(node_, fh_ + (uint64_t{1} << 32), 0, "x"), -EBADF);
  EXPECT_EQ(client().Release(node_, fh_, true), -EBADF);
  EXPECT_EQ(client().Release(node_, fh_), 0);
  EXPECT_EQ(client().Release(node_, fh_), -EBADF);
  EXPECT_EQ(client().Write(node_, fh_, 0, "x"), -EBADF);
  // Says that there is more data than there is.
  Create("g", O_WRONLY);
  fuse_write_in in = {};
  in.fh = fh_;
  in.size = 1000;
  EXPECT_EQ(
      client().Call(FUSE_WRITE, node_, FuseTestClient::Bytes(in) + "x").error,
      -EINVAL);
}

TEST_F(FuseIoTest, HandlesAreLimited) {
  FuseServerOptions options;
  options.max_handles = 2;
  StartServer(options);
  Create("a", O_RDWR);
  Create("b", O_RDWR);
  uint64_t node, fh;
  EXPECT_EQ(client().Create(kRoot, "c", O_RDWR, 0644, &node, &fh), -ENFILE);
  EXPECT_EQ(client().Release(node_, fh_), 0);
  Create("c", O_RDWR);
}

TEST_F(FuseIoTest, DropEndsHandlesAndLookups) {
  Create("f", O_RDWR);
  auto drop = [&](uint32_t releases, uint32_t forgets) {
    return client()
        .Call(abi::kFuseExtDrop, 0,
              FuseTestClient::Bytes(abi::FuseExtDropIn{releases, forgets}) +
                  FuseTestClient::Bytes(abi::FuseExtRelease{node_, fh_}) +
                  FuseTestClient::Bytes(fuse_forget_one{node_, 1}))
        .length;
  };
  EXPECT_EQ(drop(1, 1), 0u);
  EXPECT_EQ(client().Write(node_, fh_, 0, "x"), -EBADF);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(node_, &attr), -ESTALE);
  EXPECT_EQ(drop(~0u, ~0u), 0u);
}

TEST_F(FuseIoTest, OpenFlags) {
  WriteHost("f", "text");
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "f"));
  EXPECT_EQ(client().Open(node_, O_ACCMODE), -EINVAL);
  EXPECT_GE(client().Open(node_, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_DIRECT),
            0);
  EXPECT_GE(client().Open(node_, O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(ReadHost("f"), "");
  EXPECT_EQ(client().Open(kRoot, O_RDONLY), -EISDIR);
  uint64_t node, fh;
  EXPECT_EQ(client().Create(kRoot, "f", O_RDWR | O_EXCL, 0644, &node, &fh),
            -EEXIST);
  EXPECT_EQ(client().Create(kRoot, "f", O_RDWR, 0644, &node, &fh), 0);
  EXPECT_EQ(node, node_);
}

TEST_F(FuseIoTest, OpensNothingThatBlocks) {
  ASSERT_EQ(mkfifo(Host("p").c_str(), 0644), 0);
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "p"));
  EXPECT_EQ(client().Open(node_, O_RDONLY), -ENXIO);
  EXPECT_EQ(client().Open(node_, O_RDWR), -ENXIO);
  uint64_t node, fh;
  EXPECT_EQ(client().Create(kRoot, "p", O_RDWR, 0644, &node, &fh), -ENXIO);
  // A FIFO put in place of a file that the guest knows.
  WriteHost("f", "x");
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "f"));
  ASSERT_EQ(rename(Host("p").c_str(), Host("f").c_str()), 0);
  EXPECT_EQ(client().Open(node_, O_RDONLY), -ESTALE);
}

TEST_F(FuseIoTest, SetAttr) {
  Create("f", O_RDWR);
  fuse_setattr_in in = {};
  in.valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME | FATTR_ATIME;
  in.mode = 0600;
  in.size = 1000;
  in.mtime = 12345;
  in.mtimensec = 678;
  in.atime = 99;
  fuse_attr attr;
  ASSERT_EQ(SetAttr(in, &attr), 0);
  EXPECT_EQ(attr.mode, S_IFREG | 0600u);
  EXPECT_EQ(attr.size, 1000u);
  EXPECT_EQ(attr.mtime, 12345u);
  EXPECT_EQ(attr.mtimensec, 678u);
  EXPECT_EQ(attr.atime, 99u);
  in.valid = FATTR_MTIME_NOW | FATTR_MTIME;
  ASSERT_EQ(SetAttr(in, &attr), 0);
  EXPECT_GT(attr.mtime, 1000000000u);
  EXPECT_EQ(attr.atime, 99u);
  in.valid = FATTR_UID | FATTR_GID;
  in.uid = geteuid();
  in.gid = getegid();
  EXPECT_EQ(SetAttr(in), 0);
  in.valid = FATTR_SIZE;
  in.size = UINT64_MAX;
  EXPECT_EQ(SetAttr(in), -EFBIG);
  in.valid = FATTR_SIZE | FATTR_FH;
  in.fh = fh_;
  in.size = 5;
  EXPECT_EQ(SetAttr(in), 0);
  EXPECT_EQ(StatHost("f").st_size, 5);
  node_ = kRoot;
  EXPECT_EQ(SetAttr(in), -EISDIR);
}

TEST_F(FuseIoTest, SetAttrOfASymlinkStaysOnTheSymlink) {
  WriteHost("target", "x");
  ASSERT_EQ(symlink("target", Host("l").c_str()), 0);
  struct stat before = StatHost("target");
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "l"));
  fuse_setattr_in in = {};
  in.valid = FATTR_MTIME;
  in.mtime = 77;
  EXPECT_EQ(SetAttr(in), 0);
  EXPECT_EQ(StatHost("l").st_mtim.tv_sec, 77);
  EXPECT_EQ(StatHost("target").st_mtim.tv_sec, before.st_mtim.tv_sec);
  in.valid = FATTR_MODE;
  in.mode = 0;
  EXPECT_EQ(SetAttr(in), -EOPNOTSUPP);
  in.valid = FATTR_SIZE;
  EXPECT_EQ(SetAttr(in), -EINVAL);
  EXPECT_EQ(StatHost("target").st_mode, before.st_mode);
}

TEST_F(FuseIoTest, Access) {
  Create("f", O_RDWR);
  auto access = [&](uint32_t mask) {
    return client()
        .Call(FUSE_ACCESS, node_,
              FuseTestClient::Bytes(fuse_access_in{mask, 0}))
        .error;
  };
  EXPECT_EQ(access(F_OK), 0);
  EXPECT_EQ(access(R_OK | W_OK), 0);
  EXPECT_EQ(access(X_OK), -EACCES);
  EXPECT_EQ(access(0xff), -EINVAL);
}

TEST_F(FuseIoTest, Xattr) {
  Create("f", O_RDWR);
  auto set = client().Call(FUSE_SETXATTR, node_,
                           FuseTestClient::Bytes(uint64_t{3}) +
                               FuseTestClient::Name("user.k") + "val");
  if (set.error == -EOPNOTSUPP) GTEST_SKIP() << "no user xattrs here";
  ASSERT_EQ(set.error, 0);
  auto get = [&](const std::string& name, uint32_t size) {
    return client().Call(FUSE_GETXATTR, node_,
                         FuseTestClient::Bytes(fuse_getxattr_in{size, 0}) +
                             FuseTestClient::Name(name));
  };
  EXPECT_EQ(get("user.k", 100).payload, "val");
  EXPECT_EQ(get("user.k", 0).As<fuse_getxattr_out>().size, 3u);
  EXPECT_EQ(get("user.k", 2).error, -ERANGE);
  EXPECT_EQ(get("user.none", 100).error, -ENODATA);
  EXPECT_EQ(get(std::string(300, 'u'), 100).error, -ERANGE);
  auto list = client().Call(FUSE_LISTXATTR, node_,
                            FuseTestClient::Bytes(fuse_getxattr_in{100, 0}));
  EXPECT_NE(list.payload.find("user.k"), std::string::npos);
  EXPECT_EQ(client()
                .Call(FUSE_REMOVEXATTR, node_, FuseTestClient::Name("user.k"))
                .error,
            0);
  EXPECT_EQ(get("user.k", 100).error, -ENODATA);
}

TEST_F(FuseIoTest, SparseFiles) {
  Create("f", O_RDWR);
  fuse_fallocate_in allocate = {};
  allocate.fh = fh_;
  allocate.length = 1 << 20;
  int error = client()
                  .Call(FUSE_FALLOCATE, node_, FuseTestClient::Bytes(allocate))
                  .error;
  if (error != -EOPNOTSUPP) {
    EXPECT_EQ(error, 0);
    EXPECT_EQ(StatHost("f").st_size, 1 << 20);
  }
  allocate.length = UINT64_MAX;
  EXPECT_LT(client()
                .Call(FUSE_FALLOCATE, node_, FuseTestClient::Bytes(allocate))
                .error,
            0);
  EXPECT_EQ(client().Write(node_, fh_, 4 << 20, "x"), 1);
  fuse_lseek_in seek = {};
  seek.fh = fh_;
  seek.offset = 2 << 20;
  seek.whence = SEEK_DATA;
  auto reply = client().Call(FUSE_LSEEK, node_, FuseTestClient::Bytes(seek));
  EXPECT_EQ(reply.error, 0);
  EXPECT_LE(reply.As<fuse_lseek_out>().offset, 4u << 20);
  seek.whence = SEEK_CUR;
  EXPECT_EQ(client().Call(FUSE_LSEEK, node_, FuseTestClient::Bytes(seek)).error,
            -EINVAL);
}

TEST_F(FuseIoTest, CopyFileRange) {
  WriteHost("from", "0123456789");
  auto from = static_cast<uint64_t>(client().Lookup(kRoot, "from"));
  auto from_fh = static_cast<uint64_t>(client().Open(from, O_RDONLY));
  Create("to", O_RDWR);
  fuse_copy_file_range_in in = {};
  in.fh_in = from_fh;
  in.off_in = 2;
  in.nodeid_out = node_;
  in.fh_out = fh_;
  in.len = 4;
  auto reply =
      client().Call(FUSE_COPY_FILE_RANGE, from, FuseTestClient::Bytes(in));
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.As<fuse_write_out>().size, 4u);
  EXPECT_EQ(ReadHost("to"), "2345");
}

TEST_F(FuseIoTest, FlushFsyncStatfs) {
  Create("f", O_RDWR);
  fuse_flush_in flush = {};
  flush.fh = fh_;
  EXPECT_EQ(
      client().Call(FUSE_FLUSH, node_, FuseTestClient::Bytes(flush)).error, 0);
  fuse_fsync_in sync = {};
  sync.fh = fh_;
  EXPECT_EQ(client().Call(FUSE_FSYNC, node_, FuseTestClient::Bytes(sync)).error,
            0);
  sync.fsync_flags = 1;
  EXPECT_EQ(client().Call(FUSE_FSYNC, node_, FuseTestClient::Bytes(sync)).error,
            0);
  EXPECT_EQ(client()
                .Call(FUSE_SYNCFS,
                      static_cast<uint64_t>(client().MkDir(kRoot, "d", 0755)),
                      FuseTestClient::Bytes(fuse_syncfs_in{}))
                .error,
            0);
  auto statfs = client().Call(FUSE_STATFS, node_, "");
  EXPECT_EQ(statfs.error, 0);
  EXPECT_GT(statfs.As<fuse_statfs_out>().st.blocks, 0u);
}

TEST_F(FuseIoTest, TmpFile) {
  fuse_create_in in = {};
  in.flags = O_RDWR;
  in.mode = 0600;
  auto reply =
      client().Call(FUSE_TMPFILE, kRoot,
                    FuseTestClient::Bytes(in) + FuseTestClient::Name("/"));
  if (reply.error == -EOPNOTSUPP) GTEST_SKIP() << "no O_TMPFILE here";
  ASSERT_EQ(reply.error, 0);
  uint64_t node = reply.As<fuse_entry_out>().nodeid;
  uint64_t fh = reply.As<fuse_open_out>(sizeof(fuse_entry_out)).fh;
  EXPECT_EQ(client().Write(node, fh, 0, "tmp"), 3);
  EXPECT_EQ(client().Link(node, kRoot, "named"), static_cast<int64_t>(node));
  EXPECT_EQ(ReadHost("named"), "tmp");
}

TEST_F(FuseIoTest, OpenWithData) {
  WriteHost("f", "0123456789");
  node_ = static_cast<uint64_t>(client().Lookup(kRoot, "f"));
  abi::FuseExtOpenIn in = {};
  in.meta_size = 256;
  in.data_size = 4096;
  auto reply =
      client().Call(abi::kFuseExtOpen, node_, FuseTestClient::Bytes(in));
  ASSERT_EQ(reply.error, 0);
  auto out = reply.As<abi::FuseExtOpenOut>();
  EXPECT_EQ(out.attr.size, 10u);
  EXPECT_EQ(out.data_len, 10u);
  EXPECT_EQ(reply.length, 256u + 10);
  EXPECT_EQ(reply.payload.substr(256 - 16), "0123456789");
  EXPECT_EQ(client().Read(node_, out.fh, 8, 9), "89");
  in.meta_size = 8;
  EXPECT_EQ(
      client().Call(abi::kFuseExtOpen, node_, FuseTestClient::Bytes(in)).error,
      -EINVAL);
  in.meta_size = 256;
  in.open_flags = O_WRONLY | O_TRUNC;
  reply = client().Call(abi::kFuseExtOpen, node_, FuseTestClient::Bytes(in));
  ASSERT_EQ(reply.error, 0);
  EXPECT_EQ(reply.As<abi::FuseExtOpenOut>().attr.size, 0u);
  EXPECT_EQ(reply.As<abi::FuseExtOpenOut>().data_len, 0u);
}

}  // namespace
}  // namespace crvm
