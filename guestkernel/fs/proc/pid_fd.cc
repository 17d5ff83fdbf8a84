// SPDX-License-Identifier: Apache-2.0
//
// /proc/PID/fd, fdinfo and task.
#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/proc/number_name.h"
#include "guestkernel/fs/proc/proc.h"

namespace gk {

namespace {

// Stands for an open file that has no name (a pipe, a socket), so that paths
// through /proc/PID/fd can lead to it.
class OpenFileInode final : public Inode {
 public:
  OpenFileInode(FileSystem* fs, uint32_t mode, RefPtr<File> file)
      : Inode(fs, mode), file_(std::move(file)) {}
  int GetAttributes(FileAttributes* out) override {
    return file_->GetAttributes(out);
  }
  int SetAttributes(const AttributeChange& change) override {
    return file_->SetAttributes(change);
  }
  bool opens_itself() const override { return true; }
  Result<RefPtr<File>> Open(uint32_t flags) override {
    return file_->Reopen(flags);
  }

 private:
  RefPtr<File> file_;
};

Result<RefPtr<File>> FileOf(const Subject& subject) {
  Process* process = ProcessOf(subject);
  RefPtr<File> file;
  if (process && process->files) file = process->files->Get(subject.fd);
  if (!file) return Error(-ENOENT);
  return file;
}

class FdLink final : public SyntheticInode {
 public:
  FdLink(FileSystem* fs, const Subject& subject, uint32_t mode, uint64_t number)
      : SyntheticInode(fs, mode, subject, number) {}
  bool is_magic_link() const override { return true; }
  Result<KString> ReadLink() override {
    GK_ASSIGN_OR_RETURN(RefPtr<File> file, FileOf(subject()));
    return file->Describe();
  }
  Result<RefPtr<Dentry>> FollowMagicLink() override {
    GK_ASSIGN_OR_RETURN(RefPtr<File> file, FileOf(subject()));
    if (file->dentry()) return RefPtr<Dentry>(file->dentry());
    GK_ASSIGN_OR_RETURN(KString name, file->Describe());
    FileAttributes attributes;
    if (file->GetAttributes(&attributes) < 0) attributes.mode = 0600;
    auto inode = MakeRef<OpenFileInode>(fs(), attributes.mode, file);
    if (!inode) return Error(-ENOMEM);
    RefPtr<Dentry> dentry =
        DentryCache::NewDetached(nullptr, name, std::move(inode));
    if (!dentry) return Error(-ENOMEM);
    return dentry;
  }
};

int FdInfo(const Subject& subject, KString* out) {
  GK_ASSIGN_OR_RETURN(RefPtr<File> file, FileOf(subject));
  uint32_t flags = file->flags();
  if (ProcessOf(subject)->files->close_on_exec(subject.fd)) {
    flags |= kOpenCloexec;
  }
  FileAttributes attributes;
  file->GetAttributes(&attributes);
  return out->AppendFormat("pos:\t%lu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n",
                           file->position(), flags, 1, attributes.inode);
}
constexpr SyntheticEntry kFdInfoEntry = TextEntry("N", FdInfo);
constexpr SyntheticEntry kFdLinkEntry = {"N", kModeSymlink | 0700};

class FdDirectory final : public SyntheticDirectory {
 public:
  FdDirectory(FileSystem* fs, const Subject& subject, uint64_t number,
              bool info)
      : SyntheticDirectory(fs, kModeDirectory | 0500, subject, number, nullptr),
        info_(info) {}
  Result<RefPtr<Inode>> Lookup(StringView name) override {
    GK_RETURN_IF_ERROR(MayInspect(subject()));
    int fd = NumberFromName(name);
    if (fd < 0) return Error(-ENOENT);
    Subject about = {subject().pid, subject().tid, fd};
    GK_ASSIGN_OR_RETURN(RefPtr<File> file, FileOf(about));
    if (info_) return Make(fs(), kFdInfoEntry, about);
    uint32_t rights =
        (file->readable() ? 0500 : 0) | (file->writable() ? 0300 : 0);
    auto inode = MakeRef<FdLink>(fs(), about, kModeSymlink | rights,
                                 NumberOf(&kFdLinkEntry, about));
    if (!inode) return Error(-ENOMEM);
    return RefPtr<Inode>(std::move(inode));
  }
  uint64_t List(uint64_t from, DirSink& sink) override {
    Process* process = ProcessOf(subject());
    if (!process || !process->files || MayInspect(subject()) < 0) return from;
    const SyntheticEntry* entry = info_ ? &kFdInfoEntry : &kFdLinkEntry;
    int fd = static_cast<int>(from) - 2;
    for (; fd < process->files->max_fd(); ++fd) {
      if (!process->files->Get(fd)) continue;
      Subject about = {subject().pid, subject().tid, fd};
      uint64_t next = static_cast<uint64_t>(fd) + 3;
      if (!sink.Add(NumberName(fd).view(), NumberOf(entry, about),
                    static_cast<uint8_t>(entry->mode >> 12), next)) {
        break;
      }
    }
    return static_cast<uint64_t>(fd) + 2;
  }

 private:
  bool info_;
};

constexpr SyntheticEntry kTaskEntry = DirectoryEntry("TID", &kTaskTable);

class TaskDirectory final : public SyntheticDirectory {
 public:
  TaskDirectory(FileSystem* fs, const Subject& subject, uint64_t number)
      : SyntheticDirectory(fs, kModeDirectory | 0555, subject, number,
                           nullptr) {}
  Result<RefPtr<Inode>> Lookup(StringView name) override {
    Subject about = {subject().pid, NumberFromName(name), -1};
    if (about.tid <= 0 || !ThreadOf(about)) return Error(-ENOENT);
    return Make(fs(), kTaskEntry, about);
  }
  uint64_t List(uint64_t from, DirSink& sink) override {
    Process* process = ProcessOf(subject());
    if (!process) return from;
    // By tid, so that threads that come and go do not disturb the listing.
    for (;;) {
      Thread* next = nullptr;
      for (Thread& thread : process->threads) {
        if (static_cast<uint64_t>(thread.tid) + 2 >= from &&
            (!next || thread.tid < next->tid)) {
          next = &thread;
        }
      }
      if (!next) return from;
      Subject about = {subject().pid, next->tid, -1};
      uint64_t after = static_cast<uint64_t>(next->tid) + 3;
      if (!sink.Add(NumberName(next->tid).view(), NumberOf(&kTaskEntry, about),
                    kModeDirectory >> 12, after)) {
        return from;
      }
      from = after;
    }
  }

 protected:
  uint32_t LinkCount() override {
    Process* process = ProcessOf(subject());
    return 2 + static_cast<uint32_t>(process ? process->thread_count : 0);
  }
};

}  // namespace

Result<RefPtr<Inode>> MakeFdDirectory(FileSystem* fs, const Subject& subject,
                                      const SyntheticEntry& entry) {
  bool info = StringView(entry.name) == "fdinfo";
  auto inode = MakeRef<FdDirectory>(
      fs, subject, SyntheticInode::NumberOf(&entry, subject), info);
  if (!inode) return Error(-ENOMEM);
  return RefPtr<Inode>(std::move(inode));
}

Result<RefPtr<Inode>> MakeTaskDirectory(FileSystem* fs, const Subject& subject,
                                        const SyntheticEntry& entry) {
  auto inode = MakeRef<TaskDirectory>(
      fs, subject, SyntheticInode::NumberOf(&entry, subject));
  if (!inode) return Error(-ENOMEM);
  return RefPtr<Inode>(std::move(inode));
}

}  // namespace gk
