// SPDX-License-Identifier: Apache-2.0
//
// A test fixture with a tmpfs as the root of the tree and a process that makes
// system calls on it.
#ifndef CRVM_GUESTKERNEL_FS_TESTING_FS_TEST_H_
#define CRVM_GUESTKERNEL_FS_TESTING_FS_TEST_H_

#include <string>
#include <vector>

#include "guestkernel/fs/path.h"
#include "guestkernel/fs/syscalls.h"
#include "guestkernel/fs/tmpfs.h"
#include "guestkernel/mm/testing/fake_memory.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {

class FsTest : public KernelTest {
 protected:
  FsTest();
  ~FsTest() override;

  // A system call of the current thread. Pointers are user addresses.
  template <typename... Args>
  static int64_t Call(SyscallHandler handler, Args... args) {
    SyscallArgs a = {{ToWord(args)...}, nullptr};
    return handler(a);
  }
  static int Open(const char* path, uint32_t flags, uint32_t mode = 0644) {
    return static_cast<int>(Call(SysOpen, path, flags, mode));
  }
  static int64_t Close(int fd) { return Call(SysClose, fd); }
  static int64_t WriteText(int fd, const std::string& text) {
    return Call(SysWrite, fd, text.data(), text.size());
  }
  static std::string ReadText(int fd, size_t n = 4096);
  // Creates or replaces a file.
  static void MakeFile(const char* path, const std::string& text);
  static std::string Slurp(const char* path);
  // Names in a directory, in its order.
  static std::vector<std::string> Names(const char* path);
  static FileAttributes Stat(const char* path);

  // A file system that lives as long as the test.
  Tmpfs* NewFs(uint64_t size_limit = 0);
  FileSystem* Keep(FileSystem* fs) {
    file_systems_.push_back(fs);
    return fs;
  }

 private:
  static uint64_t ToWord(const char* p) {
    return reinterpret_cast<uint64_t>(p);
  }
  static uint64_t ToWord(const void* p) {
    return reinterpret_cast<uint64_t>(p);
  }
  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) static uint64_t
      ToWord(T v) {
    return static_cast<uint64_t>(v);
  }
  FakeMemory memory_;
  std::vector<FileSystem*> file_systems_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_TESTING_FS_TEST_H_
