// SPDX-License-Identifier: Apache-2.0
//
// The fs server's tree: lookups, creations, removals, renames, links, and what
// happens to nodes when the host changes things behind the guest's back.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_test_fixture.h"

namespace crvm {
namespace {

using FuseNamesTest = FuseTest;

TEST_F(FuseNamesTest, LookupFindsAndMisses) {
  WriteHost("file", "hello");
  fuse_entry_out entry;
  int64_t node = client().Lookup(kRoot, "file", &entry);
  ASSERT_GT(node, 1);
  EXPECT_EQ(entry.attr.size, 5u);
  EXPECT_EQ(entry.attr.mode & S_IFMT, static_cast<uint32_t>(S_IFREG));
  EXPECT_EQ(entry.attr.ino, StatHost("file").st_ino);
  EXPECT_EQ(entry.entry_valid, 1u);
  EXPECT_NE(entry.generation, 0u);
  EXPECT_EQ(client().Lookup(kRoot, "file"), node);
  EXPECT_EQ(client().Lookup(kRoot, "missing"), -ENOENT);
  EXPECT_EQ(client().Lookup(static_cast<uint64_t>(node), "x"), -ENOTDIR);
}

TEST_F(FuseNamesTest, BadNamesAreRefused) {
  EXPECT_EQ(client().Lookup(kRoot, ""), -EINVAL);
  EXPECT_EQ(client().Lookup(kRoot, "."), -EINVAL);
  EXPECT_EQ(client().Lookup(kRoot, ".."), -EINVAL);
  EXPECT_EQ(client().Lookup(kRoot, "a/b"), -EINVAL);
  EXPECT_EQ(client().Lookup(kRoot, "../etc/passwd"), -EINVAL);
  EXPECT_EQ(client().Lookup(kRoot, std::string(256, 'x')), -ENAMETOOLONG);
  EXPECT_EQ(client().Lookup(kRoot, std::string(255, 'x')), -ENOENT);
  EXPECT_EQ(client().Lookup(kRoot, std::string(70000, 'x')), -ENAMETOOLONG);
  // Not terminated.
  EXPECT_EQ(client().Call(FUSE_LOOKUP, kRoot, "abc").error, -EINVAL);
  EXPECT_EQ(client().MkDir(kRoot, "..", 0755), -EINVAL);
  EXPECT_EQ(client().Rename(kRoot, "a", kRoot, "../b"), -EINVAL);
  EXPECT_EQ(client().Lookup(12345, "x"), -ESTALE);
  EXPECT_EQ(client().Lookup(0, "x"), -ESTALE);
}

TEST_F(FuseNamesTest, HardLinksShareANode) {
  WriteHost("a", "x");
  ASSERT_EQ(link(Host("a").c_str(), Host("b").c_str()), 0);
  int64_t node = client().Lookup(kRoot, "a");
  EXPECT_EQ(client().Lookup(kRoot, "b"), node);
  EXPECT_EQ(client().Link(static_cast<uint64_t>(node), kRoot, "c"), node);
  EXPECT_EQ(StatHost("c").st_nlink, 3u);
}

TEST_F(FuseNamesTest, ForgottenNodesGoAndIdsAreNotReused) {
  WriteHost("a", "x");
  int64_t node = client().Lookup(kRoot, "a");
  client().Lookup(kRoot, "a");
  fuse_attr attr;
  client().Forget(static_cast<uint64_t>(node), 1);
  EXPECT_EQ(client().GetAttr(static_cast<uint64_t>(node), &attr), 0);
  client().Forget(static_cast<uint64_t>(node), 100);
  EXPECT_EQ(client().GetAttr(static_cast<uint64_t>(node), &attr), -ESTALE);
  EXPECT_NE(client().Lookup(kRoot, "a"), node);
}

TEST_F(FuseNamesTest, BatchForget) {
  WriteHost("a", "x");
  WriteHost("b", "x");
  auto a = static_cast<uint64_t>(client().Lookup(kRoot, "a"));
  auto b = static_cast<uint64_t>(client().Lookup(kRoot, "b"));
  // Claims more than it holds.
  auto reply =
      client().Call(FUSE_BATCH_FORGET, 0,
                    FuseTestClient::Bytes(fuse_batch_forget_in{1000000, 0}) +
                        FuseTestClient::Bytes(fuse_forget_one{a, 1}) +
                        FuseTestClient::Bytes(fuse_forget_one{b, 1}));
  EXPECT_EQ(reply.length, 0u);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(a, &attr), -ESTALE);
  EXPECT_EQ(client().GetAttr(b, &attr), -ESTALE);
}

TEST_F(FuseNamesTest, ParentOutlivesItsForgetting) {
  ASSERT_EQ(mkdir(Host("d").c_str(), 0755), 0);
  WriteHost("d/f", "x");
  auto dir = static_cast<uint64_t>(client().Lookup(kRoot, "d"));
  auto file = static_cast<uint64_t>(client().Lookup(dir, "f"));
  client().Forget(dir, 1);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(file, &attr), 0);
  client().Forget(file, 1);
  EXPECT_EQ(client().GetAttr(dir, &attr), -ESTALE);
}

