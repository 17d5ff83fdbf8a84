// SPDX-License-Identifier: Apache-2.0
//
// See vdso.h.
#include "guestkernel/process/vdso.h"

#include "guestkernel/abi/layout.h"
#include "guestkernel/mm/frame.h"

namespace gk {
namespace {

using crvm::abi::kPageSize;

// vdso/vdso_image.S.
extern "C" const uint8_t vdso_image_start[], vdso_image_end[];

// Page 0: the clock page. From page 1 on: the image.
class VdsoPages : public MemoryObject {
 public:
  static Result<RefPtr<VdsoPages>> Create();
  Result<FrameNumber> GetPage(uint64_t index, bool for_write) override;
  void GetPresentPages(uint64_t first, size_t count,
                       FrameNumber* frames) override;
  uint64_t image_pages() const { return image_pages_; }

 private:
  static constexpr size_t kMaxPages = 8;
  FrameNumber frames_[1 + kMaxPages];
  uint64_t image_pages_ = 0;
};

RefPtr<VdsoPages>* g_pages = nullptr;

Result<RefPtr<VdsoPages>> VdsoPages::Create() {
  auto pages = MakeRef<VdsoPages>();
  if (!pages) return Error(-ENOMEM);
  // A boot frame: never freed, whatever its count was.
  pages->frames_[0] = FrameNumber(crvm::abi::kClockPageGpa / kPageSize);
  AddFrameRef(pages->frames_[0]);
  size_t size = vdso_image_end - vdso_image_start;
  pages->image_pages_ = (size + kPageSize - 1) / kPageSize;
  GK_ASSERT(size > 0 && pages->image_pages_ <= kMaxPages);
  for (uint64_t i = 0; i < pages->image_pages_; ++i) {
    FrameNumber frame = AllocateFrame(FrameZeroing::kZeroed);
    if (frame.is_null()) return Error(-ENOMEM);
    size_t at = i * kPageSize;
    size_t n = size - at < kPageSize ? size - at : kPageSize;
    memcpy(FrameData(frame), vdso_image_start + at, n);
    pages->frames_[1 + i] = frame;
  }
  return pages;
}

Result<FrameNumber> VdsoPages::GetPage(uint64_t index, bool for_write) {
  if (index > image_pages_) return Error(-ERANGE);
  // No shared writable mapping is ever made.
  (void)for_write;
  AddFrameRef(frames_[index]);
  return frames_[index];
}

void VdsoPages::GetPresentPages(uint64_t first, size_t count,
                                FrameNumber* frames) {
  for (size_t i = 0; i < count; ++i) {
    frames[i] = FrameNumber();
    if (first + i > image_pages_) continue;
    frames[i] = frames_[first + i];
    AddFrameRef(frames[i]);
  }
}

}  // namespace

int VdsoInit() {
  auto pages = VdsoPages::Create();
  if (!pages.ok()) return pages.error();
  g_pages = new (std::nothrow) RefPtr<VdsoPages>(pages.take());
  return g_pages ? 0 : -ENOMEM;
}

Result<uint64_t> MapVdso(AddressSpace& memory, uint64_t vvar) {
  AddressSpace::MapRequest request;
  request.address = vvar;
  request.length = kPageSize;
  request.flags = kVmaRead | kVmaSpecial;
  request.fixed_noreplace = true;
  request.object = *g_pages;
  request.name = "[vvar]";
  GK_RETURN_IF_ERROR(memory.Map(request));
  request.address = vvar + kPageSize;
  request.length = (*g_pages)->image_pages() * kPageSize;
  // As Linux: debuggers may plant breakpoints in a private copy.
  request.flags = kVmaRead | kVmaExec | kVmaSpecial | kVmaMayWrite;
  request.object_page = 1;
  request.name = "[vdso]";
  GK_RETURN_IF_ERROR(memory.Map(request));
  memory.vdso_base = request.address;
  return request.address;
}

}  // namespace gk
