// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID files about memory: cmdline, environ, auxv, maps, smaps, mem.
#include "guestkernel/fs/proc/proc.h"
#include "guestkernel/lib/heap.h"
#include "guestkernel/mm/address_space.h"

namespace gk {

namespace {

constexpr size_t kMaxText = 2u << 20;

// Bytes [start, end) of the program's memory; as far as they can be read.
int AppendRange(AddressSpace* memory, uint64_t start, uint64_t end,
                KString* out) {
  if (end <= start) return 0;
  size_t n = end - start < kMaxText ? end - start : kMaxText;
  char block[512];
  for (size_t at = 0; at < n;) {
    size_t part = n - at < sizeof(block) ? n - at : sizeof(block);
    int64_t got = memory->ReadMemory(start + at, block, part);
    if (got <= 0) break;
    GK_RETURN_IF_ERROR(
        out->Append(StringView(block, static_cast<size_t>(got))));
    at += static_cast<size_t>(got);
  }
  return 0;
}

int AppendVmaName(const Vma& vma, KString* out) {
  if (vma.file) {
    Result<KString> path = vma.file->Describe();
    return path.ok() ? out->Append(*path) : path.error();
  }
  if (vma.name) return out->Append(vma.name);
  if (vma.object && vma.Has(kVmaShared)) {
    return out->Append("/dev/zero (deleted)");
  }
  return 0;
}

int AppendVma(const Vma& vma, KString* out) {
  constexpr size_t kNameColumn = 73;
  size_t begin = out->size();
  FileAttributes attributes;
  if (vma.file) vma.file->GetAttributes(&attributes);
  uint64_t offset = vma.file ? vma.object_page << 12 : 0;
  GK_RETURN_IF_ERROR(out->AppendFormat(
      "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma.start, vma.end,
      vma.Has(kVmaRead) ? 'r' : '-', vma.Has(kVmaWrite) ? 'w' : '-',
      vma.Has(kVmaExec) ? 'x' : '-', vma.Has(kVmaShared) ? 's' : 'p', offset,
      DeviceMajor(attributes.device), DeviceMinor(attributes.device),
      attributes.inode));
  if (vma.file || vma.name || (vma.object && vma.Has(kVmaShared))) {
    while (out->size() - begin < kNameColumn) {
      GK_RETURN_IF_ERROR(out->Append(" "));
    }
    GK_RETURN_IF_ERROR(AppendVmaName(vma, out));
  }
  return out->Append("\n");
}

class MemFile final : public File {
 public:
  MemFile(uint32_t flags, RefPtr<AddressSpace> memory)
      : File(flags), memory_(std::move(memory)) {}
  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo& io, uint64_t offset) override {
    return Move(io, offset, /*write=*/false);
  }
  int64_t WriteAt(UserIo& io, uint64_t offset) override {
    return Move(io, offset, /*write=*/true);
  }
  int64_t Seek(int64_t offset, int whence) override {
    if (whence == 1) offset += static_cast<int64_t>(position_);
    if (whence > 1) return -EINVAL;
    position_ = static_cast<uint64_t>(offset);
    return offset;
  }

 private:
  int64_t Move(UserIo& io, uint64_t offset, bool write) {
    char block[512];
    int64_t total = 0;
    while (memory_ && io.remaining() > 0) {
      size_t want =
          io.remaining() < sizeof(block) ? io.remaining() : sizeof(block);
      int64_t n = write ? io.CopyIn(block, want)
                        : memory_->ReadMemory(offset, block, want, true);
      if (n <= 0) return total ? total : (write ? n : -EIO);
      int64_t done = write ? memory_->WriteMemory(offset, block,
                                                  static_cast<size_t>(n), true)
                           : io.CopyOut(block, static_cast<size_t>(n));
      if (done <= 0) return total ? total : (write ? -EIO : done);
      total += done;
      offset += static_cast<uint64_t>(done);
      if (done < n) break;
    }
    return total;
  }
  RefPtr<AddressSpace> memory_;
};

class MemInode final : public SyntheticInode {
 public:
  using SyntheticInode::SyntheticInode;
  Result<RefPtr<File>> Open(uint32_t flags) override {
    GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, MemoryOf(subject()));
    auto file = MakeRef<MemFile>(flags, std::move(memory));
    if (!file) return Error(-ENOMEM);
    return RefPtr<File>(std::move(file));
  }
};

}  // namespace

int ProcCmdline(const Subject& subject, KString* out) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  RefPtr<AddressSpace> memory = process->memory;
  if (!memory) return 0;
  uint64_t end = memory->arg_end;
  char last = 0;
  if (end > memory->arg_start && memory->ReadMemory(end - 1, &last, 1) == 1 &&
      last != 0) {
    // The program has written over its arguments (setproctitle): up to the
    // first NUL, which may be in what was the environment.
    GK_RETURN_IF_ERROR(
        AppendRange(memory.get(), memory->arg_start, memory->env_end, out));
    size_t length = out->view().Find('\0');
    if (length < out->size()) out->Truncate(length + 1);
    return 0;
  }
  return AppendRange(memory.get(), memory->arg_start, end, out);
}

int ProcEnviron(const Subject& subject, KString* out) {
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, MemoryOf(subject));
  if (!memory) return 0;
  return AppendRange(memory.get(), memory->env_start, memory->env_end, out);
}

int ProcAuxv(const Subject& subject, KString* out) {
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, MemoryOf(subject));
  if (!memory) return 0;
  return out->Append(StringView(
      reinterpret_cast<const char*>(memory->auxv.data()), memory->auxv.size()));
}

int ProcMaps(const Subject& subject, KString* out) {
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, MemoryOf(subject));
  for (size_t i = 0; memory && i < memory->vma_count(); ++i) {
    GK_RETURN_IF_ERROR(AppendVma(*memory->vma(i), out));
  }
  return 0;
}

// Sizes and flags; which pages are present is not counted for each mapping.
int ProcSmaps(const Subject& subject, KString* out) {
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, MemoryOf(subject));
  for (size_t i = 0; memory && i < memory->vma_count(); ++i) {
    const Vma& vma = *memory->vma(i);
    GK_RETURN_IF_ERROR(AppendVma(vma, out));
    GK_RETURN_IF_ERROR(out->AppendFormat(
        "Size:           %8lu kB\nKernelPageSize: %8u kB\n"
        "MMUPageSize:    %8u kB\nVmFlags: %s%s%s%s%s\n",
        vma.pages() * 4, 4u, 4u, vma.Has(kVmaRead) ? "rd " : "",
        vma.Has(kVmaWrite) ? "wr " : "", vma.Has(kVmaExec) ? "ex " : "",
        vma.Has(kVmaShared) ? "sh " : "", vma.Has(kVmaGrowsDown) ? "gd " : ""));
  }
  return 0;
}

Result<RefPtr<Inode>> MakeMemInode(FileSystem* fs, const Subject& subject,
                                   const SyntheticEntry& entry) {
  auto inode = MakeRef<MemInode>(fs, entry.mode, subject,
                                 SyntheticInode::NumberOf(&entry, subject));
  if (!inode) return Error(-ENOMEM);
  return RefPtr<Inode>(std::move(inode));
}

}  // namespace gk
