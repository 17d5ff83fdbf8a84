// SPDX-License-Identifier: Apache-2.0

#ifndef CRVM_CLI_BASE_VERSION_H_
#define CRVM_CLI_BASE_VERSION_H_

namespace crvm {

inline constexpr char kCrvmVersion[] = "0.1.0";

}  // namespace crvm

#endif  // CRVM_CLI_BASE_VERSION_H_
