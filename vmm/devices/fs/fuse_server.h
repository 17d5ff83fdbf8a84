// SPDX-License-Identifier: Apache-2.0
//
// FuseServer serves the host's file tree to the guest: FUSE 7.31 and crvm's
// extensions (guestkernel/abi/fuse_ext.h), synchronously, with the rights of
// the VMM's user. It knows nothing of virtio.
//
// Thread: the vCPU thread only. Trust: a request is hostile; a wrong one gets
// an errno. The host's tree may be changed by others at any time. Nothing is
// opened that could block: FIFOs, sockets and devices exist as nodes but the
// guest kernel serves their contents. Symlinks are never followed.
//
// Cost: on an interpreting host a request comes with an exit of 30 us; the work
// here is one or two system calls and, for new nodes, one insertion.

#ifndef CRVM_VMM_DEVICES_FS_FUSE_SERVER_H_
#define CRVM_VMM_DEVICES_FS_FUSE_SERVER_H_

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "guestkernel/abi/fuse_ext.h"
#include "vmm/base/unique_fd.h"
#include "vmm/devices/fs/fuse_buffers.h"
#include "vmm/devices/fs/guest_files.h"
#include "vmm/devices/fs/node_table.h"
#include "vmm/devices/fs/slot_table.h"

namespace crvm {

struct FuseServerOptions {
  std::string root = "/";
  // How long the guest may believe names and attributes.
  uint32_t entry_timeout_ms = 1000;
  uint32_t attr_timeout_ms = 1000;
  // Limits on what a guest can make the VMM hold. 0: from RLIMIT_NOFILE.
  size_t max_nodes = size_t{1} << 20;
  size_t max_node_fds = 0;
  size_t max_handles = 0;
  // Directories, as paths from the root, in which the files that the guest
  // created travel with a snapshot.
  std::vector<std::string> carried_dirs = {"tmp", "var/tmp"};
};

class FuseServer {
 public:
  static absl::StatusOr<std::unique_ptr<FuseServer>> Create(
      FuseServerOptions options);

  FuseServer(const FuseServer&) = delete;
  FuseServer& operator=(const FuseServer&) = delete;

  // Serves one request. Returns how many bytes of `reply` were written from its
  // start; 0 for requests without a reply (FORGET). Data of READ and WRITE goes
  // between the file and the spans directly.
  size_t Handle(RequestSpans request, ReplySpans reply);

  // Gives the calling thread its own umask, 0, so that the server need not set
  // it around each creation, where another thread might notice. Optional; once,
  // on the thread that calls Handle().
  void IsolateThread();

 private:
  friend class FsSnapshot;

  struct OpenFile {
    Node* node = nullptr;
    UniqueFd fd;
    uint32_t flags = 0;
    bool directory = false;
    // Where the host's directory stream stands; -1: unknown.
    int64_t position = 0;
  };

  struct Call {
    fuse_in_header header;
    RequestReader in;
    ReplyWriter out;
  };

  // An operation returns 0 and has appended its payload to call.out, or returns
  // a negative errno, or kNoReply.
  static constexpr int kNoReply = 1;
  using Operation = int (FuseServer::*)(Call&);
  static Operation OperationFor(uint32_t opcode);

  FuseServer(FuseServerOptions options, UniqueFd root,
             const struct statx& root_st, UniqueFd proc_fds,
             size_t max_node_fds, size_t max_handles);

  int Init(Call& call);
  int Destroy(Call& call);
  int Interrupt(Call& call);
  int StatFs(Call& call);

  // fuse_ops_names.cc: the tree.
  int Lookup(Call& call);
  int Forget(Call& call);
  int BatchForget(Call& call);
  int ReadLink(Call& call);
  int SymLink(Call& call);
  int MkNod(Call& call);
  int MkDir(Call& call);
  int Unlink(Call& call);
  int RmDir(Call& call);
  int Rename(Call& call);
  int Rename2(Call& call);
  int Link(Call& call);
  int RemoveAt(Call& call, int at_flags);
  int RenameTo(Call& call, uint64_t new_dir, uint32_t flags);

