// SPDX-License-Identifier: Apache-2.0
//
// Random use of several address spaces against a model of what Linux promises:
// which pages are mapped with which rights, and what a program reads there.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "guestkernel/mm/advice.h"
#include "guestkernel/mm/testing/fake_memory.h"

namespace gk {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x40000000;
constexpr uint64_t kPages = 6 * 512;  // the region that is played with
constexpr uint64_t kObjectPages = 700;
constexpr uint32_t kRw = kVmaRead | kVmaWrite;

struct ModelPage {
  uint32_t rights = 0;
  bool shared = false;
  uint64_t object_page = 0;  // when shared
  uint8_t value = 0;         // when private
};

struct Space {
  RefPtr<AddressSpace> memory;
  std::map<uint64_t, ModelPage> pages;
};

class ModelTest : public ::testing::TestWithParam<int> {
 protected:
  ModelTest() : random_(GetParam()) {
    FakeLimits().clear();
    object_ = NewSharedMemory(kObjectPages * kPage).take();
    object_values_.resize(kObjectPages);
    spaces_.push_back({AddressSpace::Create().take(), {}});
    spaces_[0].memory->Activate();
  }

  uint64_t Random(uint64_t n) { return random_() % n; }
  // A range that often has huge-page boundaries.
  void RandomRange(uint64_t* first, uint64_t* count) {
    *first = Random(3) ? Random(kPages) : Random(kPages / 512) * 512;
    *count = Random(3) ? 1 + Random(40) : (1 + Random(3)) * 512;
    *count = std::min(*count, kPages - *first);
  }
  uint32_t RandomRights() {
    constexpr uint32_t kChoices[] = {kRw,      kRw, kRw,
                                     kVmaRead, 0,   kRw | kVmaExec};
    return kChoices[Random(6)];
  }
  static uint64_t At(uint64_t page) { return kBase + page * kPage; }

  void Map(Space& s) {
    uint64_t first, count;
    RandomRange(&first, &count);
    AddressSpace::MapRequest request;
    request.fixed = true;
    request.flags = RandomRights();
    uint64_t object_page = 0;
    bool shared = Random(4) == 0;
    if (shared) {
      count = std::min(count, kObjectPages);
      object_page = Random(kObjectPages - count + 1);
      request.object = object_;
      request.object_page = object_page;
      request.flags |= kVmaShared | kVmaMayWrite;
    }
    request.address = At(first);
    request.length = count * kPage;
    request.populate = Random(4) == 0;
    ASSERT_TRUE(s.memory->Map(request).ok());
    for (uint64_t i = 0; i < count; ++i) {
      s.pages[first + i] =
          ModelPage{request.flags & kVmaAccess, shared, object_page + i, 0};
    }
  }

  void Unmap(Space& s) {
    uint64_t first, count;
    RandomRange(&first, &count);
    ASSERT_EQ(s.memory->Unmap(At(first), count * kPage), 0);
    for (uint64_t i = 0; i < count; ++i) s.pages.erase(first + i);
  }

  void Protect(Space& s) {
    uint64_t first, count;
    RandomRange(&first, &count);
    uint32_t rights = RandomRights();
    int result = s.memory->Protect(At(first), count * kPage, rights);
    uint64_t i = 0;
    for (; i < count && s.pages.count(first + i); ++i) {
      s.pages[first + i].rights = rights;
    }
    EXPECT_EQ(result, i == count ? 0 : -ENOMEM);
  }

  void Discard(Space& s) {
    uint64_t first, count;
    RandomRange(&first, &count);
    s.memory->Advise(At(first), count * kPage, kAdviseDontNeed);
    for (uint64_t i = 0; i < count; ++i) {
      auto page = s.pages.find(first + i);
      if (page != s.pages.end() && !page->second.shared) page->second.value = 0;
    }
  }

  // Moves a part of one VMA.
  void Remap(Space& s) {
    if (s.memory->vma_count() == 0) return;
    Vma* vma = s.memory->vma(Random(s.memory->vma_count()));
    uint64_t first = (vma->start - kBase) / kPage, count = vma->pages();
    if (Random(2)) {
      uint64_t skip = Random(count);
      first += skip;
      count = 1 + Random(count - skip);
    }
    uint64_t to =
        Random(2) ? Random(kPages) : (Random(kPages / 512) * 512 + first % 512);
    if (to + count > kPages) return;
    if (first + count > to && to + count > first) return;
    Result<uint64_t> at =
        s.memory->Remap(At(first), count * kPage, count * kPage, 3, At(to));
    ASSERT_TRUE(at.ok()) << at.error();
    for (uint64_t i = 0; i < count; ++i) {
      s.pages[to + i] = s.pages[first + i];
      s.pages.erase(first + i);
    }
  }

