// SPDX-License-Identifier: Apache-2.0
//
// /proc/sys and /proc/net: what programs look at.
#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/proc/proc.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/process/credentials.h"
#include "guestkernel/process/limit_rules.h"
#include "guestkernel/process/pid.h"
#include "guestkernel/process/system_name.h"

namespace gk {

namespace {

template <const char* kText>
int Fixed(const Subject&, KString* out) {
  GK_RETURN_IF_ERROR(out->Append(kText));
  return out->Append("\n");
}

template <uint64_t kNumber>
int Number(const Subject&, KString* out) {
  return out->AppendFormat("%lu\n", kNumber);
}

int HostNameText(const Subject&, KString* out) {
  GK_RETURN_IF_ERROR(out->Append(HostName()));
  return out->Append("\n");
}

int StoreHostName(const Subject&, StringView text) {
  size_t n = text.Find('\n');
  if (!HasCapability(kCapSysAdmin)) return -EPERM;
  SetHostName(text.substr(0, n < kNameLength ? n : kNameLength));
  return 0;
}

int DomainNameText(const Subject&, KString* out) {
  GK_RETURN_IF_ERROR(out->Append(DomainName()));
  return out->Append("\n");
}

// RFC 4122, version 4.
int AppendUuid(const uint8_t (&random)[16], KString* out) {
  uint8_t u[16];
  memcpy(u, random, sizeof(u));
  u[6] = (u[6] & 0x0f) | 0x40;
  u[8] = (u[8] & 0x3f) | 0x80;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      GK_RETURN_IF_ERROR(out->Append("-"));
    }
    GK_RETURN_IF_ERROR(out->AppendFormat("%02x", u[i]));
  }
  return out->Append("\n");
}

int Uuid(const Subject&, KString* out) {
  uint8_t random[16];
  RandomBytes(random, sizeof(random));
  return AppendUuid(random, out);
}

int BootId(const Subject&, KString* out) {
  static uint8_t id[16];
  static bool made = false;
  if (!made) RandomBytes(id, sizeof(id));
  made = true;
  return AppendUuid(id, out);
}

int ThreadsMax(const Subject&, KString* out) {
  return out->AppendFormat("%lu\n", GetMemoryStatistics().total_frames / 8);
}

int FileMax(const Subject&, KString* out) {
  return out->Append("9223372036854775807\n");
}

int FileNumbers(const Subject&, KString* out) {
  return out->Append("0\t0\t9223372036854775807\n");
}

int Empty(const Subject&, KString*) { return 0; }

constexpr char kCore[] = "core";
constexpr char kOsType[] = "Linux";

constexpr SyntheticEntry kRandomEntries[] = {
    TextEntry("boot_id", BootId),
    TextEntry("entropy_avail", Number<256>),
    TextEntry("poolsize", Number<256>),
    TextEntry("uuid", Uuid),
};
constexpr SyntheticTable kRandomTable = TableOf(kRandomEntries);

constexpr SyntheticEntry kKernelEntries[] = {
    TextEntry("cap_last_cap", Number<kCapLast>),
    TextEntry("core_pattern", Fixed<kCore>),
    TextEntry("domainname", DomainNameText),
    {"hostname", kModeRegular | 0644, HostNameText, StoreHostName},
    TextEntry("msgmax", Number<8192>),
    TextEntry("ngroups_max", Number<65536>),
    TextEntry("osrelease", Fixed<kSystemRelease>),
    TextEntry("ostype", Fixed<kOsType>),
    TextEntry("overflowgid", Number<65534>),
    TextEntry("overflowuid", Number<65534>),
    TextEntry("perf_event_paranoid", Number<3>),
    TextEntry("pid_max", Number<kPidMax>),
    TextEntry("randomize_va_space", Number<2>),
    DirectoryEntry("random", &kRandomTable),
    TextEntry("threads-max", ThreadsMax),
    TextEntry("version", Fixed<kSystemVersion>),
};
constexpr SyntheticTable kKernelTable = TableOf(kKernelEntries);

constexpr SyntheticEntry kVmEntries[] = {
    TextEntry("max_map_count", Number<kMaxVmas>),
    TextEntry("mmap_min_addr", Number<65536>),
    TextEntry("overcommit_memory", Number<0>),
    TextEntry("overcommit_ratio", Number<50>),
    TextEntry("swappiness", Number<60>),
};
constexpr SyntheticTable kVmTable = TableOf(kVmEntries);

constexpr SyntheticEntry kFsEntries[] = {
    TextEntry("file-max", FileMax),
    TextEntry("file-nr", FileNumbers),
    TextEntry("nr_open", Number<kMaxOpenFiles>),
    TextEntry("pipe-max-size", Number<1048576>),
    TextEntry("pipe-user-pages-soft", Number<16384>),
};
constexpr SyntheticTable kFsTable = TableOf(kFsEntries);

constexpr SyntheticEntry kNetCoreEntries[] = {
    TextEntry("somaxconn", Number<4096>),
};
constexpr SyntheticTable kNetCoreTable = TableOf(kNetCoreEntries);
constexpr SyntheticEntry kSysNetEntries[] = {
    DirectoryEntry("core", &kNetCoreTable),
};
constexpr SyntheticTable kSysNetTable = TableOf(kSysNetEntries);

constexpr SyntheticEntry kSysctlEntries[] = {
    DirectoryEntry("fs", &kFsTable),
    DirectoryEntry("kernel", &kKernelTable),
    DirectoryEntry("net", &kSysNetTable),
    DirectoryEntry("vm", &kVmTable),
};

constexpr SyntheticEntry kNetEntries[] = {
    TextEntry("if_inet6", Empty),
};

}  // namespace

constinit const SyntheticTable kSysctlTable = TableOf(kSysctlEntries);
constinit const SyntheticTable kNetTable = TableOf(kNetEntries);

}  // namespace gk
