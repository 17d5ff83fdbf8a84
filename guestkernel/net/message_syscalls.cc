// SPDX-License-Identifier: Apache-2.0
//
// sendmsg(2), recvmsg(2) and their simpler forms; control messages, cmsg(3).
#include <asm/errno.h>

#include "guestkernel/fs/fd_table.h"
#include "guestkernel/net/socket_args.h"
#include "guestkernel/net/syscalls.h"
#include "guestkernel/sched/process.h"

namespace gk {
namespace {

struct MessageHeader {  // struct user_msghdr
  uint64_t name;
  int32_t name_length;
  uint32_t padding;
  uint64_t vectors;
  uint64_t vector_count;
  uint64_t control;
  uint64_t control_length;
  uint32_t flags;
  uint32_t padding2;
};
static_assert(sizeof(MessageHeader) == 56);

struct MultiMessage {  // struct mmsghdr
  MessageHeader header;
  uint32_t length;
  uint32_t padding;
};
static_assert(sizeof(MultiMessage) == 64);

struct ControlHeader {  // struct cmsghdr
  uint64_t length;
  int32_t level, type;
};
static_assert(sizeof(ControlHeader) == 16);

constexpr int kSolSocket = 1, kScmRights = 1, kScmCredentials = 2;
constexpr size_t kMaxFiles = 253;      // SCM_MAX_FD
constexpr size_t kMaxControl = 20480;  // net.core.optmem_max
constexpr size_t kMaxTransfer = 0x7ffff000;
constexpr uint32_t kWaitForOne = 0x10000;
constexpr uint32_t kMaxMultiple = 1024;

size_t Align8(size_t n) { return (n + 7) & ~size_t{7}; }

int TakeRights(const uint8_t* data, size_t n, Ancillary* out) {
  if (n % sizeof(int32_t) != 0) return -EINVAL;
  if (out->files.size() + n / sizeof(int32_t) > kMaxFiles) return -EINVAL;
  for (size_t i = 0; i < n; i += sizeof(int32_t)) {
    int32_t fd;
    memcpy(&fd, data + i, sizeof(fd));
    GK_ASSIGN_OR_RETURN(RefPtr<File> file, GetFile(fd));
    GK_RETURN_IF_ERROR(out->files.PushBack(std::move(file)));
  }
  return 0;
}

int TakeCredentials(const uint8_t* data, size_t n, Ancillary* out) {
  if (n != sizeof(SocketCredentials)) return -EINVAL;
  memcpy(&out->credentials, data, n);
  const Credentials& who = CurrentThread()->credentials;
  constexpr int kCapSysAdmin = 21, kCapSetuid = 7, kCapSetgid = 6;
  const SocketCredentials& c = out->credentials;
  bool pid_ok = c.pid == CurrentProcess()->pid || HasCapability(kCapSysAdmin);
  bool uid_ok = c.uid == who.uid || c.uid == who.euid || c.uid == who.suid ||
                HasCapability(kCapSetuid);
  bool gid_ok = c.gid == who.gid || c.gid == who.egid || c.gid == who.sgid ||
                HasCapability(kCapSetgid);
  if (!pid_ok || !uid_ok || !gid_ok) return -EPERM;
  out->has_credentials = true;
  return 0;
}

int ReadControl(UserAddress at, uint64_t length, Ancillary* out) {
  if (at.is_null() || length == 0) return 0;
  if (length > kMaxControl) return -ENOBUFS;
  Vector<uint8_t> control;
  GK_RETURN_IF_ERROR(control.Resize(length));
  GK_RETURN_IF_ERROR(CopyFromUser(control.data(), at, length));
  for (size_t offset = 0; offset + sizeof(ControlHeader) <= length;) {
    ControlHeader header;
    memcpy(&header, control.data() + offset, sizeof(header));
    if (header.length < sizeof(header) || header.length > length - offset) {
      return -EINVAL;
    }
    const uint8_t* data = control.data() + offset + sizeof(header);
    size_t n = header.length - sizeof(header);
    if (header.level == kSolSocket && header.type == kScmRights) {
      GK_RETURN_IF_ERROR(TakeRights(data, n, out));
    } else if (header.level == kSolSocket && header.type == kScmCredentials) {
      GK_RETURN_IF_ERROR(TakeCredentials(data, n, out));
    } else {
      return -EINVAL;
    }
    offset += Align8(header.length);
  }
  return 0;
}

// Fills the receiver's control buffer.
class ControlWriter {
 public:
  ControlWriter(UserAddress at, uint64_t room) : at_(at), room_(room) {}
  size_t used() const { return used_; }
  bool truncated() const { return truncated_; }

