// SPDX-License-Identifier: Apache-2.0
//
// main() of a fuzz target that is built without libFuzzer: runs the target on
// the empty input, on each file named by the arguments, and on a fixed
// pseudo-random set of inputs made from them. It finds regressions under every
// compiler and sanitizer; finding new inputs is libFuzzer's work.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

constexpr int kMutationsPerSeed = 300;
constexpr size_t kRandomInputSize = 512;

void Run(const Input& input) {
  // An exact-size heap copy, so that ASan sees any read beyond the end.
  Input copy(input.begin(), input.end());
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

Input Mutate(Input input, std::mt19937& random) {
  if (input.empty()) return input;
  int edits = 1 + random() % 4;
  for (int i = 0; i < edits && !input.empty(); ++i) {
    size_t at = random() % input.size();
    switch (random() % 4) {
      case 0:
        input[at] = static_cast<uint8_t>(random());
        break;
      case 1:
        input[at] ^= static_cast<uint8_t>(1u << (random() % 8));
        break;
      case 2:
        input[at] = (random() % 2) != 0 ? 0xff : 0;
        break;
      default:
        input.resize(at);
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937 random(1);
  std::vector<Input> seeds;
  Input noise(kRandomInputSize);
  for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
  seeds.push_back(noise);
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot open %s\n", argv[i]);
      return 1;
    }
    seeds.emplace_back(std::istreambuf_iterator<char>(file),
                       std::istreambuf_iterator<char>());
  }
  Run({});
  for (const Input& seed : seeds) {
    Run(seed);
    for (int i = 0; i < kMutationsPerSeed; ++i) Run(Mutate(seed, random));
  }
  std::printf("%zu seeds replayed\n", seeds.size());
  return 0;
}
