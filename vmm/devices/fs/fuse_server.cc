// SPDX-License-Identifier: Apache-2.0
//
// See fuse_server.h. Here: set-up, dispatch, and what every operation uses.

#include "vmm/devices/fs/fuse_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vmm/base/errno_status.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {
namespace {

// What this server can do of what a kernel may ask for. Times are exact to the
// nanosecond, O_TRUNC is done by OPEN, and data may come in large pieces.
constexpr uint32_t kInitFlags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC |
                                FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA |
                                FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
                                FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
                                FUSE_CACHE_SYMLINKS | FUSE_DONT_MASK;

// The descriptors that the rest of the VMM may need.
constexpr size_t kReservedFds = 128;

// Raises the limit to what the user may have; returns it.
size_t RaiseFdLimit() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    struct rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return std::min<size_t>(limit.rlim_cur, size_t{1} << 20);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FuseServer>> FuseServer::Create(
    FuseServerOptions options) {
  size_t fds = RaiseFdLimit();
  size_t node_fds = options.max_node_fds;
  if (node_fds == 0) node_fds = std::clamp<size_t>(fds / 8, 16, 1024);
  size_t handles = options.max_handles;
  if (handles == 0) {
    size_t taken = 2 * node_fds + kReservedFds;
    handles = fds > taken + 16 ? fds - taken : 16;
  }
  int fd = OpenAt(AT_FDCWD, options.root.c_str(), O_PATH | O_DIRECTORY, 0);
  if (fd < 0) {
    return ErrnoStatus(-fd,
                       absl::StrCat("open the guest's root ", options.root));
  }
  UniqueFd root(fd);
  struct statx st;
  int error = StatFd(root.get(), &st);
  if (error < 0)
    return ErrnoStatus(-error, absl::StrCat("stat ", options.root));
  fd = OpenAt(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY, 0);
  if (fd < 0) {
    return ErrnoStatus(-fd, "open /proc/self/fd (is /proc mounted?)");
  }
  return std::unique_ptr<FuseServer>(
      new FuseServer(std::move(options), std::move(root), st, UniqueFd(fd),
                     node_fds, handles));
}

FuseServer::FuseServer(FuseServerOptions options, UniqueFd root,
                       const struct statx& root_st, UniqueFd proc_fds,
                       size_t max_node_fds, size_t max_handles)
    : options_(std::move(options)),
      nodes_(std::move(root), root_st, options_.max_nodes, max_node_fds),
      handles_(max_handles),
      proc_fds_(std::move(proc_fds)) {}

void FuseServer::IsolateThread() {
  if (unshare(CLONE_FS) != 0) return;
  umask(0);
  umask_is_zero_ = true;
}

FuseServer::ProcName::ProcName(int fd) {
  snprintf(text, sizeof(text), "%d", fd);
}

size_t FuseServer::Handle(RequestSpans request, ReplySpans reply) {
  Call call{{}, RequestReader(request), ReplyWriter(reply)};
  if (!call.in.Read(&call.header)) return 0;
  call.out.set_end(sizeof(fuse_out_header));
  int result = -EIO;
  if (call.header.len >= sizeof(fuse_in_header) &&
      call.header.len - sizeof(fuse_in_header) <= call.in.remaining()) {
    call.in.Limit(call.header.len - sizeof(fuse_in_header));
    Operation operation = OperationFor(call.header.opcode);
    result = operation == nullptr ? -ENOSYS : (this->*operation)(call);
  }
  nodes_.TrimFds();
  if (result == kNoReply) return 0;
  size_t length = result < 0 ? sizeof(fuse_out_header) : call.out.end();
  fuse_out_header header{static_cast<uint32_t>(length), result,
                         call.header.unique};
  return call.out.Put(0, &header, sizeof(header)) ? length : 0;
}

FuseServer::Operation FuseServer::OperationFor(uint32_t opcode) {
  switch (opcode) {
    case FUSE_LOOKUP:
      return &FuseServer::Lookup;
    case FUSE_FORGET:
      return &FuseServer::Forget;
    case FUSE_BATCH_FORGET:
      return &FuseServer::BatchForget;
    case FUSE_GETATTR:
      return &FuseServer::GetAttr;
    case FUSE_SETATTR:
      return &FuseServer::SetAttr;
    case FUSE_READLINK:
      return &FuseServer::ReadLink;
    case FUSE_SYMLINK:
      return &FuseServer::SymLink;
    case FUSE_MKNOD:
      return &FuseServer::MkNod;
    case FUSE_MKDIR:
      return &FuseServer::MkDir;
    case FUSE_UNLINK:
      return &FuseServer::Unlink;
    case FUSE_RMDIR:
      return &FuseServer::RmDir;
    case FUSE_RENAME:
      return &FuseServer::Rename;
    case FUSE_RENAME2:
      return &FuseServer::Rename2;
    case FUSE_LINK:
      return &FuseServer::Link;
    case FUSE_OPEN:
      return &FuseServer::Open;
    case FUSE_CREATE:
      return &FuseServer::CreateFile;
    case FUSE_TMPFILE:
      return &FuseServer::TmpFile;
    case FUSE_READ:
      return &FuseServer::Read;
    case FUSE_WRITE:
      return &FuseServer::Write;
    case FUSE_RELEASE:
      return &FuseServer::Release;
    case FUSE_FLUSH:
      return &FuseServer::Flush;
    case FUSE_FSYNC:
      return &FuseServer::Fsync;
    case FUSE_FALLOCATE:
      return &FuseServer::Fallocate;
    case FUSE_LSEEK:
      return &FuseServer::Lseek;
    case FUSE_COPY_FILE_RANGE:
      return &FuseServer::CopyFileRange;
    case FUSE_OPENDIR:
      return &FuseServer::OpenDir;
    case FUSE_READDIR:
      return &FuseServer::ReadDir;
    case FUSE_READDIRPLUS:
      return &FuseServer::ReadDirPlus;
    case FUSE_RELEASEDIR:
      return &FuseServer::Release;
    case FUSE_FSYNCDIR:
      return &FuseServer::FsyncDir;
    case FUSE_STATFS:
      return &FuseServer::StatFs;
    case FUSE_SYNCFS:
      return &FuseServer::SyncFs;
    case FUSE_ACCESS:
      return &FuseServer::Access;
    case FUSE_GETXATTR:
      return &FuseServer::GetXattr;
    case FUSE_LISTXATTR:
      return &FuseServer::ListXattr;
    case FUSE_SETXATTR:
      return &FuseServer::SetXattr;
    case FUSE_REMOVEXATTR:
      return &FuseServer::RemoveXattr;
    case FUSE_INIT:
      return &FuseServer::Init;
    case FUSE_DESTROY:
      return &FuseServer::Destroy;
    case FUSE_INTERRUPT:
      return &FuseServer::Interrupt;
    case abi::kFuseExtWalk:
      return &FuseServer::Walk;
    case abi::kFuseExtOpen:
      return &FuseServer::OpenWithData;
    case abi::kFuseExtReadDir:
      return &FuseServer::ReadDirWithOpen;
    case abi::kFuseExtDrop:
      return &FuseServer::Drop;
    case abi::kFuseExtWrite:
      return &FuseServer::WriteWithAttr;
    default:
      return nullptr;
  }
}

int FuseServer::Init(Call& call) {
  // Older kernels send fewer fields.
  struct {
    uint32_t major;
    uint32_t minor;
    uint32_t max_readahead;
    uint32_t flags;
  } in;
  static_assert(sizeof(in) <= sizeof(fuse_init_in));
  if (!call.in.Read(&in)) return -EINVAL;
  fuse_init_out out = {};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = FUSE_KERNEL_MINOR_VERSION;
  if (in.major < FUSE_KERNEL_VERSION) return -EPROTO;
  if (in.major == FUSE_KERNEL_VERSION) {
    if (in.minor < 31) return -EPROTO;
    out.max_readahead = in.max_readahead;
    out.flags = in.flags & kInitFlags;
    out.max_background = 64;
    out.congestion_threshold = 48;
    out.max_write = abi::kFuseMaxData;
    out.time_gran = 1;
    out.max_pages = abi::kFuseMaxData / 4096;
  }
  return call.out.Append(out) ? 0 : -EIO;
}

// The guest has unmounted the tree; the kernel of ours never does.
int FuseServer::Destroy(Call&) { return 0; }

// Requests are finished before the next one is looked at.
int FuseServer::Interrupt(Call&) { return kNoReply; }

int FuseServer::StatFs(Call& call) {
  Node* node = NodeOf(call);
  if (node == nullptr) return -ESTALE;
  // Any file of the same file system will do.
  if (node->type != S_IFDIR && node->parent != nullptr) node = node->parent;
  int fd = nodes_.Fd(node);
  if (fd < 0) return fd;
  struct statvfs st;
  int error = RetryEintr([&] { return fstatvfs(fd, &st); });
  if (error < 0) return error;
  fuse_statfs_out out = {};
  out.st.blocks = st.f_blocks;
  out.st.bfree = st.f_bfree;
  out.st.bavail = st.f_bavail;
  out.st.files = st.f_files;
  out.st.ffree = st.f_ffree;
  out.st.bsize = static_cast<uint32_t>(st.f_bsize);
  out.st.frsize = static_cast<uint32_t>(st.f_frsize);
  out.st.namelen = NAME_MAX;
  return call.out.Append(out) ? 0 : -EIO;
}

int FuseServer::DirFd(Node* dir) {
  if (dir == nullptr) return -ESTALE;
  if (dir->type != S_IFDIR) return -ENOTDIR;
  return nodes_.Fd(dir);
}

FuseServer::OpenFile* FuseServer::HandleOf(const Call& call, uint64_t fh,
                                           bool directory, int* error) {
  OpenFile* file = handles_.Find(fh);
  *error = -EBADF;
  if (file == nullptr || file->directory != directory) return nullptr;
  if (file->node->id != call.header.nodeid) return nullptr;
  *error = 0;
  return file;
}

fuse_attr FuseServer::AttrOf(const struct statx& st) const {
  fuse_attr attr = {};
  attr.ino = st.stx_ino;
  attr.size = st.stx_size;
  attr.blocks = st.stx_blocks;
  attr.atime = static_cast<uint64_t>(st.stx_atime.tv_sec);
  attr.mtime = static_cast<uint64_t>(st.stx_mtime.tv_sec);
  attr.ctime = static_cast<uint64_t>(st.stx_ctime.tv_sec);
  attr.atimensec = st.stx_atime.tv_nsec;
  attr.mtimensec = st.stx_mtime.tv_nsec;
  attr.ctimensec = st.stx_ctime.tv_nsec;
  attr.mode = st.stx_mode;
  attr.nlink = st.stx_nlink;
  attr.uid = st.stx_uid;
  attr.gid = st.stx_gid;
  attr.rdev = abi::PackHostDevice(st.stx_rdev_major, st.stx_rdev_minor);
  attr.blksize = st.stx_blksize;
  return attr;
}

fuse_entry_out FuseServer::EntryOf(const Node& node,
                                   const struct statx& st) const {
  fuse_entry_out entry = {};
  entry.nodeid = node.id;
  entry.generation = abi::PackHostDevice(st.stx_dev_major, st.stx_dev_minor);
  entry.entry_valid = options_.entry_timeout_ms / 1000;
  entry.entry_valid_nsec = options_.entry_timeout_ms % 1000 * 1000000;
  entry.attr_valid = options_.attr_timeout_ms / 1000;
  entry.attr_valid_nsec = options_.attr_timeout_ms % 1000 * 1000000;
  entry.attr = AttrOf(st);
  return entry;
}

int FuseServer::AppendEntry(Call& call, Node* node, const struct statx& st) {
  return call.out.Append(EntryOf(*node, st)) ? 0 : -EIO;
}

bool FuseServer::CarriedPath(Node* dir, absl::string_view name,
                             std::string* path) const {
  // Most directories are nowhere near a carried one: look at the top first.
  const Node* top = dir;
  while (top->parent != nullptr && top->parent->parent != nullptr) {
    top = top->parent;
  }
  bool possible = false;
  for (const std::string& carried : options_.carried_dirs) {
    if (absl::string_view(carried).substr(0, carried.find('/')) == top->name) {
      possible = true;
    }
  }
  if (!possible || !nodes_.PathOf(dir, path)) return false;
  for (const std::string& carried : options_.carried_dirs) {
    if (path->compare(0, carried.size(), carried) == 0 &&
        (path->size() == carried.size() || (*path)[carried.size()] == '/')) {
      absl::StrAppend(path, "/", name);
      return true;
    }
  }
  return false;
}

void FuseServer::NoteCreated(Node* dir, absl::string_view name) {
  std::string path;
  if (CarriedPath(dir, name, &path)) guest_files_.Created(path);
}

void FuseServer::NoteRemoved(Node* dir, absl::string_view name) {
  std::string path;
  if (CarriedPath(dir, name, &path)) guest_files_.Removed(path);
}

}  // namespace crvm
