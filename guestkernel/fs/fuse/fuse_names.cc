// SPDX-License-Identifier: Apache-2.0
//
// FuseInode's operations on the tree: look-ups, creations, removals.
#include "guestkernel/fs/fuse/fuse_inode.h"

namespace gk {

namespace abi = crvm::abi;

namespace {

constexpr uint32_t kMaxWalk = 24;
constexpr uint32_t kWalkMeta =
    sizeof(fuse_out_header) + sizeof(abi::FuseExtWalkOut) +
    kMaxWalk * sizeof(fuse_entry_out) + 512 /* a symlink's target */;
static_assert(kWalkMeta % 8 == 0);

struct WalkReply {
  abi::FuseExtWalkOut out;
  fuse_entry_out entries[kMaxWalk];
  KString link_target;
};

// Data, if any comes, is in fs->prefetch() afterwards.
int SendWalk(FuseFs* fs, uint64_t nodeid, const abi::FuseExtWalkIn& in,
             StringView path, WalkReply* reply) {
  FuseRequest request(fs->connection(), abi::kFuseExtWalk, nodeid);
  if (in.data_size > 0) {
    fs->prefetch().inode = nullptr;
    request.ExpectData(fs->prefetch().data, in.data_size);
  }
  request.Add(in);
  request.AddBytes(path.data(), path.size());
  GK_RETURN_IF_ERROR(request.Call(kWalkMeta - sizeof(fuse_out_header)));
  reply->out = request.Get<abi::FuseExtWalkOut>();
  uint32_t count = reply->out.entry_count;
  if (count > kMaxWalk) return -EIO;
  for (uint32_t i = 0; i < count; ++i) {
    reply->entries[i] = request.Get<fuse_entry_out>(sizeof(reply->out) +
                                                    i * sizeof(fuse_entry_out));
  }
  size_t link_at = sizeof(reply->out) + count * sizeof(fuse_entry_out);
  size_t link_len = reply->out.link_len;
  if (link_len > 0 && link_at + link_len <= request.reply_size()) {
    // The heap may make inodes go, which only queues requests. Without memory
    // the target is asked for later.
    (void)reply->link_target.Append(
        StringView(request.payload() + link_at, link_len));
  }
  return 0;
}

}  // namespace

Result<RefPtr<Inode>> FuseInode::InternReply(int error,
                                             const fuse_entry_out& entry) {
  if (error < 0) return Error(error);
  if (entry.nodeid == 0) return Error(-ENOENT);
  return fuse()->Intern(entry);
}

Result<RefPtr<Inode>> FuseInode::Lookup(StringView name) {
  uint32_t flags;
  if (fuse()->TakeExpected(&flags)) {
    fuse()->ExpectOpen(flags);
    RefPtr<Inode> inode;
    int n = Walk(name, &inode, 1);
    if (n < 0) return Error(n);
    if (!inode) return Error(-ENOENT);
    return inode;
  }
  RefPtr<Inode> listed;
  if (AskListing(name, &listed)) {
    if (!listed) return Error(-ENOENT);
    return listed;
  }
  fuse_entry_out entry;
  int error;
  {
    FuseRequest request(connection(), FUSE_LOOKUP, nodeid_);
    request.AddName(name);
    error = request.Call();
    entry = request.Get<fuse_entry_out>();
  }
  Result<RefPtr<Inode>> inode = InternReply(error, entry);
  if (inode.ok()) CountLookup();
  return inode;
}

int FuseInode::LookupPath(StringView path, RefPtr<Inode>* inodes, int max) {
  if (path.size() > abi::kFuseExtMaxPath) {
    uint32_t flags;
    fuse()->TakeExpected(&flags);
    return -ENOSYS;
  }
  return Walk(path, inodes, max);
}

// As LookupPath; opens the file at the end if that is expected.
int FuseInode::Walk(StringView path, RefPtr<Inode>* inodes, int max) {
  WalkReply reply;
  abi::FuseExtWalkIn in = {};
  in.meta_size = kWalkMeta;
  in.path_len = static_cast<uint32_t>(path.size());
  if (fuse()->TakeExpected(&in.open_flags)) {
    in.flags = abi::kFuseExtWalkOpen;
    if ((in.open_flags & kOpenAccessMask) != kOpenWriteOnly) {
      in.data_size = FuseFs::kPrefetchSize;
    }
  }
  GK_RETURN_IF_ERROR(SendWalk(fuse(), nodeid_, in, path, &reply));
  const abi::FuseExtWalkOut& out = reply.out;
  int count = static_cast<int>(out.entry_count);
  int filled = 0;
  int error = 0;
  for (int i = 0; i < count; ++i) {
    Result<RefPtr<Inode>> inode = fuse()->Intern(reply.entries[i]);
    if (filled == max || !inode.ok()) {
      error = inode.error();
      continue;  // a lookup that is not kept is forgotten again
    }
    inodes[filled++] = inode.take();
  }
  FuseInode* last = filled > 0 && filled == count
                        ? static_cast<FuseInode*>(inodes[filled - 1].get())
                        : nullptr;
  if (in.flags && out.open_status == 0 && count > 0) {
    if (last) {
      last->OpenedAhead(out.fh, in.open_flags, out.data_len);
    } else {
      connection()->Release(reply.entries[count - 1].nodeid, out.fh);
    }
  }
  if (last && last->is_symlink() &&
      reply.link_target.size() == reply.entries[count - 1].attr.size) {
    last->link_target_ = std::move(reply.link_target);
  }
  if (out.status == -ENOENT && filled == count && filled < max) {
    inodes[filled++] = nullptr;
  }
  if (filled > 0) return filled;
  if (error < 0) return error;
  return out.status < 0 ? out.status : -ENOSYS;
}

void FuseInode::OpenedAhead(uint64_t fh, uint32_t flags, size_t prefetched) {
  Result<RefPtr<FuseHandle>> handle = AddHandle(fh, flags);
  if (!handle.ok()) return;
  fuse()->SetOpenedAhead(this);
  ahead_ = handle.take();
  FuseFs::Prefetch& first = fuse()->prefetch();
  if (prefetched > FuseFs::kPrefetchSize) return;
  first.inode = this;
  first.size = prefetched;
  first.to_end = prefetched < FuseFs::kPrefetchSize;
}

Result<RefPtr<Inode>> FuseInode::Create(StringView name, uint32_t mode,
                                        uint64_t rdev) {
  fuse_entry_out entry;
  int error;
  {
    FuseRequest request(connection(), FUSE_MKNOD, nodeid_);
    fuse_mknod_in in = {};
    in.mode = mode;
    in.rdev = static_cast<uint32_t>(rdev);
    request.Add(in);
    request.AddName(name);
    error = request.Call();
    entry = request.Get<fuse_entry_out>();
  }
  NameChanged(name);
  return InternReply(error, entry);
}

Result<RefPtr<Inode>> FuseInode::MakeDirectory(StringView name, uint32_t mode) {
  fuse_entry_out entry;
  int error;
  {
    FuseRequest request(connection(), FUSE_MKDIR, nodeid_);
    request.Add(fuse_mkdir_in{mode & ~kModeTypeMask, 0});
    request.AddName(name);
    error = request.Call();
    entry = request.Get<fuse_entry_out>();
  }
  NameChanged(name);
  return InternReply(error, entry);
}

Result<RefPtr<Inode>> FuseInode::MakeSymlink(StringView name,
                                             StringView target) {
  if (target.size() >= 4096) return Error(-ENAMETOOLONG);
  fuse_entry_out entry;
  int error;
  {
    FuseRequest request(connection(), FUSE_SYMLINK, nodeid_);
    request.AddName(name);
    request.AddName(target);
    error = request.Call();
    entry = request.Get<fuse_entry_out>();
  }
  NameChanged(name);
  return InternReply(error, entry);
}

int FuseInode::Link(StringView name, Inode* target) {
  auto* inode = static_cast<FuseInode*>(target);
  NameChanged(name);
  fuse_entry_out entry;
  {
    FuseRequest request(connection(), FUSE_LINK, nodeid_);
    request.Add(fuse_link_in{inode->nodeid_});
    request.AddName(name);
    GK_RETURN_IF_ERROR(request.Call());
    entry = request.Get<fuse_entry_out>();
  }
  // The server has counted a lookup of what is there now.
  return fuse()->Intern(entry).error();
}

int FuseInode::Unlink(StringView name, Inode* target) {
  {
    FuseRequest request(connection(), FUSE_UNLINK, nodeid_);
    request.AddName(name);
    GK_RETURN_IF_ERROR(request.Call());
  }
  static_cast<FuseInode*>(target)->ForgetAttributes();
  NameChanged(name);
  return 0;
}

int FuseInode::RemoveDirectory(StringView name, Inode* target) {
  {
    FuseRequest request(connection(), FUSE_RMDIR, nodeid_);
    request.AddName(name);
    GK_RETURN_IF_ERROR(request.Call());
  }
  static_cast<FuseInode*>(target)->ForgetAttributes();
  NameChanged(name);
  return 0;
}

int FuseInode::Rename(StringView name, Inode* new_directory,
                      StringView new_name, uint32_t flags) {
  auto* to = static_cast<FuseInode*>(new_directory);
  {
    FuseRequest request(connection(), flags ? FUSE_RENAME2 : FUSE_RENAME,
                        nodeid_);
    if (flags) {
      request.Add(fuse_rename2_in{to->nodeid_, flags, 0});
    } else {
      request.Add(fuse_rename_in{to->nodeid_});
    }
    request.AddName(name);
    request.AddName(new_name);
    GK_RETURN_IF_ERROR(request.Call());
  }
  NameChanged(name);
  to->NameChanged(new_name);
  // The files themselves are told by NamesChanged.
  return 0;
}

Result<KString> FuseInode::ReadLink() {
  if (!is_symlink()) return Error(-EINVAL);
  // A symlink never changes its target.
  if (!link_target_.empty()) return KString::From(link_target_);
  KString target;
  GK_RETURN_IF_ERROR(target.Reserve(4096));
  {
    FuseRequest request(connection(), FUSE_READLINK, nodeid_);
    GK_RETURN_IF_ERROR(request.Call(4096));
    StringView text(request.payload(), request.reply_size());
    GK_RETURN_IF_ERROR(target.Append(text));
  }
  GK_ASSIGN_OR_RETURN(link_target_, KString::From(target));
  return target;
}

}  // namespace gk
