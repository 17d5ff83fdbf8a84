// SPDX-License-Identifier: Apache-2.0
//
// The smallest fuzz target: shows the form and keeps tools/fuzz itself tested.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i < size; ++i) sum += data[i];
  if (sum > 255u * size) std::abort();
  return 0;
}
