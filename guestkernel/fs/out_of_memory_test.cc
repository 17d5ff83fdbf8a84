// SPDX-License-Identifier: Apache-2.0
//
// Every allocation of the VFS may fail: a scenario is run again and again with
// the failure one allocation later each time.
#include <set>

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

class OutOfMemoryTest : public FsTest {
 protected:
  // -ENOMEM (of locks: -ENOLCK) is as good as success, anything else is not.
  void Expect(int64_t result, int64_t otherwise = 0) {
    if (result == -ENOMEM || result == -ENOLCK) {
      ++failures_;
    } else if (result < 0) {
      EXPECT_EQ(result, otherwise) << "allocation " << allowed_;
    }
  }
  void Scenario() {
    Expect(Call(SysMkdir, "/d", 0755));
    // Follow-up errors of what failed before.
    constexpr int64_t kGone = -ENOENT;
    int64_t fd = Open("/d/file", kOpenCreate | kOpenReadWrite);
    Expect(fd, kGone);
    if (fd >= 0) {
      Expect(Call(SysWrite, static_cast<int>(fd), "some text", 9));
      Expect(Call(SysFcntl, static_cast<int>(fd), 0, 20));
      struct {
        int16_t type = 1, whence = 0;
        int32_t padding = 0;
        int64_t start = 2, length = 5;
        int32_t pid[2] = {};
      } lock;
      Expect(Call(SysFcntl, static_cast<int>(fd), 6, &lock));
      lock.type = 2;
      lock.start = 3;
      lock.length = 1;
      Expect(Call(SysFcntl, static_cast<int>(fd), 6, &lock));
      Expect(Call(SysFsetxattr, static_cast<int>(fd), "user.a", "v", 1, 0));
    }
    Expect(Call(SysSymlink, "file", "/d/link"), kGone);
    Expect(Call(SysLink, "/d/file", "/d/second"), kGone);
    Expect(Call(SysRename, "/d/second", "/d/third"), kGone);
    Expect(Call(SysRenameat2, kAtFdCwd, "/d/third", kAtFdCwd, "/d/link", 2),
           kGone);
    char buffer[256];
    Expect(Call(SysReadlink, "/d/third", buffer, sizeof(buffer)),
           failures_ ? -EINVAL : 0);
    int64_t directory = Open("/d", kOpenReadOnly);
    Expect(directory, kGone);
    if (directory >= 0) {
      Expect(Call(SysGetdents64, static_cast<int>(directory), buffer,
                  sizeof(buffer)));
    }
    Expect(Call(SysChdir, "/d/../d"), kGone);
    Expect(Call(SysGetcwd, buffer, sizeof(buffer)));
    Expect(Call(SysMemfdCreate, "name", 0));
  }

  int failures_ = 0;
  int allowed_ = 0;
};

TEST_F(OutOfMemoryTest, EveryAllocationMayFail) {
  bool failed = true;
  for (allowed_ = 0; failed; ++allowed_) {
    ASSERT_LT(allowed_, 1000);
    failures_ = 0;
    process()->files = MakeRef<FdTable>();
    process()->fs->cwd = process()->fs->root;
    DentryCache::Get().DropUnused();

    hosted::FailAllocationsAfter(allowed_);
    Scenario();
    hosted::FailAllocationsAfter(-1);
    failed = failures_ > 0;

    // Whatever has come of it can be used and removed.
    for (int fd = 0; fd < 32; ++fd) Close(fd);
    Call(SysChdir, "/");
    if (Open("/d", kOpenPath) < 0) continue;
    std::set<std::string> seen;
    for (const std::string& name : Names("/d")) {
      EXPECT_TRUE(seen.insert(name).second) << name;
      if (name == "." || name == "..") continue;
      EXPECT_EQ(Call(SysUnlink, ("/d/" + name).c_str()), 0) << name;
    }
    EXPECT_EQ(Call(SysRmdir, "/d"), 0) << allowed_;
  }
  EXPECT_GT(allowed_, 50);
}

}  // namespace
}  // namespace gk
