// SPDX-License-Identifier: Apache-2.0
//
// File attributes as the kernel passes them around, and constants of the ABI
// (linux/stat.h, asm-generic/fcntl.h).
#ifndef CRVM_GUESTKERNEL_FS_STAT_H_
#define CRVM_GUESTKERNEL_FS_STAT_H_

#include <cstdint>

#include "guestkernel/sched/clock.h"

namespace gk {

inline constexpr uint32_t kModeTypeMask = 0170000, kModeSocket = 0140000,
                          kModeSymlink = 0120000, kModeRegular = 0100000,
                          kModeBlock = 0060000, kModeDirectory = 0040000,
                          kModeChar = 0020000, kModeFifo = 0010000;

struct FileAttributes {
  uint64_t device = 0, inode = 0;
  uint32_t mode = 0, link_count = 1, uid = 0, gid = 0;
  uint64_t rdev = 0, size = 0, blocks = 0;  // blocks of 512 bytes
  uint32_t block_size = 4096;
  TimeSpec atime = {}, mtime = {}, ctime = {}, btime = {};
};

struct AttributeChange {
  bool set_mode = false, set_uid = false, set_gid = false, set_size = false;
  bool set_atime = false, set_mtime = false, atime_now = false,
       mtime_now = false;
  uint32_t mode = 0, uid = 0, gid = 0;
  uint64_t size = 0;
  TimeSpec atime = {}, mtime = {};
};

struct FsStatistics {  // statfs
  uint64_t type = 0, block_size = 4096, blocks = 0, blocks_free = 0,
           blocks_available = 0, files = 0, files_free = 0, name_max = 255;
  uint64_t fsid = 0, flags = 0;
};

// open(2) flags, x86-64.
enum OpenFlags : uint32_t {
  kOpenReadOnly = 0,
  kOpenWriteOnly = 1,
  kOpenReadWrite = 2,
  kOpenAccessMask = 3,
  kOpenCreate = 0100,
  kOpenExclusive = 0200,
  kOpenNoCtty = 0400,
  kOpenTruncate = 01000,
  kOpenAppend = 02000,
  kOpenNonblock = 04000,
  kOpenDsync = 010000,
  kOpenAsync = 020000,
  kOpenDirect = 040000,
  kOpenLargeFile = 0100000,
  kOpenDirectory = 0200000,
  kOpenNoFollow = 0400000,
  kOpenNoAtime = 01000000,
  kOpenCloexec = 02000000,
  kOpenSync = 04010000,
  kOpenPath = 010000000,
  kOpenTmpfile = 020200000,
};

// memfd seals (fcntl(2) F_ADD_SEALS).
enum Seals : uint32_t {
  kSealSeal = 1,
  kSealShrink = 2,
  kSealGrow = 4,
  kSealWrite = 8,
  kSealFutureWrite = 16,
  kSealExec = 32,
};

// dev_t as stat(2) gives it to programs (glibc's makedev layout).
constexpr uint64_t MakeDevice(uint32_t major, uint32_t minor) {
  return (uint64_t{major} & 0xfff) << 8 | (uint64_t{major} & ~0xfffu) << 32 |
         (uint64_t{minor} & 0xff) | (uint64_t{minor} & ~0xffu) << 12;
}
constexpr uint32_t DeviceMajor(uint64_t device) {
  return static_cast<uint32_t>((device >> 8 & 0xfff) |
                               (device >> 32 & ~uint64_t{0xfff}));
}
constexpr uint32_t DeviceMinor(uint64_t device) {
  return static_cast<uint32_t>((device & 0xff) |
                               (device >> 12 & ~uint64_t{0xff}));
}

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_STAT_H_
