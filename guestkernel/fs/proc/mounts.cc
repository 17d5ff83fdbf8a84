// SPDX-License-Identifier: Apache-2.0
//
// /proc/mounts, mountinfo and filesystems.
#include "guestkernel/fs/path.h"
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

constexpr char kOptions[] = "rw,relatime";
// mountinfo's numbers: any that are unique will do.
constexpr int kFirstMountId = 1;

uint64_t DeviceOf(FileSystem* fs) {
  FileAttributes attributes;
  RefPtr<Inode> root = fs->Root();
  if (!root || root->GetAttributes(&attributes) < 0) return fs->device_id;
  return attributes.device;
}

// The mount that `target` lies in: the one with the longest path before it.
size_t ParentOf(size_t index) {
  StringView target = MountAt(index).target;
  size_t parent = 0;
  for (size_t i = 1; i < MountCount(); ++i) {
    StringView other = MountAt(i).target;
    if (i != index && other.size() < target.size() &&
        target.StartsWith(other) && target[other.size()] == '/' &&
        other.size() > MountAt(parent).target.size()) {
      parent = i;
    }
  }
  return parent;
}

}  // namespace

int ProcMounts(const Subject&, KString* out) {
  for (size_t i = 0; i < MountCount(); ++i) {
    const MountEntry& mount = MountAt(i);
    GK_RETURN_IF_ERROR(out->AppendFormat("%s %s %s %s 0 0\n", mount.source,
                                         mount.target.c_str(),
                                         mount.fs->type_name(), kOptions));
  }
  return 0;
}

int ProcMountInfo(const Subject&, KString* out) {
  for (size_t i = 0; i < MountCount(); ++i) {
    const MountEntry& mount = MountAt(i);
    uint64_t device = DeviceOf(mount.fs);
    int id = kFirstMountId + static_cast<int>(i);
    int parent = i == 0 ? id : kFirstMountId + static_cast<int>(ParentOf(i));
    GK_RETURN_IF_ERROR(out->AppendFormat(
        "%d %d %u:%u / %s %s - %s %s rw\n", id, parent, DeviceMajor(device),
        DeviceMinor(device), mount.target.c_str(), kOptions,
        mount.fs->type_name(), mount.source));
  }
  return 0;
}

int ProcFilesystems(const Subject&, KString* out) {
  return out->Append(
      "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\n"
      "nodev\tdevpts\nnodev\tfuse.crvm\n");
}

}  // namespace gk
