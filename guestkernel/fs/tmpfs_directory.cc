// SPDX-License-Identifier: Apache-2.0
//
// tmpfs directories: entries by name (a hash table) and by directory offset (a
// sorted array, so that a listing goes on where it was, whatever was removed
// meanwhile).
#include "guestkernel/fs/permission.h"
#include "guestkernel/fs/tmpfs.h"
#include "guestkernel/sched/thread.h"

namespace gk {

namespace {

constexpr size_t kFirstBuckets = 8;

class TmpfsDirectoryFile final : public File {
 public:
  TmpfsDirectoryFile(uint32_t flags, RefPtr<TmpfsDirectory> directory)
      : File(flags), directory_(std::move(directory)) {}
  int64_t Read(UserIo&) override { return -EISDIR; }
  int64_t ReadAt(UserIo&, uint64_t) override { return -EISDIR; }
  bool seekable() const override { return true; }
  int Sync(bool) override { return 0; }
  int ReadDirectory(DirSink& sink) override {
    position_ = directory_->List(position_, sink);
    directory_->TouchAccess();
    return 0;
  }
  int64_t Seek(int64_t offset, int whence) override {
    if (whence == 1) offset += static_cast<int64_t>(position_);
    if (whence > 1 || offset < 0) return -EINVAL;
    position_ = static_cast<uint64_t>(offset);
    return offset;
  }

