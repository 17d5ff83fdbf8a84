// SPDX-License-Identifier: Apache-2.0
//
// Reading the headers of an ELF64 x86-64 program (System V gABI, chapters 4 and
// 5). Pure: works on bytes, touches no kernel state. The bytes are hostile:
// whatever passes here has segments inside user memory, with sizes that add up,
// so that the loader need not check again.
#ifndef CRVM_GUESTKERNEL_PROCESS_ELF_H_
#define CRVM_GUESTKERNEL_PROCESS_ELF_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/lib/result.h"
#include "guestkernel/lib/vector.h"

namespace gk {

struct ElfHeader {  // Elf64_Ehdr
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, program_headers, section_headers;
  uint32_t flags;
  uint16_t header_size, program_header_size, program_header_count;
  uint16_t section_header_size, section_header_count, section_names;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfProgramHeader {  // Elf64_Phdr
  uint32_t type, flags;
  uint64_t offset, virtual_address, physical_address;
  uint64_t file_size, memory_size, alignment;
};
static_assert(sizeof(ElfProgramHeader) == 56);

// As PROT_* and VmaFlags have them.
inline constexpr uint32_t kElfRead = 1, kElfWrite = 2, kElfExec = 4;

// PT_LOAD. The file part starts at the same offset within a page in the file
// and in memory.
struct ElfSegment {
  uint64_t address;      // not yet moved by the load bias
  uint64_t file_offset;  // valid with file_size > 0
  uint64_t file_size;
  uint64_t memory_size;  // >= file_size, > 0
  uint32_t protection;   // kElf*
};

struct ElfProgram {
  bool position_independent = false;
  bool executable_stack = false;
  uint64_t entry = 0;
  uint64_t header_address =
      0;  // of the program headers in memory, 0: not there
  uint16_t header_count = 0;
  uint64_t low = 0, high = 0;  // page-aligned span of the segments
  uint64_t alignment = 4096;   // that the load bias must keep
  uint64_t interpreter_offset = 0, interpreter_size = 0;  // PT_INTERP; size 0
  Vector<ElfSegment> segments;  // in the file's order; at least one
};

inline constexpr size_t kMaxProgramHeaderBytes = 65536;

// Whether it begins like an ELF file at all.
bool HasElfMagic(const void* bytes, size_t n);

// Checks the file header. The size in bytes of the program-header table, which
// begins at header.program_headers. -ENOEXEC.
Result<size_t> CheckElfHeader(const ElfHeader& header);

// `table` is what the file has at header.program_headers. -ENOEXEC, -ENOMEM.
Result<ElfProgram> ParseElfProgram(const ElfHeader& header, const void* table,
                                   size_t table_size);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_ELF_H_
