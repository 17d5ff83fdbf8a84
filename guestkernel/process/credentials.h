// SPDX-License-Identifier: Apache-2.0
//
// Rules of credentials(7) and capabilities(7) on a Credentials struct. Pure.
// File access is the host's business (the VMM's own credentials); these
// numbers are what programs see and what the guest's own objects go by.
#ifndef CRVM_GUESTKERNEL_PROCESS_CREDENTIALS_H_
#define CRVM_GUESTKERNEL_PROCESS_CREDENTIALS_H_

#include <cstdint>

#include "guestkernel/sched/thread.h"

namespace gk {

inline constexpr int kCapChown = 0, kCapKill = 5, kCapSetgid = 6,
                     kCapSetuid = 7, kCapSetpcap = 8, kCapSysPtrace = 19,
                     kCapSysAdmin = 21, kCapSysNice = 23, kCapSysResource = 24,
                     kCapLast = 40;
inline constexpr uint64_t kAllCapabilities = (uint64_t{2} << kCapLast) - 1;
inline constexpr uint32_t kNoId = ~uint32_t{0};  // (uid_t)-1: leave as it is

// securebits, uapi/linux/securebits.h.
inline constexpr uint32_t kSecureNoRoot = 1, kSecureNoSetuidFixup = 4,
                          kSecureKeepCaps = 16;

inline bool Has(const Credentials& c, int capability) {
  return c.cap_effective >> capability & 1;
}

// The set*uid family; -EPERM. `keep`: PR_SET_KEEPCAPS.
struct IdRules {
  uint32_t securebits = 0;
  bool keep_capabilities = false;
};
int SetUid(Credentials* c, uint32_t uid, IdRules rules);
int SetReuid(Credentials* c, uint32_t ruid, uint32_t euid, IdRules rules);
int SetResuid(Credentials* c, uint32_t ruid, uint32_t euid, uint32_t suid,
              IdRules rules);
// The previous one, whatever happens.
uint32_t SetFsuid(Credentials* c, uint32_t fsuid, IdRules rules);
int SetGid(Credentials* c, uint32_t gid);
int SetRegid(Credentials* c, uint32_t rgid, uint32_t egid);
int SetResgid(Credentials* c, uint32_t rgid, uint32_t egid, uint32_t sgid);
uint32_t SetFsgid(Credentials* c, uint32_t fsgid);

// capset(2); -EPERM.
int SetCapabilities(Credentials* c, uint64_t permitted, uint64_t effective,
                    uint64_t inheritable);
// What a program starts with (capabilities(7), "Transformation of capabilities
// during execve()"; files have none here).
void CapabilitiesAfterExec(Credentials* c, uint32_t securebits);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_CREDENTIALS_H_