 private:
  RefPtr<TmpfsDirectory> directory_;
};

}  // namespace

TmpfsDirectory::TmpfsDirectory(Tmpfs* fs, uint32_t mode)
    : TmpfsInode(fs, (mode & 07777) | kModeDirectory, 0), parent_(this) {
  link_count = 2;
}

TmpfsDirectory::~TmpfsDirectory() {
  for (Entry* entry : entries_) delete entry;
}

TmpfsDirectory::Entry* TmpfsDirectory::Find(StringView name) {
  if (buckets_.empty()) return nullptr;
  uint64_t hash = HashString(name);
  Entry* entry = buckets_[hash & (buckets_.size() - 1)];
  while (entry && !(entry->hash == hash && entry->name.view() == name)) {
    entry = entry->hash_next;
  }
  return entry;
}

void TmpfsDirectory::HashIn(Entry* entry) {
  entry->hash = HashString(entry->name);
  Entry*& bucket = buckets_[entry->hash & (buckets_.size() - 1)];
  entry->hash_next = bucket;
  bucket = entry;
}

void TmpfsDirectory::Unhash(Entry* entry) {
  Entry** at = &buckets_[entry->hash & (buckets_.size() - 1)];
  while (*at != entry) at = &(*at)->hash_next;
  *at = entry->hash_next;
}

int TmpfsDirectory::Add(StringView name, RefPtr<TmpfsInode> inode) {
  if (removed_) return -ENOENT;
  if (entries_.size() >= buckets_.size()) {
    size_t size = buckets_.empty() ? kFirstBuckets : buckets_.size() * 2;
    Vector<Entry*> grown;
    GK_RETURN_IF_ERROR(grown.Resize(size));
    buckets_.Swap(grown);
    for (Entry* entry : entries_) HashIn(entry);
  }
  auto entry = MakeUnique<Entry>();
  if (!entry) return -ENOMEM;
  GK_ASSIGN_OR_RETURN(entry->name, KString::From(name));
  entry->inode = std::move(inode);
  entry->cookie = next_cookie_++;
  GK_RETURN_IF_ERROR(entries_.PushBack(entry.get()));
  HashIn(entry.release());
  TouchModified();
  return 0;
}

size_t TmpfsDirectory::IndexAt(uint64_t cookie) const {
  size_t low = 0, high = entries_.size();
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (entries_[middle]->cookie < cookie) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void TmpfsDirectory::RemoveEntry(Entry* entry) {
  Unhash(entry);
  entries_.RemoveAt(IndexAt(entry->cookie));
  delete entry;
  TouchModified();
}

Result<RefPtr<TmpfsInode>> TmpfsDirectory::NewInode(uint32_t mode,
                                                    uint64_t rdev) {
  const Credentials& who = CurrentThread()->credentials;
  bool inherit = mode_ & kModeSetGid;
  RefPtr<TmpfsInode> inode;
  switch (mode & kModeTypeMask) {
    case kModeDirectory:
      inode =
          MakeRef<TmpfsDirectory>(tmpfs(), inherit ? mode | kModeSetGid : mode);
      break;
    case 0:
    case kModeRegular: {
      auto cache = MakeRef<PageCache>(nullptr);
      if (!cache) return Error(-ENOMEM);
      inode = MakeRef<TmpfsRegular>(tmpfs(), (mode & 07777) | kModeRegular,
                                    std::move(cache));
      break;
    }
    default:
      inode = MakeRef<TmpfsInode>(tmpfs(), mode, rdev);
  }
  if (!inode) return Error(-ENOMEM);
  inode->SetOwner(who.fsuid, inherit ? gid() : who.fsgid);
  return inode;
}

Result<RefPtr<Inode>> TmpfsDirectory::Lookup(StringView name) {
  Entry* entry = Find(name);
  if (!entry) return Error(-ENOENT);
  return RefPtr<Inode>(entry->inode);
}

int TmpfsDirectory::AddNew(StringView name, RefPtr<TmpfsInode> inode) {
  if (Find(name)) return -EEXIST;
  return Add(name, std::move(inode));
}

Result<RefPtr<Inode>> TmpfsDirectory::Create(StringView name, uint32_t mode,
                                             uint64_t rdev) {
  RefPtr<TmpfsInode> inode;
  GK_ASSIGN_OR_RETURN(inode, NewInode(mode, rdev));
  GK_RETURN_IF_ERROR(AddNew(name, inode));
  return RefPtr<Inode>(std::move(inode));
}

Result<RefPtr<Inode>> TmpfsDirectory::CreateUnnamed(uint32_t mode) {
  RefPtr<TmpfsInode> inode;
  GK_ASSIGN_OR_RETURN(inode, NewInode(mode, 0));
  inode->link_count = 0;
  inode->linkable = true;
  return RefPtr<Inode>(std::move(inode));
}

Result<RefPtr<Inode>> TmpfsDirectory::MakeDirectory(StringView name,
                                                    uint32_t mode) {
  RefPtr<TmpfsInode> inode;
  GK_ASSIGN_OR_RETURN(inode, NewInode((mode & 07777) | kModeDirectory, 0));
  GK_RETURN_IF_ERROR(AddNew(name, inode));
  static_cast<TmpfsDirectory*>(inode.get())->parent_ = this;
  ++link_count;
  return RefPtr<Inode>(std::move(inode));
}

Result<RefPtr<Inode>> TmpfsDirectory::MakeSymlink(StringView name,
                                                  StringView target) {
  KString text;
  GK_ASSIGN_OR_RETURN(text, KString::From(target));
  auto inode = MakeRef<TmpfsSymlink>(tmpfs(), std::move(text));
  if (!inode) return Error(-ENOMEM);
  const Credentials& who = CurrentThread()->credentials;
  inode->SetOwner(who.fsuid, (mode_ & kModeSetGid) ? gid() : who.fsgid);
  GK_RETURN_IF_ERROR(AddNew(name, inode));
  return RefPtr<Inode>(std::move(inode));
}

int TmpfsDirectory::Link(StringView name, Inode* target) {
  auto* inode = static_cast<TmpfsInode*>(target);
  if (inode->link_count == 0 && !inode->linkable) return -ENOENT;
  GK_RETURN_IF_ERROR(AddNew(name, RefPtr<TmpfsInode>(inode)));
  ++inode->link_count;
  inode->TouchChange();
  return 0;
}

// A name of `inode` has gone.
void TmpfsDirectory::DropLink(TmpfsInode* inode) {
  if (inode->is_directory()) {
    auto* directory = static_cast<TmpfsDirectory*>(inode);
    --directory->parent_->link_count;
    directory->parent_ = directory;
    directory->removed_ = true;
    directory->link_count = 0;
  } else {
    --inode->link_count;
    inode->linkable = false;
  }
  inode->TouchChange();
}

int TmpfsDirectory::Unlink(StringView name, Inode*) {
  Entry* entry = Find(name);
  if (!entry) return -ENOENT;
  if (entry->inode->is_directory()) return -EISDIR;
  DropLink(entry->inode.get());
  RemoveEntry(entry);
  return 0;
}

int TmpfsDirectory::RemoveDirectory(StringView name, Inode*) {
  Entry* entry = Find(name);
  if (!entry) return -ENOENT;
  if (!entry->inode->is_directory()) return -ENOTDIR;
  if (!static_cast<TmpfsDirectory*>(entry->inode.get())->empty()) {
    return -ENOTEMPTY;
  }
  DropLink(entry->inode.get());
  RemoveEntry(entry);
  return 0;
}

// A directory has moved from below old_parent to below this one.
void TmpfsDirectory::Adopt(TmpfsInode* inode, TmpfsDirectory* old_parent) {
  inode->TouchChange();
  if (!inode->is_directory() || old_parent == this) return;
  static_cast<TmpfsDirectory*>(inode)->parent_ = this;
  --old_parent->link_count;
  ++link_count;
}

int TmpfsDirectory::ReplaceCheck(TmpfsInode* moved, Entry* target) {
  TmpfsInode* old = target->inode.get();
  if (!old->is_directory()) return moved->is_directory() ? -ENOTDIR : 0;
  if (!moved->is_directory()) return -EISDIR;
  return static_cast<TmpfsDirectory*>(old)->empty() ? 0 : -ENOTEMPTY;
}

int TmpfsDirectory::Rename(StringView name, Inode* new_directory,
                           StringView new_name, uint32_t flags) {
  constexpr uint32_t kNoReplace = 1, kExchange = 2;
  auto* to = static_cast<TmpfsDirectory*>(new_directory);
  Entry* source = Find(name);
  if (!source) return -ENOENT;
  Entry* target = to->Find(new_name);
  RefPtr<TmpfsInode> moved = source->inode;
  if (flags & kExchange) {
    if (!target) return -ENOENT;
    std::swap(source->inode, target->inode);
    to->Adopt(moved.get(), this);
    Adopt(source->inode.get(), to);
    TouchModified();
    to->TouchModified();
    return 0;
  }
  if (target) {
    if (flags & kNoReplace) return -EEXIST;
    GK_RETURN_IF_ERROR(ReplaceCheck(moved.get(), target));
    DropLink(target->inode.get());
    target->inode = moved;
    to->TouchModified();
  } else {
    GK_RETURN_IF_ERROR(to->Add(new_name, moved));
  }
  RemoveEntry(source);
  to->Adopt(moved.get(), this);
  return 0;
}

Result<RefPtr<File>> TmpfsDirectory::Open(uint32_t flags) {
  auto file = MakeRef<TmpfsDirectoryFile>(flags, RefPtr<TmpfsDirectory>(this));
  if (!file) return Error(-ENOMEM);
  return RefPtr<File>(std::move(file));
}

uint64_t TmpfsDirectory::List(uint64_t from, DirSink& sink) {
  constexpr uint8_t kDirectoryType =
      4;  // DT_DIR; DT_* are the mode's type bits
  if (from == 0) {
    if (!sink.Add(".", number(), kDirectoryType, 1)) return 0;
    from = 1;
  }
  if (from == 1) {
    if (!sink.Add("..", parent_->number(), kDirectoryType, 2)) return 1;
    from = 2;
  }
  for (size_t i = IndexAt(from); i < entries_.size(); ++i) {
    const Entry& entry = *entries_[i];
    if (!sink.Add(entry.name, entry.inode->number(),
                  static_cast<uint8_t>(entry.inode->type() >> 12),
                  entry.cookie + 1)) {
      return entry.cookie;
    }
    from = entry.cookie + 1;
  }
  return from;
}

}  // namespace gk
