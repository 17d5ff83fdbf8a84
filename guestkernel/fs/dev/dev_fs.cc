// SPDX-License-Identifier: Apache-2.0
//
// /dev: a tmpfs with the usual device nodes in it. Programs may create files
// beside them, as in devtmpfs.
#include "guestkernel/fs/dev/memory_devices.h"
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/tmpfs.h"

namespace gk {

namespace {

struct DeviceNode {
  const char* name;
  uint32_t mode;
  uint32_t major, minor;
};
// Documentation/admin-guide/devices.txt; modes as udev gives them.
constexpr DeviceNode kNodes[] = {
    {"null", 0666, kMemoryMajor, kNullMinor},
    {"zero", 0666, kMemoryMajor, kZeroMinor},
    {"full", 0666, kMemoryMajor, kFullMinor},
    {"random", 0666, kMemoryMajor, kRandomMinor},
    {"urandom", 0666, kMemoryMajor, kUrandomMinor},
    {"tty", 0666, 5, 0},
    {"console", 0620, 5, 1},
    {"ptmx", 0666, 5, 2},
};

struct Link {
  const char* name;
  const char* target;
};
constexpr Link kLinks[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

}  // namespace

Result<FileSystem*> NewDevFs() {
  GK_RETURN_IF_ERROR(RegisterMemoryDevices());
  GK_ASSIGN_OR_RETURN(Tmpfs * fs, Tmpfs::Create(0755, 0, "devtmpfs"));
  TmpfsDirectory* root = fs->root_directory();
  for (const DeviceNode& node : kNodes) {
    GK_RETURN_IF_ERROR(root->Create(node.name, kModeChar | node.mode,
                                    MakeDevice(node.major, node.minor)));
  }
  for (const Link& link : kLinks) {
    GK_RETURN_IF_ERROR(root->MakeSymlink(link.name, link.target));
  }
  GK_RETURN_IF_ERROR(root->MakeDirectory("pts", 0755));
  GK_RETURN_IF_ERROR(root->MakeDirectory("shm", 01777));
  return static_cast<FileSystem*>(fs);
}

}  // namespace gk
