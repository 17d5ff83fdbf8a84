// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the ELF header parser and holds it to what elf.h promises the loader.
#include <cstdlib>
#include <cstring>

#include "guestkernel/abi/layout.h"
#include "guestkernel/process/elf.h"

namespace {

void Require(bool condition) {
  if (!condition) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gk::ElfHeader header;
  if (size < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  auto bytes = gk::CheckElfHeader(header);
  if (!bytes.ok()) return 0;
  Require(*bytes > 0 && *bytes <= gk::kMaxProgramHeaderBytes);
  auto program =
      gk::ParseElfProgram(header, data + sizeof(header), size - sizeof(header));
  if (!program.ok()) return 0;
  Require(!program->segments.empty());
  Require(program->low < program->high);
  Require(program->high <= crvm::abi::kUserEnd);
  for (const gk::ElfSegment& s : program->segments) {
    Require(s.memory_size > 0 && s.file_size <= s.memory_size);
    Require(s.address >= program->low &&
            s.address + s.memory_size <= program->high);
    Require(s.file_size == 0 ||
            (s.file_offset - s.address) % crvm::abi::kPageSize == 0);
  }
  return 0;
}