  // Data bytes that one more message may have.
  size_t DataRoom() const {
    return room_ - used_ >= sizeof(ControlHeader)
               ? room_ - used_ - sizeof(ControlHeader)
               : 0;
  }
  int Put(int type, const void* data, size_t n) {
    if (DataRoom() < n) {
      truncated_ = true;
      return 0;
    }
    ControlHeader header = {sizeof(header) + n, kSolSocket, type};
    GK_RETURN_IF_ERROR(WriteUser(at_ + used_, header));
    GK_RETURN_IF_ERROR(CopyToUser(at_ + used_ + sizeof(header), data, n));
    used_ += Align8(header.length);
    if (used_ > room_) used_ = room_;
    return 0;
  }
  void set_truncated() { truncated_ = true; }

 private:
  UserAddress at_;
  size_t room_;
  size_t used_ = 0;
  bool truncated_ = false;
};

// Gives the descriptors that fit to the receiver; the rest are closed.
int PutRights(Vector<RefPtr<File>>& files, uint32_t flags,
              ControlWriter* writer) {
  if (files.empty()) return 0;
  size_t fit = writer->DataRoom() / sizeof(int32_t);
  if (fit < files.size()) writer->set_truncated();
  Vector<int32_t> fds;
  for (size_t i = 0; i < files.size() && i < fit; ++i) {
    auto fd = InstallFile(
        files[i], flags & kMsgCmsgCloexec ? uint32_t{kOpenCloexec} : 0u);
    if (!fd.ok()) {
      writer->set_truncated();
      break;
    }
    GK_RETURN_IF_ERROR(fds.PushBack(*fd));
  }
  if (fds.empty()) return 0;
  return writer->Put(kScmRights, fds.data(), fds.size() * sizeof(int32_t));
}

int64_t SendOne(Socket* socket, const MessageHeader& header, uint32_t flags) {
  SocketAddress to;
  if (header.name != 0 && header.name_length > 0) {
    GK_ASSIGN_OR_RETURN(
        to, ReadSocketAddress(UserAddress(header.name),
                              static_cast<uint32_t>(header.name_length)));
  }
  GK_ASSIGN_OR_RETURN(UserIo io, UserIo::FromIovecs(UserAddress(header.vectors),
                                                    header.vector_count));
  Ancillary ancillary;
  GK_RETURN_IF_ERROR(ReadControl(UserAddress(header.control),
                                 header.control_length, &ancillary));
  return WithSigpipe(
      socket->Send(io, to.length > 0 ? &to : nullptr, &ancillary, flags),
      flags);
}

int64_t ReceiveOne(Socket* socket, UserAddress header_at, uint32_t flags) {
  GK_ASSIGN_OR_RETURN(MessageHeader header, ReadUser<MessageHeader>(header_at));
  if (header.name_length < 0) return -EINVAL;
  GK_ASSIGN_OR_RETURN(UserIo io, UserIo::FromIovecs(UserAddress(header.vectors),
                                                    header.vector_count));
  SocketAddress from;
  Ancillary ancillary;
  uint32_t out_flags = 0;
  int64_t n = socket->Receive(io, flags, &from, &ancillary, &out_flags);
  if (n < 0) return n;
  if (header.name != 0) {
    GK_RETURN_IF_ERROR(
        WriteSocketAddress(from, UserAddress(header.name),
                           header_at + offsetof(MessageHeader, name_length)));
  }
  ControlWriter writer(UserAddress(header.control), header.control_length);
  if (ancillary.has_credentials) {
    GK_RETURN_IF_ERROR(writer.Put(kScmCredentials, &ancillary.credentials,
                                  sizeof(ancillary.credentials)));
  }
  GK_RETURN_IF_ERROR(PutRights(ancillary.files, flags, &writer));
  if (writer.truncated()) out_flags |= kMsgCtrunc;
  out_flags |= flags & kMsgCmsgCloexec;
  GK_RETURN_IF_ERROR(
      WriteUser(header_at + offsetof(MessageHeader, control_length),
                static_cast<uint64_t>(writer.used())));
  GK_RETURN_IF_ERROR(
      WriteUser(header_at + offsetof(MessageHeader, flags), out_flags));
  return n;
}

}  // namespace

int64_t SysSendto(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  SocketAddress to;
  if (!args.User(4).is_null()) {
    GK_ASSIGN_OR_RETURN(to, ReadSocketAddress(args.User(4), args.U32(5)));
  }
  size_t length = args.U64(2) < kMaxTransfer ? args.U64(2) : kMaxTransfer;
  UserIo io = UserIo::User(args.User(1), length);
  Ancillary ancillary;
  uint32_t flags = args.U32(3);
  return WithSigpipe(
      socket->Send(io, to.length > 0 ? &to : nullptr, &ancillary, flags),
      flags);
}

int64_t SysRecvfrom(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  size_t length = args.U64(2) < kMaxTransfer ? args.U64(2) : kMaxTransfer;
  UserIo io = UserIo::User(args.User(1), length);
  SocketAddress from;
  Ancillary ancillary;
  uint32_t out_flags = 0;
  int64_t n = socket->Receive(io, args.U32(3), &from, &ancillary, &out_flags);
  if (n >= 0 && !args.User(4).is_null()) {
    GK_RETURN_IF_ERROR(WriteSocketAddress(from, args.User(4), args.User(5)));
  }
  return n;
}

int64_t SysSendmsg(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  GK_ASSIGN_OR_RETURN(MessageHeader header,
                      ReadUser<MessageHeader>(args.User(1)));
  return SendOne(socket.get(), header, args.U32(2));
}

int64_t SysSendmmsg(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  uint32_t count = args.U32(2) < kMaxMultiple ? args.U32(2) : kMaxMultiple;
  for (uint32_t i = 0; i < count; ++i) {
    UserAddress at = args.User(1) + i * sizeof(MultiMessage);
    GK_ASSIGN_OR_RETURN(MessageHeader header, ReadUser<MessageHeader>(at));
    int64_t n = SendOne(socket.get(), header, args.U32(3));
    if (n < 0) return i > 0 ? i : n;
    GK_RETURN_IF_ERROR(WriteUser(at + offsetof(MultiMessage, length),
                                 static_cast<uint32_t>(n)));
  }
  return count;
}

int64_t SysRecvmsg(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  return ReceiveOne(socket.get(), args.User(1), args.U32(2));
}

// The timeout is looked at only between messages, as recvmmsg(2) confesses.
int64_t SysRecvmmsg(const SyscallArgs& args) {
  GK_ASSIGN_OR_RETURN(RefPtr<Socket> socket, GetSocket(args.Int(0)));
  uint32_t count = args.U32(2) < kMaxMultiple ? args.U32(2) : kMaxMultiple;
  uint32_t flags = args.U32(3) & ~kWaitForOne;
  uint64_t end_ns = ~uint64_t{0};
  if (!args.User(4).is_null()) {
    GK_ASSIGN_OR_RETURN(TimeSpec spec, ReadUser<TimeSpec>(args.User(4)));
    GK_RETURN_IF_ERROR(ToNanoseconds(spec, &end_ns));
    end_ns = Deadline::After(end_ns).ns;
  }
  for (uint32_t i = 0; i < count; ++i) {
    UserAddress at = args.User(1) + i * sizeof(MultiMessage);
    int64_t n = ReceiveOne(socket.get(), at, flags);
    if (n < 0) return i > 0 ? i : n;
    GK_RETURN_IF_ERROR(WriteUser(at + offsetof(MultiMessage, length),
                                 static_cast<uint32_t>(n)));
    if (args.U32(3) & kWaitForOne) flags |= kMsgDontWait;
    if (MonotonicNs() >= end_ns) return i + 1;
  }
  return count;
}

}  // namespace gk
