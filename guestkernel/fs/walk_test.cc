// SPDX-License-Identifier: Apache-2.0
//
// Path walks over a tmpfs.
#include "guestkernel/fs/walk.h"

#include <map>

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/name_ops.h"
#include "guestkernel/fs/testing/fs_test.h"

namespace gk {
namespace {

class WalkTest : public FsTest {
 protected:
  WalkTest() {
    EXPECT_EQ(Call(SysMkdir, "/a", 0755), 0);
    EXPECT_EQ(Call(SysMkdir, "/a/b", 0755), 0);
    MakeFile("/a/b/file", "text");
  }
  // "" and the path, or "error N".
  std::string Resolve(const char* path, uint32_t flags = kLookupFollow) {
    auto dentry = LookupPath(kAtFdCwd, path, flags);
    if (!dentry.ok()) return "error " + std::to_string(dentry.error());
    return PathOf(dentry->get()).take().c_str();
  }
  static std::string Error(int error) {
    return "error " + std::to_string(error);
  }
};

TEST_F(WalkTest, PlainPaths) {
  EXPECT_EQ(Resolve("/"), "/");
  EXPECT_EQ(Resolve("/a/b/file"), "/a/b/file");
  EXPECT_EQ(Resolve("//a///b/./file"), "/a/b/file");
  EXPECT_EQ(Resolve("/a/b/../b/file"), "/a/b/file");
  EXPECT_EQ(Resolve("/../../a"), "/a");
  EXPECT_EQ(Resolve("/a/."), "/a");
  EXPECT_EQ(Resolve("/a/.."), "/");
}

TEST_F(WalkTest, Errors) {
  EXPECT_EQ(Resolve(""), Error(-ENOENT));
  EXPECT_EQ(Resolve("/a/missing"), Error(-ENOENT));
  EXPECT_EQ(Resolve("/missing/x"), Error(-ENOENT));
  EXPECT_EQ(Resolve("/a/b/file/x"), Error(-ENOTDIR));
  EXPECT_EQ(Resolve("/a/b/file/.."), Error(-ENOTDIR));
  EXPECT_EQ(Resolve("/a/b/file/"), Error(-ENOTDIR));
  EXPECT_EQ(Resolve(("/" + std::string(256, 'x')).c_str()),
            Error(-ENAMETOOLONG));
  EXPECT_EQ(Resolve(("/" + std::string(255, 'x')).c_str()), Error(-ENOENT));
}

TEST_F(WalkTest, WorkingDirectory) {
  EXPECT_EQ(Call(SysChdir, "/a/b"), 0);
  EXPECT_EQ(Resolve("file"), "/a/b/file");
  EXPECT_EQ(Resolve(".."), "/a");
  char buffer[64];
  EXPECT_EQ(Call(SysGetcwd, buffer, sizeof(buffer)), 5);
  EXPECT_STREQ(buffer, "/a/b");
  EXPECT_EQ(Call(SysGetcwd, buffer, 4), -ERANGE);
  EXPECT_EQ(Call(SysUnlink, "file"), 0);
  EXPECT_EQ(Call(SysRmdir, "/a/b"), 0);
  EXPECT_EQ(Call(SysGetcwd, buffer, sizeof(buffer)), -ENOENT);
  EXPECT_EQ(Resolve("x"), Error(-ENOENT));
  EXPECT_EQ(Open("x", kOpenCreate | kOpenWriteOnly), -ENOENT);
  EXPECT_EQ(Resolve(".."), "/a");
}

TEST_F(WalkTest, Symlinks) {
  EXPECT_EQ(Call(SysSymlink, "b", "/a/relative"), 0);
  EXPECT_EQ(Call(SysSymlink, "/a/b", "/absolute"), 0);
  EXPECT_EQ(Call(SysSymlink, "../a/b/file", "/a/up"), 0);
  EXPECT_EQ(Call(SysSymlink, "missing", "/dangling"), 0);
  EXPECT_EQ(Resolve("/a/relative/file"), "/a/b/file");
  EXPECT_EQ(Resolve("/absolute/file"), "/a/b/file");
  EXPECT_EQ(Resolve("/a/up"), "/a/b/file");
  EXPECT_EQ(Resolve("/dangling"), Error(-ENOENT));
  EXPECT_EQ(Resolve("/dangling", 0), "/dangling");
  EXPECT_EQ(Resolve("/absolute", 0), "/absolute");
  EXPECT_EQ(Resolve("/absolute/", 0), "/a/b");
  EXPECT_EQ(Resolve("/a/up/", 0), Error(-ENOTDIR));
  EXPECT_EQ(Resolve("/absolute", kLookupFollow | kLookupNoSymlinks),
            Error(-ELOOP));
}

TEST_F(WalkTest, SymlinkLoops) {
  EXPECT_EQ(Call(SysSymlink, "/y", "/x"), 0);
  EXPECT_EQ(Call(SysSymlink, "/x", "/y"), 0);
  EXPECT_EQ(Resolve("/x"), Error(-ELOOP));
  // 40 links are followed, not more.
  EXPECT_EQ(Call(SysSymlink, "/a", "/l0"), 0);
  for (int i = 1; i <= 40; ++i) {
    std::string from = "/l" + std::to_string(i - 1);
    std::string to = "/l" + std::to_string(i);
    EXPECT_EQ(Call(SysSymlink, from.c_str(), to.c_str()), 0);
  }
  EXPECT_EQ(Resolve("/l39"), "/a");
  EXPECT_EQ(Resolve("/l40"), Error(-ELOOP));
}

TEST_F(WalkTest, Mounts) {
  Tmpfs* other = NewFs();
  EXPECT_EQ(Mount(other, "/a/b", "test"), 0);
  EXPECT_EQ(Resolve("/a/b/file"), Error(-ENOENT));
  MakeFile("/a/b/new", "");
  EXPECT_EQ(Resolve("/a/b/new"), "/a/b/new");
  EXPECT_EQ(Resolve("/a/b/.."), "/a");
  EXPECT_EQ(Call(SysRmdir, "/a/b"), -EBUSY);
  EXPECT_EQ(Call(SysRename, "/a/b", "/c"), -EBUSY);
  EXPECT_EQ(Call(SysRename, "/a/b/new", "/new"), -EXDEV);
  EXPECT_EQ(Call(SysLink, "/a/b/new", "/new"), -EXDEV);
}

TEST_F(WalkTest, Resolve) {
  auto open = [&](const char* path, uint64_t resolve) {
    int directory = Open("/a", kOpenPath | kOpenDirectory);
    uint64_t how[3] = {kOpenReadOnly, 0, resolve};
    int64_t fd = Call(SysOpenat2, directory, path, how, sizeof(how));
    Close(directory);
    if (fd >= 0) Close(static_cast<int>(fd));
    return fd < 0 ? fd : 0;
  };
  EXPECT_EQ(Call(SysSymlink, "/a/b", "/a/absolute"), 0);
  EXPECT_EQ(Call(SysSymlink, "../a/b", "/a/out"), 0);
  EXPECT_EQ(open("b/file", kResolveBeneath), 0);
  EXPECT_EQ(open("b/../b/file", kResolveBeneath), 0);
  EXPECT_EQ(open("../a/b/file", kResolveBeneath), -EXDEV);
  EXPECT_EQ(open("/a/b/file", kResolveBeneath), -EXDEV);
  EXPECT_EQ(open("absolute/file", kResolveBeneath), -EXDEV);
  EXPECT_EQ(open("out/file", kResolveBeneath), -EXDEV);
  EXPECT_EQ(open("/b/file", kResolveInRoot), 0);
  EXPECT_EQ(open("../../b/file", kResolveInRoot), 0);
  EXPECT_EQ(open("absolute/file", kResolveInRoot), -ENOENT);
  EXPECT_EQ(open("out/file", kResolveNoSymlinks), -ELOOP);
  EXPECT_EQ(open("b/file", 64), -EINVAL);
}

TEST_F(WalkTest, Chroot) {
  // Without CAP_SYS_CHROOT.
  EXPECT_EQ(Call(SysChroot, "/a"), -EPERM);
  process()->fs->root = LookupPath(kAtFdCwd, "/a", 0).take();
  EXPECT_EQ(Resolve("/b/file"), "/b/file");
  EXPECT_EQ(Resolve("/../../b"), "/b");
  EXPECT_EQ(Resolve("/a"), Error(-ENOENT));
}

TEST_F(WalkTest, Permissions) {
  EXPECT_EQ(Call(SysChmod, "/a/b/file", 0640), 0);
  EXPECT_EQ(Call(SysChmod, "/a/b", 0750), 0);
  Credentials& who = CurrentThread()->credentials;
  who.uid = who.euid = who.fsuid = 1000;
  who.fsgid = 1000;
  EXPECT_EQ(Open("/a/b/file", kOpenReadOnly), -EACCES);
  who.group_count = 1;
  who.groups[0] = 0;
  EXPECT_EQ(Open("/a/b/file", kOpenWriteOnly), -EACCES);
  EXPECT_GE(Open("/a/b/file", kOpenReadOnly), 0);
  EXPECT_EQ(Call(SysUnlink, "/a/b/file"), -EACCES);
  EXPECT_EQ(Call(SysChmod, "/a/b/file", 0666), -EPERM);
  EXPECT_EQ(Call(SysChown, "/a/b/file", 1000, -1), -EPERM);
  // access(2) asks for the real user.
  who.uid = 0;
  EXPECT_EQ(Call(SysAccess, "/a/b/file", 2), 0);
  EXPECT_EQ(Call(SysFaccessat2, kAtFdCwd, "/a/b/file", 2, 0x200), -EACCES);
  EXPECT_EQ(who.fsuid, 1000u);
}

TEST_F(WalkTest, StickyDirectory) {
  EXPECT_EQ(Call(SysMkdir, "/tmp", 0777), 0);
  EXPECT_EQ(Call(SysChmod, "/tmp", 01777), 0);
  MakeFile("/tmp/roots", "");
  CurrentThread()->credentials.fsuid = 1000;
  MakeFile("/tmp/mine", "");
  EXPECT_EQ(Call(SysUnlink, "/tmp/roots"), -EPERM);
  EXPECT_EQ(Call(SysRename, "/tmp/mine", "/tmp/roots"), -EPERM);
  EXPECT_EQ(Call(SysUnlink, "/tmp/mine"), 0);
}

TEST_F(WalkTest, CacheIsBounded) {
  DentryCache& cache = DentryCache::Get();
  for (int i = 0; i < 20000; ++i) {
    std::string name = "/a/none" + std::to_string(i);
    EXPECT_EQ(Resolve(name.c_str()), Error(-ENOENT));
  }
  EXPECT_LE(cache.size(), DentryCache::kMaxEntries);
  EXPECT_EQ(Resolve("/a/b/file"), "/a/b/file");
  cache.DropUnused();
  EXPECT_EQ(Resolve("/a/b/file"), "/a/b/file");
}

// A host-like file system: names are revalidated, deep paths are looked up in
// one request.
class RemoteInode final : public Inode {
 public:
  struct Fs : FileSystem {
    Fs() { is_remote = true; }
    RefPtr<Inode> Root() override { return root; }
    int GetStatistics(FsStatistics*) override { return -ENOSYS; }
    const char* type_name() const override { return "remote"; }
    RefPtr<Inode> root;
    int lookups = 0, batches = 0;
    bool valid = true;
  };
  using Inode::Inode;
  int GetAttributes(FileAttributes* out) override {
    out->mode = mode_;
    return 0;
  }
  Fs& remote() { return *static_cast<Fs*>(fs()); }
  Result<RefPtr<Inode>> Lookup(StringView name) override {
    ++remote().lookups;
    return Find(name);
  }
  int LookupPath(StringView path, RefPtr<Inode>* inodes, int max) override {
    ++remote().batches;
    RefPtr<Inode> at(this);
    int n = 0;
    while (n < max && at) {
      size_t end = path.Find('/');
      auto found =
          static_cast<RemoteInode*>(at.get())->Find(path.substr(0, end));
      at = found.ok() ? found.take() : RefPtr<Inode>();
      inodes[n++] = at;
      if (end > path.size()) break;
      path = path.substr(end + 1);
    }
    return n;
  }
  bool CachedEntryValid(const Dentry&) override { return remote().valid; }
  Result<RefPtr<Inode>> Find(StringView name) {
    auto it = children.find(std::string(name.data(), name.size()));
    if (it == children.end()) return gk::Error(-ENOENT);
    return it->second;
  }
  std::map<std::string, RefPtr<Inode>> children;
};

TEST_F(WalkTest, RemotePathsAreLookedUpInOneRequest) {
  RemoteInode::Fs fs;
  auto root = MakeRef<RemoteInode>(&fs, kModeDirectory | 0755);
  RemoteInode* at = root.get();
  for (const char* name : {"usr", "lib", "x86", "deep"}) {
    auto child = MakeRef<RemoteInode>(&fs, kModeDirectory | 0755);
    RemoteInode* next = child.get();
    at->children[name] = std::move(child);
    at = next;
  }
  fs.root = root;
  EXPECT_EQ(Mount(&fs, "/a/b", "remote"), 0);
  EXPECT_EQ(Resolve("/a/b/usr/lib/x86/deep"), "/a/b/usr/lib/x86/deep");
  EXPECT_EQ(fs.batches, 1);
  EXPECT_EQ(fs.lookups, 0);
  // All cached now.
  EXPECT_EQ(Resolve("/a/b/usr/lib/x86/deep"), "/a/b/usr/lib/x86/deep");
  EXPECT_EQ(Resolve("/a/b/usr/lib/x86/none"), Error(-ENOENT));
  EXPECT_EQ(fs.batches + fs.lookups, 2);
  // Nothing cached is valid: one request again, though not for each name.
  fs.valid = false;
  fs.batches = fs.lookups = 0;
  EXPECT_EQ(Resolve("/a/b/usr/lib/x86/deep"), "/a/b/usr/lib/x86/deep");
  EXPECT_EQ(fs.batches, 1);
  EXPECT_EQ(fs.lookups, 0);
  EXPECT_EQ(Resolve("/a/b/usr/none/x"), Error(-ENOENT));
  EXPECT_EQ(fs.batches, 2);
  EXPECT_EQ(fs.lookups, 0);
  ForgetMounts();
}

}  // namespace
}  // namespace gk
