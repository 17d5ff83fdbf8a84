// SPDX-License-Identifier: Apache-2.0
//
// The calls of credentials(7) and capabilities(7): rules in credentials.cc.
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"

namespace gk {
namespace {

constexpr uint32_t kCapVersion1 = 0x19980330, kCapVersion2 = 0x20071026,
                   kCapVersion3 = 0x20080522;
constexpr int kMaxGroups = 65536;

struct CapHeader {
  uint32_t version;
  int32_t pid;
};
struct CapData {
  uint32_t effective, permitted, inheritable;
};

Credentials& Mine() { return CurrentThread()->credentials; }

IdRules Rules() {
  Process* process = CurrentProcess();
  return IdRules{process->securebits, process->keep_capabilities};
}

// Runs change(credentials) and does what goes with a change.
template <typename Change>
int Changing(Change change) {
  Credentials old = Mine();
  int result = change(Mine());
  if (result < 0) return result;
  const Credentials& now = Mine();
  if (now.euid != old.euid || now.egid != old.egid || now.fsuid != old.fsuid ||
      now.fsgid != old.fsgid) {
    CurrentProcess()->dumpable = false;
    CurrentThread()->parent_death_signal = 0;
  }
  return result;
}

int WriteThree(const SyscallArgs& args, uint32_t a, uint32_t b, uint32_t c) {
  GK_RETURN_IF_ERROR(WriteUser(args.User(0), a));
  GK_RETURN_IF_ERROR(WriteUser(args.User(1), b));
  return WriteUser(args.User(2), c);
}

// The number of 32-bit words for each set; unknown versions are told the one
// that the kernel prefers.
Result<int> CapWords(UserAddress header_at, CapHeader* header) {
  GK_ASSIGN_OR_RETURN(*header, ReadUser<CapHeader>(header_at));
  if (header->version == kCapVersion1) return 1;
  if (header->version == kCapVersion2 || header->version == kCapVersion3)
    return 2;
  GK_RETURN_IF_ERROR(WriteUser(header_at, kCapVersion3));
  return Error(-EINVAL);
}

}  // namespace

int64_t SysGetuid(const SyscallArgs&) { return Mine().uid; }
int64_t SysGeteuid(const SyscallArgs&) { return Mine().euid; }
int64_t SysGetgid(const SyscallArgs&) { return Mine().gid; }
int64_t SysGetegid(const SyscallArgs&) { return Mine().egid; }

int64_t SysGetresuid(const SyscallArgs& args) {
  return WriteThree(args, Mine().uid, Mine().euid, Mine().suid);
}
int64_t SysGetresgid(const SyscallArgs& args) {
  return WriteThree(args, Mine().gid, Mine().egid, Mine().sgid);
}

int64_t SysSetuid(const SyscallArgs& args) {
  return Changing(
      [&](Credentials& c) { return SetUid(&c, args.U32(0), Rules()); });
}
int64_t SysSetgid(const SyscallArgs& args) {
  return Changing([&](Credentials& c) { return SetGid(&c, args.U32(0)); });
}
int64_t SysSetreuid(const SyscallArgs& args) {
  return Changing([&](Credentials& c) {
    return SetReuid(&c, args.U32(0), args.U32(1), Rules());
  });
}
int64_t SysSetregid(const SyscallArgs& args) {
  return Changing(
      [&](Credentials& c) { return SetRegid(&c, args.U32(0), args.U32(1)); });
}
int64_t SysSetresuid(const SyscallArgs& args) {
  return Changing([&](Credentials& c) {
    return SetResuid(&c, args.U32(0), args.U32(1), args.U32(2), Rules());
  });
}
int64_t SysSetresgid(const SyscallArgs& args) {
  return Changing([&](Credentials& c) {
    return SetResgid(&c, args.U32(0), args.U32(1), args.U32(2));
  });
}
int64_t SysSetfsuid(const SyscallArgs& args) {
  uint32_t old = Mine().fsuid;
  Changing([&](Credentials& c) {
    SetFsuid(&c, args.U32(0), Rules());
    return 0;
  });
  return old;
}
int64_t SysSetfsgid(const SyscallArgs& args) {
  uint32_t old = Mine().fsgid;
  Changing([&](Credentials& c) {
    SetFsgid(&c, args.U32(0));
    return 0;
  });
  return old;
}

int64_t SysGetgroups(const SyscallArgs& args) {
  int size = args.Int(0);
  int count = Mine().group_count;
  if (size < 0) return -EINVAL;
  if (size == 0) return count;
  if (count > size) return -EINVAL;
  GK_RETURN_IF_ERROR(
      CopyToUser(args.User(1), Mine().groups, count * sizeof(uint32_t)));
  return count;
}

int64_t SysSetgroups(const SyscallArgs& args) {
  Credentials& c = Mine();
  if (!Has(c, kCapSetgid)) return -EPERM;
  uint32_t count = args.U32(0);
  if (count > kMaxGroups) return -EINVAL;
  uint32_t groups[sizeof(c.groups) / sizeof(uint32_t)];
  if (count * sizeof(uint32_t) > sizeof(groups)) return -ENOMEM;
  GK_RETURN_IF_ERROR(
      CopyFromUser(groups, args.User(1), count * sizeof(uint32_t)));
  memcpy(c.groups, groups, count * sizeof(uint32_t));
  c.group_count = count;
  return 0;
}

int64_t SysCapget(const SyscallArgs& args) {
  CapHeader header;
  auto words = CapWords(args.User(0), &header);
  // A null data pointer asks for the version alone.
  if (!words.ok())
    return words.error() == -EINVAL && args.User(1).is_null() ? 0
                                                              : words.error();
  if (header.pid < 0) return -EINVAL;
  Thread* thread = header.pid == 0 ? CurrentThread() : FindThread(header.pid);
  if (!thread) return -ESRCH;
  if (args.User(1).is_null()) return 0;
  const Credentials& c = thread->credentials;
  CapData data[2];
  for (int i = 0; i < 2; ++i) {
    data[i].effective = static_cast<uint32_t>(c.cap_effective >> 32 * i);
    data[i].permitted = static_cast<uint32_t>(c.cap_permitted >> 32 * i);
    data[i].inheritable = static_cast<uint32_t>(c.cap_inheritable >> 32 * i);
  }
  return CopyToUser(args.User(1), data, *words * sizeof(CapData));
}

int64_t SysCapset(const SyscallArgs& args) {
  CapHeader header;
  auto words = CapWords(args.User(0), &header);
  if (!words.ok()) return words.error();
  if (header.pid != 0 && header.pid != CurrentThread()->tid) return -EPERM;
  CapData data[2] = {};
  GK_RETURN_IF_ERROR(
      CopyFromUser(data, args.User(1), *words * sizeof(CapData)));
  auto join = [](uint32_t low, uint32_t high) {
    return (low | uint64_t{high} << 32) & kAllCapabilities;
  };
  return SetCapabilities(&Mine(), join(data[0].permitted, data[1].permitted),
                         join(data[0].effective, data[1].effective),
                         join(data[0].inheritable, data[1].inheritable));
}

}  // namespace gk