TEST_F(FuseNamesTest, CreatesEveryKind) {
  mode_t old = umask(077);  // must not matter
  int64_t dir = client().MkDir(kRoot, "d", 0755);
  ASSERT_GT(dir, 0);
  fuse_mknod_in in = {};
  in.mode = S_IFIFO | 0644;
  EXPECT_EQ(client()
                .Call(FUSE_MKNOD, kRoot,
                      FuseTestClient::Bytes(in) + FuseTestClient::Name("p"))
                .error,
            0);
  in.mode = S_IFSOCK | 0666;
  EXPECT_EQ(client()
                .Call(FUSE_MKNOD, kRoot,
                      FuseTestClient::Bytes(in) + FuseTestClient::Name("s"))
                .error,
            0);
  in.mode = S_IFCHR | 0666;
  EXPECT_EQ(client()
                .Call(FUSE_MKNOD, kRoot,
                      FuseTestClient::Bytes(in) + FuseTestClient::Name("c"))
                .error,
            -EPERM);
  auto link = client().Call(
      FUSE_SYMLINK, kRoot,
      FuseTestClient::Name("l") + FuseTestClient::Name("some/../target"));
  EXPECT_EQ(link.error, 0);
  umask(old);
  EXPECT_EQ(StatHost("d").st_mode, static_cast<mode_t>(S_IFDIR | 0755));
  EXPECT_EQ(StatHost("p").st_mode, static_cast<mode_t>(S_IFIFO | 0644));
  EXPECT_EQ(StatHost("s").st_mode, static_cast<mode_t>(S_IFSOCK | 0666));
  auto target =
      client().Call(FUSE_READLINK, link.As<fuse_entry_out>().nodeid, "");
  EXPECT_EQ(target.payload, "some/../target");
  EXPECT_EQ(client().Call(FUSE_READLINK, static_cast<uint64_t>(dir), "").error,
            -EINVAL);
  EXPECT_EQ(client().MkDir(kRoot, "d", 0755), -EEXIST);
}

TEST_F(FuseNamesTest, RemovedFileLivesOnThroughItsHandle) {
  uint64_t node, fh;
  ASSERT_EQ(client().Create(kRoot, "f", O_RDWR, 0644, &node, &fh), 0);
  EXPECT_EQ(client().Write(node, fh, 0, "data"), 4);
  EXPECT_EQ(client().Unlink(kRoot, "f"), 0);
  EXPECT_FALSE(ExistsOnHost("f"));
  EXPECT_EQ(client().Read(node, fh, 0, 10), "data");
  fuse_attr attr;
  ASSERT_EQ(client().GetAttr(node, &attr), 0);
  EXPECT_EQ(attr.nlink, 0u);
  // As through /proc/self/fd in the guest.
  int64_t again = client().Open(node, O_RDONLY);
  ASSERT_GE(again, 0);
  EXPECT_EQ(client().Read(node, static_cast<uint64_t>(again), 0, 10), "data");
  // Another file under the old name is another node.
  WriteHost("f", "new");
  EXPECT_NE(client().Lookup(kRoot, "f"), static_cast<int64_t>(node));
}

