// SPDX-License-Identifier: Apache-2.0
//
// FuseInode's extended attributes.
#include "guestkernel/fs/fuse/fuse_inode.h"

namespace gk {

namespace {

constexpr size_t kMaxName = 255, kMaxValue = 64 << 10;
static_assert(kMaxValue <= FuseConnection::kBounceSize);

constexpr StringView kSelinux = "security.selinux";

// What ls(1), cp(1) and execve(2) ask every file for, in vain as a rule.
constexpr StringView kPopular[] = {"security.capability", kSelinux,
                                   "system.posix_acl_access",
                                   "system.posix_acl_default"};

uint8_t PopularBit(StringView name) {
  for (size_t i = 0; i < sizeof(kPopular) / sizeof(kPopular[0]); ++i) {
    if (name == kPopular[i]) return static_cast<uint8_t>(1 << i);
  }
  return 0;
}

}  // namespace

// GETXATTR or LISTXATTR (no name).
int64_t FuseInode::ReadXattr(uint32_t opcode, const StringView* name,
                             void* value, size_t size) {
  if (size > kMaxValue) size = kMaxValue;
  FuseRequest request(connection(), opcode, nodeid_);
  request.Add(fuse_getxattr_in{static_cast<uint32_t>(size), 0});
  if (name) request.AddName(*name);
  if (size == 0) {
    GK_RETURN_IF_ERROR(request.Call(sizeof(fuse_getxattr_out)));
    return request.Get<fuse_getxattr_out>().size;
  }
  request.ExpectData(connection()->bounce(), size);
  GK_RETURN_IF_ERROR(request.Call(0));
  if (request.reply_size() > size) return -EIO;
  memcpy(value, connection()->bounce(), request.reply_size());
  return static_cast<int64_t>(request.reply_size());
}

// A labelled tree has a label at its root. ls(1) asks for that of every file.
bool FuseFs::IsLabelled() {
  if (labelled_ < 0) {
    auto* root = static_cast<FuseInode*>(root_.get());
    int64_t n = root->ReadXattr(FUSE_GETXATTR, &kSelinux, nullptr, 0);
    labelled_ = n != -ENODATA && n != -EOPNOTSUPP;
  }
  return labelled_ != 0;
}

int64_t FuseInode::GetXattr(StringView name, void* value, size_t size) {
  if (name.size() > kMaxName) return -ERANGE;
  if (name == kSelinux && !fuse()->IsLabelled()) return -ENODATA;
  uint8_t popular = PopularBit(name);
  if (popular) {
    GK_RETURN_IF_ERROR(Refresh(~uint64_t{0}));
    if (absent_xattrs_ & popular) return -ENODATA;
  }
  int64_t n = ReadXattr(FUSE_GETXATTR, &name, value, size);
  if (n == -ENODATA) absent_xattrs_ |= popular;
  return n;
}

int64_t FuseInode::ListXattr(char* list, size_t size) {
  return ReadXattr(FUSE_LISTXATTR, nullptr, list, size);
}

int FuseInode::SetXattr(StringView name, const void* value, size_t size,
                        int flags) {
  if (name.size() > kMaxName) return -ERANGE;
  if (size > kMaxValue) return -E2BIG;
  memcpy(connection()->bounce(), value, size);
  absent_xattrs_ = 0;
  ForgetAttributes();
  FuseRequest request(connection(), FUSE_SETXATTR, nodeid_);
  // The short form of fuse_setxattr_in.
  const uint32_t in[2] = {static_cast<uint32_t>(size),
                          static_cast<uint32_t>(flags)};
  static_assert(sizeof(in) == FUSE_COMPAT_SETXATTR_IN_SIZE);
  request.Add(in);
  request.AddName(name);
  if (size > 0) request.AddData(connection()->bounce(), size);
  return request.Call();
}

int FuseInode::RemoveXattr(StringView name) {
  if (name.size() > kMaxName) return -ERANGE;
  ForgetAttributes();
  FuseRequest request(connection(), FUSE_REMOVEXATTR, nodeid_);
  request.AddName(name);
  return request.Call();
}

}  // namespace gk
