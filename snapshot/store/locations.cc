// SPDX-License-Identifier: Apache-2.0

#include "snapshot/store/locations.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

absl::StatusOr<std::string> Absolute(const char* variable,
                                     const std::string& value) {
  // The XDG specification has relative paths ignored; here a mistake in one
  // would put snapshots where nobody finds them.
  if (value[0] == '/') return value;
  return absl::InvalidArgumentError(
      absl::StrCat(variable, " is '", value, "': it must be an absolute path"));
}

}  // namespace

absl::StatusOr<Locations> Locations::FromEnvironment() {
  return FromEnvironment([](const char* name) { return getenv(name); });
}

absl::StatusOr<Locations> Locations::FromEnvironment(
    const std::function<const char*(const char*)>& get_env) {
  const auto get = [&](const char* name) {
    const char* value = get_env(name);
    return std::string(value == nullptr ? "" : value);
  };
  Locations out;
  const std::string crvm_home = get("CRVM_HOME");
  const std::string data_home = get("XDG_DATA_HOME");
  const std::string runtime = get("XDG_RUNTIME_DIR");
  const std::string home = get("HOME");
  if (!crvm_home.empty()) {
    CRVM_ASSIGN_OR_RETURN(out.store, Absolute("CRVM_HOME", crvm_home));
  } else if (!data_home.empty()) {
    CRVM_ASSIGN_OR_RETURN(out.store, Absolute("XDG_DATA_HOME", data_home));
    out.store += "/crvm";
  } else if (!home.empty()) {
    CRVM_ASSIGN_OR_RETURN(out.store, Absolute("HOME", home));
    out.store += "/.local/share/crvm";
  } else {
    return absl::FailedPreconditionError(
        "no place for snapshots: HOME is not set; set CRVM_HOME to a "
        "directory");
  }
  out.logs = out.store + "/logs";
  out.run = out.store + "/run";
  if (crvm_home.empty() && !runtime.empty()) {
    CRVM_ASSIGN_OR_RETURN(out.run, Absolute("XDG_RUNTIME_DIR", runtime));
    out.run += "/crvm";
  }
  return out;
}

absl::Status MakePrivateDirectory(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), 0700) < 0 && errno != EEXIST &&
        access(parent.c_str(), F_OK) != 0) {
      return ErrnoStatus(errno, absl::StrCat("make directory ", parent));
    }
  }
  if (mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) {
    return ErrnoStatus(errno, absl::StrCat("make directory ", path));
  }
  struct stat info;
  if (stat(path.c_str(), &info) < 0) {
    return ErrnoStatus(errno, absl::StrCat("stat ", path));
  }
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a directory"));
  }
  if (info.st_uid != geteuid() || (info.st_mode & 022) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(
        path, " is not private: it must belong to you and be writable by ",
        "nobody else (chown, chmod go-w)"));
  }
  return absl::OkStatus();
}

}  // namespace crvm
