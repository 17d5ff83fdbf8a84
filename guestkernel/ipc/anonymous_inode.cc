// SPDX-License-Identifier: Apache-2.0
//
// See anonymous_inode.h.
#include "guestkernel/ipc/anonymous_inode.h"

#include "guestkernel/sched/process.h"

namespace gk {
namespace {

constexpr uint64_t kAnonymousDevice = 0xe;  // 0:14, as Linux's pipefs or so
uint64_t g_last_inode = 4096;

}  // namespace

uint64_t NextAnonymousInode() { return ++g_last_inode; }

void FillAnonymousAttributes(uint32_t mode, uint64_t inode,
                             FileAttributes* out) {
  *out = FileAttributes{};
  out->device = kAnonymousDevice;
  out->inode = inode;
  out->mode = mode;
  const Credentials& who = CurrentThread()->credentials;
  out->uid = who.euid;
  out->gid = who.egid;
  out->atime = out->mtime = out->ctime = ToTimeSpec(RealtimeNs());
}

int AnonymousFile::GetAttributes(FileAttributes* out) {
  FillAnonymousAttributes(0600, inode_, out);
  return 0;
}

Result<KString> AnonymousFile::Describe() {
  KString text;
  GK_RETURN_IF_ERROR(text.AppendFormat("anon_inode:%s", name_));
  return text;
}

}  // namespace gk
