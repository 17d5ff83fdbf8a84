// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target of the frame decoder: the first byte says in what pieces
// the stream arrives. Frames that decode must encode to the same bytes.

#include <cstdint>
#include <string>

#include "snapshot/wire/frame.h"
#include "vmm/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0];
  absl::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string consumed;
  crvm::FrameDecoder decoder(4096);
  for (size_t at = 0; at < stream.size(); at += piece) {
    decoder.Append(stream.substr(at, piece));
    for (;;) {
      const auto frame = decoder.Next();
      if (!frame.ok()) return 0;
      if (!frame->has_value()) break;
      consumed += crvm::EncodeFrame((*frame)->type, (*frame)->payload);
    }
  }
  CRVM_CHECK(stream.substr(0, consumed.size()) == consumed);
  return 0;
}
