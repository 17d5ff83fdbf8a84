// SPDX-License-Identifier: Apache-2.0
//
// Building the memory of a new program: ELF segments, interpreter, stack, vDSO.
// The old program is not touched.
#include <cpuid.h>

#include "guestkernel/fs/path.h"
#include "guestkernel/process/elf_load.h"
#include "guestkernel/process/exec.h"
#include "guestkernel/process/exec_layout.h"
#include "guestkernel/process/exec_stack.h"
#include "guestkernel/process/process.h"
#include "guestkernel/process/vdso.h"

namespace gk {
namespace {

using crvm::abi::kPageSize;

constexpr uint32_t kAddrNoRandomize = 0x0040000;  // personality(2)
constexpr uint64_t kClockTicksPerSecond = 100;
constexpr uint64_t kHwcap2FsGsBase = 2;  // asm/hwcap2.h
// Besides the XSAVE area: frame, red zone, alignment (cf. PushSignalFrame).
constexpr uint64_t kSignalFrameSize = 1024;
constexpr uint64_t kInitialStack = 128 * 1024;
// Strings and pointers may take a quarter of the stack, but at least 128 KiB
// and at most 6 MiB (execve(2), "Limits on size of arguments").
constexpr uint64_t kMinArguments = 128 * 1024, kMaxArguments = 6 << 20;

uint64_t PageDown(uint64_t a) { return a & ~(kPageSize - 1); }
uint64_t PageUp(uint64_t a) { return PageDown(a + kPageSize - 1); }

// AT_HWCAP is CPUID.1:EDX. Asked once: CPUID may be a VM exit.
uint64_t HardwareCapabilities() {
  static uint64_t cached = 0;
  if (cached == 0) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    __cpuid(1, a, b, c, d);
    cached = d;
  }
  return cached;
}

// What the parts of the image know of each other.
struct Builder {
  AddressSpace& memory;
  ExecLayout layout;
  uint64_t stack_limit;
  ElfProgram program;
  uint64_t bias = 0;
  uint64_t interpreter_base = 0;
  uint64_t entry = 0;  // where the thread starts
  uint64_t vdso = 0;
};

class MemoryWriter : public StackWriter {
 public:
  explicit MemoryWriter(AddressSpace& memory) : memory_(memory) {}
  int Write(uint64_t address, const void* data, size_t n) override {
    int64_t written = memory_.WriteMemory(address, data, n);
    if (written == static_cast<int64_t>(n)) return 0;
    return written < 0 ? static_cast<int>(written) : -EFAULT;
  }

