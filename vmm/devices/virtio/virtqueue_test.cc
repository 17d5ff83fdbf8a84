// SPDX-License-Identifier: Apache-2.0
//
// Unit tests of Virtqueue against honest and hostile rings. Single-threaded.

#include "vmm/devices/virtio/virtqueue.h"

#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "guestkernel/abi/virtio.h"
#include "vmm/base/state_codec.h"
#include "vmm/devices/virtio/testing/fake_driver.h"
#include "vmm/memory/guest_memory.h"

namespace crvm {
namespace {

constexpr uint16_t kSize = 8;
constexpr uint64_t kBase = 0x10000;

class VirtqueueTest : public testing::Test {
 protected:
  VirtqueueTest()
      : memory_(*GuestMemory::Create(kFakeDriverMemory)),
        driver_(&memory_, kBase, kSize),
        queue_(&memory_, 64) {}

  void SetUp() override { ASSERT_TRUE(Configure(queue_).ok()); }

  absl::Status Configure(Virtqueue& queue, uint16_t size = kSize) {
    return queue.Configure(size, GuestAddress(driver_.desc()),
                           GuestAddress(driver_.avail()),
                           GuestAddress(driver_.used()));
  }

  // Pops what must be there.
  DescriptorChain MustPop() {
    auto chain = queue_.Pop();
    EXPECT_TRUE(chain.ok()) << chain.status();
    EXPECT_TRUE(chain->has_value());
    return *std::move(*chain);
  }

  // Offers descriptor 0 and expects Pop() to refuse it.
  void ExpectRefused(const std::string& reason) {
    driver_.SetAvailable(0, 0);
    driver_.SetAvailableIndex(1);
    auto chain = queue_.Pop();
    ASSERT_FALSE(chain.ok());
    EXPECT_NE(chain.status().message().find(reason), absl::string_view::npos)
        << chain.status();
  }

