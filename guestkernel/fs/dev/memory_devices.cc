// SPDX-License-Identifier: Apache-2.0
//
// null, zero, full, random, urandom.
#include "guestkernel/fs/dev/memory_devices.h"

#include "guestkernel/arch/arch.h"
#include "guestkernel/fs/path.h"
#include "guestkernel/mm/memory_object.h"

namespace gk {

namespace {

class MemoryDevice : public File {
 public:
  using File::File;
  bool seekable() const override { return true; }
  int64_t Seek(int64_t, int) override {
    position_ = 0;
    return 0;
  }
  // Whatever is written is gone.
  int64_t WriteAt(UserIo& io, uint64_t) override {
    return static_cast<int64_t>(io.remaining());
  }
};

class NullDevice final : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  int64_t ReadAt(UserIo&, uint64_t) override { return 0; }
};

class ZeroDevice : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  int64_t ReadAt(UserIo& io, uint64_t) override {
    return io.ZeroOut(io.remaining());
  }
  // Each mapping is memory of its own.
  Result<RefPtr<MemoryObject>> GetMemoryObject() override {
    constexpr uint64_t kPlenty = uint64_t{1} << 46;
    auto memory = MakeRef<PageCache>(nullptr);
    if (!memory) return Error(-ENOMEM);
    memory->SetSize(kPlenty);
    return RefPtr<MemoryObject>(std::move(memory));
  }
};

class FullDevice final : public ZeroDevice {
 public:
  using ZeroDevice::ZeroDevice;
  int64_t WriteAt(UserIo& io, uint64_t) override {
    return io.remaining() ? -ENOSPC : 0;
  }
  Result<RefPtr<MemoryObject>> GetMemoryObject() override {
    return Error(-ENODEV);
  }
};

class RandomDevice final : public MemoryDevice {
 public:
  using MemoryDevice::MemoryDevice;
  int64_t ReadAt(UserIo& io, uint64_t) override {
    uint8_t block[256];
    int64_t total = 0;
    while (io.remaining() > 0) {
      size_t n =
          io.remaining() < sizeof(block) ? io.remaining() : sizeof(block);
      RandomBytes(block, n);
      int64_t moved = io.CopyOut(block, n);
      if (moved < 0) return total ? total : moved;
      total += moved;
      if (static_cast<size_t>(moved) < n) break;
    }
    return total;
  }
  int64_t Ioctl(uint32_t command, uint64_t argument) override {
    constexpr uint32_t kGetEntropyCount = 0x80045200;  // RNDGETENTCNT
    constexpr int32_t kFullPool = 256;
    if (command != kGetEntropyCount) return -ENOTTY;
    return WriteUser(UserAddress(argument), kFullPool);
  }
};

template <typename Device>
Result<RefPtr<File>> Make(uint32_t flags) {
  auto file = MakeRef<Device>(flags);
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

Result<RefPtr<File>> Open(uint64_t rdev, uint32_t flags) {
  switch (DeviceMinor(rdev)) {
    case kNullMinor:
      return Make<NullDevice>(flags);
    case kZeroMinor:
      return Make<ZeroDevice>(flags);
    case kFullMinor:
      return Make<FullDevice>(flags);
    case kRandomMinor:
    case kUrandomMinor:
      return Make<RandomDevice>(flags);
    default:
      return Error(-ENXIO);
  }
}

}  // namespace

int RegisterMemoryDevices() {
  return RegisterCharDevice(kMemoryMajor, 0, 16, &Open);
}

}  // namespace gk
