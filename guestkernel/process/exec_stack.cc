// SPDX-License-Identifier: Apache-2.0
//
// See exec_stack.h. From the stack pointer up: argc, argv, envp, auxv, the
// random bytes, the platform's name, argument strings, environment strings, the
// file's name, eight zero bytes.
#include "guestkernel/process/exec_stack.h"

namespace gk {
namespace {

constexpr char kPlatform[] = "x86_64";
constexpr size_t kOwnAuxEntries = 4;  // platform, random, execfn, null

// Gathers small writes into larger ones.
class Buffer {
 public:
  Buffer(StackWriter& writer, uint64_t address)
      : writer_(writer), address_(address) {}
  int Put(const void* data, size_t n) {
    auto* from = static_cast<const uint8_t*>(data);
    while (n > 0) {
      if (used_ == sizeof(bytes_))
        if (int error = Flush()) return error;
      size_t room = sizeof(bytes_) - used_;
      size_t piece = n < room ? n : room;
      memcpy(bytes_ + used_, from, piece);
      used_ += piece;
      from += piece;
      n -= piece;
    }
    return 0;
  }
  int PutWord(uint64_t word) { return Put(&word, sizeof(word)); }
  int PadTo(uint64_t address) {
    while (address_ + used_ < address)
      if (int error = Put("", 1)) return error;
    return 0;
  }
  int Flush() {
    if (used_ == 0) return 0;
    int error = writer_.Write(address_, bytes_, used_);
    address_ += used_;
    used_ = 0;
    return error;
  }

 private:
  StackWriter& writer_;
  uint64_t address_;
  size_t used_ = 0;
  uint8_t bytes_[1024];
};

int PutPointers(Buffer& out, const ArgumentList& list, uint64_t base) {
  return list.ForEachOffset(
      [&](uint64_t offset) { return out.PutWord(base + offset); });
}

int PutStrings(Buffer& out, const ArgumentList& list) {
  return list.ForEachPiece(
      [&](const char* data, size_t n) { return out.Put(data, n); });
}

int BuildAux(const StackContents& c, const StackPlan& plan,
             Vector<uint8_t>* auxv) {
  const AuxEntry own[kOwnAuxEntries] = {{kAuxPlatform, plan.platform},
                                        {kAuxRandom, plan.random},
                                        {kAuxExecFn, plan.file_name},
                                        {kAuxNull, 0}};
  size_t given = c.aux_count * sizeof(AuxEntry);
  if (int error = auxv->Resize(given + sizeof(own))) return error;
  if (given > 0) memcpy(auxv->data(), c.aux, given);
  memcpy(auxv->data() + given, own, sizeof(own));
  return 0;
}

}  // namespace

Result<StackPlan> PlanStack(const StackContents& c, uint64_t top,
                            uint64_t limit) {
  StackPlan plan;
  // Sums of sizes in kernel memory: no overflow.
  uint64_t argument_bytes = c.script_arguments->bytes() + c.arguments->bytes();
  uint64_t strings =
      8 + c.file_name.size() + 1 + c.environment->bytes() + argument_bytes;
  uint64_t pointers = c.script_arguments->count() + c.arguments->count() +
                      c.environment->count() + 3;
  uint64_t words = pointers + 2 * (c.aux_count + kOwnAuxEntries);
  if (strings + words * 8 + 128 > limit) return Error(-E2BIG);
  plan.file_name = top - 8 - (c.file_name.size() + 1);
  plan.env_end = plan.file_name;
  plan.env_start = plan.env_end - c.environment->bytes();
  plan.arg_end = plan.env_start;
  plan.arg_start = plan.arg_end - argument_bytes;
  plan.platform = plan.arg_start - sizeof(kPlatform);
  plan.random = (plan.platform - sizeof(c.random)) & ~uint64_t{15};
  plan.stack_pointer = (plan.random - words * 8) & ~uint64_t{15};
  return plan;
}

int WriteStack(const StackContents& c, const StackPlan& plan, uint64_t top,
               StackWriter& writer, Vector<uint8_t>* auxv) {
  GK_RETURN_IF_ERROR(BuildAux(c, plan, auxv));
  Buffer out(writer, plan.stack_pointer);
  GK_RETURN_IF_ERROR(
      out.PutWord(c.script_arguments->count() + c.arguments->count()));
  GK_RETURN_IF_ERROR(PutPointers(out, *c.script_arguments, plan.arg_start));
  GK_RETURN_IF_ERROR(PutPointers(out, *c.arguments,
                                 plan.arg_start + c.script_arguments->bytes()));
  GK_RETURN_IF_ERROR(out.PutWord(0));
  GK_RETURN_IF_ERROR(PutPointers(out, *c.environment, plan.env_start));
  GK_RETURN_IF_ERROR(out.PutWord(0));
  GK_RETURN_IF_ERROR(out.Put(auxv->data(), auxv->size()));
  GK_RETURN_IF_ERROR(out.PadTo(plan.random));
  GK_RETURN_IF_ERROR(out.Put(c.random, sizeof(c.random)));
  GK_RETURN_IF_ERROR(out.PadTo(plan.platform));
  GK_RETURN_IF_ERROR(out.Put(kPlatform, sizeof(kPlatform)));
  GK_RETURN_IF_ERROR(PutStrings(out, *c.script_arguments));
  GK_RETURN_IF_ERROR(PutStrings(out, *c.arguments));
  GK_RETURN_IF_ERROR(PutStrings(out, *c.environment));
  GK_RETURN_IF_ERROR(out.Put(c.file_name.data(), c.file_name.size()));
  GK_RETURN_IF_ERROR(out.PadTo(top));
  return out.Flush();
}

}  // namespace gk
