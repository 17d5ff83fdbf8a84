// SPDX-License-Identifier: Apache-2.0
//
// Maps the segments of a parsed ELF program into an address space that does not
// run yet.
#ifndef CRVM_GUESTKERNEL_PROCESS_ELF_LOAD_H_
#define CRVM_GUESTKERNEL_PROCESS_ELF_LOAD_H_

#include "guestkernel/fs/inode.h"
#include "guestkernel/mm/address_space.h"
#include "guestkernel/process/elf.h"

namespace gk {

// Exactly n bytes of a file, into kernel memory. -ENOEXEC when the file is too
// short.
int ReadFileExactly(File* file, uint64_t offset, void* to, size_t n);
// Up to n bytes; the number.
Result<size_t> ReadFileHead(File* file, void* to, size_t n);

// The headers of an ELF file of which `head` (at least an ElfHeader) is known.
Result<ElfProgram> ReadElfProgram(File* file, const void* head, size_t n);

// A load bias that puts the program at or above `low`.
uint64_t BiasFor(const ElfProgram& program, uint64_t low);
// A load bias that puts it where there is room, by the address space's rules.
Result<uint64_t> FindBias(AddressSpace& memory, const ElfProgram& program);

// Maps all segments, moved by `bias`.
int LoadElf(AddressSpace& memory, const RefPtr<File>& file,
            const ElfProgram& program, uint64_t bias);

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_PROCESS_ELF_LOAD_H_