TEST_F(FuseNamesTest, RmDir) {
  auto dir = static_cast<uint64_t>(client().MkDir(kRoot, "d", 0755));
  WriteHost("d/f", "x");
  EXPECT_EQ(client().RmDir(kRoot, "d"), -ENOTEMPTY);
  EXPECT_EQ(client().Unlink(dir, "f"), 0);
  EXPECT_EQ(client().Unlink(kRoot, "d"), -EISDIR);
  EXPECT_EQ(client().RmDir(kRoot, "d"), 0);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(dir, &attr), 0);  // somebody's cwd
  EXPECT_EQ(client().MkDir(dir, "x", 0755), -ENOENT);
  EXPECT_EQ(client().RmDir(kRoot, "d"), -ENOENT);
}

TEST_F(FuseNamesTest, RenameMovesTheNode) {
  auto dir = static_cast<uint64_t>(client().MkDir(kRoot, "d", 0755));
  WriteHost("a", "A");
  WriteHost("d/b", "B");
  auto a = static_cast<uint64_t>(client().Lookup(kRoot, "a"));
  auto b = static_cast<uint64_t>(client().Lookup(dir, "b"));
  int64_t b_fh = client().Open(b, O_RDONLY);
  EXPECT_EQ(client().Rename(kRoot, "a", dir, "b", RENAME_NOREPLACE), -EEXIST);
  EXPECT_EQ(client().Rename(kRoot, "a", dir, "b"), 0);
  EXPECT_EQ(ReadHost("d/b"), "A");
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(a, &attr), 0);
  EXPECT_EQ(client().Lookup(dir, "b"), static_cast<int64_t>(a));
  EXPECT_EQ(client().Read(b, static_cast<uint64_t>(b_fh), 0, 9), "B");
  EXPECT_EQ(client().GetAttr(b, &attr), 0);
  EXPECT_EQ(client().Rename(kRoot, "a", dir, "c"), -ENOENT);
}

TEST_F(FuseNamesTest, RenameOfADirectoryTakesItsContentsAlong) {
  auto d = static_cast<uint64_t>(client().MkDir(kRoot, "d", 0755));
  auto e = static_cast<uint64_t>(client().MkDir(d, "e", 0755));
  WriteHost("d/e/f", "F");
  auto f = static_cast<uint64_t>(client().Lookup(e, "f"));
  EXPECT_EQ(client().Rename(kRoot, "d", kRoot, "x"), 0);
  EXPECT_EQ(client().Rename(d, "e", kRoot, "y"), 0);
  int64_t fh = client().Open(f, O_RDONLY);
  ASSERT_GE(fh, 0);
  EXPECT_EQ(client().Read(f, static_cast<uint64_t>(fh), 0, 9), "F");
  EXPECT_EQ(client().Rename(kRoot, "x", d, "z"), -EINVAL);  // into itself
}

TEST_F(FuseNamesTest, RenameExchange) {
  WriteHost("a", "A");
  WriteHost("b", "B");
  auto a = client().Lookup(kRoot, "a");
  auto b = client().Lookup(kRoot, "b");
  EXPECT_EQ(client().Rename(kRoot, "a", kRoot, "b", RENAME_EXCHANGE), 0);
  EXPECT_EQ(ReadHost("a"), "B");
  EXPECT_EQ(client().Lookup(kRoot, "a"), b);
  EXPECT_EQ(client().Lookup(kRoot, "b"), a);
  EXPECT_EQ(client().Rename(kRoot, "a", kRoot, "b", RENAME_WHITEOUT), -EINVAL);
}

TEST_F(FuseNamesTest, RenameOverAnotherNameOfTheSameFile) {
  WriteHost("a", "A");
  ASSERT_EQ(link(Host("a").c_str(), Host("b").c_str()), 0);
  auto a = client().Lookup(kRoot, "a");
  EXPECT_EQ(client().Rename(kRoot, "a", kRoot, "b"), 0);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(static_cast<uint64_t>(a), &attr), 0);
  EXPECT_TRUE(ExistsOnHost("a"));
}

TEST_F(FuseNamesTest, FileReplacedOnTheHostIsStale) {
  WriteHost("a", "old");
  auto a = static_cast<uint64_t>(client().Lookup(kRoot, "a"));
  WriteHost("b", "new!");
  ASSERT_EQ(rename(Host("b").c_str(), Host("a").c_str()), 0);
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(a, &attr), -ESTALE);
  EXPECT_EQ(client().Open(a, O_RDONLY), -ESTALE);
  int64_t b = client().Lookup(kRoot, "a");
  EXPECT_NE(b, static_cast<int64_t>(a));
  ASSERT_EQ(unlink(Host("a").c_str()), 0);
  EXPECT_EQ(client().GetAttr(static_cast<uint64_t>(b), &attr), -ESTALE);
  EXPECT_EQ(client().Open(static_cast<uint64_t>(b), O_RDONLY), -ESTALE);
  EXPECT_EQ(client().Lookup(kRoot, "a"), -ENOENT);
}

