// SPDX-License-Identifier: Apache-2.0
//
// The fs server's directory listings, path walks, and its protocol as such.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_test_fixture.h"

namespace crvm {
namespace {

class FuseDirTest : public FuseTest {
 protected:
  uint64_t OpenDir(uint64_t node) {
    auto reply = client().Call(FUSE_OPENDIR, node,
                               FuseTestClient::Bytes(fuse_open_in{}));
    EXPECT_EQ(reply.error, 0);
    return reply.As<fuse_open_out>().fh;
  }

  FuseTestClient::Reply Walk(const std::string& path,
                             abi::FuseExtWalkIn in = {},
                             uint64_t from = kRoot) {
    if (in.meta_size == 0) in.meta_size = 4096;
    in.path_len = static_cast<uint32_t>(path.size());
    return client().Call(abi::kFuseExtWalk, from,
                         FuseTestClient::Bytes(in) + path, 128 << 10);
  }
  static fuse_entry_out EntryAt(const FuseTestClient::Reply& reply, size_t i) {
    return reply.As<fuse_entry_out>(sizeof(abi::FuseExtWalkOut) +
                                    i * sizeof(fuse_entry_out));
  }
};

TEST_F(FuseDirTest, ListsEverythingOnceInSmallReplies) {
  std::set<std::string> expected = {".", ".."};
  for (int i = 0; i < 300; ++i) {
    std::string name = "file" + std::to_string(i) + std::string(i % 50, 'x');
    WriteHost(name, "");
    expected.insert(name);
  }
  for (bool plus : {false, true}) {
    for (uint32_t size : {600u, 4096u, 1u << 20}) {
      uint64_t fh = OpenDir(kRoot);
      std::multiset<std::string> seen;
      uint64_t offset = 0;
      for (;;) {
        auto entries = client().ReadDir(kRoot, fh, offset, size, plus);
        if (entries.empty()) break;
        for (const auto& entry : entries) {
          seen.insert(entry.name);
          if (plus && entry.name[0] != '.') {
            EXPECT_EQ(client().Lookup(kRoot, entry.name),
                      static_cast<int64_t>(entry.nodeid));
          }
          offset = entry.off;
        }
      }
      EXPECT_EQ(seen.size(), expected.size());
      EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
      EXPECT_EQ(client().Release(kRoot, fh, true), 0);
    }
  }
}

TEST_F(FuseDirTest, ListingOpensTheDirectoryAndTellsTheEnd) {
  for (int i = 0; i < 40; ++i) WriteHost("file" + std::to_string(i), "");
  abi::FuseExtReadDirIn in = {};
  in.size = 1500;
  in.meta_size = 64;
  size_t bytes = 0;
  for (int requests = 1;; ++requests) {
    ASSERT_LT(requests, 20);
    auto reply = client().Call(abi::kFuseExtReadDir, kRoot,
                               FuseTestClient::Bytes(in), 64 + 1500);
    ASSERT_EQ(reply.error, 0);
    auto out = reply.As<abi::FuseExtReadDirOut>();
    EXPECT_TRUE(in.fh == 0 || out.fh == in.fh);
    in.fh = out.fh;
    bytes += out.data_len;
    for (size_t at = 64 - 16; at < reply.payload.size();) {
      auto dirent = reply.As<fuse_dirent>(at);
      in.offset = dirent.off;
      at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET + dirent.namelen);
    }
    if (out.at_end != 0) break;
  }
  EXPECT_EQ(bytes, 42u * 32);
  EXPECT_EQ(client().Release(kRoot, in.fh, true), 0);
  in.meta_size = 8;
  EXPECT_EQ(
      client()
          .Call(abi::kFuseExtReadDir, kRoot, FuseTestClient::Bytes(in), 4096)
          .error,
      -EINVAL);
  in.meta_size = 64;
  EXPECT_EQ(
      client()
          .Call(abi::kFuseExtReadDir, kRoot, FuseTestClient::Bytes(in), 4096)
          .error,
      -EBADF);
  WriteHost("f", "");
  in.fh = 0;
  EXPECT_EQ(client()
                .Call(abi::kFuseExtReadDir,
                      static_cast<uint64_t>(client().Lookup(kRoot, "f")),
                      FuseTestClient::Bytes(in), 4096)
                .error,
            -ENOTDIR);
}

TEST_F(FuseDirTest, RewindSeesNewFiles) {
  uint64_t fh = OpenDir(kRoot);
  EXPECT_EQ(client().ReadDir(kRoot, fh, 0, 4096, false).size(), 2u);
  WriteHost("new", "");
  EXPECT_EQ(client().ReadDir(kRoot, fh, 0, 4096, false).size(), 3u);
}

TEST_F(FuseDirTest, BadRequests) {
  uint64_t fh = OpenDir(kRoot);
  WriteHost("f", "");
  auto file = static_cast<uint64_t>(client().Lookup(kRoot, "f"));
  EXPECT_EQ(client()
                .Call(FUSE_OPENDIR, file, FuseTestClient::Bytes(fuse_open_in{}))
                .error,
            -ENOTDIR);
  EXPECT_EQ(client().Read(kRoot, fh, 0, 10), "error 9");
  // No room for one entry.
  EXPECT_TRUE(client().ReadDir(kRoot, fh, 0, 8, true).empty());
  fuse_read_in in = {};
  in.fh = fh;
  in.size = 8;
  EXPECT_EQ(client().Call(FUSE_READDIR, kRoot, FuseTestClient::Bytes(in)).error,
            -EINVAL);
  in.offset = UINT64_MAX;
  in.size = 4096;
  client().Call(FUSE_READDIR, kRoot, FuseTestClient::Bytes(in));
  fuse_fsync_in sync = {};
  sync.fh = fh;
  EXPECT_EQ(
      client().Call(FUSE_FSYNCDIR, kRoot, FuseTestClient::Bytes(sync)).error,
      0);
}

TEST_F(FuseDirTest, WalkGivesEveryComponent) {
  ASSERT_EQ(mkdir(Host("a").c_str(), 0755), 0);
  ASSERT_EQ(mkdir(Host("a/b").c_str(), 0755), 0);
  WriteHost("a/b/f", "contents");
  auto reply = Walk("a/b/f");
  ASSERT_EQ(reply.error, 0);
  auto out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.entry_count, 3u);
  EXPECT_EQ(out.status, 0);
  EXPECT_EQ(out.open_status, -ENXIO);
  int64_t a = client().Lookup(kRoot, "a");
  EXPECT_EQ(EntryAt(reply, 0).nodeid, static_cast<uint64_t>(a));
  EXPECT_EQ(EntryAt(reply, 2).attr.size, 8u);
  EXPECT_EQ(reply.length,
            sizeof(fuse_out_header) + sizeof(out) + 3 * sizeof(fuse_entry_out));

