// SPDX-License-Identifier: Apache-2.0
//
// See fuse_test_client.h.

#include "vmm/devices/fs/fuse_test_client.h"

#include <errno.h>

#include <algorithm>

namespace crvm {
namespace {

template <typename Byte>
std::vector<absl::Span<Byte>> Split(Byte* data, size_t size, size_t piece) {
  std::vector<absl::Span<Byte>> spans;
  if (piece == 0) piece = std::max<size_t>(size, 1);
  for (size_t at = 0; at < size; at += piece) {
    spans.emplace_back(data + at, std::min(piece, size - at));
    spans.emplace_back(data + at, 0);  // legal and pointless
  }
  return spans;
}

}  // namespace

FuseTestClient::Reply FuseTestClient::CallRaw(const std::string& request,
                                              size_t reply_capacity) {
  std::string buffer(reply_capacity, '\xaa');
  auto in =
      Split<const uint8_t>(reinterpret_cast<const uint8_t*>(request.data()),
                           request.size(), piece_size_);
  auto out = Split<uint8_t>(reinterpret_cast<uint8_t*>(buffer.data()),
                            buffer.size(), piece_size_);
  Reply reply;
  reply.length = server_->Handle(in, out);
  if (reply.length < sizeof(fuse_out_header)) return reply;
  fuse_out_header header;
  std::memcpy(&header, buffer.data(), sizeof(header));
  reply.error = header.len == reply.length ? header.error : -EBADMSG;
  reply.payload = buffer.substr(sizeof(header), reply.length - sizeof(header));
  return reply;
}

FuseTestClient::Reply FuseTestClient::Call(uint32_t opcode, uint64_t node,
                                           const std::string& body,
                                           size_t reply_capacity) {
  fuse_in_header header = {};
  header.len = static_cast<uint32_t>(sizeof(header) + body.size());
  header.opcode = opcode;
  header.unique = ++unique_;
  header.nodeid = node;
  return CallRaw(Bytes(header) + body, reply_capacity);
}

int64_t FuseTestClient::Lookup(uint64_t dir, const std::string& name,
                               fuse_entry_out* entry) {
  Reply reply = Call(FUSE_LOOKUP, dir, Name(name));
  if (reply.error < 0) return reply.error;
  auto out = reply.As<fuse_entry_out>();
  if (entry != nullptr) *entry = out;
  return static_cast<int64_t>(out.nodeid);
}

void FuseTestClient::Forget(uint64_t node, uint64_t count) {
  Call(FUSE_FORGET, node, Bytes(fuse_forget_in{count}), 0);
}

int FuseTestClient::GetAttr(uint64_t node, fuse_attr* attr) {
  Reply reply = Call(FUSE_GETATTR, node, Bytes(fuse_getattr_in{}));
  *attr = reply.As<fuse_attr_out>().attr;
  return reply.error;
}

int64_t FuseTestClient::Open(uint64_t node, uint32_t flags) {
  Reply reply = Call(FUSE_OPEN, node, Bytes(fuse_open_in{flags, 0}));
  if (reply.error < 0) return reply.error;
  return static_cast<int64_t>(reply.As<fuse_open_out>().fh);
}

int FuseTestClient::Release(uint64_t node, uint64_t fh, bool directory) {
  fuse_release_in in = {};
  in.fh = fh;
  return Call(directory ? FUSE_RELEASEDIR : FUSE_RELEASE, node, Bytes(in))
      .error;
}

int FuseTestClient::Create(uint64_t dir, const std::string& name,
                           uint32_t flags, uint32_t mode, uint64_t* node,
                           uint64_t* fh) {
  fuse_create_in in = {};
  in.flags = flags;
  in.mode = mode;
  Reply reply = Call(FUSE_CREATE, dir, Bytes(in) + Name(name));
  *node = reply.As<fuse_entry_out>().nodeid;
  *fh = reply.As<fuse_open_out>(sizeof(fuse_entry_out)).fh;
  return reply.error;
}

int64_t FuseTestClient::MkDir(uint64_t dir, const std::string& name,
                              uint32_t mode) {
  Reply reply =
      Call(FUSE_MKDIR, dir, Bytes(fuse_mkdir_in{mode, 0}) + Name(name));
  if (reply.error < 0) return reply.error;
  return static_cast<int64_t>(reply.As<fuse_entry_out>().nodeid);
}

int FuseTestClient::Unlink(uint64_t dir, const std::string& name) {
  return Call(FUSE_UNLINK, dir, Name(name)).error;
}

int FuseTestClient::RmDir(uint64_t dir, const std::string& name) {
  return Call(FUSE_RMDIR, dir, Name(name)).error;
}

int FuseTestClient::Rename(uint64_t dir, const std::string& name,
                           uint64_t new_dir, const std::string& new_name,
                           uint32_t flags) {
  std::string names = Name(name) + Name(new_name);
  if (flags == 0) {
    return Call(FUSE_RENAME, dir, Bytes(fuse_rename_in{new_dir}) + names).error;
  }
  return Call(FUSE_RENAME2, dir,
              Bytes(fuse_rename2_in{new_dir, flags, 0}) + names)
      .error;
}

int64_t FuseTestClient::Link(uint64_t node, uint64_t dir,
                             const std::string& name) {
  Reply reply = Call(FUSE_LINK, dir, Bytes(fuse_link_in{node}) + Name(name));
  if (reply.error < 0) return reply.error;
  return static_cast<int64_t>(reply.As<fuse_entry_out>().nodeid);
}

int64_t FuseTestClient::Write(uint64_t node, uint64_t fh, uint64_t offset,
                              const std::string& data, uint32_t write_flags) {
  fuse_write_in in = {};
  in.fh = fh;
  in.offset = offset;
  in.size = static_cast<uint32_t>(data.size());
  in.write_flags = write_flags;
  Reply reply = Call(FUSE_WRITE, node, Bytes(in) + data);
  if (reply.error < 0) return reply.error;
  return reply.As<fuse_write_out>().size;
}

std::string FuseTestClient::Read(uint64_t node, uint64_t fh, uint64_t offset,
                                 uint32_t size) {
  fuse_read_in in = {};
  in.fh = fh;
  in.offset = offset;
  in.size = size;
  Reply reply =
      Call(FUSE_READ, node, Bytes(in), sizeof(fuse_out_header) + size);
  if (reply.error < 0) return "error " + std::to_string(-reply.error);
  return reply.payload;
}

std::vector<FuseTestClient::Entry> FuseTestClient::ReadDir(
    uint64_t node, uint64_t fh, uint64_t offset, uint32_t size, bool plus) {
  fuse_read_in in = {};
  in.fh = fh;
  in.offset = offset;
  in.size = size;
  Reply reply = Call(plus ? FUSE_READDIRPLUS : FUSE_READDIR, node, Bytes(in),
                     sizeof(fuse_out_header) + size);
  std::vector<Entry> entries;
  size_t at = 0;
  while (at + FUSE_NAME_OFFSET <= reply.payload.size()) {
    Entry entry;
    size_t head = plus ? sizeof(fuse_entry_out) : 0;
    if (plus) entry.nodeid = reply.As<fuse_entry_out>(at).nodeid;
    fuse_dirent dirent;
    std::memcpy(&dirent, reply.payload.data() + at + head, FUSE_NAME_OFFSET);
    entry.off = dirent.off;
    entry.type = dirent.type;
    entry.name =
        reply.payload.substr(at + head + FUSE_NAME_OFFSET, dirent.namelen);
    entries.push_back(entry);
    at += FUSE_REC_ALIGN(head + FUSE_NAME_OFFSET + dirent.namelen);
  }
  return entries;
}

}  // namespace crvm
