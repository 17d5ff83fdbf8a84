// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: the first byte chooses the message. What decodes must
// encode to something that decodes to the same.

#include <cstdint>
#include <string>

#include "snapshot/transfer/protocol.h"
#include "vmm/base/check.h"

namespace crvm {
namespace {

template <typename Message>
void Try(absl::string_view bytes) {
  Message message;
  if (!Decode(bytes, message).ok()) return;
  Message again;
  CRVM_CHECK(Decode(Encode(message), again).ok());
  CRVM_CHECK(again == message);
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data + 1),
                                size - 1);
  switch (data[0] % 10) {
    case 0:
      crvm::Try<crvm::TransferHello>(bytes);
      break;
    case 1:
      crvm::Try<crvm::TransferOffer>(bytes);
      break;
    case 2:
      crvm::Try<crvm::TransferOutcome>(bytes);
      break;
    case 3:
      crvm::Try<crvm::TransferData>(bytes);
      break;
    case 4:
      crvm::Try<crvm::TransferDataEnd>(bytes);
      break;
    case 5:
      crvm::Try<crvm::TransferStarted>(bytes);
      break;
    case 6:
      crvm::Try<crvm::TransferWindow>(bytes);
      break;
    case 7:
      crvm::Try<crvm::TransferNumber>(bytes);
      break;
    case 8:
      crvm::Try<crvm::TransferText>(bytes);
      break;
    default:
      crvm::Try<crvm::TransferOutput>(bytes);
  }
  return 0;
}
