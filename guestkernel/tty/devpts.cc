// SPDX-License-Identifier: Apache-2.0
//
// The file system at /dev/pts (pts(4)): a directory with a node for each
// terminal of the pty table, and ptmx.
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/errno.h"
#include "guestkernel/sched/clock.h"
#include "guestkernel/tty/pty.h"
#include "guestkernel/tty/pty_table.h"

namespace gk {

namespace {

constexpr uint64_t kDevPtsMagic = 0x1cd1;
constexpr uint64_t kRootInode = 1, kPtmxInode = 2, kFirstPtyInode = 3;
constexpr uint32_t kTtyAuxMajor = 5, kPtmxMinor = 2;

uint64_t g_device_id = 0;
uint64_t g_boot_ns = 0;

void FillAttributes(FileAttributes* out, uint64_t inode, uint32_t mode,
                    uint64_t changed_ns) {
  *out = FileAttributes{};
  out->device = g_device_id;
  out->inode = inode;
  out->mode = mode;
  out->block_size = 1024;
  out->atime = out->mtime = out->ctime = ToTimeSpec(changed_ns);
}

class PtmxNode final : public Inode {
 public:
  explicit PtmxNode(FileSystem* fs) : Inode(fs, kModeChar | 0666) {}
  int GetAttributes(FileAttributes* out) override {
    FillAttributes(out, kPtmxInode, mode_, g_boot_ns);
    out->rdev = MakeDevice(kTtyAuxMajor, kPtmxMinor);
    return 0;
  }
  bool opens_itself() const override { return true; }
  Result<RefPtr<File>> Open(uint32_t flags) override {
    return OpenPtyMaster(flags);
  }
};

// Finds its terminal by number at each use: a cached name keeps none alive.
class PtyNode final : public Inode {
 public:
  PtyNode(FileSystem* fs, uint32_t number)
      : Inode(fs, kModeChar), number_(number) {}

  int GetAttributes(FileAttributes* out) override {
    Tty* tty = FindPty(number_);
    if (!tty) {  // held open by its path, but gone
      FillAttributes(out, kFirstPtyInode + number_, kModeChar | 0620, 0);
      out->rdev = PtsDevice(number_);
      return 0;
    }
    FillAttributes(out, kFirstPtyInode + number_, kModeChar | tty->node().mode,
                   tty->node().changed_ns);
    out->uid = tty->node().uid;
    out->gid = tty->node().gid;
    out->rdev = tty->device();
    return 0;
  }
  int SetAttributes(const AttributeChange& change) override {
    Tty* tty = FindPty(number_);
    if (!tty) return -EIO;
    if (change.set_mode) tty->node().mode = change.mode & 07777;
    if (change.set_uid) tty->node().uid = change.uid;
    if (change.set_gid) tty->node().gid = change.gid;
    tty->node().changed_ns = RealtimeNs();
    return 0;
  }
  bool opens_itself() const override { return true; }
  Result<RefPtr<File>> Open(uint32_t flags) override {
    Tty* tty = FindPty(number_);
    if (!tty) return Error(-EIO);
    return OpenTty(RefPtr<Tty>(tty), flags);
  }

 private:
  uint32_t number_;
};

// The number that `name` is, without leading zeros; ~0 if it is none.
uint32_t ParseNumber(StringView name) {
  if (name.empty() || name.size() > 4) return ~0u;
  if (name[0] == '0' && name.size() > 1) return ~0u;
  uint32_t number = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return ~0u;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

class DevPtsDirectory final : public Inode {
 public:
  explicit DevPtsDirectory(FileSystem* fs) : Inode(fs, kModeDirectory | 0755) {}
  int GetAttributes(FileAttributes* out) override {
    FillAttributes(out, kRootInode, mode_, g_boot_ns);
    out->link_count = 2;
    return 0;
  }
  bool volatile_entries() const override { return true; }
  Result<RefPtr<Inode>> Lookup(StringView name) override {
    RefPtr<Inode> node;
    if (name == "ptmx") {
      node = MakeRef<PtmxNode>(fs_);
    } else {
      const uint32_t number = ParseNumber(name);
      if (!FindPty(number)) return Error(-ENOENT);
      node = MakeRef<PtyNode>(fs_, number);
    }
    if (!node) return Error(-ENOMEM);
    return node;
  }
  Result<RefPtr<File>> Open(uint32_t flags) override;
};

class DevPtsListing final : public File {
 public:
  explicit DevPtsListing(uint32_t flags) : File(flags) {}
  int64_t Read(UserIo&) override { return -EISDIR; }
  bool seekable() const override { return true; }
  int Sync(bool) override { return 0; }
  int64_t Seek(int64_t offset, int whence) override {
    if (whence == 1) offset += static_cast<int64_t>(position_);
    if (whence > 1 || offset < 0) return -EINVAL;
    position_ = static_cast<uint64_t>(offset);
    return offset;
  }
  // Positions: 0 ".", 1 "..", 2 ptmx, 3 + n terminal n.
  int ReadDirectory(DirSink& sink) override {
    constexpr uint8_t kTypeDirectory = 4, kTypeChar = 2;
    static constexpr const char* kFixed[] = {".", "..", "ptmx"};
    for (; position_ < kFirstPtyInode + PtyNumberEnd(); ++position_) {
      const uint64_t next = position_ + 1;
      bool taken = true;
      if (position_ < kFirstPtyInode) {
        const bool directory = position_ < 2;
        taken = sink.Add(kFixed[position_], directory ? kRootInode : kPtmxInode,
                         directory ? kTypeDirectory : kTypeChar, next);
      } else if (const uint32_t number =
                     static_cast<uint32_t>(position_ - kFirstPtyInode);
                 FindPty(number)) {
        KString name;
        GK_RETURN_IF_ERROR(name.AppendFormat("%u", number));
        taken = sink.Add(name.view(), position_, kTypeChar, next);
      }
      if (!taken) break;
    }
    return 0;
  }
};

Result<RefPtr<File>> DevPtsDirectory::Open(uint32_t flags) {
  auto file = MakeRef<DevPtsListing>(flags);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

class DevPts final : public FileSystem {
 public:
  RefPtr<Inode> Root() override { return root_; }
  int GetStatistics(FsStatistics* out) override {
    *out = FsStatistics{};
    out->type = kDevPtsMagic;
    return 0;
  }
  const char* type_name() const override { return "devpts"; }

  RefPtr<Inode> root_;
};

}  // namespace

Result<FileSystem*> NewDevPts() {
  UniquePtr<DevPts> fs = MakeUnique<DevPts>();
  if (!fs) return Error(-ENOMEM);
  fs->root_ = MakeRef<DevPtsDirectory>(fs.get());
  if (!fs->root_) return Error(-ENOMEM);
  g_device_id = AllocateDeviceId();
  fs->device_id = g_device_id;
  g_boot_ns = RealtimeNs();
  return static_cast<FileSystem*>(fs.release());
}

}  // namespace gk
