// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/page_tables.h"

#include "absl/strings/str_cat.h"
#include "guestkernel/abi/shared_pages.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kUncached = 0x18,
                   kLarge = 0x80, kNoExecute = uint64_t{1} << 63;
constexpr uint64_t kAddressMask = 0x000ffffffffff000;
constexpr unsigned kEntries = 512;
// Address spaces that one VM may have (the frame allocator gives no more).
constexpr unsigned kMaxRoots = 1 << 20;

// Hands out table pages and fills entries, all inside the boot region.
class Builder {
 public:
  explicit Builder(GuestMemory& memory) : memory_(memory) {
    root_ = next_;
    next_ += abi::kPageSize;
  }

  absl::Status Map4K(uint64_t va, uint64_t gpa, uint64_t flags) {
    CRVM_ASSIGN_OR_RETURN(uint64_t table, Descend(va, 1));
    return SetEntry(table, Index(va, 0), gpa | flags);
  }
  absl::Status Map2M(uint64_t va, uint64_t gpa, uint64_t flags) {
    CRVM_ASSIGN_OR_RETURN(uint64_t table, Descend(va, 2));
    return SetEntry(table, Index(va, 1), gpa | flags | kLarge);
  }

 private:
  static unsigned Index(uint64_t va, unsigned level) {
    return (va >> (12 + 9 * level)) & (kEntries - 1);
  }
  absl::Status SetEntry(uint64_t table, unsigned index, uint64_t value) {
    return memory_.Write(GuestAddress(table + index * 8), value);
  }
  // The table that holds the entries of level `stop` - 1 for `va`.
  absl::StatusOr<uint64_t> Descend(uint64_t va, unsigned stop) {
    uint64_t table = root_;
    for (unsigned level = 3; level >= stop; --level) {
      GuestAddress at(table + Index(va, level) * 8);
      CRVM_ASSIGN_OR_RETURN(uint64_t entry, memory_.Read<uint64_t>(at));
      if (!(entry & kPresent)) {
        if (next_ + abi::kPageSize >
            abi::kBootPageTablesGpa + abi::kBootPageTablesMaxSize) {
          return absl::ResourceExhaustedError("guest memory too large to map");
        }
        // Lower levels always allow user access: only the top says who enters.
        entry = next_ | kPresent | kWritable | kUser;
        next_ += abi::kPageSize;
        CRVM_RETURN_IF_ERROR(memory_.Write(at, entry));
      }
      table = entry & kAddressMask;
    }
    return table;
  }

  GuestMemory& memory_;
  uint64_t root_;
  uint64_t next_ = abi::kBootPageTablesGpa;
};

absl::Status SetRootAccess(GuestMemory& memory, uint64_t root, bool user) {
  for (unsigned i = kEntries / 2; i < kEntries; ++i) {
    if (i == abi::kRootLinkSlot) continue;
    GuestAddress at(root + i * 8);
    CRVM_ASSIGN_OR_RETURN(uint64_t entry, memory.Read<uint64_t>(at));
    if (!(entry & kPresent)) continue;
    entry = user ? entry | kUser : entry & ~kUser;
    CRVM_RETURN_IF_ERROR(memory.Write(at, entry));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BuildKernelPageTables(GuestMemory& memory,
                                   const KernelSymbols& symbols) {
  Builder builder(memory);
  for (uint64_t gpa = 0; gpa < memory.size(); gpa += abi::kHugePageSize) {
    CRVM_RETURN_IF_ERROR(
        builder.Map2M(abi::kDirectMapBase + gpa, gpa,
                      kPresent | kWritable | kUser | kNoExecute));
  }
  // The image area: text may be executed and not written, the rest the
  // contrary.
  for (uint64_t gpa = 0; gpa < abi::kKernelGpa + abi::kKernelMaxSize;
       gpa += abi::kPageSize) {
    uint64_t va = abi::kKernelBase + gpa;
    bool text = va >= symbols.text_begin && va < symbols.text_end;
    uint64_t flags = kPresent | kUser | (text ? 0 : kWritable | kNoExecute);
    CRVM_RETURN_IF_ERROR(builder.Map4K(va, gpa, flags));
  }
  for (uint64_t offset = 0; offset < abi::kMmioSize; offset += abi::kPageSize) {
    CRVM_RETURN_IF_ERROR(
        builder.Map4K(abi::kMmioBase + offset, abi::kDoorbellGpa + offset,
                      kPresent | kWritable | kUser | kUncached | kNoExecute));
  }
  return absl::OkStatus();
}

absl::Status SetKernelHalfAccess(GuestMemory& memory, abi::PrivilegeMode mode) {
  bool user = mode == abi::PrivilegeMode::kDeprivileged;
  CRVM_RETURN_IF_ERROR(SetRootAccess(memory, abi::kBootPageTablesGpa, user));
  CRVM_ASSIGN_OR_RETURN(auto info, memory.Read<abi::KernelInfo>(
                                       GuestAddress(abi::kKernelInfoGpa)));
  uint64_t root = info.first_root & kAddressMask;
  for (unsigned count = 0; root != 0; ++count) {
    if (count == kMaxRoots) {
      return absl::InvalidArgumentError(
          "the list of address spaces in guest memory has no end");
    }
    CRVM_RETURN_IF_ERROR(SetRootAccess(memory, root, user));
    CRVM_ASSIGN_OR_RETURN(
        uint64_t link,
        memory.Read<uint64_t>(GuestAddress(root + abi::kRootLinkSlot * 8)));
    root = link & kAddressMask;
  }
  return absl::OkStatus();
}

}  // namespace crvm
