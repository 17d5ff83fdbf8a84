// SPDX-License-Identifier: Apache-2.0
//
// What the compiler and <new> want from a C++ runtime, which the freestanding
// build does not have. Empty in hosted builds.
#if !__STDC_HOSTED__
#include <cstdint>
#include <new>

namespace std {
const nothrow_t nothrow{};
}  // namespace std

// __builtin_popcountll without the POPCNT instruction (libgcc's name).
extern "C" int __popcountdi2(int64_t value) {
  auto v = static_cast<uint64_t>(value);
  v -= v >> 1 & 0x5555555555555555;
  v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
  v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<int>(v * 0x0101010101010101 >> 56);
}
#endif
