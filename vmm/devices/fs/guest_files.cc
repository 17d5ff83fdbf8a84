// SPDX-License-Identifier: Apache-2.0
//
// See guest_files.h.

#include "vmm/devices/fs/guest_files.h"

#include <utility>

namespace crvm {

void GuestFiles::Created(const std::string& path) {
  if (paths_.size() >= kMaxFiles) {
    overflowed_ = true;
    return;
  }
  paths_.insert(path);
}

// Takes out `path` and everything below it, relative to it ("" and "/x").
std::set<std::string> GuestFiles::Extract(const std::string& path) {
  std::set<std::string> tails;
  if (paths_.erase(path) > 0) tails.insert("");
  const std::string prefix = path + "/";
  auto it = paths_.lower_bound(prefix);
  while (it != paths_.end() && it->compare(0, prefix.size(), prefix) == 0) {
    tails.insert(it->substr(path.size()));
    it = paths_.erase(it);
  }
  return tails;
}

void GuestFiles::Renamed(const std::string& from, const std::string& to) {
  std::set<std::string> tails = Extract(from);
  if (to.empty()) return;
  Extract(to);  // replaced
  for (const std::string& tail : tails) Created(to + tail);
}

void GuestFiles::Exchanged(const std::string& a, const std::string& b) {
  std::set<std::string> tails_a = Extract(a);
  std::set<std::string> tails_b = Extract(b);
  for (const std::string& tail : tails_a) Created(b + tail);
  for (const std::string& tail : tails_b) Created(a + tail);
}

}  // namespace crvm
