// SPDX-License-Identifier: Apache-2.0
//
// Loads the built vDSO as a program's loader would, behind a clock page of the
// test's own, and calls it.
#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "guestkernel/abi/shared_pages.h"

namespace {

using crvm::abi::ClockPage;
using crvm::abi::kPageSize;

const char* g_path;

// One page of clock, then the image.
class VdsoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(g_path, std::ios::binary);
    image_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_GT(image_.size(), sizeof(Elf64_Ehdr));
    size_t size = kPageSize + image_.size();
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(at, MAP_FAILED);
    clock_ = static_cast<ClockPage*>(at);
    base_ = static_cast<char*>(at) + kPageSize;
    memcpy(base_, image_.data(), image_.size());
    // 1 ns for each 2 ticks.
    clock_->shift = 32;
    clock_->multiplier = uint64_t{1} << 31;
    clock_->tsc_base = __builtin_ia32_rdtsc();
    clock_->monotonic_ns = 5'000'000'000;
    clock_->realtime_ns = 1'700'000'000'123'456'789;
    clock_->boottime_extra_ns = 40'000'000'000;
  }
  void TearDown() override { munmap(clock_, kPageSize + image_.size()); }

  template <typename T>
  const T* At(uint64_t offset) const {
    return reinterpret_cast<const T*>(base_ + offset);
  }
  const Elf64_Ehdr& Header() const { return *At<Elf64_Ehdr>(0); }

  uint64_t Dynamic(int64_t tag) const {
    for (int i = 0; i < Header().e_phnum; ++i) {
      auto& p = At<Elf64_Phdr>(Header().e_phoff)[i];
      if (p.p_type != PT_DYNAMIC) continue;
      for (auto* d = At<Elf64_Dyn>(p.p_vaddr); d->d_tag != DT_NULL; ++d)
        if (d->d_tag == tag) return d->d_un.d_val;
    }
    return 0;
  }
  const char* String(uint64_t offset) const {
    return At<char>(Dynamic(DT_STRTAB) + offset);
  }

  // As glibc's dl_vdso_vsym: by the System V hash table.
  template <typename Function>
  Function* Symbol(const std::string& name) const {
    auto* hash = At<uint32_t>(Dynamic(DT_HASH));
    auto* symbols = At<Elf64_Sym>(Dynamic(DT_SYMTAB));
    for (uint32_t i = 1; i < hash[1]; ++i) {
      if (name == String(symbols[i].st_name) && symbols[i].st_shndx != 0)
        return reinterpret_cast<Function*>(base_ + symbols[i].st_value);
    }
    return nullptr;
  }

  std::string image_;
  ClockPage* clock_ = nullptr;
  char* base_ = nullptr;
};

using ClockGettime = int(int, timespec*);