  GuestMemory memory_;
  FakeQueue driver_;
  Virtqueue queue_;
};

TEST_F(VirtqueueTest, EmptyQueueHasNothing) {
  auto chain = queue_.Pop();
  ASSERT_TRUE(chain.ok());
  EXPECT_FALSE(chain->has_value());
  EXPECT_FALSE(queue_.NeedsInterrupt());
}

TEST_F(VirtqueueTest, MovesAChainThereAndBack) {
  const uint16_t head = driver_.Offer("hello world", 100, 3);
  DescriptorChain chain = MustPop();
  EXPECT_EQ(chain.head(), head);
  EXPECT_EQ(chain.readable().size(), 3u);
  EXPECT_EQ(chain.readable_bytes(), 11u);
  EXPECT_EQ(chain.writable_bytes(), 100u);
  uint8_t text[11];
  EXPECT_EQ(chain.CopyFromReadable(0, absl::MakeSpan(text)), 11u);
  EXPECT_EQ(std::string(text, text + 11), "hello world");
  const std::string reply(50, 'x');
  EXPECT_EQ(chain.CopyToWritable(
                10, absl::MakeConstSpan(
                        reinterpret_cast<const uint8_t*>(reply.data()), 50)),
            50u);
  EXPECT_TRUE(queue_.Push(chain, 60).ok());
  auto used = driver_.TakeUsed();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->head, head);
  EXPECT_EQ(used->length, 60u);
  EXPECT_EQ(driver_.Written(head, 60).substr(10), reply);
  EXPECT_TRUE(queue_.NeedsInterrupt());
  EXPECT_FALSE(queue_.NeedsInterrupt());  // once
}

TEST_F(VirtqueueTest, CopiesStopAtTheEnds) {
  driver_.Offer("abcdef", 4, 2);
  DescriptorChain chain = MustPop();
  uint8_t text[10];
  EXPECT_EQ(chain.CopyFromReadable(4, absl::MakeSpan(text)), 2u);
  EXPECT_EQ(text[0], 'e');
  EXPECT_EQ(chain.CopyFromReadable(6, absl::MakeSpan(text)), 0u);
  EXPECT_EQ(chain.CopyFromReadable(100, absl::MakeSpan(text)), 0u);
  EXPECT_EQ(chain.CopyToWritable(3, text), 1u);
  EXPECT_EQ(chain.CopyToWritable(5, text), 0u);
}

TEST_F(VirtqueueTest, RunsRoundTheRingManyTimes) {
  for (int i = 0; i < 70000; ++i) {
    driver_.Offer("x", 1);
    DescriptorChain chain = MustPop();
    ASSERT_TRUE(queue_.Push(chain, 1).ok());
    ASSERT_TRUE(driver_.TakeUsed().has_value());
  }
}

TEST_F(VirtqueueTest, DriverCanSuppressInterrupts) {
  driver_.SetNoInterrupt(true);
  driver_.Offer("x", 0);
  ASSERT_TRUE(queue_.Push(MustPop(), 0).ok());
  EXPECT_FALSE(queue_.NeedsInterrupt());
}

TEST_F(VirtqueueTest, RefusesBadAreas) {
  const auto configure = [&](uint16_t size, uint64_t desc, uint64_t avail,
                             uint64_t used) {
    Virtqueue queue(&memory_, 64);
    const absl::Status status = queue.Configure(
        size, GuestAddress(desc), GuestAddress(avail), GuestAddress(used));
    EXPECT_EQ(status.ok(), queue.ready());
    return status.ok();
  };
  const uint64_t end = kFakeDriverMemory;
  EXPECT_TRUE(configure(64, 0, 0x1000, 0x2000));
  EXPECT_TRUE(configure(64, end - 1024, 0x1000, 0x2000));
  EXPECT_FALSE(configure(0, 0, 0x1000, 0x2000));
  EXPECT_FALSE(configure(3, 0, 0x1000, 0x2000));
  EXPECT_FALSE(configure(128, 0, 0x1000, 0x2000));
  EXPECT_FALSE(configure(64, 8, 0x1000, 0x2000));
  EXPECT_FALSE(configure(64, 0, 0x1001, 0x2000));
  EXPECT_FALSE(configure(64, 0, 0x1000, 0x2002));
  EXPECT_FALSE(configure(64, end - 1008, 0x1000, 0x2000));
  EXPECT_FALSE(configure(64, 0, end - 130, 0x2000));
  EXPECT_FALSE(configure(64, 0, 0x1000, end - 512));
  EXPECT_FALSE(configure(64, ~uint64_t{15}, 0x1000, 0x2000));
}

TEST_F(VirtqueueTest, RefusesHostileRings) {
  driver_.SetAvailableIndex(kSize + 1);
  EXPECT_FALSE(queue_.Pop().ok());
  driver_.SetAvailableIndex(0xffff);
  EXPECT_FALSE(queue_.Pop().ok());
  driver_.SetAvailable(0, kSize);
  driver_.SetAvailableIndex(1);
  EXPECT_FALSE(queue_.Pop().ok());
}

TEST_F(VirtqueueTest, RefusesADescriptorOutsideRam) {
  driver_.SetDesc(0, {kFakeDriverMemory - 1, 2, 0, 0});
  ExpectRefused("outside RAM");
}

TEST_F(VirtqueueTest, RefusesAWrappingDescriptor) {
  driver_.SetDesc(0, {~uint64_t{0}, 0xffffffff, 0, 0});
  ExpectRefused("outside RAM");
}

TEST_F(VirtqueueTest, RefusesALoop) {
  driver_.SetDesc(0, {0, 1, abi::kVirtqDescNext, 1});
  driver_.SetDesc(1, {0, 1, abi::kVirtqDescNext, 0});
  ExpectRefused("loop");
}

TEST_F(VirtqueueTest, RefusesABadLink) {
  driver_.SetDesc(0, {0, 1, abi::kVirtqDescNext, kSize});
  ExpectRefused("descriptor index");
}

TEST_F(VirtqueueTest, RefusesIndirectDescriptors) {
  driver_.SetDesc(0, {0, 16, abi::kVirtqDescIndirect, 0});
  ExpectRefused("indirect");
}

TEST_F(VirtqueueTest, RefusesReadableAfterWritable) {
  driver_.SetDesc(0, {0, 1, abi::kVirtqDescWrite | abi::kVirtqDescNext, 1});
  driver_.SetDesc(1, {0, 1, 0, 0});
  ExpectRefused("follows a writable");
}

TEST_F(VirtqueueTest, RefusesAnOverlongChain) {
  auto big = GuestMemory::Create(Virtqueue::kMaxChainBytes + 4096);
  ASSERT_TRUE(big.ok());
  FakeQueue driver(&*big, 0, kSize);
  Virtqueue queue(&*big, kSize);
  ASSERT_TRUE(queue
                  .Configure(kSize, GuestAddress(driver.desc()),
                             GuestAddress(driver.avail()),
                             GuestAddress(driver.used()))
                  .ok());
  const uint32_t most = Virtqueue::kMaxChainBytes;
  driver.SetDesc(0, {0, most, abi::kVirtqDescNext, 1});
  driver.SetDesc(1, {0, 1, 0, 0});
  driver.SetAvailable(0, 0);
  driver.SetAvailableIndex(1);
  EXPECT_FALSE(queue.Pop().ok());
  driver.SetDesc(0, {0, most, 0, 0});
  EXPECT_TRUE(queue.Pop().ok());
}

TEST_F(VirtqueueTest, AllowsEmptyDescriptors) {
  driver_.SetDesc(0, {0, 0, 0, 0});
  driver_.SetAvailable(0, 0);
  driver_.SetAvailableIndex(1);
  DescriptorChain chain = MustPop();
  EXPECT_TRUE(chain.readable().empty());
  EXPECT_TRUE(queue_.Push(chain, 0).ok());
}

TEST_F(VirtqueueTest, BoundsWhatIsInFlight) {
  driver_.SetDesc(0, {0, 1, 0, 0});
  for (uint16_t i = 0; i < kSize; ++i) {
    driver_.SetAvailableIndex(i + 1);  // every slot names head 0
    ASSERT_TRUE(queue_.Pop().ok());
  }
  driver_.SetAvailableIndex(kSize + 1);
  EXPECT_FALSE(queue_.Pop().ok());
}

TEST_F(VirtqueueTest, RefusesBadPushes) {
  driver_.Offer("", 10);
  DescriptorChain chain = MustPop();
  EXPECT_FALSE(queue_.Push(chain, 11).ok());
  EXPECT_TRUE(queue_.Push(chain, 10).ok());
  EXPECT_FALSE(queue_.Push(chain, 10).ok());  // not in flight any more
  queue_.Reset();
  EXPECT_FALSE(queue_.Push(chain, 0).ok());
}

TEST_F(VirtqueueTest, StateSurvivesARoundTrip) {
  for (int i = 0; i < 5; ++i) {
    driver_.Offer("abc", 3);
    ASSERT_TRUE(queue_.Push(MustPop(), 1).ok());
    ASSERT_TRUE(driver_.TakeUsed().has_value());
  }
  const uint16_t head = driver_.Offer("in flight", 5);
  MustPop();
  StateWriter writer;
  Encode(queue_.SaveState(), writer);
  const std::string bytes = writer.Take();

  StateReader reader(bytes);
  auto state = DecodeVirtqueueState(reader);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(reader.ExpectEnd().ok());
  Virtqueue restored(&memory_, 64);
  ASSERT_TRUE(restored.RestoreState(*state).ok());
  EXPECT_EQ(restored.in_flight(), 1);
  auto chain = restored.Reload(head);
  ASSERT_TRUE(chain.ok());
  EXPECT_EQ(chain->readable_bytes(), 9u);
  EXPECT_TRUE(restored.Push(*chain, 5).ok());
  EXPECT_EQ(driver_.TakeUsed()->length, 5u);
  driver_.Offer("next", 0);
  auto next = restored.Pop();
  ASSERT_TRUE(next.ok());
  EXPECT_EQ((*next)->readable_bytes(), 4u);

  for (size_t n = 0; n < bytes.size(); ++n) {
    StateReader truncated(absl::string_view(bytes).substr(0, n));
    EXPECT_FALSE(DecodeVirtqueueState(truncated).ok()) << n;
  }
}

TEST_F(VirtqueueTest, RefusesHostileStates) {
  VirtqueueState state = queue_.SaveState();
  const auto refused = [&](VirtqueueState bad) {
    Virtqueue queue(&memory_, 64);
    return !queue.RestoreState(bad).ok() && !queue.ready();
  };
  VirtqueueState bad = state;
  bad.size = 128;
  EXPECT_TRUE(refused(bad));
  bad = state;
  bad.in_flight = kSize + 1;
  EXPECT_TRUE(refused(bad));
  bad = state;
  bad.used = kFakeDriverMemory;
  EXPECT_TRUE(refused(bad));
}

}  // namespace
}  // namespace crvm
