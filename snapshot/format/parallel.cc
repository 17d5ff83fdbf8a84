// SPDX-License-Identifier: Apache-2.0

#include "snapshot/format/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace crvm {
namespace {

constexpr int kMaxThreads = 8;

}  // namespace

int DefaultThreads() {
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(processors, 1, kMaxThreads);
}

absl::Status RunBatches(int threads, size_t count, size_t batch,
                        const std::function<BatchFunction()>& make_worker) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  absl::Status first_error;  // guarded by mutex

  const auto work = [&] {
    const BatchFunction function = make_worker();
    while (!failed.load(std::memory_order_relaxed)) {
      const size_t begin = next.fetch_add(batch, std::memory_order_relaxed);
      if (begin >= count) return;
      absl::Status status = function(begin, std::min(begin + batch, count));
      if (status.ok()) continue;
      std::lock_guard<std::mutex> lock(mutex);
      first_error.Update(status);
      failed.store(true, std::memory_order_relaxed);
    }
  };

  const size_t batches = (count + batch - 1) / batch;
  const size_t helpers =
      std::min(static_cast<size_t>(std::max(threads, 1)), batches);
  std::vector<std::thread> pool;
  for (size_t i = 1; i < helpers; ++i) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  return first_error;
}

}  // namespace crvm
