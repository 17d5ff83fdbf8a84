// SPDX-License-Identifier: Apache-2.0
//
// One place where errno becomes an absl::Status.

#ifndef CRVM_VMM_BASE_ERRNO_STATUS_H_
#define CRVM_VMM_BASE_ERRNO_STATUS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace crvm {

// The canonical code for `err` with the message "what: strerror(err)".
// `what` names the operation and its object, e.g. "open /dev/kvm".
// err must not be 0.
absl::Status ErrnoStatus(int err, absl::string_view what);

}  // namespace crvm

#endif  // CRVM_VMM_BASE_ERRNO_STATUS_H_
