// SPDX-License-Identifier: Apache-2.0
//
// The kernel's random numbers: ChaCha20 (RFC 8439) keyed from the boot seed,
// with a new key after each request so that the past cannot be computed.
#include "guestkernel/arch/random.h"

#include <cstdint>

#include "guestkernel/arch/arch.h"
#include "guestkernel/lib/string.h"

namespace gk {
namespace {

struct Generator {
  uint32_t key[8];
  uint64_t counter;
  bool seeded;
};
Generator g_generator;

uint32_t RotateLeft(uint32_t v, int n) { return (v << n) | (v >> (32 - n)); }

void QuarterRound(uint32_t* x, int a, int b, int c, int d) {
  x[a] += x[b];
  x[d] = RotateLeft(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = RotateLeft(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = RotateLeft(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = RotateLeft(x[b] ^ x[c], 7);
}

void NextBlock(uint32_t out[16]) {
  uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(&state[4], g_generator.key, sizeof(g_generator.key));
  uint64_t counter = g_generator.counter++;
  state[12] = static_cast<uint32_t>(counter);
  state[13] = static_cast<uint32_t>(counter >> 32);
  memcpy(out, state, sizeof(state));
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) QuarterRound(out, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; ++i) {
      QuarterRound(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
  }
  for (int i = 0; i < 16; ++i) out[i] += state[i];
}

}  // namespace

void AddEntropy(const void* seed, size_t n) {
  auto* bytes = static_cast<const uint8_t*>(seed);
  auto* key = reinterpret_cast<uint8_t*>(g_generator.key);
  for (size_t done = 0; done < n; done += sizeof(g_generator.key)) {
    for (size_t i = 0; i < sizeof(g_generator.key) && done + i < n; ++i) {
      key[i] ^= bytes[done + i];
    }
    uint32_t block[16];
    NextBlock(block);
    memcpy(g_generator.key, block, sizeof(g_generator.key));
  }
  g_generator.seeded = true;
}

void RandomBytes(void* to, size_t n) {
  if (!g_generator.seeded) {
    AddEntropy(GetBootInfo().random_seed, sizeof(GetBootInfo().random_seed));
  }
  auto* out = static_cast<uint8_t*>(to);
  uint32_t block[16];
  while (n > 0) {
    NextBlock(block);
    size_t part = n < sizeof(block) ? n : sizeof(block);
    memcpy(out, block, part);
    out += part;
    n -= part;
  }
  NextBlock(block);
  memcpy(g_generator.key, block, sizeof(g_generator.key));
}

}  // namespace gk
