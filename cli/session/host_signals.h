// SPDX-License-Identifier: Apache-2.0
//
// The signals that crvm handles on its main thread, through a signalfd.

#ifndef CRVM_CLI_SESSION_HOST_SIGNALS_H_
#define CRVM_CLI_SESSION_HOST_SIGNALS_H_

#include <functional>

#include "cli/base/poll_set.h"
#include "vmm/base/unique_fd.h"

namespace crvm {

class HostSignals : public PollSource {
 public:
  // Blocks the signals and ignores SIGPIPE and SIGXFSZ. At the start of main(),
  // before there are other threads, which inherit it. Signals that the parent
  // set to be ignored stay so (nohup).
  static void Block();
  // What Block changed, back again: before exec of another program.
  static void Unblock();

  // Calls handler(signal) for each, in the loop.
  explicit HostSignals(std::function<void(int)> handler);
  void AddTo(PollSet& set) override;

  // Ends this process and its process group as ^C at a terminal does. Returns
  // only if SIGINT is ignored.
  static void Interrupt();

  // Stops this process as SIGTSTP does by default; with `whole_group` also the
  // rest of the job that it is part of. Returns when it goes on.
  static void StopSelf(bool whole_group);

 private:
  std::function<void(int)> handler_;
  UniqueFd fd_;
};

}  // namespace crvm

#endif  // CRVM_CLI_SESSION_HOST_SIGNALS_H_