  reply = Walk("b/none/x", {}, static_cast<uint64_t>(a));
  out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.entry_count, 1u);
  EXPECT_EQ(out.status, -ENOENT);
  reply = Walk("a/b/f/x");
  out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.entry_count, 3u);
  EXPECT_EQ(out.status, -ENOTDIR);
}

TEST_F(FuseDirTest, WalkOpensAndReads) {
  ASSERT_EQ(mkdir(Host("a").c_str(), 0755), 0);
  WriteHost("a/f", "contents");
  abi::FuseExtWalkIn in = {};
  in.flags = abi::kFuseExtWalkOpen;
  in.data_size = 4096;
  auto reply = Walk("a/f", in);
  auto out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.open_status, 0);
  EXPECT_EQ(out.data_len, 8u);
  EXPECT_EQ(reply.payload.substr(4096 - 16), "contents");
  uint64_t node = EntryAt(reply, 1).nodeid;
  EXPECT_EQ(client().Read(node, out.fh, 3, 100), "tents");

  in.open_flags = O_WRONLY | O_TRUNC;
  reply = Walk("a/f", in);
  out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.open_status, 0);
  EXPECT_EQ(out.data_len, 0u);
  EXPECT_EQ(EntryAt(reply, 1).attr.size, 0u);

  reply = Walk("a", in);
  EXPECT_EQ(reply.As<abi::FuseExtWalkOut>().open_status, -ENXIO);
  EXPECT_EQ(reply.As<abi::FuseExtWalkOut>().status, 0);
}

