// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/snapshot_store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "gtest/gtest.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/testing/sample_snapshot.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

class SnapshotStoreTest : public testing::Test {
 protected:
  SnapshotStore Store() { return *SnapshotStore::Open(dir_.File("store")); }

  absl::StatusOr<StoredSnapshot> Save(const std::string& name,
                                      const std::string& tag = "") {
    SnapshotStore store = Store();
    CRVM_ASSIGN_OR_RETURN(auto writer, store.Begin(name, tag, {}));
    auto memory = SampleMemory();
    CRVM_RETURN_IF_ERROR(SaveSample(*writer, *memory));
    CRVM_RETURN_IF_ERROR(writer->Finish(SampleMetadata()));
    return store.Publish(*writer, name, tag);
  }

  std::vector<std::string> Ids() {
    std::vector<std::string> ids;
    const std::vector<StoredSnapshot> all = *Store().List();
    for (const StoredSnapshot& snapshot : all) {
      ids.push_back(snapshot.id());
      if (!snapshot.tag.empty()) ids.back() += "=" + snapshot.tag;
    }
    return ids;
  }

  TempDir dir_;
};

TEST_F(SnapshotStoreTest, EmptyStore) {
  EXPECT_TRUE(Store().List()->empty());
  const absl::Status status = Store().Find({"job", 0, ""}).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(),
            "no snapshot of 'job': `crvm list` shows what there is");
}

TEST_F(SnapshotStoreTest, NumbersTagsAndTheNewest) {
  EXPECT_EQ(Save("job")->id(), "job@1");
  EXPECT_EQ(Save("job", "before")->id(), "job@2");
  EXPECT_EQ(Save("job")->id(), "job@3");
  EXPECT_EQ(Save("other")->id(), "other@1");
  EXPECT_EQ(Ids(), (std::vector<std::string>{"job@1", "job@2=before", "job@3",
                                             "other@1"}));
  EXPECT_EQ(Store().Find({"job", 0, ""})->number, 3u);
  EXPECT_EQ(Store().Find({"job", 1, ""})->number, 1u);
  EXPECT_EQ(Store().Find({"job", 0, "before"})->number, 2u);
  EXPECT_EQ(Store().Find({"job", 9, ""}).status().message(),
            "no snapshot 'job@9': 'job' has @1, @before, @3");
}

TEST_F(SnapshotStoreTest, MoreThanNineSortByNumber) {
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(Save("job").ok());
  EXPECT_EQ(Store().Find({"job", 0, ""})->number, 11u);
  EXPECT_EQ(Ids().back(), "job@11");
}

TEST_F(SnapshotStoreTest, ATagIsNeverReplaced) {
  ASSERT_TRUE(Save("job", "x").ok());
  const absl::Status status = Save("job", "x").status();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_EQ(status.message(),
            "snapshot 'job@x' exists: use another tag, or `crvm rm job@x` "
            "first");
  EXPECT_TRUE(Save("other", "x").ok());
}

TEST_F(SnapshotStoreTest, TagTakenWhileSaving) {
  SnapshotStore store = Store();
  auto writer = *store.Begin("job", "x", {});
  ASSERT_TRUE(Save("job", "x").ok());
  auto memory = SampleMemory();
  ASSERT_TRUE(SaveSample(*writer, *memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  EXPECT_TRUE(
      absl::IsAlreadyExists(store.Publish(*writer, "job", "x").status()));
  writer.reset();
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@1=x"});
}

TEST_F(SnapshotStoreTest, Remove) {
  ASSERT_TRUE(Save("job").ok());
  ASSERT_TRUE(Save("job").ok());
  SnapshotStore store = Store();
  ASSERT_TRUE(store.Remove(*store.Find({"job", 1, ""})).ok());
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@2"});
  const StoredSnapshot last = *store.Find({"job", 0, ""});
  ASSERT_TRUE(store.Remove(last).ok());
  EXPECT_FALSE(store.Remove(last).ok());
  EXPECT_TRUE(store.List()->empty());
  EXPECT_NE(access((store.root() + "/job").c_str(), F_OK), 0);
}

TEST_F(SnapshotStoreTest, AnOpenSnapshotSurvivesItsRemoval) {
  ASSERT_TRUE(Save("job").ok());
  SnapshotStore store = Store();
  const StoredSnapshot snapshot = *store.Find({"job", 0, ""});
  auto reader = *SnapshotReader::Open(snapshot.directory, {});
  ASSERT_TRUE(store.Remove(snapshot).ok());
  EXPECT_TRUE(reader->Verify().ok());
}

TEST_F(SnapshotStoreTest, AnUnfinishedSaveIsInvisibleAndKept) {
  SnapshotStore store = Store();
  auto writer = *store.Begin("job", "", {});
  EXPECT_TRUE(Ids().empty());
  EXPECT_EQ(*Store().CollectGarbage(), 0);
  auto memory = SampleMemory();
  ASSERT_TRUE(SaveSample(*writer, *memory).ok());
  ASSERT_TRUE(writer->Finish(SampleMetadata()).ok());
  EXPECT_TRUE(store.Publish(*writer, "job", "").ok());
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@1"});
}

TEST_F(SnapshotStoreTest, AKilledSaveIsCollected) {
  ASSERT_TRUE(Save("job").ok());
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    SnapshotStore store = Store();
    auto writer = *store.Begin("job", "", {});
    (void)writer->Section("a", 1, std::string(100000, 'x'));
    (void)!write(ready[1], "r", 1);
    pause();
    _exit(0);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(*Store().CollectGarbage(), 0);
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@1"});
  EXPECT_EQ(*Store().CollectGarbage(), 1);
  EXPECT_EQ(*Store().CollectGarbage(), 0);
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@1"});
}

TEST_F(SnapshotStoreTest, ManyProcessesSaveAtOnce) {
  constexpr int kProcesses = 8;
  for (int i = 0; i < kProcesses; ++i) {
    if (fork() == 0) _exit(Save("job").ok() && Save("job").ok() ? 0 : 1);
  }
  for (int i = 0; i < kProcesses; ++i) {
    int status;
    ASSERT_GT(wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  const auto all = *Store().List();
  EXPECT_EQ(all.size(), 2u * kProcesses);
  EXPECT_EQ(all.back().number, 2u * kProcesses);
  for (const StoredSnapshot& snapshot : all) {
    EXPECT_TRUE((*SnapshotReader::Open(snapshot.directory, {}))->Verify().ok());
  }
}

TEST_F(SnapshotStoreTest, StrangersInTheStoreAreIgnored) {
  ASSERT_TRUE(Save("job").ok());
  const std::string root = Store().root();
  WriteWholeFile(root + "/README", "not a snapshot");
  WriteWholeFile(root + "/job/notes", "not a snapshot");
  WriteWholeFile(root + "/job/0", "");
  WriteWholeFile(root + "/job/1x", "");
  EXPECT_EQ(Ids(), std::vector<std::string>{"job@1"});
  EXPECT_GT(SnapshotDiskSize(*Store().Find({"job", 0, ""})), 0u);
}

}  // namespace
}  // namespace crvm
