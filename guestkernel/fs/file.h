// SPDX-License-Identifier: Apache-2.0
//
// File: an open file description, whatever is behind it: host file, pipe,
// socket, terminal, eventfd, epoll. The one interface through which system
// calls do I/O. Owner: vfs.
#ifndef CRVM_GUESTKERNEL_FS_FILE_H_
#define CRVM_GUESTKERNEL_FS_FILE_H_

#include <cstdint>

#include "guestkernel/fs/poll.h"
#include "guestkernel/fs/stat.h"
#include "guestkernel/fs/user_io.h"
#include "guestkernel/lib/ref_ptr.h"
#include "guestkernel/lib/result.h"
#include "guestkernel/lib/string.h"

namespace gk {

class Dentry;
class Inode;
class MemoryObject;
class Process;

// What readdir reports entries to. False: full, stop (the entry was not taken).
class DirSink {
 public:
  virtual bool Add(StringView name, uint64_t inode, uint8_t type /*DT_**/,
                   uint64_t next_offset) = 0;

 protected:
  ~DirSink() = default;
};

class File : public RefCounted {
 public:
  explicit File(uint32_t open_flags) : flags_(open_flags) {}
  ~File() override;  // last reference: subclasses release here (shut down, wake
                     // peers). Must not block.

  // ---- I/O. Bytes, or negative errno (-EAGAIN when it would block and
  // kOpenNonblock is set; -kErestartSys on a signal). Defaults: Read/Write go
  // to ReadAt/WriteAt at position() and advance it; ReadAt/WriteAt give -ESPIPE
  // when !seekable(), else -EINVAL. Access-mode checks (-EBADF) are the
  // caller's.
  virtual int64_t Read(UserIo& io);
  virtual int64_t Write(UserIo& io);
  virtual int64_t ReadAt(UserIo& io, uint64_t offset);
  virtual int64_t WriteAt(UserIo& io, uint64_t offset);
  virtual int64_t Seek(
      int64_t offset,
      int whence);  // default by seekable() and GetAttributes().size
  virtual bool seekable() const { return false; }

  // Ready events now; registers with `table` (may be null) the queues that
  // announce changes. Default: always in and out.
  virtual uint32_t Poll(PollTable* table);
  virtual int64_t Ioctl(uint32_t command, uint64_t argument);  // -ENOTTY
  // fcntl commands that only one kind of file knows (F_SETPIPE_SZ 1031,
  // F_GETPIPE_SZ 1032). -EBADF.
  virtual int64_t Fcntl(uint32_t command, uint64_t argument);
  // tee(2): as Read of what comes after `skip` bytes, but the data stays
  // (pipes). -EINVAL.
  virtual int64_t Peek(UserIo& io, size_t skip);
  virtual int GetAttributes(FileAttributes* out);  // default: inode's
  virtual int SetAttributes(
      const AttributeChange& change);  // default: inode's; ftruncate comes here
  virtual Result<RefPtr<MemoryObject>>
  GetMemoryObject();  // what mmap maps; -ENODEV
  virtual int ReadDirectory(
      DirSink& sink);  // from position(), sets it; -ENOTDIR
  virtual int Sync(bool data_only) {
    (void)data_only;
    return -EINVAL;
  }
  virtual int Allocate(int mode, uint64_t offset, uint64_t length) {
    (void)mode, (void)offset, (void)length;
    return -ENODEV;
  }
  // Each close(2) of a descriptor (not the last reference): flush. FdTable
  // drops the POSIX locks itself.
  virtual int OnClose(Process* process);
  // fcntl(F_SETFL) changed flags_ (O_NONBLOCK, O_APPEND, O_ASYNC).
  virtual void OnFlagsChanged() {}
  // For /proc/PID/fd links: "pipe:[123]", "socket:[5]", "anon_inode:[eventfd]";
  // path files give their path.
  virtual Result<KString> Describe();
  // open(2) through /proc/PID/fd/N or /dev/fd/N of a file without a dentry: a
  // new open file description of the same object (pipes, terminals). -ENXIO
  // for what cannot be opened again (sockets).
  virtual Result<RefPtr<File>> Reopen(uint32_t flags) {
    (void)flags;
    return Error(-ENXIO);
  }
  // memfd seals (F_GET_SEALS); mmap asks before a shared writable mapping
  // (kSealWrite, kSealFutureWrite: -EPERM). -EINVAL: cannot be sealed.
  virtual Result<uint32_t> GetSeals() { return Error(-EINVAL); }
  virtual int AddSeals(uint32_t seals) {
    (void)seals;
    return -EINVAL;
  }
  // Cheap downcasts without RTTI: each family returns its own tag's address.
  virtual const void* kind() const { return nullptr; }

  uint32_t flags() const { return flags_; }
  void set_flags(uint32_t flags) { flags_ = flags; }
  bool nonblocking() const { return flags_ & kOpenNonblock; }
  bool readable() const {
    return (flags_ & kOpenAccessMask) != kOpenWriteOnly &&
           !(flags_ & kOpenPath);
  }
  bool writable() const {
    return (flags_ & kOpenAccessMask) != kOpenReadOnly && !(flags_ & kOpenPath);
  }
  uint64_t position() const { return position_; }
  void set_position(uint64_t position) { position_ = position; }
  Dentry* dentry() const { return dentry_.get(); }  // null for anonymous files
  void set_dentry(RefPtr<Dentry> dentry);
  Inode* inode() const;  // the dentry's inode, or null

  // Epoll items that watch this file, and what takes them away with it (set
  // before the first one is made; ipc/epoll.h).
  class EpollItem* first_epoll_item = nullptr;
  static void (*on_watched_file_closed)(File* file);

  // F_SETOWN/F_SETSIG (SIGIO), kept here for all kinds.
  int owner_pid = 0, owner_signal = 0;

 protected:
  uint32_t flags_;
  uint64_t position_ = 0;
  RefPtr<Dentry> dentry_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FILE_H_
