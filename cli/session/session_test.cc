// SPDX-License-Identifier: Apache-2.0
//
// Whole sessions around a fake guest. Each runs in a child process, whose
// standard files are the test's to choose.

#include "cli/session/session.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/base/errors.h"
#include "cli/control/control_client.h"
#include "cli/control/control_socket.h"
#include "cli/session/fake_guest.h"
#include "cli/session/local_console.h"
#include "gtest/gtest.h"
#include "snapshot/format/snapshot_reader.h"
#include "snapshot/store/snapshot_store.h"
#include "snapshot/store/vm_registry.h"
#include "snapshot/testing/temp_dir.h"

namespace crvm {
namespace {

constexpr int kTimeoutMs = 10'000;

int Exited(int code) { return code << 8; }

class SessionTest : public testing::Test {
 protected:
  // In the child: runs a session; never returns.
  [[noreturn]] void RunChild(std::array<bool, 3> tty,
                             const FakeGuest::Program& program,
                             const std::function<void(FakeGuest&)>& prepare) {
    alarm(20);
    HostSignals::Block();
    FakeGuest guest(tty, program);
    if (prepare) prepare(guest);
    int exit_code = 99;
    {
      auto claim = *(*VmRegistry::Open(dir_.File("run"))).Claim("vm");
      LocalConsole console(&guest);
      Session::Options options;
      options.store = dir_.File("store");
      options.metadata = SampleMetadata();
      options.metadata.name = "vm";
      Session session(&guest, &console, *ListenControl(claim->directory()),
                      options);
      const auto result = session.Run();
      exit_code = result.ok() ? *result : Fail(result.status());
    }
    _exit(exit_code);
  }

  // Starts a session on these three files.
  pid_t Start(int in, int out, int err, std::array<bool, 3> tty,
              const FakeGuest::Program& program,
              const std::function<void(FakeGuest&)>& prepare = nullptr) {
    const pid_t child = fork();
    if (child == 0) {
      dup2(in, 0);
      dup2(out, 1);
      dup2(err, 2);
      close_range(3, ~0u, 0);  // the test's own ends of the pipes
      RunChild(tty, program, prepare);
    }
    return child;
  }

