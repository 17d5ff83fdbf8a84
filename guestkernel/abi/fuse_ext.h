// SPDX-License-Identifier: Apache-2.0
//
// The file protocol between the guest kernel and the VMM: FUSE as in the
// system's <linux/fuse.h>, over virtio-fs, plus crvm's own operations that
// save exits (one costs 10-40 us on an interpreting host). Freestanding, fixed
// width, little-endian; shared by both sides. The server trusts nothing in a
// request.
//
// Crvm's rules on top of FUSE:
//  - fuse_entry_out.generation is the file's device number on the host, packed
//    by PackHostDevice(): what stat(2) shows as st_dev. Node ids are never
//    reused, so the field is not needed for what FUSE uses it for. GETATTR has
//    it in fuse_attr_out.dummy: of the root there is no entry.
//  - FUSE_WRITE and kFuseExtWrite with FUSE_WRITE_CACHE set write at the given
//    offset even through a handle opened with O_APPEND.
//  - A server answers an operation that it does not know with -ENOSYS.
//  - Names are single components. "." and ".." are the guest kernel's matter.
//  - -ESTALE: somebody replaced the file on the host. Look it up again.

#ifndef CRVM_GUESTKERNEL_ABI_FUSE_EXT_H_
#define CRVM_GUESTKERNEL_ABI_FUSE_EXT_H_

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

namespace crvm::abi {

static_assert(sizeof(fuse_in_header) == 40);
static_assert(sizeof(fuse_out_header) == 16);
static_assert(sizeof(fuse_attr) == 88);
static_assert(sizeof(fuse_entry_out) == 128);
static_assert(sizeof(fuse_open_out) == 16);
static_assert(sizeof(fuse_read_in) == 40);
static_assert(sizeof(fuse_write_in) == 40);

inline constexpr char kFsTag[] = "crvmroot";

// ---- Virtio-fs, virtio 1.2 section 5.11. -----------------------------------

enum FsQueue : uint32_t { kFsHiprioQueue = 0, kFsRequestQueue = 1 };

struct VirtioFsConfig {
  uint8_t tag[36];  // NUL-padded
  uint32_t num_request_queues;
};
static_assert(sizeof(VirtioFsConfig) == 40);

// ---- Device numbers. -------------------------------------------------------

// major and minor as Linux's 32-bit dev_t encodes them; also fuse_attr.rdev.
constexpr uint32_t PackHostDevice(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xffu) << 12);
}
static_assert(PackHostDevice(8, 1) == 0x801);

// ---- Crvm's own operations. ------------------------------------------------

// The largest request or reply payload of data: READ, WRITE, READDIR.
inline constexpr uint32_t kFuseMaxData = 1 << 20;

enum FuseExtOpcode : uint32_t {
  kFuseExtWalk = 0x63720001,
  kFuseExtOpen = 0x63720002,
  kFuseExtWrite = 0x63720003,
  kFuseExtDrop = 0x63720004,
  kFuseExtReadDir = 0x63720005,
};

// kFuseExtWalk: from the directory header.nodeid along a relative path, in one
// exit; and, if asked, open the regular file at its end and read its first
// bytes, as kFuseExtOpen does.
//
// Request: fuse_in_header, FuseExtWalkIn, then path_len bytes: components
// separated by single '/', not terminated, no leading or trailing '/'.
//
// Reply: fuse_out_header, FuseExtWalkOut, entry_count fuse_entry_out (one per
// component, each counts one lookup), link_len bytes of the last entry's
// symlink target. All this is in the first meta_size bytes of the reply. Data,
// if any, begins exactly at meta_size, so that the driver can give page frames
// for it. fuse_out_header.error is only about the request as such.
enum FuseExtWalkFlag : uint32_t {
  kFuseExtWalkOpen = 1,  // open what the path leads to
};

inline constexpr uint32_t kFuseExtMaxPath = 4095;
inline constexpr uint32_t kFuseExtMaxOpenData = 64 << 10;

struct FuseExtWalkIn {
  uint32_t flags;       // FuseExtWalkFlag
  uint32_t open_flags;  // as FUSE_OPEN's
  uint32_t meta_size;   // a multiple of 8
  uint32_t data_size;   // at most kFuseExtMaxOpenData; 0: no data wanted
  uint32_t path_len;    // 1..kFuseExtMaxPath
  uint32_t reserved;    // 0
};
static_assert(sizeof(FuseExtWalkIn) == 24);

