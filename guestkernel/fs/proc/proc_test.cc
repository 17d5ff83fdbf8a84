// SPDX-License-Identifier: Apache-2.0
//
// /proc, /dev and /sys through the system calls, with a few processes.
#include "guestkernel/fs/proc/proc.h"

#include <set>

#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/fs_context.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/fs/testing/fs_test.h"
#include "guestkernel/process/system_name.h"
#include "guestkernel/process/usage.h"

namespace gk {

// ---- what process/ would say

Thread* RepresentativeThread(Process* process) {
  return process->threads.front();
}
size_t ProcessCount() { return 2; }
StringView HostName() { return "testhost"; }
StringView DomainName() { return "(none)"; }
void SetHostName(StringView) {}
ResourceUsage ThreadUsage(Thread*) { return ResourceUsage(); }
ResourceUsage ProcessUsage(Process*) { return ResourceUsage(); }

namespace {

class ProcTest : public FsTest {
 protected:
  ProcTest() {
    for (const char* name : {"/proc", "/dev", "/sys"}) {
      EXPECT_EQ(Call(SysMkdir, name, 0755), 0);
    }
    EXPECT_EQ(Mount(Keep(*NewProcFs()), "/proc", "proc"), 0);
    EXPECT_EQ(Mount(Keep(*NewDevFs()), "/dev", "udev"), 0);
    EXPECT_EQ(Mount(Keep(*NewSysFs()), "/sys", "sysfs"), 0);
    Format(main_thread()->name, sizeof(main_thread()->name), "a (b) c");
    process()->thread_count = 1;
    process()->dumpable = true;
    hosted::MutableBootInfo().vcpu_count = 1;
  }
  static std::string Link(const std::string& path) {
    char buffer[256];
    int64_t n = Call(SysReadlink, path.c_str(), buffer, sizeof(buffer));
    return n < 0 ? "error " + std::to_string(n)
                 : std::string(buffer, static_cast<size_t>(n));
  }
  static std::set<std::string> NameSet(const char* path) {
    auto names = Names(path);
    return {names.begin(), names.end()};
  }
  std::string Own(const char* name) {
    return "/proc/" + std::to_string(process()->pid) + "/" + name;
  }
};

TEST_F(ProcTest, Root) {
  auto names = NameSet("/proc");
  for (const char* name : {"1", "2", "self", "meminfo", "sys", ".", ".."}) {
    EXPECT_TRUE(names.count(name)) << name;
  }
  EXPECT_EQ(Link("/proc/self"), "2");
  EXPECT_EQ(Link("/proc/thread-self"), "2/task/2");
  EXPECT_EQ(Open("/proc/77", kOpenReadOnly), -ENOENT);
  EXPECT_EQ(Open("/proc/02", kOpenReadOnly), -ENOENT);
  EXPECT_EQ(Open("/proc/new", kOpenCreate | kOpenWriteOnly), -EACCES);
  EXPECT_EQ(Call(SysMkdir, "/proc/new", 0755), -EACCES);
  EXPECT_EQ(Call(SysUnlink, "/proc/meminfo"), -EACCES);
}

TEST_F(ProcTest, Stat) {
  std::string stat = Slurp("/proc/self/stat");
  EXPECT_EQ(stat.rfind("2 (a (b) c) R 1 2 2 0 -1 ", 0), 0u) << stat;
  // 52 fields, counted behind the name.
  size_t fields = 2;
  for (size_t at = stat.rfind(')'); at < stat.size(); ++at) {
    if (stat[at] == ' ') ++fields;
  }
  EXPECT_EQ(fields, 52u);
  EXPECT_EQ(stat.back(), '\n');
}

TEST_F(ProcTest, Status) {
  std::string status = Slurp("/proc/self/status");
  EXPECT_NE(status.find("Name:\ta (b) c\n"), std::string::npos);
  EXPECT_NE(status.find("Umask:\t0022\n"), std::string::npos);
  EXPECT_NE(status.find("PPid:\t1\n"), std::string::npos);
  EXPECT_NE(status.find("Threads:\t1\n"), std::string::npos);
  EXPECT_NE(status.find("Uid:\t0\t0\t0\t0\n"), std::string::npos);
}

TEST_F(ProcTest, Comm) {
  EXPECT_EQ(Slurp("/proc/self/comm"), "a (b) c\n");
  int fd = Open("/proc/self/comm", kOpenWriteOnly | kOpenTruncate);
  EXPECT_EQ(WriteText(fd, "a name that is too long\n"), 24);
  EXPECT_EQ(Slurp("/proc/self/comm"), "a name that is \n");
  EXPECT_EQ(Open("/proc/self/stat", kOpenWriteOnly), -EACCES);
}

TEST_F(ProcTest, Descriptors) {
  MakeFile("/f", "text");
  int fd = Open("/f", kOpenReadOnly | kOpenCloexec);
  std::string link = Own("fd/") + std::to_string(fd);
  EXPECT_EQ(Link(link), "/f");
  EXPECT_TRUE(NameSet(Own("fd").c_str()).count(std::to_string(fd)));
  // Opening it anew: another position.
  int again = Open(link.c_str(), kOpenReadOnly);
  EXPECT_EQ(ReadText(again), "text");
  EXPECT_EQ(ReadText(fd), "text");
  EXPECT_EQ(Slurp((Own("fdinfo/") + std::to_string(fd)).c_str())
                .rfind("pos:\t4\nflags:\t02100000\n", 0),
            0u);
  // Also when the name has gone.
  EXPECT_EQ(Call(SysUnlink, "/f"), 0);
  EXPECT_EQ(Link(link), "/f (deleted)");
  EXPECT_EQ(Slurp(link.c_str()), "text");
  Close(fd);
  EXPECT_EQ(Link(link), "error -2");
}

TEST_F(ProcTest, MagicLinks) {
  EXPECT_EQ(Call(SysMkdir, "/d", 0755), 0);
  MakeFile("/d/f", "inside");
  EXPECT_EQ(Call(SysChdir, "/d"), 0);
  EXPECT_EQ(Link("/proc/self/cwd"), "/d");
  EXPECT_EQ(Link("/proc/self/root"), "/");
  EXPECT_EQ(Slurp("/proc/self/cwd/f"), "inside");
  EXPECT_EQ(Slurp("/proc/self/root/d/f"), "inside");
  EXPECT_EQ(Link("/proc/self/exe"), "error -2");
  process()->executable = OpenPath(kAtFdCwd, "/d/f", kOpenReadOnly, 0).take();
  EXPECT_EQ(Link("/proc/self/exe"), "/d/f");
  EXPECT_EQ(Slurp("/proc/self/exe"), "inside");
  process()->executable.reset();
}

TEST_F(ProcTest, OthersAreNotForEverybody) {
  Process* other = NewChild();
  other->fs = process()->fs;
  std::string cwd = "/proc/" + std::to_string(other->pid) + "/cwd";
  CurrentThread()->credentials.fsuid = 1000;
  EXPECT_EQ(Link(cwd), "error -13");
  CurrentThread()->credentials.fsuid = 0;
  other->fs.reset();
}

TEST_F(ProcTest, Memory) {
  process()->memory = AddressSpace::Create().take();
  AddressSpace* memory = process()->memory.get();
  AddressSpace::MapRequest request;
  request.address = 0x10000;
  request.length = 0x3000;
  request.flags = kVmaRead | kVmaWrite | kVmaMayWrite;
  request.fixed = true;
  EXPECT_EQ(*memory->Map(request), 0x10000u);
  request.address = 0x7fff0000;
  request.name = "[stack]";
  EXPECT_EQ(*memory->Map(request), 0x7fff0000u);
  EXPECT_EQ(Slurp("/proc/self/maps"),
            "00010000-00013000 rw-p 00000000 00:00 0 \n"
            "7fff0000-7fff3000 rw-p 00000000 00:00 0" +
                std::string(34, ' ') + "[stack]\n");
  const char arguments[] = "prog\0one\0two";
  EXPECT_EQ(memory->WriteMemory(0x10000, arguments, sizeof(arguments)),
            static_cast<int64_t>(sizeof(arguments)));
  memory->arg_start = 0x10000;
  memory->arg_end = memory->env_start = 0x10000 + sizeof(arguments);
  memory->env_end = memory->env_start;
  EXPECT_EQ(Slurp("/proc/self/cmdline"),
            std::string(arguments, sizeof(arguments)));
  int fd = Open("/proc/self/mem", kOpenReadWrite);
  char buffer[8] = {};
  EXPECT_EQ(Call(SysPread64, fd, buffer, 3, 0x10005), 3);
  EXPECT_STREQ(buffer, "one");
  EXPECT_EQ(Call(SysPwrite64, fd, "ONE", 3, 0x10005), 3);
  EXPECT_EQ(Call(SysPread64, fd, buffer, 3, 0x20000), -EIO);
  EXPECT_EQ(Slurp("/proc/self/cmdline")[5], 'O');
  Close(fd);
  process()->memory.reset();
}

TEST_F(ProcTest, SystemFiles) {
  EXPECT_EQ(Slurp("/proc/mounts"),
            "test / tmpfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n"
            "udev /dev devtmpfs rw,relatime 0 0\n"
            "sysfs /sys sysfs rw,relatime 0 0\n");
  EXPECT_EQ(Slurp("/proc/sys/kernel/hostname"), "testhost\n");
  EXPECT_EQ(Slurp("/proc/sys/kernel/pid_max"), "4194304\n");
  EXPECT_EQ(Slurp("/proc/sys/kernel/random/uuid").size(), 37u);
  EXPECT_EQ(Slurp("/proc/sys/kernel/random/boot_id"),
            Slurp("/proc/sys/kernel/random/boot_id"));
  EXPECT_EQ(Slurp("/proc/meminfo").rfind("MemTotal:         262144 kB\n", 0),
            0u);
  EXPECT_EQ(Slurp("/proc/stat").rfind("cpu  ", 0), 0u);
  EXPECT_NE(Slurp("/proc/cpuinfo").find("flags\t\t: fpu"), std::string::npos);
  EXPECT_EQ(Slurp("/sys/devices/system/cpu/online"), "0\n");
  EXPECT_TRUE(NameSet("/sys/devices/system/cpu").count("cpu0"));
  EXPECT_EQ(Slurp("/sys/devices/system/cpu/cpu0/topology/core_id"), "0\n");
  EXPECT_EQ(Open("/sys/devices/system/cpu/cpu1", kOpenReadOnly), -ENOENT);
}

TEST_F(ProcTest, ReadingInPieces) {
  int fd = Open("/proc/self/limits", kOpenReadOnly);
  std::string whole = Slurp("/proc/self/limits"), pieces;
  for (std::string part; !(part = ReadText(fd, 7)).empty();) pieces += part;
  EXPECT_EQ(pieces, whole);
  EXPECT_EQ(Call(SysLseek, fd, 0, 0), 0);
  EXPECT_EQ(ReadText(fd, 5), "Limit");
}

TEST_F(ProcTest, MemoryDevices) {
  char buffer[8];
  int fd = Open("/dev/null", kOpenReadWrite);
  EXPECT_EQ(WriteText(fd, "gone"), 4);
  EXPECT_EQ(ReadText(fd), "");
  fd = Open("/dev/zero", kOpenReadWrite);
  EXPECT_EQ(ReadText(fd, 3), std::string(3, 0));
  fd = Open("/dev/full", kOpenReadWrite);
  EXPECT_EQ(WriteText(fd, "x"), -ENOSPC);
  fd = Open("/dev/urandom", kOpenReadOnly);
  EXPECT_EQ(Call(SysRead, fd, buffer, 8), 8);
  EXPECT_EQ(Stat("/dev/null").rdev, MakeDevice(1, 3));
  EXPECT_EQ(Link("/dev/stdin"), "/proc/self/fd/0");
  MakeFile("/dev/mine", "a program's own");
  EXPECT_EQ(Slurp("/dev/mine"), "a program's own");
}

}  // namespace
}  // namespace gk
