// SPDX-License-Identifier: Apache-2.0
//
// Sets the umask to 0 for a moment: the guest kernel has applied its program's
// umask already. vCPU thread; see FuseServer::IsolateThread().

#ifndef CRVM_VMM_DEVICES_FS_SCOPED_UMASK_H_
#define CRVM_VMM_DEVICES_FS_SCOPED_UMASK_H_

#include <sys/stat.h>

namespace crvm {

class ScopedUmask {
 public:
  explicit ScopedUmask(bool is_zero_already) : active_(!is_zero_already) {
    if (active_) old_ = umask(0);
  }
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() {
    if (active_) umask(old_);
  }

 private:
  bool active_;
  mode_t old_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_SCOPED_UMASK_H_