struct FuseExtWalkOut {
  // How many components exist and were entered into the reply.
  uint32_t entry_count;
  // Why the walk ended before the path did: 0: it did not, or the last entry is
  // a symlink; -ENOENT and the like: of the component after the last entry;
  // -EMSGSIZE: meta_size is full, go on from the last entry.
  int32_t status;
  uint32_t link_len;  // not 0: the last entry is a symlink
  // With kFuseExtWalkOpen: 0 and fh is valid, or a negative errno; -ENXIO when
  // the walk did not reach a regular file.
  int32_t open_status;
  uint64_t fh;
  uint32_t data_len;  // bytes at meta_size; less than data_size: end of file
  uint32_t reserved;
};
static_assert(sizeof(FuseExtWalkOut) == 32);
static_assert(offsetof(FuseExtWalkOut, fh) == 16);

// kFuseExtOpen: FUSE_OPEN of header.nodeid that also returns attributes and the
// first bytes. Reply: fuse_out_header, FuseExtOpenOut, data at meta_size.
struct FuseExtOpenIn {
  uint32_t open_flags;
  uint32_t meta_size;
  uint32_t data_size;
  uint32_t reserved;
};
static_assert(sizeof(FuseExtOpenIn) == 16);

struct FuseExtOpenOut {
  uint64_t fh;
  uint32_t data_len;
  uint32_t reserved;
  fuse_attr attr;  // as of after the open (O_TRUNC has happened)
};
static_assert(sizeof(FuseExtOpenOut) == 104);

// kFuseExtWrite: FUSE_WRITE (same request) that also returns where it ended,
// and the attributes before and after, so that the writer's own cache stays
// valid and others' writes in between are noticed.
struct FuseExtWriteOut {
  uint64_t end_offset;  // tells an O_APPEND writer where its data went
  uint32_t size;        // bytes written
  uint32_t reserved;
  uint64_t before_size;
  uint64_t before_mtime;
  uint32_t before_mtimensec;
  uint32_t reserved2;
  fuse_attr attr;  // after
};
static_assert(sizeof(FuseExtWriteOut) == 128);
static_assert(offsetof(FuseExtWriteOut, attr) == 40);

// kFuseExtDrop: RELEASEs and FORGETs, any number, no reply (as FUSE_FORGET).
// Request: fuse_in_header, FuseExtDropIn, release_count FuseExtRelease,
// forget_count fuse_forget_one; done in this order.
struct FuseExtDropIn {
  uint32_t release_count;
  uint32_t forget_count;
};
static_assert(sizeof(FuseExtDropIn) == 8);

struct FuseExtRelease {
  uint64_t nodeid;
  uint64_t fh;  // a file's or a directory's
};
static_assert(sizeof(FuseExtRelease) == 16);

// kFuseExtReadDir: FUSE_OPENDIR of header.nodeid, if need be, and FUSE_READDIR
// or FUSE_READDIRPLUS, that also tells the end. Reply: fuse_out_header,
// FuseExtReadDirOut, records at meta_size.
enum FuseExtReadDirFlag : uint32_t {
  // fuse_direntplus records: each counts a lookup. Bits 16-31 of dirent.type
  // are the length of a symlink's target, which follows the name and belongs to
  // the record; 0: no symlink, or ask by READLINK.
  kFuseExtReadDirPlus = 1,
};

inline constexpr uint32_t kFuseExtMaxDirLink = 1024;

struct FuseExtReadDirIn {
  uint64_t fh;  // 0: open the directory
  uint64_t offset;
  uint32_t size;  // room for records, at most kFuseMaxData
  uint32_t meta_size;
  uint32_t flags;  // FuseExtReadDirFlag
  uint32_t reserved;
};
static_assert(sizeof(FuseExtReadDirIn) == 32);

struct FuseExtReadDirOut {
  uint64_t fh;
  uint32_t data_len;
  uint32_t at_end;  // 1: nothing comes after these records
};
static_assert(sizeof(FuseExtReadDirOut) == 16);

}  // namespace crvm::abi

#endif  // CRVM_GUESTKERNEL_ABI_FUSE_EXT_H_
