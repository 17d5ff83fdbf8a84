// SPDX-License-Identifier: Apache-2.0
//
// See elf.h.
#include "guestkernel/process/elf.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/lib/string.h"

namespace gk {
namespace {

using crvm::abi::kPageSize;
using crvm::abi::kUserEnd;

constexpr uint8_t kMagic[4] = {0x7f, 'E', 'L', 'F'};
constexpr uint8_t kClass64 = 2, kLittleEndian = 1;
constexpr uint16_t kTypeExec = 2, kTypeDyn = 3, kMachineX86_64 = 62;
constexpr uint32_t kLoad = 1, kInterpreter = 3, kGnuStack = 0x6474e551;
constexpr uint32_t kFlagExec = 1, kFlagWrite = 2, kFlagRead = 4;
// A larger alignment is not honoured (nor needed by anything).
constexpr uint64_t kMaxAlignment = uint64_t{1} << 30;
constexpr uint64_t kMaxInterpreterPath = 4096;

uint64_t PageDown(uint64_t a) { return a & ~(kPageSize - 1); }
uint64_t PageUp(uint64_t a) { return PageDown(a + kPageSize - 1); }

uint32_t Protection(uint32_t flags) {
  uint32_t protection = 0;
  if (flags & kFlagRead) protection |= kElfRead;
  if (flags & kFlagWrite) protection |= kElfWrite;
  if (flags & kFlagExec) protection |= kElfExec;
  return protection;
}

bool IsPowerOfTwo(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

bool SegmentIsSane(const ElfProgramHeader& p) {
  if (p.file_size > p.memory_size) return false;
  if (p.memory_size > kUserEnd) return false;
  if (p.virtual_address > kUserEnd - p.memory_size) return false;
  if (p.file_size == 0) return true;
  if (p.offset > INT64_MAX - p.file_size - kPageSize) return false;
  return (p.offset - p.virtual_address) % kPageSize == 0;
}

int AddSegment(const ElfProgramHeader& p, ElfProgram* program) {
  if (!SegmentIsSane(p)) return -ENOEXEC;
  if (p.memory_size == 0) return 0;
  ElfSegment segment = {p.virtual_address, p.offset, p.file_size, p.memory_size,
                        Protection(p.flags)};
  uint64_t low = PageDown(p.virtual_address);
  uint64_t high = PageUp(p.virtual_address + p.memory_size);
  if (program->segments.empty() || low < program->low) program->low = low;
  if (high > program->high) program->high = high;
  if (IsPowerOfTwo(p.alignment) && p.alignment <= kMaxAlignment &&
      p.alignment > program->alignment)
    program->alignment = p.alignment;
  return program->segments.PushBack(segment);
}

// Where the program-header table lies in memory, as AT_PHDR tells it.
uint64_t HeaderAddress(const ElfHeader& header, const ElfProgram& program) {
  for (const ElfSegment& s : program.segments) {
    if (header.program_headers >= s.file_offset &&
        header.program_headers - s.file_offset < s.file_size)
      return header.program_headers - s.file_offset + s.address;
  }
  return 0;
}

}  // namespace

bool HasElfMagic(const void* bytes, size_t n) {
  return n >= sizeof(kMagic) && memcmp(bytes, kMagic, sizeof(kMagic)) == 0;
}

Result<size_t> CheckElfHeader(const ElfHeader& h) {
  if (!HasElfMagic(h.ident, sizeof(h.ident)) || h.ident[4] != kClass64 ||
      h.ident[5] != kLittleEndian)
    return Error(-ENOEXEC);
  if (h.type != kTypeExec && h.type != kTypeDyn) return Error(-ENOEXEC);
  if (h.machine != kMachineX86_64) return Error(-ENOEXEC);
  if (h.program_header_size != sizeof(ElfProgramHeader)) return Error(-ENOEXEC);
  size_t bytes = h.program_header_count * sizeof(ElfProgramHeader);
  if (bytes == 0 || bytes > kMaxProgramHeaderBytes) return Error(-ENOEXEC);
  if (h.program_headers > INT64_MAX - bytes) return Error(-ENOEXEC);
  return bytes;
}

Result<ElfProgram> ParseElfProgram(const ElfHeader& header, const void* table,
                                   size_t table_size) {
  GK_ASSIGN_OR_RETURN(size_t bytes, CheckElfHeader(header));
  if (table_size < bytes) return Error(-ENOEXEC);
  ElfProgram program;
  program.position_independent = header.type == kTypeDyn;
  program.entry = header.entry;
  program.header_count = header.program_header_count;
  for (unsigned i = 0; i < header.program_header_count; ++i) {
    ElfProgramHeader p;
    memcpy(&p, static_cast<const char*>(table) + i * sizeof(p), sizeof(p));
    if (p.type == kLoad) {
      GK_RETURN_IF_ERROR(AddSegment(p, &program));
    } else if (p.type == kInterpreter && program.interpreter_size == 0) {
      if (p.file_size < 2 || p.file_size > kMaxInterpreterPath ||
          p.offset > INT64_MAX - p.file_size)
        return Error(-ENOEXEC);
      program.interpreter_offset = p.offset;
      program.interpreter_size = p.file_size;
    } else if (p.type == kGnuStack) {
      program.executable_stack = p.flags & kFlagExec;
    }
  }
  if (program.segments.empty()) return Error(-ENOEXEC);
  program.header_address = HeaderAddress(header, program);
  return program;
}

}  // namespace gk
