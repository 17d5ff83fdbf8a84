// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes FuseServer::Handle(): the input is a series of requests by a hostile
// guest, split into awkward pieces, over a small directory of its own. At the
// end the server is saved and restored. Under RLIMIT_FSIZE, so that no request
// fills the disk.

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vmm/devices/fs/fs_snapshot.h"
#include "vmm/devices/fs/fuse_server.h"

namespace crvm {
namespace {

// What of a step is not the request's body.
struct Step {
  uint8_t opcode;
  uint8_t node;
  uint8_t piece;  // size of the spans
  uint8_t reply;  // capacity / 16
  uint16_t size;
};

constexpr uint32_t kOpcodes[] = {
    FUSE_LOOKUP,       FUSE_FORGET,       FUSE_GETATTR,
    FUSE_SETATTR,      FUSE_READLINK,     FUSE_SYMLINK,
    FUSE_MKNOD,        FUSE_MKDIR,        FUSE_UNLINK,
    FUSE_RMDIR,        FUSE_RENAME,       FUSE_LINK,
    FUSE_OPEN,         FUSE_READ,         FUSE_WRITE,
    FUSE_STATFS,       FUSE_RELEASE,      FUSE_FSYNC,
    FUSE_SETXATTR,     FUSE_GETXATTR,     FUSE_LISTXATTR,
    FUSE_REMOVEXATTR,  FUSE_FLUSH,        FUSE_INIT,
    FUSE_OPENDIR,      FUSE_READDIR,      FUSE_RELEASEDIR,
    FUSE_FSYNCDIR,     FUSE_ACCESS,       FUSE_CREATE,
    FUSE_INTERRUPT,    FUSE_DESTROY,      FUSE_BATCH_FORGET,
    FUSE_FALLOCATE,    FUSE_READDIRPLUS,  FUSE_RENAME2,
    FUSE_LSEEK,        FUSE_TMPFILE,      FUSE_COPY_FILE_RANGE,
    abi::kFuseExtWalk, abi::kFuseExtOpen, abi::kFuseExtWrite,
    abi::kFuseExtDrop, 0xffffffff};

std::string MakeTree() {
  std::string dir = "/tmp/fuse_fuzzXXXXXX";
  if (getenv("TEST_TMPDIR") != nullptr) {
    dir = std::string(getenv("TEST_TMPDIR")) + "/fuse_fuzzXXXXXX";
  }
  if (mkdtemp(dir.data()) == nullptr) abort();
  return dir;
}

void FillTree(const std::string& dir) {
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    std::error_code ignored;
    std::filesystem::permissions(entry, std::filesystem::perms::owner_all,
                                 std::filesystem::perm_options::nofollow,
                                 ignored);
    std::filesystem::remove_all(entry, ignored);
  }
  std::ofstream(dir + "/a") << "contents of a";
  std::filesystem::create_directory(dir + "/tmp");
  std::ofstream(dir + "/tmp/b") << "b";
  if (symlink("a", (dir + "/l").c_str()) < 0) abort();
}

std::unique_ptr<FuseServer> NewServer(const std::string& dir) {
  FuseServerOptions options;
  options.root = dir;
  options.max_nodes = 64;
  options.max_node_fds = 8;
  options.max_handles = 16;
  auto server = FuseServer::Create(std::move(options));
  if (!server.ok()) abort();
  return *std::move(server);
}

template <typename Byte>
std::vector<absl::Span<Byte>> Split(std::vector<uint8_t>& bytes, size_t piece) {
  std::vector<absl::Span<Byte>> spans;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    spans.emplace_back(bytes.data() + at, std::min(piece, bytes.size() - at));
  }
  return spans;
}

void Serve(FuseServer& server, const Step& step, const uint8_t* body,
           size_t size) {
  fuse_in_header header = {};
  header.opcode = kOpcodes[step.opcode % (sizeof(kOpcodes) / 4)];
  header.nodeid = step.node & 0x3f;
  if ((step.node & 0x40) != 0) header.nodeid |= uint64_t{1} << 32;
  header.len = static_cast<uint32_t>(sizeof(header) + size);
  if ((step.node & 0x80) != 0) header.len ^= step.piece;
  // Exact-size vectors: ASan sees what goes beyond.
  std::vector<uint8_t> request(sizeof(header) + size);
  memcpy(request.data(), &header, sizeof(header));
  if (size > 0) memcpy(request.data() + sizeof(header), body, size);
  std::vector<uint8_t> reply(step.reply * size_t{16});
  size_t piece = step.piece == 0 ? 1 << 20 : step.piece;
  size_t written = server.Handle(Split<const uint8_t>(request, piece),
                                 Split<uint8_t>(reply, piece));
  if (written > reply.size()) abort();
  if (written == 0) return;
  fuse_out_header out;
  memcpy(&out, reply.data(), sizeof(out));
  if (out.len != written || out.error > 0 || out.error < -4095) abort();
}

void SaveAndRestore(FuseServer& server, const std::string& dir) {
  FsSnapshot save(&server);
  auto state = save.SaveState();
  if (!state.ok()) abort();
  StateWriter writer;
  Encode(*state, writer);
  std::string bytes = writer.Take();
  StateReader reader(bytes);
  auto decoded = DecodeFsState(reader);
  if (!decoded.ok() || !reader.ExpectEnd().ok()) abort();
  auto restored = NewServer(dir);
  FsSnapshot restore(restored.get());
  if (!restore.RestoreState(*decoded, ChangedFiles::kKeep).ok()) return;
  (void)save.SaveContents(
      [&](const FsChunk& chunk) { return restore.RestoreChunk(chunk); });
  (void)restore.FinishRestore();
}

// Any bytes as a saved state.
void RestoreHostile(const std::string& dir, const uint8_t* data, size_t size) {
  StateReader reader(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  auto state = DecodeFsState(reader);
  if (!state.ok()) return;
  auto server = NewServer(dir);
  FsSnapshot restore(server.get());
  if (restore.RestoreState(*state, ChangedFiles::kKeep).ok()) {
    (void)restore.FinishRestore();
  }
}

void Run(const uint8_t* data, size_t size) {
  static const std::string* dir = [] {
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
    return new std::string(MakeTree());
  }();
  FillTree(*dir);
  RestoreHostile(*dir, data, size);
  auto server = NewServer(*dir);
  while (size >= sizeof(Step)) {
    Step step;
    memcpy(&step, data, sizeof(step));
    data += sizeof(step);
    size -= sizeof(step);
    size_t body = std::min<size_t>(step.size % 4096, size);
    Serve(*server, step, data, body);
    data += body;
    size -= body;
  }
  SaveAndRestore(*server, *dir);
}

}  // namespace
}  // namespace crvm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  crvm::Run(data, size);
  return 0;
}
