// SPDX-License-Identifier: Apache-2.0
//
// The kernel's file client against the VMM's real server, over a temporary
// directory: contents, caching and what it costs in exits.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "guestkernel/arch/hosted.h"
#include "guestkernel/fs/fuse/fuse_file.h"
#include "guestkernel/fs/fuse/testing/server_transport.h"
#include "guestkernel/mm/testing/fake_memory.h"
#include "guestkernel/sched/testing/kernel_test.h"

namespace gk {
namespace {

class FuseClientTest : public KernelTest {
 protected:
  FuseClientTest() {
    g_last_external_input_ns = 0;
    const char* base = getenv("TEST_TMPDIR");
    dir_ = std::string(base ? base : "/tmp") + "/clientXXXXXX";
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    transport_ = std::make_unique<ServerTransport>(dir_);
    fs_ = FuseFs::Create(transport_.get()).take();
    root_ = fs_->Root();
    transport_->TakeExits();
  }
  ~FuseClientTest() override {
    root_.reset();
    delete fs_;
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  std::string Host(const std::string& path) { return dir_ + "/" + path; }
  void WriteHost(const std::string& path, const std::string& text) {
    std::ofstream(Host(path), std::ios::binary) << text;
  }
  std::string ReadHost(const std::string& path) {
    std::ifstream in(Host(path), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  RefPtr<Inode> Lookup(const std::string& name) {
    auto inode = root_->Lookup(StringView(name.data(), name.size()));
    return inode.ok() ? inode.take() : nullptr;
  }
  RefPtr<File> Open(const std::string& name, uint32_t flags = kOpenReadOnly) {
    RefPtr<Inode> inode = Lookup(name);
    if (!inode) return nullptr;
    auto file = inode->Open(flags);
    return file.ok() ? file.take() : nullptr;
  }
  RefPtr<File> Create(const std::string& name, uint32_t flags) {
    RefPtr<Inode> inode;
    auto file = root_->CreateAndOpen(StringView(name.data(), name.size()), 0644,
                                     flags, &inode);
    return file.ok() ? file.take() : nullptr;
  }
  static std::string ReadAt(const RefPtr<File>& file, uint64_t offset,
                            size_t size) {
    std::string out(size, '?');
    UserIo io = UserIo::Kernel(out.data(), size);
    int64_t n = file->ReadAt(io, offset);
    if (n < 0) return "error " + std::to_string(-n);
    out.resize(n);
    return out;
  }
  static std::string Read(const RefPtr<File>& file, size_t size) {
    std::string out(size, '?');
    UserIo io = UserIo::Kernel(out.data(), size);
    int64_t n = file->Read(io);
    if (n < 0) return "error " + std::to_string(-n);
    out.resize(n);
    return out;
  }
  static int64_t Write(const RefPtr<File>& file, std::string text) {
    UserIo io = UserIo::Kernel(text.data(), text.size());
    return file->Write(io);
  }
  static std::string Pattern(size_t size, int seed = 1) {
    std::string text(size, 0);
    for (size_t i = 0; i < size; ++i) {
      text[i] = static_cast<char>((i * 131 + i / 4096 * 7 + seed) & 0xff);
    }
    return text;
  }
  // Lets everything that is believed for a time be asked again.
  static void Later() { hosted::AdvanceClock(10'000'000'000); }

  FakeMemory memory_;
  std::string dir_;
  std::unique_ptr<ServerTransport> transport_;
  FuseFs* fs_;
  RefPtr<Inode> root_;
};

TEST_F(FuseClientTest, SmallFileCostsTwoExits) {
  WriteHost("f", "hello");
  RefPtr<File> file = Open("f");
  ASSERT_TRUE(file);
  EXPECT_EQ(Read(file, 100), "hello");
  EXPECT_EQ(Read(file, 100), "");
  FileAttributes attributes;
  EXPECT_EQ(file->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.size, 5u);
  EXPECT_EQ(attributes.mode & kModeTypeMask, kModeRegular);
  struct stat st;
  ASSERT_EQ(stat(Host("f").c_str(), &st), 0);
  EXPECT_EQ(attributes.inode, st.st_ino);
  EXPECT_EQ(attributes.device, st.st_dev);
  file.reset();
  EXPECT_EQ(transport_->TakeExits(), 2);  // look-up; open with contents
}

TEST_F(FuseClientTest, ExpectedOpenCostsOneExit) {
  std::filesystem::create_directories(Host("a/b"));
  WriteHost("a/b/f", "hello");
  WriteHost("g", Pattern(200'000));
  fs_->ExpectOpen(kOpenReadOnly);
  RefPtr<Inode> inodes[16];
  ASSERT_EQ(root_->LookupPath("a/b/f", inodes, 16), 3);
  RefPtr<File> file = inodes[2]->Open(kOpenReadOnly).take();
  EXPECT_EQ(Read(file, 100), "hello");
  EXPECT_EQ(transport_->TakeExits(), 1);
  fs_->ExpectOpen(kOpenReadWrite);
  RefPtr<Inode> inode = Lookup("g");
  file = inode->Open(kOpenReadWrite).take();
  EXPECT_TRUE(Read(file, 65'536) == Pattern(200'000).substr(0, 65'536));
  EXPECT_EQ(Write(file, "x"), 1);
  transport_->TakeExits();
  // With other flags, not at all, or a directory, or nothing there.
  fs_->ExpectOpen(kOpenReadOnly);
  inode = Lookup("g");
  file = inode->Open(kOpenWriteOnly).take();
  EXPECT_EQ(Write(file, "y"), 1);
  EXPECT_EQ(ReadAt(file, 0, 1), "y");
  fs_->ExpectOpen(kOpenReadOnly);
  EXPECT_TRUE(Lookup("a")->is_directory());
  fs_->ExpectOpen(kOpenReadOnly);
  EXPECT_EQ(root_->Lookup("none").error(), -ENOENT);
  fs_->ExpectOpen(kOpenReadOnly);
  inode = Lookup("g");
  Later();
  usleep(10'000);
  WriteHost("g", "new");
  EXPECT_EQ(Read(inode->Open(kOpenReadOnly).take(), 10), "new");
  fs_->Pause();
}

TEST_F(FuseClientTest, LargeFileReadsCorrectly) {
  std::string text = Pattern(3'000'001);
  WriteHost("f", text);
  RefPtr<File> file = Open("f");
  std::string got;
  for (;;) {
    std::string part = Read(file, 50'000);
    if (part.empty()) break;
    got += part;
  }
  EXPECT_TRUE(got == text);
  EXPECT_LT(transport_->TakeExits(), 30);
  EXPECT_EQ(ReadAt(file, 2'999'999, 10), text.substr(2'999'999));
  EXPECT_EQ(ReadAt(file, 1'234'567, 8000), text.substr(1'234'567, 8000));
}

TEST_F(FuseClientTest, WritesGoThroughAndStayCached) {
  RefPtr<File> file = Create("f", kOpenReadWrite);
  ASSERT_TRUE(file);
  EXPECT_EQ(Write(file, "one"), 3);
  EXPECT_EQ(ReadHost("f"), "one");
  EXPECT_EQ(ReadAt(file, 0, 10), "one");
  EXPECT_EQ(Write(file, "two"), 3);
  EXPECT_EQ(ReadHost("f"), "onetwo");
  transport_->TakeExits();
  EXPECT_EQ(ReadAt(file, 0, 6), "onetwo");
  EXPECT_EQ(transport_->TakeExits(), 0);
  std::string big = Pattern(700'000);
  EXPECT_EQ(Write(file, big), 700'000);
  EXPECT_TRUE(ReadHost("f") == "onetwo" + big);
  EXPECT_TRUE(ReadAt(file, 6, 700'000) == big);
  EXPECT_EQ(ReadAt(file, 700'006, 1), "");
}

TEST_F(FuseClientTest, OwnWritesDoNotDropTheCache) {
  WriteHost("f", Pattern(100'000));
  RefPtr<Inode> inode = Lookup("f");  // as the dentry cache holds it
  RefPtr<File> file = Open("f", kOpenReadWrite);
  ReadAt(file, 0, 100'000);
  EXPECT_EQ(Write(file, "x"), 1);
  EXPECT_EQ(Write(file, "y"), 1);
  file.reset();
  Later();
  transport_->TakeExits();
  file = Open("f");
  std::string text = ReadAt(file, 0, 100'000);
  EXPECT_TRUE(text == "xy" + Pattern(100'000).substr(2));
  EXPECT_EQ(transport_->TakeExits(), 2);
}

TEST_F(FuseClientTest, OthersChangesAreSeenAtOpen) {
  WriteHost("f", "old contents");
  RefPtr<File> file = Open("f");
  EXPECT_EQ(Read(file, 100), "old contents");
  usleep(10'000);
  WriteHost("f", "new");
  // Same name, same inode, within the time that attributes are believed.
  RefPtr<File> again = Lookup("f")->Open(kOpenReadOnly).take();
  EXPECT_EQ(Read(again, 100), "new");
  EXPECT_EQ(ReadAt(file, 0, 100), "new");
}

TEST_F(FuseClientTest, OthersWritesBetweenOwnAreSeen) {
  WriteHost("f", Pattern(10'000));
  RefPtr<File> file = Open("f", kOpenReadWrite);
  ReadAt(file, 0, 10'000);
  usleep(10'000);
  int fd = open(Host("f").c_str(), O_WRONLY);
  ASSERT_EQ(pwrite(fd, "host", 4, 5000), 4);
  close(fd);
  EXPECT_EQ(Write(file, "own"), 3);
  EXPECT_EQ(ReadAt(file, 5000, 4), "host");
  EXPECT_EQ(ReadAt(file, 0, 3), "own");
}

TEST_F(FuseClientTest, InputFromOutsideEndsBelief) {
  WriteHost("f", "one");
  RefPtr<Inode> inode = Lookup("f");
  FileAttributes attributes;
  hosted::AdvanceClock(1000);
  transport_->TakeExits();
  EXPECT_EQ(inode->GetAttributes(&attributes), 0);
  EXPECT_EQ(transport_->TakeExits(), 0);
  WriteHost("f", "longer");
  // "Look at f now", says somebody on the program's stdin.
  NoteExternalInput();
  hosted::AdvanceClock(1000);
  EXPECT_EQ(inode->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.size, 6u);
  EXPECT_EQ(transport_->TakeExits(), 1);
  EXPECT_EQ(inode->GetAttributes(&attributes), 0);
  EXPECT_EQ(transport_->TakeExits(), 0);
}

TEST_F(FuseClientTest, OneChangeCastsDoubtOnAll) {
  WriteHost("flag", "0");
  WriteHost("data", "old");
  RefPtr<Inode> flag = Lookup("flag");
  RefPtr<Inode> data = Lookup("data");
  WriteHost("data", "newer");
  WriteHost("flag", "10");
  hosted::AdvanceClock(1000);
  RefPtr<File> file = flag->Open(kOpenReadOnly).take();
  EXPECT_EQ(Read(file, 10), "10");
  FileAttributes attributes;
  EXPECT_EQ(data->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.size, 5u);
}

TEST_F(FuseClientTest, GrowthIsSeenAtTheEndOfFile) {
  WriteHost("log", "line 1\n");
  RefPtr<File> file = Open("log");
  EXPECT_EQ(Read(file, 100), "line 1\n");
  EXPECT_EQ(Read(file, 100), "");
  std::ofstream(Host("log"), std::ios::app) << "line 2\n";
  hosted::AdvanceClock(20'000'000);
  EXPECT_EQ(Read(file, 100), "line 2\n");
}

TEST_F(FuseClientTest, Append) {
  WriteHost("f", "base");
  RefPtr<File> a = Open("f", kOpenWriteOnly | kOpenAppend);
  RefPtr<File> b = Open("f", kOpenReadWrite | kOpenAppend);
  EXPECT_EQ(Write(a, "+a"), 2);
  EXPECT_EQ(a->position(), 6u);
  EXPECT_EQ(Write(b, "+b"), 2);
  EXPECT_EQ(b->position(), 8u);
  EXPECT_EQ(ReadAt(b, 0, 100), "base+a+b");
  // O_APPEND that comes and goes by fcntl(2).
  b->set_flags(b->flags() & ~kOpenAppend);
  b->set_position(0);
  EXPECT_EQ(Write(b, "B"), 1);
  RefPtr<File> c = Open("f", kOpenReadWrite);
  c->set_flags(c->flags() | kOpenAppend);
  EXPECT_EQ(Write(c, "+c"), 2);
  EXPECT_EQ(ReadHost("f"), "Base+a+b+c");
  EXPECT_EQ(ReadAt(c, 0, 100), "Base+a+b+c");
}

TEST_F(FuseClientTest, Truncation) {
  WriteHost("f", Pattern(9000));
  RefPtr<File> file = Open("f", kOpenReadWrite);
  ReadAt(file, 0, 9000);
  AttributeChange change;
  change.set_size = true;
  change.size = 5000;
  EXPECT_EQ(file->SetAttributes(change), 0);
  EXPECT_TRUE(ReadAt(file, 0, 9000) == Pattern(9000).substr(0, 5000));
  change.size = 6000;
  EXPECT_EQ(file->SetAttributes(change), 0);
  EXPECT_TRUE(ReadAt(file, 5000, 9000) == std::string(1000, '\0'));
  RefPtr<File> empty = Open("f", kOpenWriteOnly | kOpenTruncate);
  EXPECT_EQ(ReadHost("f"), "");
  EXPECT_EQ(ReadAt(file, 0, 10), "");
  EXPECT_EQ(Write(empty, "z"), 1);
  EXPECT_EQ(ReadAt(file, 0, 10), "z");
}

TEST_F(FuseClientTest, MappedPagesAreWrittenBack) {
  WriteHost("f", Pattern(20'000));
  RefPtr<File> file = Open("f", kOpenReadWrite | kOpenAppend);
  auto memory = file->GetMemoryObject().take();
  for (uint64_t page : {0, 2, 4}) {
    FrameNumber frame = memory->GetPage(page, true).take();
    memset(FrameData(frame), 'm', 4096);
    ReleaseFrame(frame);
    memory->MarkDirty(page);
  }
  EXPECT_EQ(memory->GetPage(5, false).error(), -ERANGE);
  EXPECT_EQ(ReadAt(file, 8192, 3), "mmm");
  EXPECT_EQ(file->Sync(false), 0);
  std::string expected = Pattern(20'000);
  expected.replace(0, 4096, 4096, 'm');
  expected.replace(8192, 4096, 4096, 'm');
  expected.replace(16384, 3616, 3616, 'm');
  EXPECT_TRUE(ReadHost("f") == expected);
  // A snapshot writes them, too.
  FrameNumber frame = memory->GetPage(1, true).take();
  memset(FrameData(frame), 'p', 4096);
  ReleaseFrame(frame);
  memory->MarkDirty(1);
  fs_->Pause();
  expected.replace(4096, 4096, 4096, 'p');
  EXPECT_TRUE(ReadHost("f") == expected);
}

TEST_F(FuseClientTest, NamesAndTypes) {
  auto dir = root_->MakeDirectory("d", 0755);
  ASSERT_TRUE(dir.ok());
  EXPECT_TRUE((*dir)->is_directory());
  EXPECT_EQ(root_->MakeDirectory("d", 0755).error(), -EEXIST);
  ASSERT_TRUE((*dir)->Create("p", kModeFifo | 0600, 0).ok());
  ASSERT_TRUE((*dir)->Create("s", kModeSocket | 0600, 0).ok());
  EXPECT_EQ((*dir)->Create("c", kModeChar | 0600, 0x103).error(), -EPERM);
  auto link = root_->MakeSymlink("l", "d/../target");
  ASSERT_TRUE(link.ok());
  EXPECT_EQ((*link)->ReadLink()->view(), "d/../target");
  EXPECT_EQ(root_->Lookup("none").error(), -ENOENT);

  WriteHost("f", "x");
  RefPtr<Inode> f = Lookup("f");
  EXPECT_EQ(root_->Link("g", f.get()), 0);
  EXPECT_EQ(Lookup("g"), f);
  FileAttributes attributes;
  Later();
  EXPECT_EQ(f->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.link_count, 2u);
  EXPECT_EQ(root_->Unlink("g", f.get()), 0);
  EXPECT_EQ(f->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.link_count, 1u);
  EXPECT_EQ(root_->Rename("f", dir->get(), "h", 0), 0);
  EXPECT_EQ((*dir)->Lookup("h").take(), f);
  EXPECT_EQ(root_->RemoveDirectory("d", dir->get()), -ENOTEMPTY);
}

TEST_F(FuseClientTest, UnlinkedFileGoesOn) {
  RefPtr<File> file = Create("f", kOpenReadWrite);
  Write(file, "data");
  RefPtr<Inode> inode = Lookup("f");
  EXPECT_EQ(root_->Unlink("f", inode.get()), 0);
  Later();
  FileAttributes attributes;
  EXPECT_EQ(file->GetAttributes(&attributes), 0);
  EXPECT_EQ(inode->GetAttributes(&attributes), 0);
  EXPECT_EQ(attributes.link_count, 0u);
  EXPECT_EQ(Write(file, "more"), 4);
  EXPECT_EQ(ReadAt(file, 0, 100), "datamore");
}

TEST_F(FuseClientTest, UnnamedFile) {
  auto inode = root_->CreateUnnamed(0600);
  if (inode.error() == -EOPNOTSUPP) GTEST_SKIP() << "no O_TMPFILE here";
  ASSERT_TRUE(inode.ok());
  RefPtr<File> file = (*inode)->Open(kOpenReadWrite).take();
  EXPECT_EQ(Write(file, "tmp"), 3);
  EXPECT_EQ(ReadAt(file, 0, 10), "tmp");
  EXPECT_EQ(root_->Link("named", inode->get()), 0);
  EXPECT_EQ(ReadHost("named"), "tmp");
}

TEST_F(FuseClientTest, LookupPathIsOneExit) {
  std::filesystem::create_directories(Host("a/b"));
  WriteHost("a/b/f", "x");
  ASSERT_EQ(symlink("a", Host("l").c_str()), 0);
  RefPtr<Inode> inodes[16];
  EXPECT_EQ(root_->LookupPath("a/b/f", inodes, 16), 3);
  EXPECT_TRUE(inodes[1]->is_directory());
  EXPECT_EQ(inodes[2]->type(), kModeRegular);
  EXPECT_EQ(transport_->TakeExits(), 1);
  RefPtr<Inode> some[16];
  EXPECT_EQ(root_->LookupPath("a/none/f", some, 16), 2);
  EXPECT_FALSE(some[1]);
  EXPECT_EQ(root_->LookupPath("a/b/f/g", some, 2), 2);
  EXPECT_EQ(root_->LookupPath("l/b/f", some, 16), 1);
  transport_->TakeExits();
  EXPECT_EQ(some[0]->ReadLink()->view(), "a");
  EXPECT_EQ(transport_->TakeExits(), 0);
  EXPECT_EQ(root_->LookupPath("none", some, 16), 1);
  EXPECT_FALSE(some[0]);
}

class CollectingSink final : public DirSink {
 public:
  explicit CollectingSink(size_t at_most) : at_most_(at_most) {}
  bool Add(StringView name, uint64_t, uint8_t type, uint64_t) override {
    if (taken_ == at_most_) return false;
    ++taken_;
    entries[std::string(name.data(), name.size())] = type;
    return true;
  }
  void Again() { taken_ = 0; }
  std::map<std::string, int> entries;

 private:
  size_t at_most_, taken_ = 0;
};

TEST_F(FuseClientTest, Directories) {
  for (int i = 0; i < 700; ++i) WriteHost("file" + std::to_string(i), "");
  mkdir(Host("d").c_str(), 0755);
  auto file = root_->Open(kOpenReadOnly | kOpenDirectory).take();
  CollectingSink sink(7);
  for (size_t before = ~size_t{0}; before != sink.entries.size();) {
    before = sink.entries.size();
    sink.Again();
    ASSERT_EQ(file->ReadDirectory(sink), 0);
  }
  EXPECT_EQ(sink.entries.size(), 703u);
  EXPECT_EQ(sink.entries["d"], 4);
  EXPECT_LT(transport_->TakeExits(), 10);
  EXPECT_EQ(file->Seek(0, 0), 0);
  CollectingSink all(10'000);
  EXPECT_EQ(file->ReadDirectory(all), 0);
  EXPECT_EQ(all.entries.size(), 703u);
  EXPECT_EQ(ReadAt(file, 0, 10), "error 21");
}

TEST_F(FuseClientTest, GoingThroughADirectoryFetchesAhead) {
  for (int i = 0; i < 700; ++i) WriteHost("f" + std::to_string(i), "x");
  std::vector<RefPtr<Inode>> inodes;
  for (int i = 0; i < 700; ++i) {
    inodes.push_back(Lookup("f" + std::to_string(i)));
    ASSERT_TRUE(inodes.back()) << i;
    FileAttributes attributes;
    ASSERT_EQ(inodes.back()->GetAttributes(&attributes), 0);
    EXPECT_EQ(attributes.size, 1u);
  }
  EXPECT_LT(transport_->TakeExits(), 60);
  // What is removed or made meanwhile is known at once.
  inodes.clear();
  Later();
  for (int i = 0; i < 100; ++i) Lookup("f" + std::to_string(i));
  RefPtr<Inode> victim = Lookup("f500");
  ASSERT_TRUE(victim);
  EXPECT_EQ(root_->Unlink("f500", victim.get()), 0);
  EXPECT_FALSE(Lookup("f500"));
  EXPECT_EQ(root_->Rename("f501", root_.get(), "g", 0), 0);
  EXPECT_FALSE(Lookup("f501"));
  EXPECT_TRUE(Lookup("g"));
  EXPECT_FALSE(Lookup("new"));
  EXPECT_TRUE(Create("new", kOpenReadWrite));
  EXPECT_TRUE(Lookup("new"));
  // What others do, soon.
  WriteHost("others", "");
  unlink(Host("f600").c_str());
  hosted::AdvanceClock(600'000'000);
  EXPECT_TRUE(Lookup("others"));
  EXPECT_FALSE(Lookup("f600"));
}

TEST_F(FuseClientTest, WalkingATreeIsOneExitForADirectory) {
  for (int i = 0; i < 50; ++i) {
    std::string dir = "d" + std::to_string(i);
    mkdir(Host(dir).c_str(), 0755);
    for (int j = 0; j < 5; ++j) WriteHost(dir + "/f" + std::to_string(j), "12");
    ASSERT_EQ(symlink("to/here", Host(dir + "/l").c_str()), 0);
  }
  auto walk = [&](auto& self, const RefPtr<Inode>& at) -> uint64_t {
    auto file = at->Open(kOpenReadOnly | kOpenDirectory).take();
    CollectingSink sink(10'000);
    EXPECT_EQ(file->ReadDirectory(sink), 0);
    uint64_t size = 0;
    for (const auto& [name, type] : sink.entries) {
      if (name[0] == '.') continue;
      RefPtr<Inode> inode =
          at->Lookup(StringView(name.data(), name.size())).take();
      FileAttributes attributes;
      EXPECT_EQ(inode->GetAttributes(&attributes), 0);
      if (inode->is_directory()) {
        size += self(self, inode);
      } else {
        size += attributes.size;
      }
      if (inode->is_symlink()) {
        EXPECT_EQ(inode->ReadLink()->view(), "to/here");
      }
    }
    return size;
  };
  EXPECT_EQ(walk(walk, root_), 50u * (5 * 2 + 7));
  EXPECT_LT(transport_->TakeExits(), 100);
}

TEST_F(FuseClientTest, InodesAreForgotten) {
  for (int i = 0; i < 300; ++i) {
    std::string name = "f" + std::to_string(i);
    WriteHost(name, "x");
    hosted::AdvanceClock(60'000'000);
    RefPtr<File> file = Open(name);
    EXPECT_EQ(Read(file, 2), "x");
  }
  // Releases and forgets ride along with other requests.
  EXPECT_LT(transport_->TakeExits(), 700);
  RefPtr<Inode> a = Lookup("f1");
  EXPECT_EQ(Lookup("f1"), a);
}

TEST_F(FuseClientTest, ReplacedFileIsStale) {
  WriteHost("f", "old");
  RefPtr<Inode> inode = Lookup("f");
  WriteHost("g", "new");
  ASSERT_EQ(rename(Host("g").c_str(), Host("f").c_str()), 0);
  EXPECT_EQ(inode->Open(kOpenReadOnly).error(), -ESTALE);
  EXPECT_EQ(Read(Open("f"), 10), "new");
}

TEST_F(FuseClientTest, Xattrs) {
  WriteHost("f", "x");
  RefPtr<Inode> inode = Lookup("f");
  int error = inode->SetXattr("user.k", "value", 5, 0);
  if (error == -EOPNOTSUPP) GTEST_SKIP() << "no user xattrs here";
  ASSERT_EQ(error, 0);
  char value[16];
  EXPECT_EQ(inode->GetXattr("user.k", value, sizeof(value)), 5);
  EXPECT_EQ(inode->GetXattr("user.k", nullptr, 0), 5);
  EXPECT_EQ(inode->GetXattr("user.k", value, 2), -ERANGE);
  EXPECT_GT(inode->ListXattr(value, sizeof(value)), 0);
  EXPECT_EQ(inode->RemoveXattr("user.k"), 0);
  EXPECT_EQ(inode->GetXattr("user.k", value, sizeof(value)), -ENODATA);
  EXPECT_EQ(inode->GetXattr("system.posix_acl_access", value, 9), -ENODATA);
  transport_->TakeExits();
  EXPECT_EQ(inode->GetXattr("system.posix_acl_access", value, 9), -ENODATA);
  EXPECT_EQ(transport_->TakeExits(), 0);
}

TEST_F(FuseClientTest, ResumeRevalidates) {
  WriteHost("f", "before");
  RefPtr<File> file = Open("f");
  EXPECT_EQ(Read(file, 3), "bef");
  fs_->Pause();
  usleep(10'000);
  WriteHost("f", "AFTER!");
  hosted::AdvanceClock(1000);
  fs_->Resumed();
  EXPECT_EQ(Read(file, 3), "ER!");
}

TEST_F(FuseClientTest, SizesAndSeeks) {
  WriteHost("f", "12345");
  RefPtr<File> file = Open("f", kOpenReadWrite);
  EXPECT_EQ(file->Seek(2, 4), 5);  // SEEK_HOLE
  EXPECT_EQ(file->Seek(9, 3), -ENXIO);
  EXPECT_EQ(file->Allocate(0, 0, 10'000), 0);
  EXPECT_EQ(std::filesystem::file_size(Host("f")), 10'000u);
  EXPECT_EQ(ReadAt(file, 4, 3), std::string("5\0\0", 3));
  FsStatistics statistics;
  EXPECT_EQ(fs_->GetStatistics(&statistics), 0);
  EXPECT_GT(statistics.blocks, 0u);
  fs_->WriteBackAll();
}

TEST_F(FuseClientTest, BrokenDeviceIsAnError) {
  WriteHost("f", "x");
  RefPtr<File> file = Open("f");
  transport_->Break();
  EXPECT_EQ(root_->Lookup("f").error(), -EIO);
  Later();
  EXPECT_EQ(ReadAt(file, 10, 10), "error 5");
}

}  // namespace
}  // namespace gk
