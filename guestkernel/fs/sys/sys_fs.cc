// SPDX-License-Identifier: Apache-2.0
//
// /sys: the few files that C libraries and run-times look at.
#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/proc/number_name.h"
#include "guestkernel/fs/synthetic.h"

namespace gk {

namespace {

constexpr uint64_t kSysfsMagic = 0x62656572;  // linux/magic.h

int CpuRange(const Subject&, KString* out) {
  uint32_t cpus = GetBootInfo().vcpu_count;
  return cpus > 1 ? out->AppendFormat("0-%u\n", cpus - 1) : out->Append("0\n");
}

int LastCpu(const Subject&, KString* out) {
  return out->AppendFormat("%u\n", GetBootInfo().vcpu_count - 1);
}

int NodeRange(const Subject&, KString* out) { return out->Append("0\n"); }
int Nothing(const Subject&, KString*) { return 0; }
int EmptyLine(const Subject&, KString* out) { return out->Append("\n"); }
int One(const Subject&, KString* out) { return out->Append("1\n"); }
int PackageId(const Subject&, KString* out) { return out->Append("0\n"); }

// The subject's fd is the CPU's number.
int CoreId(const Subject& subject, KString* out) {
  return out->AppendFormat("%d\n", subject.fd);
}

int HugePagesEnabled(const Subject&, KString* out) {
  return out->Append("always [madvise] never\n");
}

int HugePageSize(const Subject&, KString* out) {
  return out->Append("2097152\n");
}

constexpr SyntheticEntry kTopologyEntries[] = {
    TextEntry("core_cpus_list", CoreId),
    TextEntry("core_id", CoreId),
    TextEntry("core_siblings_list", CpuRange),
    TextEntry("physical_package_id", PackageId),
    TextEntry("thread_siblings_list", CoreId),
};
constexpr SyntheticTable kTopologyTable = TableOf(kTopologyEntries);

constexpr SyntheticEntry kOneCpuEntries[] = {
    TextEntry("online", One),
    DirectoryEntry("topology", &kTopologyTable),
};
constexpr SyntheticTable kOneCpuTable = TableOf(kOneCpuEntries);
constexpr SyntheticEntry kOneCpuEntry = DirectoryEntry("cpuN", &kOneCpuTable);

constexpr SyntheticEntry kCpuEntries[] = {
    TextEntry("isolated", EmptyLine), TextEntry("kernel_max", LastCpu),
    TextEntry("offline", EmptyLine),  TextEntry("online", CpuRange),
    TextEntry("possible", CpuRange),  TextEntry("present", CpuRange),
};
constexpr SyntheticTable kCpuTable = TableOf(kCpuEntries);

// /sys/devices/system/cpu: also cpu0, cpu1, ...
class CpuDirectory final : public SyntheticDirectory {
 public:
  using SyntheticDirectory::SyntheticDirectory;
  Result<RefPtr<Inode>> Lookup(StringView name) override {
    if (name.StartsWith("cpu")) {
      int index = NumberFromName(name.substr(3));
      if (index >= 0 &&
          static_cast<uint32_t>(index) < GetBootInfo().vcpu_count) {
        return Make(fs(), kOneCpuEntry, Subject{0, 0, index});
      }
    }
    return SyntheticDirectory::Lookup(name);
  }
  uint64_t List(uint64_t from, DirSink& sink) override {
    uint64_t first_cpu = 2 + table_size();
    if (from < first_cpu) from = ListTable(2, from, sink);
    while (from >= first_cpu && from - first_cpu < GetBootInfo().vcpu_count) {
      int index = static_cast<int>(from - first_cpu);
      char name[16];
      Format(name, sizeof(name), "cpu%d", index);
      if (!sink.Add(name, NumberOf(&kOneCpuEntry, Subject{0, 0, index}),
                    kModeDirectory >> 12, from + 1)) {
        break;
      }
      ++from;
    }
    return from;
  }
};

Result<RefPtr<Inode>> MakeCpuDirectory(FileSystem* fs, const Subject& subject,
                                       const SyntheticEntry& entry) {
  auto inode = MakeRef<CpuDirectory>(fs, entry.mode, subject,
                                     SyntheticInode::NumberOf(&entry, subject),
                                     &kCpuTable);
  if (!inode) return Error(-ENOMEM);
  return RefPtr<Inode>(std::move(inode));
}

constexpr SyntheticEntry kNodeEntries[] = {
    TextEntry("online", NodeRange),
    TextEntry("possible", NodeRange),
};
constexpr SyntheticTable kNodeTable = TableOf(kNodeEntries);

constexpr SyntheticEntry kSystemEntries[] = {
    {"cpu", kModeDirectory | 0555, nullptr, nullptr, nullptr, MakeCpuDirectory},
    DirectoryEntry("node", &kNodeTable),
};
constexpr SyntheticTable kSystemTable = TableOf(kSystemEntries);
constexpr SyntheticEntry kDevicesEntries[] = {
    DirectoryEntry("system", &kSystemTable),
};
constexpr SyntheticTable kDevicesTable = TableOf(kDevicesEntries);

constexpr SyntheticTable kEmptyTable = {nullptr, 0};

constexpr SyntheticEntry kFsEntries[] = {
    DirectoryEntry("cgroup", &kEmptyTable),
};
constexpr SyntheticTable kFsTable = TableOf(kFsEntries);

constexpr SyntheticEntry kHugeEntries[] = {
    TextEntry("enabled", HugePagesEnabled),
    TextEntry("hpage_pmd_size", HugePageSize),
};
constexpr SyntheticTable kHugeTable = TableOf(kHugeEntries);
constexpr SyntheticEntry kMmEntries[] = {
    DirectoryEntry("transparent_hugepage", &kHugeTable),
};
constexpr SyntheticTable kMmTable = TableOf(kMmEntries);
constexpr SyntheticEntry kKernelEntries[] = {
    DirectoryEntry("mm", &kMmTable),
    TextEntry("uevent_helper", Nothing),
};
constexpr SyntheticTable kKernelTable = TableOf(kKernelEntries);

constexpr SyntheticEntry kClassEntries[] = {
    DirectoryEntry("net", &kEmptyTable),
};
constexpr SyntheticTable kClassTable = TableOf(kClassEntries);

constexpr SyntheticEntry kRootEntries[] = {
    DirectoryEntry("class", &kClassTable),
    DirectoryEntry("devices", &kDevicesTable),
    DirectoryEntry("fs", &kFsTable),
    DirectoryEntry("kernel", &kKernelTable),
};
constexpr SyntheticTable kRootTable = TableOf(kRootEntries);

}  // namespace

Result<FileSystem*> NewSysFs() {
  UniquePtr<SyntheticFs> fs(new (std::nothrow)
                                SyntheticFs("sysfs", kSysfsMagic));
  if (!fs) return Error(-ENOMEM);
  auto root = MakeRef<SyntheticDirectory>(fs.get(), kModeDirectory | 0555,
                                          Subject(), 1, &kRootTable);
  if (!root) return Error(-ENOMEM);
  fs->set_root(std::move(root));
  return static_cast<FileSystem*>(fs.release());
}

}  // namespace gk