  static int Wait(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Until the session's control socket answers.
  VmInfo Info() {
    for (;;) {
      const auto info = AskInfo(dir_.File("run/vm"), kTimeoutMs);
      if (info.ok()) return *info;
      usleep(2000);
    }
  }

  absl::StatusOr<SnapshotReply> Snapshot(const SnapshotRequest& request) {
    Info();
    CRVM_ASSIGN_OR_RETURN(const Frame frame,
                          AskVm(dir_.File("run/vm"), ControlMessage::kSnapshot,
                                Encode(request), kTimeoutMs));
    SnapshotReply reply;
    CRVM_RETURN_IF_ERROR(Decode(frame.payload, reply));
    return reply;
  }

  absl::Status Kill(uint32_t signal) {
    Info();
    return AskVm(dir_.File("run/vm"), ControlMessage::kKill,
                 Encode(KillRequest{signal}), kTimeoutMs)
        .status();
  }

  std::vector<StoredSnapshot> Stored() {
    return *(*SnapshotStore::Open(dir_.File("store"))).List();
  }

  int null_ = open("/dev/null", O_RDWR | O_CLOEXEC);
  TempDir dir_;
};

constexpr std::array<bool, 3> kStreams = {false, false, false};
constexpr std::array<bool, 3> kTty = {true, true, true};

// Copies its input to its output, upper-cased; the input's length is its
// exit code.
absl::StatusOr<int> Shout(FakeGuest& guest) {
  int length = 0;
  for (;;) {
    std::string text = guest.console_of(0).Read();
    if (text.empty()) break;
    length += static_cast<int>(text.size());
    for (char& c : text) c = static_cast<char>(toupper(c));
    guest.console_of(1).Write(text);
  }
  guest.console_of(2).Write("done");
  return Exited(length);
}

absl::StatusOr<int> UntilKilled(FakeGuest& guest) {
  while (!guest.killed()) usleep(1000);
  return absl::CancelledError("killed");
}

std::string ReadAll(int fd) {
  std::string out;
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
    out.append(buffer, static_cast<size_t>(n));
  }
  return out;
}

TEST_F(SessionTest, PipesAndTheExitCode) {
  int in[2], out[2], err[2];
  ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(err, O_CLOEXEC), 0);
  const pid_t child = Start(in[0], out[1], err[1], kStreams, Shout);
  close(out[1]);
  close(err[1]);
  const std::string text(100, 'x');  // more than the console takes at once
  ASSERT_EQ(write(in[1], text.data(), text.size()), 100);
  close(in[1]);
  EXPECT_EQ(ReadAll(out[0]), std::string(100, 'X'));
  EXPECT_EQ(ReadAll(err[0]), "done");
  EXPECT_EQ(Wait(child), 100);
}

TEST_F(SessionTest, AFileAsStdin) {
  WriteWholeFile(dir_.File("in"), std::string(200, 'y'));
  const int in = open(dir_.File("in").c_str(), O_RDONLY | O_CLOEXEC);
  int out[2];
  ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
  const pid_t child = Start(in, out[1], null_, kStreams, Shout);
  close(out[1]);
  EXPECT_EQ(ReadAll(out[0]), std::string(200, 'Y'));
  EXPECT_EQ(Wait(child), 200);
}

TEST_F(SessionTest, DevNull) {
  EXPECT_EQ(Wait(Start(null_, null_, null_, kStreams, Shout)), 0);
}

TEST_F(SessionTest, UnreadInputIsLeftForOthers) {
  int in[2];
  ASSERT_EQ(pipe2(in, O_CLOEXEC), 0);
  ASSERT_EQ(write(in[1], std::string(200, 'z').data(), 200), 200);
  const auto program = [](FakeGuest& guest) -> absl::StatusOr<int> {
    guest.console_of(0).Read(1);
    return Exited(0);
  };
  const pid_t child = Start(in[0], null_, null_, kStreams, program);
  EXPECT_EQ(Wait(child), 0);
  close(in[1]);
  EXPECT_GE(ReadAll(in[0]).size(), 100u);
}

TEST_F(SessionTest, DeathBySignal) {
  const auto program = [](FakeGuest&) -> absl::StatusOr<int> {
    return SIGSEGV;
  };
  EXPECT_EQ(Wait(Start(null_, null_, null_, kStreams, program)), 128 + SIGSEGV);
}

TEST_F(SessionTest, AGuestErrorIs125) {
  int err[2];
  ASSERT_EQ(pipe2(err, O_CLOEXEC), 0);
  const auto program = [](FakeGuest&) -> absl::StatusOr<int> {
    return absl::InternalError("the guest kernel stopped: bug");
  };
  const pid_t child = Start(null_, null_, err[1], kStreams, program);
  close(err[1]);
  EXPECT_EQ(ReadAll(err[0]), "crvm: the guest kernel stopped: bug\n");
  EXPECT_EQ(Wait(child), 125);
}

TEST_F(SessionTest, SignalsGoToTheGuest) {
  const auto program = [](FakeGuest& guest) -> absl::StatusOr<int> {
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += guest.NextSignal();
    return Exited(sum);
  };
  const pid_t child = Start(null_, null_, null_, kStreams, program);
  Info();
  kill(child, SIGINT);
  kill(child, SIGTERM);
  kill(child, SIGUSR1);
  EXPECT_EQ(Wait(child), SIGINT + SIGTERM + SIGUSR1);
}

TEST_F(SessionTest, Info) {
  const pid_t child = Start(null_, null_, null_, kStreams, UntilKilled);
  const VmInfo info = Info();
  EXPECT_EQ(info.name, "vm");
  EXPECT_EQ(info.pid, static_cast<uint32_t>(child));
  EXPECT_EQ(info.argv, SampleMetadata().argv);
  EXPECT_EQ(info.memory_size, kSampleMemory);
  EXPECT_EQ(info.state, "running");
  EXPECT_EQ(info.privilege, "fake");
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

TEST_F(SessionTest, KillWithASignalGoesToTheProgram) {
  const auto program = [](FakeGuest& guest) -> absl::StatusOr<int> {
    return Exited(guest.NextSignal());
  };
  const pid_t child = Start(null_, null_, null_, kStreams, program);
  ASSERT_TRUE(Kill(SIGTERM).ok());
  EXPECT_EQ(Wait(child), SIGTERM);
}

TEST_F(SessionTest, SnapshotWhileRunning) {
  const pid_t child = Start(null_, null_, null_, kStreams, UntilKilled);
  const auto first = Snapshot({});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->id, "vm@1");
  EXPECT_GT(first->stored_bytes, 0u);
  const auto second = Snapshot({.tag = "x", .stop = false});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->id, "vm@2");
  EXPECT_EQ(second->tag, "x");
  EXPECT_EQ(Info().state, "running");
  EXPECT_EQ(Stored().size(), 2u);
  EXPECT_TRUE(
      (*SnapshotReader::Open(Stored()[1].directory, {}))->Verify().ok());
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

TEST_F(SessionTest, AFailedSnapshotLeavesTheVmRunning) {
  const auto prepare = [](FakeGuest& guest) {
    guest.save_status = absl::ResourceExhaustedError("no space left");
  };
  const pid_t child =
      Start(null_, null_, null_, kStreams, UntilKilled, prepare);
  const auto result = Snapshot({});
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().message(), "no space left");
  EXPECT_EQ(ExitCodeOf(result.status()), 125);
  EXPECT_TRUE(Stored().empty());
  EXPECT_EQ(Info().state, "running");
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

TEST_F(SessionTest, SnapshotAndStop) {
  int err[2];
  ASSERT_EQ(pipe2(err, O_CLOEXEC), 0);
  const pid_t child = Start(null_, null_, err[1], kStreams, UntilKilled);
  close(err[1]);
  ASSERT_TRUE(Snapshot({.tag = "", .stop = true}).ok());
  EXPECT_EQ(Wait(child), 147);
  EXPECT_EQ(ReadAll(err[0]),
            "crvm: stopped after its snapshot was taken; `crvm resume vm@1` "
            "goes on\n");
  EXPECT_EQ(Stored().size(), 1u);
}

TEST_F(SessionTest, AFailedSnapshotWithStopDoesNotStop) {
  const auto prepare = [](FakeGuest& guest) {
    guest.save_status = absl::ResourceExhaustedError("no space left");
  };
  const pid_t child =
      Start(null_, null_, null_, kStreams, UntilKilled, prepare);
  EXPECT_FALSE(Snapshot({.tag = "", .stop = true}).ok());
  EXPECT_EQ(Info().state, "running");
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

TEST_F(SessionTest, OneSnapshotAtATime) {
  const auto prepare = [](FakeGuest& guest) {
    guest.during_save = [] { usleep(300'000); };
  };
  const pid_t child =
      Start(null_, null_, null_, kStreams, UntilKilled, prepare);
  Info();
  std::thread first([&] { EXPECT_TRUE(Snapshot({}).ok()); });
  while (Info().state != "saving") usleep(1000);
  const auto second = Snapshot({});
  EXPECT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("another snapshot"),
            std::string::npos);
  first.join();
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

TEST_F(SessionTest, KillDuringASaveWaitsForIt) {
  const auto prepare = [](FakeGuest& guest) {
    guest.during_save = [] { usleep(200'000); };
  };
  const pid_t child =
      Start(null_, null_, null_, kStreams, UntilKilled, prepare);
  std::thread save([&] { EXPECT_TRUE(Snapshot({}).ok()); });
  while (Info().state != "saving") usleep(1000);
  ASSERT_TRUE(Kill(0).ok());
  save.join();
  EXPECT_EQ(Wait(child), 137);
  EXPECT_EQ(Stored().size(), 1u);
}

TEST_F(SessionTest, SigkillDuringASaveLosesNothing) {
  {
    const pid_t child = Start(null_, null_, null_, kStreams, UntilKilled);
    ASSERT_TRUE(Snapshot({}).ok());
    ASSERT_TRUE(Kill(0).ok());
    Wait(child);
  }
  const std::string half_way = dir_.File("half_way");
  const auto prepare = [&](FakeGuest& guest) {
    guest.during_save = [&] {
      close(creat(half_way.c_str(), 0600));
      sleep(10);
    };
  };
  const pid_t child =
      Start(null_, null_, null_, kStreams, UntilKilled, prepare);
  std::thread save([&] { EXPECT_FALSE(Snapshot({}).ok()); });
  while (access(half_way.c_str(), F_OK) != 0) usleep(1000);
  kill(child, SIGKILL);
  save.join();
  EXPECT_EQ(Wait(child), -SIGKILL);
  ASSERT_EQ(Stored().size(), 1u);
  EXPECT_TRUE(
      (*SnapshotReader::Open(Stored()[0].directory, {}))->Verify().ok());
  EXPECT_EQ(*(*SnapshotStore::Open(dir_.File("store"))).CollectGarbage(), 1);
  EXPECT_TRUE((*VmRegistry::Open(dir_.File("run"))).List()->empty());
}

TEST_F(SessionTest, GarbageOnTheControlSocketHarmsNobody) {
  const pid_t child = Start(null_, null_, null_, kStreams, UntilKilled);
  Info();
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.0\r\n\r\n"), std::string(100, '\xff'),
        EncodeFrame(99, "?"), EncodeFrame(2, "bad"), std::string("x")}) {
    UniqueFd fd = *ConnectControl(dir_.File("run/vm"));
    (void)!write(fd.get(), garbage.data(), garbage.size());
  }
  EXPECT_EQ(Info().state, "running");
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
}

// ---- Terminals. ----

class TerminalSessionTest : public SessionTest {
 protected:
  // A session whose controlling terminal is a new pty.
  pid_t StartOnPty(const FakeGuest::Program& program) {
    struct winsize size = {};
    size.ws_col = 100;
    size.ws_row = 30;
    const pid_t child = forkpty(&master_, nullptr, nullptr, &size);
    if (child == 0) RunChild(kTty, program, nullptr);
    return child;
  }
  bool IsRaw() {
    termios attributes;
    EXPECT_EQ(tcgetattr(master_, &attributes), 0);
    return (attributes.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  void WaitUntilRaw(bool raw) {
    for (int i = 0; i < 5000 && IsRaw() != raw; ++i) usleep(1000);
    EXPECT_EQ(IsRaw(), raw);
  }
  std::string ReadSome(size_t n) {
    std::string out;
    char byte;
    while (out.size() < n && read(master_, &byte, 1) == 1) out.push_back(byte);
    return out;
  }
  void Type(const std::string& keys) {
    ASSERT_EQ(write(master_, keys.data(), keys.size()),
              static_cast<ssize_t>(keys.size()));
  }
  int master_ = -1;
};

// Echoes keys as hex until 'q'.
absl::StatusOr<int> ShowKeys(FakeGuest& guest) {
  FakeConsole& console = guest.console_of(0);
  for (;;) {
    const std::string key = console.Read(1);
    if (key.empty()) return Exited(1);
    if (key == "q") return Exited(0);
    if (key == "w") {
      console.Write(
          absl::StrCat(console.size().first, "x", console.size().second, "."));
      continue;
    }
    if (key == "s") {
      guest.ReportStopped(SIGTSTP);
      console.Write(guest.NextSignal() == SIGCONT ? "go." : "??.");
      continue;
    }
    console.Write(absl::StrCat(absl::Hex(key[0], absl::kZeroPad2)));
  }
}

TEST_F(TerminalSessionTest, EveryKeyGoesToTheGuestAndTheTerminalIsRestored) {
  const pid_t child = StartOnPty(ShowKeys);
  WaitUntilRaw(true);
  Type("a\x03\x04\x1a\x1c\r");
  EXPECT_EQ(ReadSome(12), "6103041a1c0d");
  Type("q");
  EXPECT_EQ(Wait(child), 0);
  EXPECT_FALSE(IsRaw());
}

TEST_F(TerminalSessionTest, WindowSize) {
  const pid_t child = StartOnPty(ShowKeys);
  WaitUntilRaw(true);
  Type("w");
  EXPECT_EQ(ReadSome(7), "100x30.");
  struct winsize size = {};
  size.ws_col = 132;
  size.ws_row = 50;
  ASSERT_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
  std::string got;
  for (int i = 0; i < 1000 && got != "132x50."; ++i) {
    Type("w");
    got = ReadSome(7);
    usleep(1000);
  }
  EXPECT_EQ(got, "132x50.");
  Type("q");
  EXPECT_EQ(Wait(child), 0);
}

TEST_F(TerminalSessionTest, RestoredAfterKill) {
  const pid_t child = StartOnPty(UntilKilled);
  WaitUntilRaw(true);
  ASSERT_TRUE(Kill(0).ok());
  EXPECT_EQ(Wait(child), 137);
  EXPECT_FALSE(IsRaw());
}

TEST_F(TerminalSessionTest, RestoredAfterACrash) {
  const auto crash = [](FakeGuest& guest) -> absl::StatusOr<int> {
    guest.console_of(0).Read(1);
    signal(SIGALRM, SIG_DFL);
    raise(SIGSEGV);
    return 0;
  };
  const pid_t child = StartOnPty(crash);
  WaitUntilRaw(true);
  Type("x");
  Wait(child);
  EXPECT_FALSE(IsRaw());
}

TEST_F(TerminalSessionTest, HangUpEndsTheInput) {
  const pid_t child = StartOnPty(ShowKeys);
  WaitUntilRaw(true);
  close(master_);
  EXPECT_EQ(Wait(child), 1);
}

// With a shell-like parent: the session's process group is in the foreground
// of a terminal whose session leader is somebody else, as job control needs.
class JobControlTest : public TerminalSessionTest {
 protected:
  // Runs `body` in a session leader on a new pty; returns its exit code.
  int UnderAShell(const std::function<int()>& body) {
    struct winsize size = {};
    size.ws_col = 80;
    size.ws_row = 24;
    const pid_t shell = forkpty(&master_, nullptr, nullptr, &size);
    if (shell == 0) {
      alarm(20);
      signal(SIGTTOU, SIG_IGN);
      _exit(body());
    }
    return Wait(shell);
  }
  // Starts the session as a foreground job.
  pid_t StartJob(const FakeGuest::Program& program) {
    const pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      tcsetpgrp(0, getpid());
      signal(SIGTTOU, SIG_DFL);
      RunChild(kTty, program, nullptr);
    }
    setpgid(child, child);
    tcsetpgrp(0, child);
    return child;
  }
  static bool StdinIsRaw() {
    termios attributes;
    return tcgetattr(0, &attributes) == 0 && (attributes.c_lflag & ICANON) == 0;
  }
  static void AwaitRaw() {
    while (!StdinIsRaw()) usleep(1000);
  }
};

TEST_F(JobControlTest, SigtstpStopsAndSigcontGoesOn) {
  EXPECT_EQ(UnderAShell([&]() -> int {
              const pid_t job = StartJob(UntilKilled);
              AwaitRaw();
              kill(job, SIGTSTP);
              int status;
              if (waitpid(job, &status, WUNTRACED) != job) return 1;
              if (!WIFSTOPPED(status)) return 2;
              if (StdinIsRaw()) return 3;
              kill(job, SIGCONT);
              AwaitRaw();
              if (!Kill(0).ok()) return 4;
              waitpid(job, &status, 0);
              return StdinIsRaw() ? 5 : WEXITSTATUS(status);
            }),
            137);
}

TEST_F(JobControlTest, WhenTheProgramStopsCrvmStops) {
  EXPECT_EQ(UnderAShell([&]() -> int {
              const auto program = [](FakeGuest& guest) -> absl::StatusOr<int> {
                guest.ReportStopped(SIGTSTP);
                return Exited(guest.NextSignal());
              };
              const pid_t job = StartJob(program);
              int status;
              if (waitpid(job, &status, WUNTRACED) != job) return 1;
              if (!WIFSTOPPED(status)) return 2;
              if (StdinIsRaw()) return 3;
              kill(job, SIGCONT);
              waitpid(job, &status, 0);
              return WEXITSTATUS(status);
            }),
            SIGCONT);
}

TEST_F(JobControlTest, ABackgroundJobLeavesTheTerminalAlone) {
  EXPECT_EQ(UnderAShell([&]() -> int {
              const pid_t shell_group = getpgrp();
              int ready[2];
              if (pipe(ready) != 0) return 1;
              const pid_t job = fork();
              if (job == 0) {
                setpgid(0, 0);
                signal(SIGTTOU, SIG_DFL);
                RunChild(kTty, UntilKilled, nullptr);
              }
              setpgid(job, job);
              Info();
              usleep(50'000);
              if (StdinIsRaw()) return 2;
              // `fg`.
              tcsetpgrp(0, job);
              kill(job, SIGCONT);
              AwaitRaw();
              if (!Kill(0).ok()) return 3;
              int status;
              waitpid(job, &status, 0);
              tcsetpgrp(0, shell_group);
              return StdinIsRaw() ? 4 : WEXITSTATUS(status);
            }),
            137);
}

}  // namespace
}  // namespace crvm