  void Write(Space& s) {
    uint64_t page = Random(kPages);
    auto found = s.pages.find(page);
    bool may = found != s.pages.end() && (found->second.rights & kVmaWrite);
    uint8_t value = 1 + Random(255);
    ASSERT_EQ(Poke(*s.memory, At(page) + page % kPage, value), may) << page;
    if (!may) return;
    ModelPage& model = found->second;
    (model.shared ? object_values_[model.object_page] : model.value) = value;
    if (model.shared) {
      // The byte that the model knows is at the page's own offset.
      *UserByte(*s.memory, At(page) + page % kPage, true) = 0;
      *UserByte(*s.memory, At(page), true) = value;
    } else {
      *UserByte(*s.memory, At(page) + page % kPage, true) = 0;
      *UserByte(*s.memory, At(page) + 5, true) = value;
    }
  }

  void Read(Space& s, uint64_t page) {
    auto found = s.pages.find(page);
    if (found == s.pages.end() || found->second.rights == 0) {
      ASSERT_EQ(Peek(*s.memory, At(page)), -1) << page;
      return;
    }
    const ModelPage& model = found->second;
    int expected =
        model.shared ? object_values_[model.object_page] : model.value;
    ASSERT_EQ(Peek(*s.memory, At(page) + (model.shared ? 0 : 5)), expected)
        << page;
  }

  void Fork(Space& s) {
    if (spaces_.size() >= 4) return;
    Result<RefPtr<AddressSpace>> child = s.memory->Fork();
    ASSERT_TRUE(child.ok());
    auto pages = s.pages;
    spaces_.push_back({child.take(), std::move(pages)});
  }

  void CheckAll() {
    for (Space& s : spaces_) {
      uint64_t resident = 0;
      for (uint64_t p = 0; p < kPages; ++p) {
        Pte entry = EntryAt(*s.memory, At(p));
        resident += (entry & (kPtePresent | kPteHeld)) != 0;
        auto found = s.pages.find(p);
        if (found == s.pages.end()) {
          ASSERT_EQ(entry, 0u) << p;
        } else if (entry & kPtePresent) {
          ASSERT_NE(found->second.rights, 0u);
          ASSERT_EQ(!(entry & kPteNoExecute),
                    (found->second.rights & kVmaExec) != 0);
          if (entry & kPteWrite) {
            ASSERT_TRUE(found->second.rights & kVmaWrite);
          }
        }
      }
      ASSERT_EQ(s.memory->resident_pages(), resident);
      ASSERT_EQ(s.memory->total_pages(), s.pages.size());
      CheckVmas(s);
    }
  }

  void CheckVmas(Space& s) {
    uint64_t last = 0;
    for (size_t i = 0; i < s.memory->vma_count(); ++i) {
      const Vma& vma = *s.memory->vma(i);
      ASSERT_GE(vma.start, last);
      ASSERT_LT(vma.start, vma.end);
      last = vma.end;
      for (uint64_t at = vma.start; at < vma.end; at += kPage) {
        auto found = s.pages.find((at - kBase) / kPage);
        ASSERT_TRUE(found != s.pages.end());
        ASSERT_EQ(found->second.rights, vma.flags & kVmaAccess);
        if (vma.object) {
          ASSERT_EQ(found->second.object_page, vma.PageAt(at));
        }
      }
    }
  }

  void Step() {
    Space& s = spaces_[Random(spaces_.size())];
    switch (Random(40)) {
      case 0 ... 3:
        return Map(s);
      case 4 ... 5:
        return Unmap(s);
      case 6 ... 8:
        return Protect(s);
      case 9:
        return Discard(s);
      case 10 ... 11:
        return Remap(s);
      case 12:
        return Fork(s);
      case 13:
        if (spaces_.size() > 1)
          spaces_.erase(spaces_.begin() + Random(spaces_.size()));
        spaces_[0].memory->Activate();
        return;
      case 14 ... 27:
        return Write(s);
      default:
        return Read(s, Random(kPages));
    }
  }

  FakeMemory memory_;
  std::mt19937 random_;
  RefPtr<PageCache> object_;
  std::vector<uint8_t> object_values_;
  std::vector<Space> spaces_;
};

TEST_P(ModelTest, BehavesAsTheModel) {
  uint64_t free = GetMemoryStatistics().free_frames;
  uint64_t tables = GetMemoryStatistics().page_table_frames;
  for (int step = 0; step < 6000; ++step) {
    Step();
    if (HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 500 == 499) {
      CheckAll();
      for (Space& s : spaces_) {
        for (uint64_t p = 0; p < kPages; p += 1 + Random(5)) Read(s, p);
      }
      if (HasFatalFailure()) FAIL() << "at step " << step;
    }
  }
  spaces_.clear();
  EXPECT_EQ(GetMemoryStatistics().page_table_frames, tables - 1);
  EXPECT_EQ(GetMemoryStatistics().free_frames,
            free + 1 - GetMemoryStatistics().shmem_frames);
  EXPECT_EQ(object_->first_mapping, nullptr);
  object_.reset();
  EXPECT_EQ(GetMemoryStatistics().free_frames, free + 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(1, 9));

}  // namespace
}  // namespace gk
