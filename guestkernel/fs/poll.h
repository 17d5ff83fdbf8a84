// SPDX-License-Identifier: Apache-2.0
//
// How poll, select and epoll ask a file for readiness and get told of changes.
#ifndef CRVM_GUESTKERNEL_FS_POLL_H_
#define CRVM_GUESTKERNEL_FS_POLL_H_

#include <cstdint>

#include "guestkernel/sched/wait_queue.h"

namespace gk {

// EPOLL* = POLL* bits.
enum PollEvents : uint32_t {
  kPollIn = 0x1,
  kPollPri = 0x2,
  kPollOut = 0x4,
  kPollErr = 0x8,
  kPollHup = 0x10,
  kPollNval = 0x20,
  kPollRdNorm = 0x40,
  kPollRdBand = 0x80,
  kPollWrNorm = 0x100,
  kPollWrBand = 0x200,
  kPollMsg = 0x400,
  kPollRdHup = 0x2000,
};

// Given to File::Poll; collects the queues whose wake means "look again". Null
// table: only ask.
class PollTable {
 public:
  virtual void Add(WaitQueue* queue) = 0;

 protected:
  ~PollTable() = default;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_POLL_H_
