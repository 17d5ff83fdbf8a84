// SPDX-License-Identifier: Apache-2.0
//
// The C++ runtime: exceptions through frames and threads, static and
// thread-local constructors, streams, containers, std::thread and friends,
// filesystem, locale, chrono, random_device.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "testdata/programs/lib/check.h"

namespace {

struct Tracer {
  explicit Tracer(const char *n) : name(n) { std::cout << "+" << name << "\n"; }
  ~Tracer() { std::cout << "-" << name << "\n"; }
  const char *name;
};

Tracer global("global");
thread_local int thread_number = 7;

void ThrowDeep(int depth) {
  Tracer tracer("frame");
  if (depth == 0) throw std::runtime_error("deep");
  ThrowDeep(depth - 1);
}

void Exceptions() {
  try {
    ThrowDeep(2);
  } catch (const std::exception &e) {
    std::cout << "caught " << e.what() << "\n";
  }
  auto future = std::async(std::launch::async, []() -> int {
    throw std::out_of_range("in a thread");
  });
  try {
    future.get();
  } catch (const std::out_of_range &e) {
    std::cout << "caught " << e.what() << "\n";
  }
  try {
    std::vector<int>(3).at(5) = 1;
  } catch (const std::exception &) {
    std::cout << "caught out of range\n";
  }
}

void Threads() {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> sum{0};
  int arrived = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      thread_number += i;
      std::unique_lock<std::mutex> lock(mutex);
      ++arrived;
      changed.notify_all();
      changed.wait(lock, [&] { return arrived == 4; });
      sum += thread_number;
    });
  }
  for (std::thread &t : threads) t.join();
  std::cout << "sum " << sum << " own " << thread_number << "\n";
  std::unique_lock<std::mutex> lock(mutex);
  auto result = changed.wait_for(lock, std::chrono::milliseconds(20));
  std::cout << "timed out " << (result == std::cv_status::timeout) << "\n";
  std::promise<std::string> promise;
  auto value = promise.get_future();
  std::thread sender([&] { promise.set_value("sent"); });
  std::cout << value.get() << "\n";
  sender.join();
}

void Files() {
  namespace fs = std::filesystem;
  fs::path dir = fs::path(temp_dir()) / "a" / "b";
  std::cout << fs::create_directories(dir) << "\n";
  {
    std::ofstream out(dir / "file");
    for (int i = 0; i < 10000; ++i) out << i << ' ' << i * 0.5 << '\n';
  }
  std::ifstream in(dir / "file");
  double n, half, total = 0;
  while (in >> n >> half) total += n + half;
  std::cout << total << " " << fs::file_size(dir / "file") << "\n";
  fs::copy(dir / "file", dir / "copy");
  fs::rename(dir / "copy", dir / "moved");
  int count = 0;
  for (const auto &e : fs::recursive_directory_iterator(temp_dir())) {
    (void)e;
    ++count;
  }
  std::cout << count << " entries, removed " << fs::remove_all(dir) << "\n";
  std::error_code error;
  (void)fs::file_size(dir / "missing", error);
  std::cout << error.message() << "\n";
}

}  // namespace

int main() {
  Exceptions();
  Threads();
  Files();
  std::map<std::string, std::shared_ptr<int>> map;
  for (int i = 0; i < 1000; ++i) {
    map[std::to_string(i * 7919 % 1000)] = std::make_shared<int>(i);
  }
  std::ostringstream text;
  text << map.size() << " " << *map["42"] << " " << std::hex << 255;
  std::cout << text.str() << "\n";
  std::random_device random;
  bool differ = false;
  for (int i = 0; i < 10; ++i) differ |= random() != random();
  auto start = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  auto slept = std::chrono::steady_clock::now() - start;
  std::cout << differ << " " << (slept >= std::chrono::milliseconds(30))
            << "\n";
  std::cerr << "to the error stream\n";
  return 0;
}