  // fuse_ops_attr.cc
  int GetAttr(Call& call);
  int SetAttr(Call& call);
  int Access(Call& call);
  int GetXattr(Call& call);
  int ListXattr(Call& call);
  int SetXattr(Call& call);
  int RemoveXattr(Call& call);
  int Truncate(Node* node, const fuse_setattr_in& in, int fd);
  int ReplyXattr(Call& call, uint32_t asked, const char* data, ssize_t size);

  // fuse_ops_open.cc
  int Open(Call& call);
  int CreateFile(Call& call);
  int TmpFile(Call& call);
  int Release(Call& call);
  int Drop(Call& call);
  int Walk(Call& call);
  int OpenWithData(Call& call);
  int WalkPath(Call& call, absl::string_view path, size_t meta_size,
               Node** node, abi::FuseExtWalkOut* out);
  void AppendLink(Call& call, Node* node, size_t meta_size,
                  abi::FuseExtWalkOut* out);
  int OpenAtWalkEnd(Call& call, const abi::FuseExtWalkIn& in, Node* node,
                    abi::FuseExtWalkOut* out);

  // fuse_ops_io.cc
  int Read(Call& call);
  int Write(Call& call);
  int WriteWithAttr(Call& call);
  int Flush(Call& call);
  int Fsync(Call& call);
  int SyncFs(Call& call);
  int Fallocate(Call& call);
  int Lseek(Call& call);
  int CopyFileRange(Call& call);

  // fuse_ops_dir.cc
  int OpenDir(Call& call);
  int ReadDir(Call& call);
  int ReadDirPlus(Call& call);
  int FsyncDir(Call& call);
  int ReadDirWithOpen(Call& call);
  int OpenDirectory(Node* node, uint32_t flags, uint64_t* fh);
  enum class Listing { kNames, kEntries, kEntriesAndLinks };
  int ListDirectory(Call& call, Listing what);
  int FillDirents(Call& call, OpenFile* dir, uint64_t from, uint32_t size,
                  Listing what, bool* at_end);
  bool AppendHostDirents(Call& call, OpenFile* dir, size_t size, size_t limit,
                         Listing what);

  // ---- Helpers. ----
  // The node that the header names; nullptr: -ESTALE.
  Node* NodeOf(const Call& call) { return nodes_.Find(call.header.nodeid); }
  // A descriptor of that node, which must be a directory, or an errno.
  int DirFd(Node* dir);
  // The handle `fh` of that node; *error is set when it returns nullptr.
  OpenFile* HandleOf(const Call& call, uint64_t fh, bool directory, int* error);
  // The name of `fd` below proc_fds_.
  struct ProcName {
    explicit ProcName(int fd);
    char text[16];
  };

  fuse_attr AttrOf(const struct statx& st) const;
  fuse_entry_out EntryOf(const Node& node, const struct statx& st) const;
  int AppendEntry(Call& call, Node* node, const struct statx& st);
  // Interns a file that has just been made at (dir, name) and replies with it.
  int ReplyCreated(Call& call, Node* dir, absl::string_view name);

  // A host descriptor for `node`, which must be a regular file.
  int OpenRegular(Node* node, uint32_t flags);
  int MakeHandle(Node* node, UniqueFd fd, uint32_t flags, bool directory,
                 uint64_t* fh);
  int CreateAt(Node* dir, const FileName& name, uint32_t flags, uint32_t mode,
               UniqueFd* fd);
  struct WriteResult {
    uint32_t size = 0;
    uint64_t end_offset = 0;
  };
  // *before, unless null: the attributes before the write.
  int WriteData(Call& call, WriteResult* result, int* fd, struct statx* before);
  // As much of a handle's first bytes as fits, at `meta_size`.
  int AppendData(Call& call, int fd, uint32_t meta_size, uint32_t data_size,
                 uint32_t* data_len);

  // Path below a carried directory, or false.
  bool CarriedPath(Node* dir, absl::string_view name, std::string* path) const;
  void NoteCreated(Node* dir, absl::string_view name);
  void NoteRemoved(Node* dir, absl::string_view name);

  const FuseServerOptions options_;
  NodeTable nodes_;
  SlotTable<OpenFile> handles_;
  GuestFiles guest_files_;
  // /proc/self/fd: the way to operate on an O_PATH descriptor's file.
  UniqueFd proc_fds_;
  bool umask_is_zero_ = false;
  std::vector<char> scratch_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_FUSE_SERVER_H_