TEST_F(FuseDirTest, WalkStopsAtSymlinks) {
  ASSERT_EQ(mkdir(Host("a").c_str(), 0755), 0);
  ASSERT_EQ(symlink("a", Host("l").c_str()), 0);
  WriteHost("a/f", "x");
  auto reply = Walk("l/f");
  auto out = reply.As<abi::FuseExtWalkOut>();
  EXPECT_EQ(out.entry_count, 1u);
  EXPECT_EQ(out.status, 0);
  EXPECT_EQ(out.link_len, 1u);
  EXPECT_EQ(reply.payload.substr(sizeof(out) + sizeof(fuse_entry_out)), "a");
}

TEST_F(FuseDirTest, WalkRefusesBadPaths) {
  ASSERT_EQ(mkdir(Host("a").c_str(), 0755), 0);
  for (const char* path : {"/a", "../x", "./a", "."}) {
    auto reply = Walk(path);
    EXPECT_EQ(reply.error, 0);
    EXPECT_EQ(reply.As<abi::FuseExtWalkOut>().status, -EINVAL) << path;
    EXPECT_EQ(reply.As<abi::FuseExtWalkOut>().entry_count, 0u) << path;
  }
  for (const char* path : {"a//b", "a/..", "a/../a"}) {
    EXPECT_EQ(Walk(path).As<abi::FuseExtWalkOut>().status, -EINVAL) << path;
  }
  EXPECT_EQ(Walk(std::string("a\0b", 3)).As<abi::FuseExtWalkOut>().status,
            -EINVAL);
  EXPECT_EQ(Walk(std::string(300, 'x')).As<abi::FuseExtWalkOut>().status,
            -ENAMETOOLONG);
  EXPECT_EQ(Walk("").error, -EINVAL);
  EXPECT_EQ(Walk(std::string(5000, 'x')).error, -EINVAL);
  abi::FuseExtWalkIn in = {};
  in.meta_size = 56;
  EXPECT_EQ(Walk("a", in).As<abi::FuseExtWalkOut>().status, -EMSGSIZE);
  in.meta_size = 1 << 30;
  EXPECT_EQ(Walk("a", in).error, -EINVAL);
}

TEST_F(FuseDirTest, Init) {
  fuse_init_in in = {};
  in.major = 7;
  in.minor = 31;
  in.flags = FUSE_MAX_PAGES | FUSE_WRITEBACK_CACHE;
  auto reply = client().Call(FUSE_INIT, 0, FuseTestClient::Bytes(in));
  EXPECT_EQ(reply.error, 0);
  auto out = reply.As<fuse_init_out>();
  EXPECT_EQ(out.major, 7u);
  EXPECT_EQ(out.max_write, 1u << 20);
  EXPECT_EQ(out.flags, static_cast<uint32_t>(FUSE_MAX_PAGES));
  in.minor = 8;
  EXPECT_EQ(client().Call(FUSE_INIT, 0, FuseTestClient::Bytes(in)).error,
            -EPROTO);
}

TEST_F(FuseDirTest, MalformedRequests) {
  EXPECT_EQ(client().CallRaw("", 100).length, 0u);
  EXPECT_EQ(client().CallRaw("short", 100).length, 0u);
  fuse_in_header header = {};
  header.opcode = FUSE_GETATTR;
  header.nodeid = 1;
  header.len = 10;
  EXPECT_EQ(client().CallRaw(FuseTestClient::Bytes(header), 100).error, -EIO);
  header.len = 1000;
  EXPECT_EQ(client().CallRaw(FuseTestClient::Bytes(header), 100).error, -EIO);
  header.len = sizeof(header);
  EXPECT_EQ(client().CallRaw(FuseTestClient::Bytes(header), 100).error,
            -EINVAL);
  header.opcode = 4000;
  EXPECT_EQ(client().CallRaw(FuseTestClient::Bytes(header), 100).error,
            -ENOSYS);
  // No room for the reply, or not even for an error.
  EXPECT_EQ(
      client()
          .Call(FUSE_GETATTR, 1, FuseTestClient::Bytes(fuse_getattr_in{}), 50)
          .error,
      -EIO);
  EXPECT_EQ(client().CallRaw(FuseTestClient::Bytes(header), 15).length, 0u);
}

}  // namespace
}  // namespace crvm