TEST_F(FuseNamesTest, SymlinksAreNeverFollowed) {
  ASSERT_EQ(mkdir(Host("d").c_str(), 0755), 0);
  WriteHost("d/f", "x");
  auto d = static_cast<uint64_t>(client().Lookup(kRoot, "d"));
  auto f = static_cast<uint64_t>(client().Lookup(d, "f"));
  client().Forget(d, 1);
  // The host turns the file into a link that leads away.
  ASSERT_EQ(unlink(Host("d/f").c_str()), 0);
  ASSERT_EQ(symlink("/etc/passwd", Host("d/f").c_str()), 0);
  EXPECT_EQ(client().Open(f, O_RDONLY), -ESTALE);
  auto l = client().Lookup(d, "f");
  ASSERT_GT(l, 0);
  EXPECT_EQ(client().Open(static_cast<uint64_t>(l), O_RDONLY), -ELOOP);
  EXPECT_EQ(client().Lookup(static_cast<uint64_t>(l), "x"), -ENOTDIR);
  uint64_t node, fh;
  EXPECT_EQ(client().Create(d, "f", O_RDWR, 0644, &node, &fh), -ELOOP);
}

TEST_F(FuseNamesTest, TreeTurnedInsideOutOnTheHost) {
  ASSERT_EQ(mkdir(Host("a").c_str(), 0755), 0);
  ASSERT_EQ(mkdir(Host("a/b").c_str(), 0755), 0);
  auto a = static_cast<uint64_t>(client().Lookup(kRoot, "a"));
  auto b = static_cast<uint64_t>(client().Lookup(a, "b"));
  fuse_attr attr;
  EXPECT_EQ(client().Lookup(b, "none"), -ENOENT);  // opens b
  ASSERT_EQ(rename(Host("a/b").c_str(), Host("b").c_str()), 0);
  ASSERT_EQ(rename(Host("a").c_str(), Host("b/a").c_str()), 0);
  EXPECT_EQ(client().Lookup(b, "a"), static_cast<int64_t>(a));
  EXPECT_EQ(client().GetAttr(a, &attr), 0);
  EXPECT_EQ(client().GetAttr(b, &attr), 0);
  EXPECT_EQ(client().Lookup(kRoot, "b"), static_cast<int64_t>(b));
  client().Forget(a, 2);
  client().Forget(b, 2);
  EXPECT_EQ(client().GetAttr(a, &attr), -ESTALE);
  EXPECT_EQ(client().GetAttr(b, &attr), -ESTALE);
}

TEST_F(FuseNamesTest, DeepTreesWithFewDescriptors) {
  FuseServerOptions options;
  options.max_node_fds = 4;
  StartServer(options);
  std::vector<uint64_t> nodes = {kRoot};
  for (int i = 0; i < 100; ++i) {
    int64_t dir = client().MkDir(nodes.back(), "d", 0755);
    ASSERT_GT(dir, 0) << i;
    nodes.push_back(static_cast<uint64_t>(dir));
  }
  fuse_attr attr;
  for (uint64_t node : nodes) {
    EXPECT_EQ(client().GetAttr(node, &attr), 0);
    if (node != nodes.back()) {
      EXPECT_GT(client().Lookup(node, "d"), 0);
    }
  }
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    EXPECT_EQ(client().MkDir(*it, "e", 0755) > 0, true);
  }
}

TEST_F(FuseNamesTest, NodesAreLimited) {
  FuseServerOptions options;
  options.max_nodes = 3;
  StartServer(options);
  EXPECT_GT(client().MkDir(kRoot, "a", 0755), 0);
  int64_t b = client().MkDir(kRoot, "b", 0755);
  EXPECT_GT(b, 0);
  EXPECT_EQ(client().MkDir(kRoot, "c", 0755), -ENOMEM);
  client().Forget(static_cast<uint64_t>(b), 1);
  EXPECT_GT(client().Lookup(kRoot, "c"), 0);
}

}  // namespace
}  // namespace crvm
