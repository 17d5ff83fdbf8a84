// SPDX-License-Identifier: Apache-2.0
//
// The root of the tree: the host's files through the virtio-fs device.
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/fuse/fuse_fs.h"
#include "guestkernel/sched/thread.h"

namespace gk {

namespace {
FuseFs* g_root = nullptr;
}

Result<FileSystem*> FuseRootInit() {
  FuseTransport* transport;
  GK_RETURN_IF_ERROR(VirtioFsStart(&transport));
  GK_ASSIGN_OR_RETURN(g_root, FuseFs::Create(transport));
  AddPauseHook([] { g_root->Pause(); });
  AddResumedHook([] { g_root->Resumed(); });
  return static_cast<FileSystem*>(g_root);
}

}  // namespace gk
