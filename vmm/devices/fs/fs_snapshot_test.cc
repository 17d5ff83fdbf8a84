// SPDX-License-Identifier: Apache-2.0
//
// The fs server through a snapshot: open files, removed files, files that
// travel, and what has changed on the host in between.

#include "vmm/devices/fs/fs_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "vmm/devices/fs/fuse_test_fixture.h"

namespace crvm {
namespace {

class FsSnapshotTest : public FuseTest {
 protected:
  struct Saved {
    std::string state;
    std::vector<std::pair<FsChunk, std::string>> chunks;
    size_t bytes = 0;
  };

  Saved Save() {
    Saved saved;
    FsSnapshot snapshot(server_.get());
    auto state = snapshot.SaveState();
    EXPECT_TRUE(state.ok()) << state.status();
    StateWriter writer;
    Encode(*state, writer);
    saved.state = writer.Take();
    absl::Status status = snapshot.SaveContents([&](const FsChunk& chunk) {
      EXPECT_LE(chunk.data.size(), FsChunk::kMaxSize);
      saved.chunks.emplace_back(
          chunk, std::string(reinterpret_cast<const char*>(chunk.data.data()),
                             chunk.data.size()));
      saved.bytes += chunk.data.size();
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return saved;
  }

  absl::StatusOr<FsRestoreReport> Restore(
      const Saved& saved, ChangedFiles policy = ChangedFiles::kKeep) {
    StartServer();
    StateReader reader(saved.state);
    auto state = DecodeFsState(reader);
    if (!state.ok()) return state.status();
    EXPECT_TRUE(reader.ExpectEnd().ok());
    FsSnapshot snapshot(server_.get());
    absl::Status status = snapshot.RestoreState(*state, policy);
    if (!status.ok()) return status;
    for (const auto& [chunk, data] : saved.chunks) {
      FsChunk copy = chunk;
      copy.data = absl::MakeConstSpan(
          reinterpret_cast<const uint8_t*>(data.data()), data.size());
      status = snapshot.RestoreChunk(copy);
      if (!status.ok()) return status;
    }
    return snapshot.FinishRestore();
  }

  uint64_t Find(uint64_t dir, const std::string& name) {
    return static_cast<uint64_t>(client().Lookup(dir, name));
  }
};

TEST_F(FsSnapshotTest, OpenFilesAndDirectoriesGoOn) {
  std::filesystem::create_directories(Host("a/b"));
  WriteHost("a/b/f", "0123456789");
  uint64_t a = Find(kRoot, "a"), b = Find(a, "b"), f = Find(b, "f");
  auto fh = static_cast<uint64_t>(client().Open(f, O_RDWR | O_APPEND));
  auto dir = client()
                 .Call(FUSE_OPENDIR, b, FuseTestClient::Bytes(fuse_open_in{}))
                 .As<fuse_open_out>()
                 .fh;
  Saved saved = Save();
  auto report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->changed.empty());
  EXPECT_TRUE(report->put_back.empty());
  EXPECT_EQ(client().Read(f, fh, 8, 10), "89");
  EXPECT_EQ(client().Write(f, fh, 0, "X"), 1);
  EXPECT_EQ(ReadHost("a/b/f"), "0123456789X");
  EXPECT_EQ(client().ReadDir(b, dir, 0, 4096, false).size(), 3u);
  EXPECT_EQ(Find(b, "f"), f);
  EXPECT_EQ(Find(kRoot, "a"), a);
  // New ids are none of the old ones.
  WriteHost("new", "");
  uint64_t fresh = Find(kRoot, "new");
  EXPECT_TRUE(fresh != a && fresh != b && fresh != f);
  EXPECT_EQ(client().Release(f, fh), 0);
  EXPECT_EQ(client().Release(b, dir, true), 0);
}

TEST_F(FsSnapshotTest, OldIdsAreNotReusedAfterwards) {
  WriteHost("f", "");
  uint64_t old = Find(kRoot, "f");
  client().Forget(old, 1);
  auto report = Restore(Save());
  ASSERT_TRUE(report.ok());
  EXPECT_NE(Find(kRoot, "f"), old);
}

TEST_F(FsSnapshotTest, RemovedButOpenFileTravels) {
  uint64_t node, fh;
  ASSERT_EQ(client().Create(kRoot, "f", O_WRONLY, 0640, &node, &fh), 0);
  auto reader_fh = static_cast<uint64_t>(client().Open(node, O_RDONLY));
  std::string text(300'000, 'x');
  EXPECT_EQ(client().Write(node, fh, 10 << 20, text), 300'000);
  EXPECT_EQ(client().Unlink(kRoot, "f"), 0);
  Saved saved = Save();
  EXPECT_LT(saved.bytes, 400'000u);  // not the hole
  for (int i = 0; i < 2; ++i) {      // two clones
    auto report = Restore(saved);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(client().Read(node, reader_fh, 5, 3), std::string(3, '\0'));
    EXPECT_TRUE(client().Read(node, reader_fh, 10 << 20, 300'000) == text);
    EXPECT_EQ(client().Write(node, fh, (10 << 20) + 300'000, "end"), 3);
    EXPECT_EQ(client().Read(node, reader_fh, (10 << 20) + 300'000, 9), "end");
    fuse_attr attr;
    ASSERT_EQ(client().GetAttr(node, &attr), 0);
    EXPECT_EQ(attr.nlink, 0u);
    EXPECT_EQ(attr.mode, S_IFREG | 0640u);
  }
  EXPECT_FALSE(ExistsOnHost("f"));
}

TEST_F(FsSnapshotTest, FileRemovedOnTheHostTravels) {
  WriteHost("f", "precious");
  uint64_t node = Find(kRoot, "f");
  auto fh = static_cast<uint64_t>(client().Open(node, O_RDONLY));
  ASSERT_EQ(unlink(Host("f").c_str()), 0);
  auto report = Restore(Save());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(client().Read(node, fh, 0, 100), "precious");
}

TEST_F(FsSnapshotTest, RemovedDirectoryAndFifo) {
  auto dir = static_cast<uint64_t>(client().MkDir(kRoot, "d", 0755));
  client().RmDir(kRoot, "d");
  fuse_mknod_in in = {};
  in.mode = S_IFIFO | 0600;
  uint64_t fifo =
      client()
          .Call(FUSE_MKNOD, kRoot,
                FuseTestClient::Bytes(in) + FuseTestClient::Name("p"))
          .As<fuse_entry_out>()
          .nodeid;
  client().Unlink(kRoot, "p");
  auto report = Restore(Save());
  ASSERT_TRUE(report.ok()) << report.status();
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(dir, &attr), 0);
  EXPECT_EQ(attr.mode & S_IFMT, static_cast<uint32_t>(S_IFDIR));
  EXPECT_EQ(client().GetAttr(fifo, &attr), 0);
  EXPECT_EQ(attr.mode & S_IFMT, static_cast<uint32_t>(S_IFIFO));
}

TEST_F(FsSnapshotTest, MissingOpenFileIsNamed) {
  WriteHost("data.csv", "x");
  WriteHost("seen", "x");
  client().Open(Find(kRoot, "data.csv"), O_RDONLY);
  uint64_t seen = Find(kRoot, "seen");
  Saved saved = Save();
  unlink(Host("data.csv").c_str());
  unlink(Host("seen").c_str());
  auto report = Restore(saved);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.status().message().find(Host("data.csv")),
            absl::string_view::npos)
      << report.status();
  // One that was only known does not matter.
  WriteHost("data.csv", "x");
  report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  fuse_attr attr;
  EXPECT_EQ(client().GetAttr(seen, &attr), -ESTALE);
  mkdir(Host("seen").c_str(), 0755);
  EXPECT_GT(client().Lookup(kRoot, "seen"), 0);
}

TEST_F(FsSnapshotTest, ChangedFiles) {
  WriteHost("f", "before");
  uint64_t node = Find(kRoot, "f");
  auto fh = static_cast<uint64_t>(client().Open(node, O_RDONLY));
  Saved saved = Save();
  WriteHost("f", "afterwards");
  auto report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->changed.size(), 1u);
  EXPECT_NE(report->changed[0].find("size was 6, is 10"), std::string::npos);
  EXPECT_EQ(client().Read(node, fh, 0, 100), "afterwards");
  EXPECT_FALSE(Restore(saved, ChangedFiles::kFail).ok());
  EXPECT_FALSE(Restore(saved, ChangedFiles::kRestore).ok());
}

TEST_F(FsSnapshotTest, TemporaryFilesArePutBack) {
  uint64_t tmp = static_cast<uint64_t>(client().MkDir(kRoot, "tmp", 01777));
  WriteHost("tmp/of_the_host", "h");
  auto dir = static_cast<uint64_t>(client().MkDir(tmp, "work", 0750));
  uint64_t node, fh;
  ASSERT_EQ(client().Create(dir, "part", O_RDWR, 0600, &node, &fh), 0);
  EXPECT_EQ(client().Write(node, fh, 0, "contents"), 8);
  EXPECT_EQ(client().Rename(dir, "part", dir, "file"), 0);
  EXPECT_GT(client().Link(node, tmp, "link"), 0);
  client().Call(FUSE_SYMLINK, dir,
                FuseTestClient::Name("sym") + FuseTestClient::Name("file"));
  uint64_t gone, gone_fh;
  ASSERT_EQ(client().Create(dir, "gone", O_RDWR, 0600, &gone, &gone_fh), 0);
  EXPECT_EQ(client().Unlink(dir, "gone"), 0);
  struct stat before = StatHost("tmp/work/file");
  Saved saved = Save();

  // Still there: nothing happens.
  auto report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->put_back.empty());

  std::filesystem::remove_all(Host("tmp/work"));
  std::filesystem::remove(Host("tmp/link"));
  report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->put_back.size(), 4u);
  EXPECT_TRUE(report->changed.empty());
  EXPECT_EQ(ReadHost("tmp/work/file"), "contents");
  EXPECT_EQ(ReadHost("tmp/work/sym"), "contents");
  EXPECT_FALSE(ExistsOnHost("tmp/work/gone"));
  struct stat after = StatHost("tmp/work/file");
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_EQ(after.st_nlink, 2u);
  EXPECT_EQ(StatHost("tmp/work").st_mode, static_cast<mode_t>(S_IFDIR | 0750));
  EXPECT_EQ(client().Read(node, fh, 0, 100), "contents");
  // And again, in the next generation.
  Saved second = Save();
  std::filesystem::remove_all(Host("tmp/work"));
  ASSERT_TRUE(Restore(second).ok());
  EXPECT_EQ(ReadHost("tmp/work/file"), "contents");
}

TEST_F(FsSnapshotTest, TemporaryFilesThatChanged) {
  auto tmp = static_cast<uint64_t>(client().MkDir(kRoot, "tmp", 01777));
  uint64_t node, fh;
  ASSERT_EQ(client().Create(tmp, "f", O_RDWR, 0600, &node, &fh), 0);
  EXPECT_EQ(client().Write(node, fh, 0, "saved"), 5);
  Saved saved = Save();
  WriteHost("tmp/f", "later and longer");
  auto report = Restore(saved);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->changed.size(), 1u);
  EXPECT_EQ(ReadHost("tmp/f"), "later and longer");
  report = Restore(saved, ChangedFiles::kRestore);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(ReadHost("tmp/f"), "saved");
}

TEST_F(FsSnapshotTest, NothingIsWrittenElsewhere) {
  mkdir(Host("tmp").c_str(), 0755);
  mkdir(Host("home").c_str(), 0755);
  ASSERT_EQ(symlink("../home", Host("tmp/link").c_str()), 0);
  for (const char* path : {"home/x", "tmp/../home/x", "tmp//x", "/tmp/x", "tmp",
                           "tmp/", "", "tmp/link/x", "tmpx/y"}) {
    FsState state;
    FsCreatedState file;
    file.path = path;
    file.facts.mode = S_IFREG | 0644;
    state.created.push_back(file);
    StartServer();
    FsSnapshot snapshot(server_.get());
    (void)snapshot.RestoreState(state, ChangedFiles::kKeep);
    (void)snapshot.FinishRestore();
    EXPECT_FALSE(ExistsOnHost("home/x")) << path;
    EXPECT_FALSE(ExistsOnHost("tmp/x")) << path;
  }
}

TEST_F(FsSnapshotTest, DamagedStatesAreRefused) {
  WriteHost("f", "x");
  auto expect_bad = [&](FsState state) {
    StartServer();
    FsSnapshot snapshot(server_.get());
    EXPECT_FALSE(snapshot.RestoreState(state, ChangedFiles::kKeep).ok());
  };
  FsNodeState node;
  node.id = 2;
  node.lookups = 1;
  node.parent = 1;
  node.name = "f";
  node.facts.mode = S_IFREG;
  FsState state;
  state.nodes = {node, node};
  expect_bad(state);  // the same id twice
  node.parent = 2;
  state.nodes = {node};
  expect_bad(state);  // its own parent
  node.parent = 77;
  state.nodes = {node};
  expect_bad(state);
  node.parent = 1;
  for (const char* name : {"..", "", "a/b", "."}) {
    node.name = name;
    state.nodes = {node};
    expect_bad(state);
  }
  node.name = "f";
  node.id = ~uint64_t{0};
  state.nodes = {node};
  expect_bad(state);
  node.id = 2;
  node.facts.mode = 0;
  state.nodes = {node};
  expect_bad(state);
  node.facts.mode = S_IFREG;
  state.nodes = {node};
  state.handles = {{1, 3, 0, false}};
  expect_bad(state);  // of an unknown node
  state.handles = {{1, 2, 0, true}};
  expect_bad(state);  // not a directory
  state.handles = {{1, 2, 0, false}, {1, 2, 0, false}};
  expect_bad(state);
}

TEST_F(FsSnapshotTest, TruncatedStatesAreRefused) {
  WriteHost("f", "x");
  client().Open(Find(kRoot, "f"), O_RDONLY);
  std::string whole = Save().state;
  for (size_t size = 0; size < whole.size(); ++size) {
    StateReader reader(absl::string_view(whole.data(), size));
    EXPECT_FALSE(DecodeFsState(reader).ok()) << size;
  }
}

TEST_F(FsSnapshotTest, ChunksBeyondTheirFileAreRefused) {
  uint64_t node, fh;
  ASSERT_EQ(client().Create(kRoot, "f", O_RDWR, 0600, &node, &fh), 0);
  EXPECT_EQ(client().Write(node, fh, 0, "12345"), 5);
  EXPECT_EQ(client().Unlink(kRoot, "f"), 0);
  Saved saved = Save();
  ASSERT_EQ(saved.chunks.size(), 1u);
  saved.chunks[0].first.offset = 1;
  EXPECT_FALSE(Restore(saved).ok());
  saved.chunks[0].first.offset = ~uint64_t{0};
  EXPECT_FALSE(Restore(saved).ok());
  saved.chunks[0].first.offset = 0;
  saved.chunks[0].first.content = 99;  // nobody's
  EXPECT_TRUE(Restore(saved).ok());
}

TEST_F(FsSnapshotTest, ManyNodesWithFewDescriptors) {
  uint64_t dir = kRoot;
  for (int i = 0; i < 300; ++i) {
    dir = static_cast<uint64_t>(client().MkDir(dir, "d", 0755));
  }
  Saved saved = Save();
  FuseServerOptions options;
  options.max_node_fds = 4;
  StartServer(options);
  StateReader reader(saved.state);
  auto state = DecodeFsState(reader);
  FsSnapshot snapshot(server_.get());
  ASSERT_TRUE(snapshot.RestoreState(*state, ChangedFiles::kKeep).ok());
  ASSERT_TRUE(snapshot.FinishRestore().ok());
  EXPECT_GT(client().MkDir(dir, "last", 0755), 0);
}

}  // namespace
}  // namespace crvm
