// SPDX-License-Identifier: Apache-2.0
//
// See credentials.h.
#include "guestkernel/process/credentials.h"

#include "guestkernel/lib/errno.h"

namespace gk {
namespace {

// The capabilities that go with fsuid 0: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH,
// FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE.
constexpr uint64_t kFsCapabilities = uint64_t{1} << 0 | 1 << 1 | 1 << 2 |
                                     1 << 3 | 1 << 4 | 1 << 9 | 1 << 27 |
                                     uint64_t{1} << 32;

bool MayUseUid(const Credentials& c, uint32_t uid) {
  return uid == kNoId || uid == c.uid || uid == c.euid || uid == c.suid ||
         Has(c, kCapSetuid);
}
bool MayUseGid(const Credentials& c, uint32_t gid) {
  return gid == kNoId || gid == c.gid || gid == c.egid || gid == c.sgid ||
         Has(c, kCapSetgid);
}

// "Effect of user ID changes on capabilities".
void FixCapabilities(const Credentials& old, Credentials* c, IdRules rules) {
  if (rules.securebits & kSecureNoSetuidFixup) return;
  bool was_root = old.uid == 0 || old.euid == 0 || old.suid == 0;
  bool is_root = c->uid == 0 || c->euid == 0 || c->suid == 0;
  if (was_root && !is_root) {
    if (!rules.keep_capabilities) c->cap_permitted = c->cap_effective = 0;
    c->cap_ambient = 0;
  }
  if (old.euid == 0 && c->euid != 0) c->cap_effective = 0;
  if (old.euid != 0 && c->euid == 0) c->cap_effective = c->cap_permitted;
}

}  // namespace

int SetUid(Credentials* c, uint32_t uid, IdRules rules) {
  if (uid == kNoId) return -EINVAL;
  Credentials old = *c;
  if (Has(*c, kCapSetuid)) {
    c->uid = c->suid = uid;
  } else if (uid != c->uid && uid != c->suid) {
    return -EPERM;
  }
  c->euid = c->fsuid = uid;
  FixCapabilities(old, c, rules);
  return 0;
}

int SetReuid(Credentials* c, uint32_t ruid, uint32_t euid, IdRules rules) {
  Credentials old = *c;
  bool privileged = Has(*c, kCapSetuid);
  if (ruid != kNoId && ruid != old.uid && ruid != old.euid && !privileged)
    return -EPERM;
  if (!MayUseUid(*c, euid)) return -EPERM;
  if (ruid != kNoId) c->uid = ruid;
  if (euid != kNoId) c->euid = euid;
  if (ruid != kNoId || (euid != kNoId && euid != old.uid)) c->suid = c->euid;
  c->fsuid = c->euid;
  FixCapabilities(old, c, rules);
  return 0;
}

int SetResuid(Credentials* c, uint32_t ruid, uint32_t euid, uint32_t suid,
              IdRules rules) {
  if (!MayUseUid(*c, ruid) || !MayUseUid(*c, euid) || !MayUseUid(*c, suid))
    return -EPERM;
  Credentials old = *c;
  if (ruid != kNoId) c->uid = ruid;
  if (euid != kNoId) c->euid = euid;
  if (suid != kNoId) c->suid = suid;
  c->fsuid = c->euid;
  FixCapabilities(old, c, rules);
  return 0;
}

uint32_t SetFsuid(Credentials* c, uint32_t fsuid, IdRules rules) {
  uint32_t old = c->fsuid;
  if (fsuid == kNoId || !(fsuid == old || MayUseUid(*c, fsuid))) return old;
  c->fsuid = fsuid;
  if (!(rules.securebits & kSecureNoSetuidFixup)) {
    if (old == 0 && fsuid != 0) c->cap_effective &= ~kFsCapabilities;
    if (old != 0 && fsuid == 0)
      c->cap_effective |= c->cap_permitted & kFsCapabilities;
  }
  return old;
}

int SetGid(Credentials* c, uint32_t gid) {
  if (gid == kNoId) return -EINVAL;
  if (Has(*c, kCapSetgid)) {
    c->gid = c->sgid = gid;
  } else if (gid != c->gid && gid != c->sgid) {
    return -EPERM;
  }
  c->egid = c->fsgid = gid;
  return 0;
}

int SetRegid(Credentials* c, uint32_t rgid, uint32_t egid) {
  uint32_t old = c->gid;
  if (rgid != kNoId && rgid != c->gid && rgid != c->egid &&
      !Has(*c, kCapSetgid))
    return -EPERM;
  if (!MayUseGid(*c, egid)) return -EPERM;
  if (rgid != kNoId) c->gid = rgid;
  if (egid != kNoId) c->egid = egid;
  if (rgid != kNoId || (egid != kNoId && egid != old)) c->sgid = c->egid;
  c->fsgid = c->egid;
  return 0;
}

int SetResgid(Credentials* c, uint32_t rgid, uint32_t egid, uint32_t sgid) {
  if (!MayUseGid(*c, rgid) || !MayUseGid(*c, egid) || !MayUseGid(*c, sgid))
    return -EPERM;
  if (rgid != kNoId) c->gid = rgid;
  if (egid != kNoId) c->egid = egid;
  if (sgid != kNoId) c->sgid = sgid;
  c->fsgid = c->egid;
  return 0;
}

uint32_t SetFsgid(Credentials* c, uint32_t fsgid) {
  uint32_t old = c->fsgid;
  if (fsgid != kNoId && (fsgid == old || MayUseGid(*c, fsgid)))
    c->fsgid = fsgid;
  return old;
}

int SetCapabilities(Credentials* c, uint64_t permitted, uint64_t effective,
                    uint64_t inheritable) {
  if (!Has(*c, kCapSetpcap) &&
      (inheritable & ~(c->cap_inheritable | c->cap_permitted)))
    return -EPERM;
  if (inheritable & ~(c->cap_inheritable | c->cap_bounding)) return -EPERM;
  if (permitted & ~c->cap_permitted) return -EPERM;
  if (effective & ~permitted) return -EPERM;
  c->cap_permitted = permitted;
  c->cap_effective = effective;
  c->cap_inheritable = inheritable;
  c->cap_ambient &= permitted & inheritable;
  return 0;
}

void CapabilitiesAfterExec(Credentials* c, uint32_t securebits) {
  c->suid = c->fsuid = c->euid;
  c->sgid = c->fsgid = c->egid;
  bool root_counts = !(securebits & kSecureNoRoot);
  if (root_counts && (c->uid == 0 || c->euid == 0)) {
    c->cap_permitted = c->cap_bounding | c->cap_inheritable;
    c->cap_effective = c->euid == 0 ? c->cap_permitted : c->cap_ambient;
  } else {
    c->cap_permitted = c->cap_effective = c->cap_ambient;
  }
}

}  // namespace gk
