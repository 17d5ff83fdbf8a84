// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/boot_info.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

void FillIdentity(abi::BootInfo* info) {
  info->uid = getuid();
  info->euid = geteuid();
  info->gid = getgid();
  info->egid = getegid();
  gid_t groups[sizeof(info->groups) / sizeof(info->groups[0])];
  int count = getgroups(static_cast<int>(std::size(groups)), groups);
  info->group_count = count > 0 ? static_cast<uint32_t>(count) : 0;
  std::copy(groups, groups + info->group_count, info->groups);
  // umask(2) can only be read by setting it.
  mode_t mask = umask(022);
  umask(mask);
  info->umask = mask;
}

void FillLimits(abi::BootInfo* info) {
  for (int i = 0; i < 16; ++i) {
    rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(i), &limit) != 0) {
      limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    }
    info->rlimits[i][0] = limit.rlim_cur;
    info->rlimits[i][1] = limit.rlim_max;
  }
}

std::string JoinStrings(const BootParameters& p) {
  std::string all;
  auto add = [&all](const std::string& s) { all.append(s).push_back('\0'); };
  add(p.executable);
  add(p.cwd);
  add(p.hostname);
  for (const std::string& s : p.argv) add(s);
  for (const std::string& s : p.env) add(s);
  return all;
}

}  // namespace

absl::Status WriteBootInfo(GuestMemory& memory, abi::PrivilegeMode mode,
                           const BootParameters& p) {
  std::string strings = JoinStrings(p);
  if (strings.size() > abi::kBootStringsSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "arguments and environment take ", strings.size(),
        " bytes, more than the ", abi::kBootStringsSize, " that crvm passes"));
  }
  abi::BootInfo info = {};
  info.magic = abi::kBootInfoMagic;
  info.abi_version = abi::kAbiVersion;
  info.vcpu_count = 1;
  info.memory_size = memory.size();
  info.privilege_mode = static_cast<uint32_t>(mode);
  info.xsave_size = p.xsave_size;
  info.xcr0 = p.xcr0;
  if (getrandom(info.random_seed, sizeof(info.random_seed), 0) !=
      static_cast<ssize_t>(sizeof(info.random_seed))) {
    return ErrnoStatus(errno, "getrandom");
  }
  for (int i = 0; i < 3; ++i) {
    info.stdio_kind[i] = static_cast<uint32_t>(p.stdio[i]);
    info.stream_kind[i] = p.stream[i];
  }
  info.tty_columns = p.columns;
  info.tty_rows = p.rows;
  FillIdentity(&info);
  FillLimits(&info);
  info.argc = static_cast<uint32_t>(p.argv.size());
  info.envc = static_cast<uint32_t>(p.env.size());
  info.strings_size = static_cast<uint32_t>(strings.size());
  CRVM_ASSIGN_OR_RETURN(
      auto room,
      memory.Slice(GuestAddress(abi::kBootStringsGpa), strings.size()));
  std::copy(strings.begin(), strings.end(), room.begin());
  return memory.Write(GuestAddress(abi::kBootInfoGpa), info);
}

absl::Status WriteVcpuPage(GuestMemory& memory, abi::PrivilegeMode mode,
                           const KernelSymbols& symbols, unsigned vcpu) {
  GuestAddress at(abi::kVcpuPageGpa + vcpu * sizeof(abi::VcpuPage));
  CRVM_ASSIGN_OR_RETURN(auto page, memory.Read<abi::VcpuPage>(at));
  CRVM_ASSIGN_OR_RETURN(VcpuEntries entries,
                        ReadVcpuEntries(memory, symbols, vcpu));
  bool supervisor = mode == abi::PrivilegeMode::kSupervisor;
  page.kernel_cpl = supervisor ? 0 : 3;
  page.syscall_entry =
      supervisor ? entries.syscall_supervisor : entries.syscall_deprivileged;
  page.restart_begin = entries.restart_begin;
  page.restart_end = entries.restart_end;
  page.index = vcpu;
  page.kernel_text_begin = symbols.text_begin;
  page.kernel_text_end = symbols.text_end;
  return memory.Write(at, page);
}

}  // namespace crvm
