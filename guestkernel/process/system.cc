// SPDX-License-Identifier: Apache-2.0
//
// Calls about the system as a whole: uname(2), sysinfo(2), getcpu(2),
// getrandom(2), personality(2).
#include "guestkernel/mm/frame.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/syscalls.h"
#include "guestkernel/process/system_name.h"

namespace gk {
namespace {

struct UtsName {  // struct new_utsname
  char system[65], node[65], release[65], version[65], machine[65], domain[65];
};
static_assert(sizeof(UtsName) == 390);

struct SysInfo {  // struct sysinfo
  int64_t uptime;
  uint64_t loads[3];
  uint64_t total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
  uint16_t processes, padding;
  uint32_t padding2;
  uint64_t total_high, free_high;
  uint32_t unit, padding3;
};
static_assert(sizeof(SysInfo) == 112);

char g_host_name[kNameLength + 1] = "crvm";
char g_domain_name[kNameLength + 1] = "(none)";

void StoreName(char (&to)[kNameLength + 1], StringView name) {
  size_t n = name.size() < kNameLength ? name.size() : kNameLength;
  memset(to, 0, sizeof(to));
  memcpy(to, name.data(), n);
}

void PutName(char (&to)[65], StringView name) {
  memcpy(to, name.data(), name.size() < 64 ? name.size() : 64);
}

int SetNameFromUser(const SyscallArgs& args, char (&to)[kNameLength + 1]) {
  if (!HasCapability(kCapSysAdmin)) return -EPERM;
  int length = args.Int(1);
  if (length < 0 || length > static_cast<int>(kNameLength)) return -EINVAL;
  char name[kNameLength];
  GK_RETURN_IF_ERROR(CopyFromUser(name, args.User(0), length));
  StoreName(to, StringView(name, length));
  return 0;
}

constexpr uint32_t kRandomNonblock = 1, kRandomRandom = 2, kRandomInsecure = 4;

}  // namespace

StringView HostName() { return g_host_name; }
StringView DomainName() { return g_domain_name; }
void SetHostName(StringView name) { StoreName(g_host_name, name); }
void SetDomainName(StringView name) { StoreName(g_domain_name, name); }

int64_t SysUname(const SyscallArgs& args) {
  UtsName name = {};
  PutName(name.system, kSystemName);
  PutName(name.node, HostName());
  PutName(name.release, kSystemRelease);
  PutName(name.version, kSystemVersion);
  PutName(name.machine, kMachineName);
  PutName(name.domain, DomainName());
  return WriteUser(args.User(0), name);
}

int64_t SysSethostname(const SyscallArgs& args) {
  return SetNameFromUser(args, g_host_name);
}

int64_t SysSetdomainname(const SyscallArgs& args) {
  return SetNameFromUser(args, g_domain_name);
}

int64_t SysSysinfo(const SyscallArgs& args) {
  constexpr uint64_t kPage = crvm::abi::kPageSize;
  MemoryStatistics memory = GetMemoryStatistics();
  SysInfo info = {};
  info.uptime = static_cast<int64_t>(BoottimeNs() / 1000000000);
  info.total_ram = memory.total_frames * kPage;
  info.free_ram = memory.free_frames * kPage;
  info.shared_ram = memory.shmem_frames * kPage;
  info.processes = static_cast<uint16_t>(ProcessCount());
  info.unit = 1;
  return WriteUser(args.User(0), info);
}

int64_t SysPersonality(const SyscallArgs& args) {
  uint32_t& current = CurrentProcess()->personality;
  uint32_t old = current;
  if (args.U32(0) != 0xffffffff) current = args.U32(0);
  return old;
}

int64_t SysGetcpu(const SyscallArgs& args) {
  uint32_t cpu = static_cast<uint32_t>(ThisVcpu().index), node = 0;
  if (!args.User(0).is_null()) GK_RETURN_IF_ERROR(WriteUser(args.User(0), cpu));
  if (!args.User(1).is_null())
    GK_RETURN_IF_ERROR(WriteUser(args.User(1), node));
  return 0;
}

int64_t SysGetrandom(const SyscallArgs& args) {
  uint32_t flags = args.U32(2);
  if (flags & ~(kRandomNonblock | kRandomRandom | kRandomInsecure))
    return -EINVAL;
  if ((flags & kRandomRandom) && (flags & kRandomInsecure)) return -EINVAL;
  uint64_t wanted = args.U64(1);
  if (wanted > INT32_MAX) wanted = INT32_MAX;
  uint64_t done = 0;
  while (done < wanted) {
    uint8_t bytes[256];
    size_t n = wanted - done < sizeof(bytes) ? wanted - done : sizeof(bytes);
    RandomBytes(bytes, n);
    size_t copied = CopyToUserPartial(args.User(0) + done, bytes, n);
    done += copied;
    if (copied < n) return done > 0 ? static_cast<int64_t>(done) : -EFAULT;
    // Long ones can be interrupted (getrandom(2)).
    if (n == sizeof(bytes) && HasDeliverableSignal(CurrentThread())) break;
  }
  return static_cast<int64_t>(done);
}

// The VM ends with its program.
int64_t SysReboot(const SyscallArgs&) { return -EPERM; }

}  // namespace gk
