// SPDX-License-Identifier: Apache-2.0
//
// What uname(2) tells. Also read by /proc/sys/kernel.
#ifndef CRVM_GUESTKERNEL_PROCESS_SYSTEM_NAME_H_
#define CRVM_GUESTKERNEL_PROCESS_SYSTEM_NAME_H_

#include "guestkernel/lib/string.h"

namespace gk {

inline constexpr size_t kNameLength = 64;  // __NEW_UTS_LEN
inline constexpr char kSystemName[] = "Linux";
inline constexpr char kSystemRelease[] = "6.1.0-crvm";
inline constexpr char kSystemVersion[] = "#1 SMP crvm";
inline constexpr char kMachineName[] = "x86_64";

StringView HostName();
StringView DomainName();
// Cut at kNameLength.
void SetHostName(StringView name);
void SetDomainName(StringView name);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_SYSTEM_NAME_H_
