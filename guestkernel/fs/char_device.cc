// SPDX-License-Identifier: Apache-2.0
//
// Which driver opens which character device number.
#include "guestkernel/fs/special.h"
#include "guestkernel/lib/vector.h"

namespace gk {

namespace {

struct DeviceRange {
  uint32_t major, first_minor, minor_count;
  DeviceOpen open;
};
Vector<DeviceRange>* g_devices = nullptr;

}  // namespace

int RegisterCharDevice(uint32_t major, uint32_t first_minor,
                       uint32_t minor_count, DeviceOpen open) {
  if (!g_devices) g_devices = new (std::nothrow) Vector<DeviceRange>;
  if (!g_devices) return -ENOMEM;
  return g_devices->PushBack(
      DeviceRange{major, first_minor, minor_count, open});
}

Result<RefPtr<File>> OpenCharDevice(uint64_t rdev, uint32_t flags) {
  uint32_t major = DeviceMajor(rdev);
  uint32_t minor = DeviceMinor(rdev);
  if (g_devices) {
    for (const DeviceRange& range : *g_devices) {
      if (range.major == major && minor >= range.first_minor &&
          minor - range.first_minor < range.minor_count) {
        return range.open(rdev, flags);
      }
    }
  }
  return Error(-ENXIO);
}

}  // namespace gk
