// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/kernel_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "guestkernel/abi/layout.h"
#include "guestkernel/image.h"
#include "vmm/base/check.h"
#include "vmm/base/status_macros.h"

namespace crvm {
namespace {

template <typename T>
const T* At(absl::Span<const uint8_t> image, uint64_t offset) {
  CRVM_CHECK(offset + sizeof(T) <= image.size());
  return reinterpret_cast<const T*>(image.data() + offset);
}

// The value of symbol `name`. A kernel without it is our own build error.
uint64_t SymbolValue(absl::Span<const uint8_t> image, absl::string_view name) {
  const auto* header = At<Elf64_Ehdr>(image, 0);
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto* section =
        At<Elf64_Shdr>(image, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (section->sh_type != SHT_SYMTAB) continue;
    const auto* strings = At<Elf64_Shdr>(
        image, header->e_shoff + section->sh_link * sizeof(Elf64_Shdr));
    for (uint64_t at = 0; at < section->sh_size; at += sizeof(Elf64_Sym)) {
      const auto* symbol = At<Elf64_Sym>(image, section->sh_offset + at);
      const char* text = At<char>(image, strings->sh_offset + symbol->st_name);
      if (name == text) return symbol->st_value;
    }
  }
  CRVM_CHECK(false);
  return 0;
}

}  // namespace

absl::StatusOr<KernelSymbols> LoadEmbeddedKernel(GuestMemory& memory) {
  absl::Span<const uint8_t> image = GuestKernelImage();
  const auto* header = At<Elf64_Ehdr>(image, 0);
  CRVM_CHECK(std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0);
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto* segment =
        At<Elf64_Phdr>(image, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (segment->p_type != PT_LOAD) continue;
    uint64_t gpa = segment->p_vaddr - abi::kKernelBase;
    CRVM_CHECK(gpa >= abi::kKernelGpa &&
               gpa + segment->p_memsz <= abi::kKernelGpa + abi::kKernelMaxSize);
    CRVM_ASSIGN_OR_RETURN(absl::Span<uint8_t> to,
                          memory.Slice(GuestAddress(gpa), segment->p_memsz));
    std::memcpy(to.data(), image.data() + segment->p_offset,
                segment->p_filesz);  // the rest of fresh memory is zero
  }
  KernelSymbols symbols;
  symbols.entry = header->e_entry;
  symbols.text_begin = SymbolValue(image, "kernel_text_begin");
  symbols.text_end = SymbolValue(image, "kernel_text_end");
  symbols.image_end = SymbolValue(image, "kernel_image_end");
  symbols.vcpu_entries = SymbolValue(image, "crvm_vcpu_entries");
  symbols.gates = SymbolValue(image, "crvm_gates");
  return symbols;
}

}  // namespace crvm