 private:
  AddressSpace& memory_;
};

ExecLayout LayoutFor(uint64_t stack_limit) {
  if (CurrentProcess()->personality & kAddrNoRandomize)
    return ChooseExecLayout(nullptr, stack_limit);
  uint64_t random[8];
  RandomBytes(random, sizeof(random));
  return ChooseExecLayout(random, stack_limit);
}

int MapInterpreter(Builder& b, File* file) {
  Vector<char> path;
  size_t size = b.program.interpreter_size;
  GK_RETURN_IF_ERROR(path.Resize(size));
  GK_RETURN_IF_ERROR(
      ReadFileExactly(file, b.program.interpreter_offset, path.data(), size));
  if (path[size - 1] != 0) return -ENOEXEC;
  auto opened =
      OpenExecutable(kAtFdCwd, StringView(path.data()), kLookupFollow);
  if (!opened.ok()) return opened.error();
  auto program =
      ReadElfProgram(opened->file.get(), opened->head, opened->head_size);
  if (!program.ok())
    return program.error() == -ENOEXEC ? -ELIBBAD : program.error();
  uint64_t bias = 0;
  if (program->position_independent) {
    auto found = FindBias(b.memory, *program);
    if (!found.ok()) return found.error();
    bias = *found;
  }
  GK_RETURN_IF_ERROR(LoadElf(b.memory, opened->file, *program, bias));
  b.interpreter_base = program->low + bias;
  // AT_BASE is the bias; ld.so's first segment is at 0, so that they agree.
  if (program->position_independent) b.interpreter_base = bias;
  b.entry = program->entry + bias;
  return 0;
}

// Code, data and break, as /proc/PID/stat tells them.
void NoteSegments(Builder& b) {
  AddressSpace& m = b.memory;
  m.start_code = ~uint64_t{0};
  for (const ElfSegment& s : b.program.segments) {
    uint64_t start = s.address + b.bias, end = start + s.file_size;
    if (start < m.start_code) m.start_code = start;
    if ((s.protection & kElfExec) && end > m.end_code) m.end_code = end;
    if (start > m.start_data) m.start_data = start;
    if (end > m.end_data) m.end_data = end;
  }
  m.InitBrk(b.program.high + b.bias + b.layout.brk_gap);
}

int MapStack(Builder& b, uint64_t stack_pointer) {
  uint64_t size = PageUp(b.layout.stack_top - stack_pointer) + kInitialStack;
  AddressSpace::MapRequest request;
  request.address = b.layout.stack_top - size;
  request.length = size;
  request.flags =
      kVmaRead | kVmaWrite | kVmaMayWrite | kVmaGrowsDown | kVmaStack;
  if (b.program.executable_stack) request.flags |= kVmaExec;
  request.fixed_noreplace = true;
  request.name = "[stack]";
  auto mapped = b.memory.Map(request);
  return mapped.error();
}

size_t FillAux(const Builder& b, AuxEntry* aux) {
  const Credentials& who = CurrentThread()->credentials;
  uint64_t headers =
      b.program.header_address ? b.program.header_address + b.bias : 0;
  const AuxEntry entries[] = {
      {kAuxSysinfoEhdr, b.vdso},
      {kAuxMinSigStack, FpuAreaSize() + kSignalFrameSize},
      {kAuxHwcap, HardwareCapabilities()},
      {kAuxPageSize, kPageSize},
      {kAuxClockTicks, kClockTicksPerSecond},
      {kAuxPhdr, headers},
      {kAuxPhent, sizeof(ElfProgramHeader)},
      {kAuxPhnum, b.program.header_count},
      {kAuxBase, b.interpreter_base},
      {kAuxFlags, 0},
      {kAuxEntry, b.program.entry + b.bias},
      {kAuxUid, who.uid},
      {kAuxEuid, who.euid},
      {kAuxGid, who.gid},
      {kAuxEgid, who.egid},
      {kAuxSecure, 0},
      {kAuxHwcap2, kHwcap2FsGsBase},
  };
  memcpy(aux, entries, sizeof(entries));
  return sizeof(entries) / sizeof(entries[0]);
}

Result<uint64_t> BuildStack(Builder& b, StringView shown_name,
                            const ExecArguments& arguments) {
  AuxEntry aux[24];
  StackContents contents = {};
  contents.script_arguments = &arguments.script;
  contents.arguments = &arguments.arguments;
  contents.environment = &arguments.environment;
  contents.file_name = shown_name;
  RandomBytes(contents.random, sizeof(contents.random));
  contents.aux = aux;
  contents.aux_count = FillAux(b, aux);
  uint64_t limit = b.stack_limit / 4;
  if (limit < kMinArguments) limit = kMinArguments;
  if (limit > kMaxArguments) limit = kMaxArguments;
  uint64_t top = b.layout.stack_top - b.layout.stack_shift;
  GK_ASSIGN_OR_RETURN(StackPlan plan, PlanStack(contents, top, limit));
  GK_RETURN_IF_ERROR(MapStack(b, plan.stack_pointer));
  MemoryWriter writer(b.memory);
  GK_RETURN_IF_ERROR(WriteStack(contents, plan, top, writer, &b.memory.auxv));
  b.memory.start_stack = plan.stack_pointer;
  b.memory.arg_start = plan.arg_start;
  b.memory.arg_end = plan.arg_end;
  b.memory.env_start = plan.env_start;
  b.memory.env_end = plan.env_end;
  return plan.stack_pointer;
}

}  // namespace

Result<ExecImage> BuildExecImage(const ExecFile& file, StringView shown_name,
                                 const ExecArguments& arguments) {
  GK_ASSIGN_OR_RETURN(
      ElfProgram program,
      ReadElfProgram(file.file.get(), file.head, file.head_size));
  GK_ASSIGN_OR_RETURN(RefPtr<AddressSpace> memory, AddressSpace::Create());
  uint64_t stack_limit = CurrentProcess()->limits[kLimitStack].soft;
  Builder b = {*memory, LayoutFor(stack_limit), stack_limit,
               std::move(program)};
  memory->stack_limit = stack_limit;
  memory->mmap_base = b.layout.mmap_base;
  if (b.program.position_independent)
    b.bias = BiasFor(b.program, b.layout.pie_base);
  GK_RETURN_IF_ERROR(LoadElf(*memory, file.file, b.program, b.bias));
  b.entry = b.program.entry + b.bias;
  NoteSegments(b);
  if (b.program.interpreter_size > 0)
    GK_RETURN_IF_ERROR(MapInterpreter(b, file.file.get()));
  GK_ASSIGN_OR_RETURN(b.vdso, MapVdso(*memory, b.layout.vvar));
  GK_ASSIGN_OR_RETURN(uint64_t sp, BuildStack(b, shown_name, arguments));
  ExecImage image;
  image.memory = std::move(memory);
  image.executable = file.file;
  image.entry = b.entry;
  image.stack_pointer = sp;
  return image;
}

}  // namespace gk
