// SPDX-License-Identifier: Apache-2.0
//
// Virtio as crvm speaks it: the virtio-mmio register block (version 2) and the
// split virtqueue, after "Virtual I/O Device (VIRTIO) Version 1.2", OASIS CS01;
// section numbers below are of that document. Shared by the VMM's devices and
// the guest kernel's drivers: freestanding, fixed width, little-endian.
//
// crvm's devices offer neither indirect descriptors nor event indexes; they
// do offer VIRTIO_F_VERSION_1 and nothing legacy.

#ifndef CRVM_GUESTKERNEL_ABI_VIRTIO_H_
#define CRVM_GUESTKERNEL_ABI_VIRTIO_H_

#include <stddef.h>
#include <stdint.h>

namespace crvm::abi {

// ---- Registers, section 4.2.2 (offsets from the start of the slot). --------

enum VirtioMmioRegister : uint32_t {
  kVirtioMagicValue = 0x000,         // R: kVirtioMagic
  kVirtioVersion = 0x004,            // R: kVirtioMmioVersion
  kVirtioDeviceId = 0x008,           // R: 0 = no device in this slot
  kVirtioVendorId = 0x00c,           // R: kVirtioVendor
  kVirtioDeviceFeatures = 0x010,     // R: 32 bits of the offered features
  kVirtioDeviceFeaturesSel = 0x014,  // W: which 32 bits
  kVirtioDriverFeatures = 0x020,     // W: 32 bits of the accepted features
  kVirtioDriverFeaturesSel = 0x024,  // W: which 32 bits
  kVirtioQueueSel = 0x030,           // W: the queue the next ones speak of
  kVirtioQueueNumMax = 0x034,        // R: 0 = no such queue
  kVirtioQueueNum = 0x038,           // W
  kVirtioQueueReady = 0x044,         // RW
  kVirtioQueueNotify = 0x050,        // W: index of the queue with new buffers
  kVirtioInterruptStatus = 0x060,    // R: VirtioInterrupt bits
  kVirtioInterruptAck = 0x064,       // W: bits to clear
  kVirtioStatus = 0x070,             // RW: VirtioStatus bits; 0 resets
  kVirtioQueueDescLow = 0x080,       // W
  kVirtioQueueDescHigh = 0x084,      // W
  kVirtioQueueDriverLow = 0x090,     // W: the available ring
  kVirtioQueueDriverHigh = 0x094,    // W
  kVirtioQueueDeviceLow = 0x0a0,     // W: the used ring
  kVirtioQueueDeviceHigh = 0x0a4,    // W
  kVirtioShmSel = 0x0ac,             // W
  kVirtioShmLenLow = 0x0b0,          // R: all ones = no such region
  kVirtioShmLenHigh = 0x0b4,         // R
  kVirtioShmBaseLow = 0x0b8,         // R
  kVirtioShmBaseHigh = 0x0bc,        // R
  kVirtioQueueReset = 0x0c0,         // RW: not offered here
  kVirtioConfigGeneration = 0x0fc,   // R
  kVirtioConfig = 0x100,             // RW: the device's own layout
};

inline constexpr uint32_t kVirtioMagic = 0x74726976;  // "virt"
inline constexpr uint32_t kVirtioMmioVersion = 2;
inline constexpr uint32_t kVirtioVendor = 0x4d565243;  // "CRVM"

// Device ids, section 5. Control is crvm's own, at the end of the space that
// the standard has not given out.
enum VirtioDeviceType : uint32_t {
  kVirtioIdNone = 0,
  kVirtioIdConsole = 3,
  kVirtioIdEntropy = 4,
  kVirtioIdFs = 26,
  kVirtioIdControl = 63,
};

// Status bits, section 2.1.
enum VirtioStatusBit : uint32_t {
  kVirtioStatusAcknowledge = 1,
  kVirtioStatusDriver = 2,
  kVirtioStatusDriverOk = 4,
  kVirtioStatusFeaturesOk = 8,
  kVirtioStatusNeedsReset = 64,
  kVirtioStatusFailed = 128,
};

// InterruptStatus bits, section 4.2.2. In crvm the device event itself is
// edge-like: it is raised for every cause, whether or not the bits have been
// acknowledged, so a driver that only looks at its used rings need not spend
// exits on these registers.
enum VirtioInterrupt : uint32_t {
  kVirtioInterruptUsedBuffer = 1,
  kVirtioInterruptConfigChange = 2,
};

// Feature bits (as masks of the 64-bit feature word).
inline constexpr uint64_t kVirtioFVersion1 = uint64_t{1} << 32;  // section 6

// ---- Split virtqueue, section 2.7. ----------------------------------------

inline constexpr uint16_t kVirtqMaxSize = 32768;

enum VirtqDescFlag : uint16_t {
  kVirtqDescNext = 1,
  kVirtqDescWrite = 2,     // the device writes, the driver reads
  kVirtqDescIndirect = 4,  // not offered
};

struct VirtqDesc {  // section 2.7.5
  uint64_t addr;    // guest-physical
  uint32_t len;
  uint16_t flags;
  uint16_t next;
};
static_assert(sizeof(VirtqDesc) == 16);
static_assert(offsetof(VirtqDesc, len) == 8);
static_assert(offsetof(VirtqDesc, flags) == 12);
static_assert(offsetof(VirtqDesc, next) == 14);

// The available ring, section 2.7.6: this header, then `size` u16 heads.
struct VirtqAvailHeader {
  uint16_t flags;
  uint16_t idx;
};
static_assert(sizeof(VirtqAvailHeader) == 4);
inline constexpr uint16_t kVirtqAvailNoInterrupt = 1;

struct VirtqUsedElem {
  uint32_t id;
  uint32_t len;
};
static_assert(sizeof(VirtqUsedElem) == 8);

// The used ring, section 2.7.8: this header, then `size` VirtqUsedElem.
struct VirtqUsedHeader {
  uint16_t flags;
  uint16_t idx;
};
static_assert(sizeof(VirtqUsedHeader) == 4);
inline constexpr uint16_t kVirtqUsedNoNotify = 1;

inline constexpr uint64_t kVirtqDescAlign = 16;
inline constexpr uint64_t kVirtqAvailAlign = 2;
inline constexpr uint64_t kVirtqUsedAlign = 4;

constexpr uint64_t VirtqDescBytes(uint16_t size) {
  return sizeof(VirtqDesc) * uint64_t{size};
}
constexpr uint64_t VirtqAvailBytes(uint16_t size) {
  return sizeof(VirtqAvailHeader) + sizeof(uint16_t) * uint64_t{size};
}
constexpr uint64_t VirtqUsedBytes(uint16_t size) {
  return sizeof(VirtqUsedHeader) + sizeof(VirtqUsedElem) * uint64_t{size};
}

// ---- Console, section 5.3, and crvm's streams. -----------------------------

inline constexpr uint64_t kVirtioConsoleFSize = uint64_t{1} << 0;

// Device feature bit 20, crvm's own: this console is not a terminal but one
// byte stream, the program's stdin (rx queue only), stdout or stderr (tx queue
// only). A driver that drives such a device must accept the bit.
//  - A tx chain is the data followed by one writable StreamTxResult.
//  - A tx chain is used when its data is written or has failed, in order; it
//    may be used long after the notify if the host's reader is slow.
//  - A used rx buffer of length 0 is end of file, told once.
//  - The host reads its own stdin only while rx buffers are posted, so that
//    what the program never asks for stays unread for others.
inline constexpr uint64_t kCrvmStream = uint64_t{1} << 20;

enum ConsoleQueue : uint32_t { kConsoleRxQueue = 0, kConsoleTxQueue = 1 };

// What the host's end of a stream is, for fstat() in the guest.
enum StreamKind : uint32_t {
  kStreamNone = 0,  // closed on the host: no such file descriptor
  kStreamPipe = 1,
  kStreamRegular = 2,
  kStreamCharacter = 3,  // /dev/null and the like; never a terminal
  kStreamSocket = 4,
};

struct VirtioConsoleConfig {
  uint16_t cols;  // valid with kVirtioConsoleFSize
  uint16_t rows;
  uint32_t max_nr_ports;  // multiport is not offered: 0
  uint32_t emerg_wr;      // not offered: 0
  uint32_t stream_kind;   // crvm's own, valid with kCrvmStream: StreamKind
};
static_assert(sizeof(VirtioConsoleConfig) == 16);
static_assert(offsetof(VirtioConsoleConfig, rows) == 2);
static_assert(offsetof(VirtioConsoleConfig, stream_kind) == 12);

// Where the device reports how a stream's tx chain went. `bytes` were written
// before `error` (0, or a Linux errno such as EPIPE) stopped it.
struct StreamTxResult {
  uint32_t error;
  uint32_t bytes;
};
static_assert(sizeof(StreamTxResult) == 8);

}  // namespace crvm::abi

#endif  // CRVM_GUESTKERNEL_ABI_VIRTIO_H_
