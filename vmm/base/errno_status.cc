// SPDX-License-Identifier: Apache-2.0

#include "vmm/base/errno_status.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "vmm/base/check.h"

namespace crvm {

absl::Status ErrnoStatus(int err, absl::string_view what) {
  CRVM_CHECK(err != 0);
  return absl::ErrnoToStatus(err, what);
}

}  // namespace crvm
