// SPDX-License-Identifier: Apache-2.0
//
// The table of mounts.
#include "guestkernel/fs/mount.h"

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/walk.h"
#include "guestkernel/lib/vector.h"

namespace gk {

namespace {

struct MountTable {
  Vector<MountEntry> entries;
  Vector<RefPtr<Dentry>> points;  // of all but the root
  RefPtr<Dentry> root;
};
MountTable* g_mounts = nullptr;
bool g_booting = true;
uint32_t g_next_device_minor = 0x20;

int AddEntry(FileSystem* fs, const char* source, StringView target) {
  MountEntry entry{source, {}, fs};
  GK_ASSIGN_OR_RETURN(entry.target, KString::From(target));
  return g_mounts->entries.PushBack(std::move(entry));
}

// The dentry to mount on. Where the host has no such directory, a name in the
// cache alone stands in for it; as it is covered anyway, the host is not even
// asked.
Result<RefPtr<Dentry>> MountPoint(StringView where, FileSystem* fs) {
  Walk walk;
  GK_RETURN_IF_ERROR(walk.StartFrom(nullptr, where));
  GK_RETURN_IF_ERROR(walk.ToParent());
  if (walk.last_is_special()) return Error(-EBUSY);
  RefPtr<Dentry> entry;
  if (!walk.current()->inode()->fs()->is_remote) {
    GK_ASSIGN_OR_RETURN(entry, walk.LookupLast());
    if (entry->inode() && entry->inode()->is_directory()) return entry;
  }
  entry = DentryCache::Get().Insert(walk.current(), walk.last(), fs->Root());
  if (!entry) return Error(-ENOMEM);
  return entry;
}

}  // namespace

uint64_t AllocateDeviceId() { return MakeDevice(0, g_next_device_minor++); }

bool IsBooting() { return g_booting; }
void SetBooting(bool booting) { g_booting = booting; }

Dentry* RootDentry() { return g_mounts ? g_mounts->root.get() : nullptr; }
size_t MountCount() { return g_mounts ? g_mounts->entries.size() : 0; }
const MountEntry& MountAt(size_t i) { return g_mounts->entries[i]; }

int MountRoot(FileSystem* root, const char* source) {
  if (!g_mounts) g_mounts = new (std::nothrow) MountTable;
  if (!g_mounts) return -ENOMEM;
  g_mounts->entries.clear();
  g_mounts->root = DentryCache::NewDetached(nullptr, "/", root->Root());
  if (!g_mounts->root) return -ENOMEM;
  return AddEntry(root, source, "/");
}

int Mount(FileSystem* fs, StringView where, const char* source) {
  RefPtr<Dentry> point;
  GK_ASSIGN_OR_RETURN(point, MountPoint(where, fs));
  RefPtr<Dentry> root = DentryCache::NewDetached(nullptr, "/", fs->Root());
  if (!root) return -ENOMEM;
  GK_RETURN_IF_ERROR(g_mounts->points.PushBack(point));
  GK_RETURN_IF_ERROR(AddEntry(fs, source, where));
  DentryCache::Attach(point.get(), std::move(root));
  return 0;
}

void ForgetMounts() {
  if (!g_mounts) return;
  for (RefPtr<Dentry>& point : g_mounts->points) {
    DentryCache::Attach(point.get(), nullptr);
  }
  delete g_mounts;
  g_mounts = nullptr;
  DentryCache::Get().DropUnused();
}

void WriteBackAllFileSystems() {
  for (size_t i = 0; i < MountCount(); ++i) MountAt(i).fs->WriteBackAll();
}

int SyncAllFileSystems() {
  int result = 0;
  for (size_t i = 0; i < MountCount(); ++i) {
    int error = MountAt(i).fs->SyncAll();
    if (error < 0 && result == 0) result = error;
  }
  return result;
}

}  // namespace gk
