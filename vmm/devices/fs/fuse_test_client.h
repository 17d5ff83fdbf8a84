// SPDX-License-Identifier: Apache-2.0
//
// FuseTestClient plays the guest kernel in the fs server's tests: makes
// requests, splits them into awkward pieces, and takes replies apart.

#ifndef CRVM_VMM_DEVICES_FS_FUSE_TEST_CLIENT_H_
#define CRVM_VMM_DEVICES_FS_FUSE_TEST_CLIENT_H_

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "guestkernel/abi/fuse_ext.h"
#include "vmm/devices/fs/fuse_server.h"

namespace crvm {

class FuseTestClient {
 public:
  explicit FuseTestClient(FuseServer* server) : server_(server) {}

  struct Reply {
    size_t length = 0;  // 0: no reply
    int error = 0;      // 0 or negative, as in the header
    std::string payload;

    template <typename T>
    T As(size_t offset = 0) const {
      T value = {};
      if (offset + sizeof(T) <= payload.size()) {
        std::memcpy(&value, payload.data() + offset, sizeof(T));
      }
      return value;
    }
  };

  // How many bytes each piece of request and reply has; 0: one piece.
  void set_piece_size(size_t size) { piece_size_ = size; }

  Reply Call(uint32_t opcode, uint64_t node, const std::string& body,
             size_t reply_capacity = 1 << 16);
  // Any bytes as the request.
  Reply CallRaw(const std::string& request, size_t reply_capacity);

  // ---- The operations, as far as tests use them often. ----
  // Node id, or a negative errno.
  int64_t Lookup(uint64_t dir, const std::string& name,
                 fuse_entry_out* entry = nullptr);
  void Forget(uint64_t node, uint64_t count);
  int GetAttr(uint64_t node, fuse_attr* attr);
  int64_t Open(uint64_t node, uint32_t flags);
  int Release(uint64_t node, uint64_t fh, bool directory = false);
  // Node id and handle.
  int Create(uint64_t dir, const std::string& name, uint32_t flags,
             uint32_t mode, uint64_t* node, uint64_t* fh);
  int64_t MkDir(uint64_t dir, const std::string& name, uint32_t mode);
  int Unlink(uint64_t dir, const std::string& name);
  int RmDir(uint64_t dir, const std::string& name);
  int Rename(uint64_t dir, const std::string& name, uint64_t new_dir,
             const std::string& new_name, uint32_t flags = 0);
  int64_t Link(uint64_t node, uint64_t dir, const std::string& name);
  int64_t Write(uint64_t node, uint64_t fh, uint64_t offset,
                const std::string& data, uint32_t write_flags = 0);
  // Data, or "error N".
  std::string Read(uint64_t node, uint64_t fh, uint64_t offset, uint32_t size);

  struct Entry {
    std::string name;
    uint64_t off = 0;
    uint64_t nodeid = 0;  // READDIRPLUS
    uint32_t type = 0;
  };
  // Everything from `offset` that fits one reply of `size` bytes.
  std::vector<Entry> ReadDir(uint64_t node, uint64_t fh, uint64_t offset,
                             uint32_t size, bool plus);

  template <typename T>
  static std::string Bytes(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  // The string and its NUL.
  static std::string Name(const std::string& name) {
    return std::string(name.c_str(), name.size() + 1);
  }

 private:
  FuseServer* server_;
  uint64_t unique_ = 0;
  size_t piece_size_ = 0;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FUSE_TEST_CLIENT_H_
