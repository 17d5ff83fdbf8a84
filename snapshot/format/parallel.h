// SPDX-License-Identifier: Apache-2.0
//
// The pool that compresses and decompresses memory: the same work on several
// threads, first error wins. The calling thread is one of the workers.

#ifndef CRVM_SNAPSHOT_FORMAT_PARALLEL_H_
#define CRVM_SNAPSHOT_FORMAT_PARALLEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace crvm {

// Called with (bytes done, bytes in all) from any worker thread.
using ProgressFunction = std::function<void(uint64_t done, uint64_t total)>;

// As many threads as this host has processors, within reason.
int DefaultThreads();

// Makes `count` items [0, count) in batches of `batch`: each worker takes the
// next batch [begin, end) until there is none left or one has failed. Each
// worker makes its own function first, and with it its own buffers.
using BatchFunction = std::function<absl::Status(size_t begin, size_t end)>;
absl::Status RunBatches(int threads, size_t count, size_t batch,
                        const std::function<BatchFunction()>& make_worker);

}  // namespace crvm

#endif  // CRVM_SNAPSHOT_FORMAT_PARALLEL_H_
