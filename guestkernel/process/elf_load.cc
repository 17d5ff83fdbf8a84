// SPDX-License-Identifier: Apache-2.0
//
// See elf_load.h.
#include "guestkernel/process/elf_load.h"

#include "guestkernel/abi/layout.h"

namespace gk {
namespace {

using crvm::abi::kPageSize;

uint64_t PageDown(uint64_t a) { return a & ~(kPageSize - 1); }
uint64_t PageUp(uint64_t a) { return PageDown(a + kPageSize - 1); }

// The part of a segment that comes from the file, whole pages.
int MapFilePart(AddressSpace& memory, const RefPtr<File>& file,
                const RefPtr<MemoryObject>& object, const ElfSegment& s,
                uint64_t address) {
  AddressSpace::MapRequest request;
  request.address = PageDown(address);
  request.length = PageUp(address + s.file_size) - request.address;
  request.flags = s.protection | kVmaMayWrite;
  request.fixed = true;
  request.object = object;
  request.object_page = PageDown(s.file_offset) / kPageSize;
  request.file = file;
  auto mapped = memory.Map(request);
  return mapped.error();
}

int MapZeroPart(AddressSpace& memory, uint64_t start, uint64_t end,
                uint32_t protection) {
  AddressSpace::MapRequest request;
  request.address = start;
  request.length = end - start;
  request.flags = protection | kVmaMayWrite;
  request.fixed = true;
  auto mapped = memory.Map(request);
  return mapped.error();
}

// The file's bytes behind the segment's end in its last page.
int ZeroTail(AddressSpace& memory, uint64_t from, uint64_t to) {
  static constexpr uint8_t kZeros[256] = {};
  while (from < to) {
    size_t n = to - from < sizeof(kZeros) ? to - from : sizeof(kZeros);
    int64_t written = memory.WriteMemory(from, kZeros, n);
    if (written <= 0) return -EFAULT;
    from += written;
  }
  return 0;
}

int LoadSegment(AddressSpace& memory, const RefPtr<File>& file,
                const RefPtr<MemoryObject>& object, const ElfSegment& s,
                uint64_t bias) {
  uint64_t address = s.address + bias;
  uint64_t end = PageUp(address + s.memory_size);
  uint64_t zero_from = PageDown(address);
  if (s.file_size > 0) {
    GK_RETURN_IF_ERROR(MapFilePart(memory, file, object, s, address));
    zero_from = PageUp(address + s.file_size);
  }
  if (end > zero_from)
    GK_RETURN_IF_ERROR(MapZeroPart(memory, zero_from, end, s.protection));
  if (s.file_size > 0 && s.memory_size > s.file_size) {
    int error = ZeroTail(memory, address + s.file_size, zero_from);
    // As Linux: only data that the program could have changed must be clean.
    if (error && (s.protection & kElfWrite)) return error;
  }
  return 0;
}

}  // namespace

Result<size_t> ReadFileHead(File* file, void* to, size_t n) {
  size_t done = 0;
  while (done < n) {
    UserIo io = UserIo::Kernel(static_cast<char*>(to) + done, n - done);
    int64_t got = file->ReadAt(io, done);
    if (got < 0) return Error(static_cast<int>(got));
    if (got == 0) break;
    done += got;
  }
  return done;
}

int ReadFileExactly(File* file, uint64_t offset, void* to, size_t n) {
  size_t done = 0;
  while (done < n) {
    UserIo io = UserIo::Kernel(static_cast<char*>(to) + done, n - done);
    int64_t got = file->ReadAt(io, offset + done);
    if (got < 0) return static_cast<int>(got);
    if (got == 0) return -ENOEXEC;
    done += got;
  }
  return 0;
}

Result<ElfProgram> ReadElfProgram(File* file, const void* head, size_t n) {
  ElfHeader header;
  if (n < sizeof(header)) return Error(-ENOEXEC);
  memcpy(&header, head, sizeof(header));
  GK_ASSIGN_OR_RETURN(size_t size, CheckElfHeader(header));
  Vector<uint8_t> table;
  GK_RETURN_IF_ERROR(table.Resize(size));
  GK_RETURN_IF_ERROR(
      ReadFileExactly(file, header.program_headers, table.data(), size));
  return ParseElfProgram(header, table.data(), size);
}

uint64_t BiasFor(const ElfProgram& program, uint64_t low) {
  uint64_t mask = program.alignment - 1;
  uint64_t base = (low + mask) & ~mask;
  // `low` of the program need not be aligned itself.
  return base - (program.low & ~mask);
}

Result<uint64_t> FindBias(AddressSpace& memory, const ElfProgram& program) {
  AddressSpace::MapRequest request;
  request.length = program.high - program.low + program.alignment;
  GK_ASSIGN_OR_RETURN(uint64_t at, memory.Map(request));
  GK_RETURN_IF_ERROR(memory.Unmap(at, request.length));
  // Towards the upper end, so that no hole is left above.
  uint64_t mask = program.alignment - 1;
  uint64_t base = (at + request.length - (program.high - program.low)) & ~mask;
  uint64_t bias = base - (program.low & ~mask);
  if (program.low + bias < at) bias += program.alignment;
  return bias;
}

int LoadElf(AddressSpace& memory, const RefPtr<File>& file,
            const ElfProgram& program, uint64_t bias) {
  if (program.high + bias > crvm::abi::kUserEnd) return -ENOMEM;
  auto object = file->GetMemoryObject();
  if (!object.ok()) return object.error();
  for (const ElfSegment& segment : program.segments) {
    GK_RETURN_IF_ERROR(LoadSegment(memory, file, *object, segment, bias));
  }
  return 0;
}

}  // namespace gk
