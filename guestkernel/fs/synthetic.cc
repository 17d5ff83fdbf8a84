// SPDX-License-Identifier: Apache-2.0
//
// Files that are made up when they are read.
#include "guestkernel/fs/synthetic.h"

namespace gk {

namespace {

class DirectoryFile final : public File {
 public:
  DirectoryFile(uint32_t flags, RefPtr<SyntheticDirectory> directory)
      : File(flags), directory_(std::move(directory)) {}
  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo&, uint64_t) override { return -EISDIR; }
  int Sync(bool) override { return 0; }
  int ReadDirectory(DirSink& sink) override {
    constexpr uint8_t kDirectoryType = 4;  // DT_DIR
    if (position_ == 0) {
      if (!sink.Add(".", directory_->number(), kDirectoryType, 1)) return 0;
      position_ = 1;
    }
    if (position_ == 1) {
      if (!sink.Add("..", ParentNumber(), kDirectoryType, 2)) return 0;
      position_ = 2;
    }
    position_ = directory_->List(position_, sink);
    return 0;
  }

 private:
  uint64_t ParentNumber() {
    RefPtr<Dentry> parent = dentry()->parent();
    FileAttributes attributes;
    if (!parent || parent->inode()->GetAttributes(&attributes) < 0) {
      return directory_->number();
    }
    return attributes.inode;
  }
  RefPtr<SyntheticDirectory> directory_;
};

// The text is made anew whenever reading starts at the beginning.
class TextFile final : public File {
 public:
  TextFile(uint32_t flags, RefPtr<SyntheticText> inode)
      : File(flags), inode_(std::move(inode)) {}
  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo& io, uint64_t offset) override {
    if (offset == 0 || !made_) {
      KString text;
      GK_RETURN_IF_ERROR(inode_->Generate(&text));
      text_ = std::move(text);
      made_ = true;
    }
    if (offset >= text_.size()) return 0;
    return io.CopyOut(text_.c_str() + offset, text_.size() - offset);
  }
  int64_t WriteAt(UserIo& io, uint64_t) override {
    constexpr size_t kMaxText = 4096;
    size_t n = io.remaining();
    if (n > kMaxText) return -EINVAL;
    KString text;
    GK_RETURN_IF_ERROR(text.Reserve(n + 1));
    int64_t copied = io.CopyIn(text.data(), n);
    if (copied < 0) return copied;
    StringView view(text.data(), static_cast<size_t>(copied));
    GK_RETURN_IF_ERROR(inode_->Store(view));
    return copied;
  }

 private:
  RefPtr<SyntheticText> inode_;
  KString text_;
  bool made_ = false;
};

}  // namespace

int SyntheticFs::GetStatistics(FsStatistics* out) {
  *out = FsStatistics();
  out->type = magic_;
  out->fsid = device_id;
  return 0;
}

void SyntheticFs::OwnerOf(const Subject&, uint32_t* uid, uint32_t* gid) {
  *uid = *gid = 0;
}

int SyntheticInode::GetAttributes(FileAttributes* out) {
  *out = FileAttributes();
  out->device = fs()->device_id;
  out->inode = number_;
  out->mode = mode_;
  out->link_count = LinkCount();
  static_cast<SyntheticFs*>(fs())->OwnerOf(subject_, &out->uid, &out->gid);
  out->block_size = 1024;
  out->atime = out->mtime = out->ctime = ToTimeSpec(RealtimeNs());
  return 0;
}

int SyntheticInode::SetAttributes(const AttributeChange& change) {
  // Truncation before a write is harmless; nothing else can change.
  bool other = change.set_mode || change.set_uid || change.set_gid ||
               change.set_atime || change.set_mtime;
  return other ? -EPERM : 0;
}

uint64_t SyntheticInode::NumberOf(const SyntheticEntry* entry,
                                  const Subject& subject) {
  uint64_t number = reinterpret_cast<uint64_t>(entry) >> 3;
  number ^= static_cast<uint64_t>(subject.pid) * 0x9e3779b97f4a7c15u;
  number ^= static_cast<uint64_t>(subject.tid) * 0xc2b2ae3d27d4eb4fu;
  number ^= static_cast<uint64_t>(subject.fd + 1) * 0x165667b19e3779f9u;
  // 40 bits: programs print them.
  number ^= number >> 40;
  return (number & 0xffffffffffu) | 1;
}

Result<RefPtr<Inode>> SyntheticInode::Make(FileSystem* fs,
                                           const SyntheticEntry& entry,
                                           const Subject& subject) {
  if (entry.make) return entry.make(fs, subject, entry);
  RefPtr<Inode> inode;
  switch (entry.mode & kModeTypeMask) {
    case kModeDirectory:
      inode = MakeRef<SyntheticDirectory>(
          fs, entry.mode, subject, NumberOf(&entry, subject), entry.children);
      break;
    case kModeSymlink:
      inode = MakeRef<SyntheticLink>(fs, subject, &entry);
      break;
    default:
      inode = MakeRef<SyntheticText>(fs, subject, &entry);
  }
  if (!inode) return Error(-ENOMEM);
  return inode;
}

Result<RefPtr<Inode>> SyntheticDirectory::Lookup(StringView name) {
  for (size_t i = 0; i < table_size(); ++i) {
    if (name == table_->entries[i].name) {
      return Make(fs(), table_->entries[i], subject());
    }
  }
  return Error(-ENOENT);
}

Result<RefPtr<File>> SyntheticDirectory::Open(uint32_t flags) {
  auto file = MakeRef<DirectoryFile>(flags, RefPtr<SyntheticDirectory>(this));
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

uint64_t SyntheticDirectory::ListTable(uint64_t base, uint64_t from,
                                       DirSink& sink) {
  for (; from >= base && from - base < table_size(); ++from) {
    const SyntheticEntry& entry = table_->entries[from - base];
    if (!sink.Add(entry.name, NumberOf(&entry, subject()),
                  static_cast<uint8_t>(entry.mode >> 12), from + 1)) {
      break;
    }
  }
  return from;
}

uint64_t SyntheticDirectory::List(uint64_t from, DirSink& sink) {
  return ListTable(2, from, sink);
}

Result<RefPtr<File>> SyntheticText::Open(uint32_t flags) {
  auto file = MakeRef<TextFile>(flags, RefPtr<SyntheticText>(this));
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

Result<KString> SyntheticLink::ReadLink() {
  KString target;
  GK_RETURN_IF_ERROR(entry_->generate(subject(), &target));
  return target;
}

}  // namespace gk