int64_t Ns(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

TEST_F(VdsoTest, IsOneSegmentThatNeedsNoRelocation) {
  int loads = 0;
  for (int i = 0; i < Header().e_phnum; ++i) {
    auto& p = At<Elf64_Phdr>(Header().e_phoff)[i];
    if (p.p_type != PT_LOAD) continue;
    ++loads;
    EXPECT_EQ(p.p_offset, 0u);
    EXPECT_EQ(p.p_vaddr, 0u);
    EXPECT_EQ(p.p_flags, uint32_t{PF_R | PF_X});
  }
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(Dynamic(DT_RELA), 0u);
  EXPECT_EQ(Dynamic(DT_REL), 0u);
  EXPECT_EQ(Dynamic(DT_PLTRELSZ), 0u);
  EXPECT_EQ(Dynamic(DT_NEEDED), 0u);
  EXPECT_STREQ(String(Dynamic(DT_SONAME)), "linux-vdso.so.1");
}

TEST_F(VdsoTest, HasTheVersionThatLoadersLookFor) {
  auto* versions = At<uint16_t>(Dynamic(DT_VERSYM));
  ASSERT_NE(Dynamic(DT_GNU_HASH), 0u);
  auto* definition = At<Elf64_Verdef>(Dynamic(DT_VERDEF));
  while (definition->vd_flags & VER_FLG_BASE) {
    ASSERT_NE(definition->vd_next, 0u);
    definition = reinterpret_cast<const Elf64_Verdef*>(
        reinterpret_cast<const char*>(definition) + definition->vd_next);
  }
  EXPECT_EQ(definition->vd_hash, 0x3ae75f6u);  // of "LINUX_2.6"
  auto* name = reinterpret_cast<const Elf64_Verdaux*>(
      reinterpret_cast<const char*>(definition) + definition->vd_aux);
  EXPECT_STREQ(String(name->vda_name), "LINUX_2.6");
  EXPECT_EQ(versions[1] & 0x7fff, definition->vd_ndx);
}

TEST_F(VdsoTest, TellsTheClocksOfThePage) {
  auto* gettime = Symbol<ClockGettime>("__vdso_clock_gettime");
  ASSERT_NE(gettime, nullptr);
  timespec mono, mono2, real, boot;
  ASSERT_EQ(gettime(CLOCK_MONOTONIC, &mono), 0);
  ASSERT_EQ(gettime(CLOCK_REALTIME, &real), 0);
  ASSERT_EQ(gettime(CLOCK_BOOTTIME, &boot), 0);
  ASSERT_EQ(gettime(CLOCK_MONOTONIC, &mono2), 0);
  EXPECT_GE(Ns(mono), 5'000'000'000);
  EXPECT_LT(Ns(mono), 65'000'000'000);
  EXPECT_GE(Ns(mono2), Ns(mono));
  EXPECT_LT(mono.tv_nsec, 1'000'000'000);
  // Same counter: they differ by the page's offsets, and time goes on.
  int64_t offset = 1'700'000'000'123'456'789 - 5'000'000'000;
  EXPECT_GE(Ns(real) - offset, Ns(mono));
  EXPECT_LE(Ns(real) - offset, Ns(mono2));
  EXPECT_GE(Ns(boot) - 40'000'000'000, Ns(mono));
  EXPECT_LE(Ns(boot) - 40'000'000'000, Ns(mono2));
}

TEST_F(VdsoTest, ScalesTicksAndBearsACounterThatIsBehind) {
  auto* gettime = Symbol<ClockGettime>("__vdso_clock_gettime");
  clock_->tsc_base = __builtin_ia32_rdtsc() - 2'000'000'000'000;
  timespec t;
  ASSERT_EQ(gettime(CLOCK_MONOTONIC, &t), 0);
  EXPECT_GE(Ns(t), 1'005'000'000'000);
  EXPECT_LT(Ns(t), 1'065'000'000'000);
  clock_->tsc_base = ~uint64_t{0};
  ASSERT_EQ(gettime(CLOCK_MONOTONIC, &t), 0);
  EXPECT_EQ(Ns(t), 5'000'000'000);
}

TEST_F(VdsoTest, AsksTheKernelForOtherClocks) {
  auto* gettime = Symbol<ClockGettime>("__vdso_clock_gettime");
  timespec t = {};
  EXPECT_EQ(gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
  EXPECT_EQ(gettime(9999, &t), -EINVAL);
  EXPECT_EQ(gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
}

TEST_F(VdsoTest, TimeOfDayAndSeconds) {
  auto* timeofday = Symbol<int(timeval*, void*)>("__vdso_gettimeofday");
  auto* seconds = Symbol<int64_t(int64_t*)>("__vdso_time");
  timeval tv;
  ASSERT_EQ(timeofday(&tv, nullptr), 0);
  EXPECT_GE(tv.tv_sec, 1'700'000'000);
  EXPECT_LT(tv.tv_usec, 1'000'000);
  EXPECT_EQ(timeofday(nullptr, nullptr), 0);
  int64_t stored = 0;
  EXPECT_EQ(seconds(&stored), stored);
  EXPECT_GE(seconds(nullptr), tv.tv_sec);
}

TEST_F(VdsoTest, ResolutionAndCpu) {
  auto* getres = Symbol<ClockGettime>("__vdso_clock_getres");
  auto* getcpu = Symbol<int(unsigned*, unsigned*, void*)>("__vdso_getcpu");
  timespec t = {};
  ASSERT_EQ(getres(CLOCK_MONOTONIC, &t), 0);
  EXPECT_EQ(Ns(t), 1);
  EXPECT_EQ(getres(CLOCK_REALTIME, nullptr), 0);
  unsigned cpu = 7, node = 7;
  ASSERT_EQ(getcpu(&cpu, &node, nullptr), 0);
  EXPECT_EQ(cpu, 0u);
  EXPECT_EQ(node, 0u);
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  g_path = argc > 1 ? argv[1] : "vdso.so";
  return RUN_ALL_TESTS();
}
