// SPDX-License-Identifier: Apache-2.0
//
// GuestFiles remembers the paths of files that the guest itself has made in
// directories whose contents travel with snapshots (/tmp, /var/tmp). vCPU
// thread. The guest decides how many there are: the number is capped, and what
// is beyond it does not travel.

#ifndef CRVM_VMM_DEVICES_FS_GUEST_FILES_H_
#define CRVM_VMM_DEVICES_FS_GUEST_FILES_H_

#include <cstddef>
#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace crvm {

class GuestFiles {
 public:
  static constexpr size_t kMaxFiles = 65536;

  void Created(const std::string& path);
  void Removed(const std::string& path) { paths_.erase(path); }
  // `to` is empty when it is now somewhere where files do not travel. Takes
  // along what is below.
  void Renamed(const std::string& from, const std::string& to);
  // RENAME_EXCHANGE; both are carried paths.
  void Exchanged(const std::string& a, const std::string& b);

  bool Contains(const std::string& path) const { return paths_.count(path); }
  // Sorted: a directory comes before its contents.
  const std::set<std::string>& paths() const { return paths_; }
  bool overflowed() const { return overflowed_; }

 private:
  std::set<std::string> Extract(const std::string& path);

  std::set<std::string> paths_;
  bool overflowed_ = false;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_GUEST_FILES_H_
