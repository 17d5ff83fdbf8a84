// SPDX-License-Identifier: Apache-2.0
//
// File systems whose files are made up when they are read (/proc, /sys): tables
// of entries, each with a function that makes its text. Under the kernel lock.
#ifndef CRVM_GUESTKERNEL_FS_SYNTHETIC_H_
#define CRVM_GUESTKERNEL_FS_SYNTHETIC_H_

#include <cstddef>
#include <cstdint>

#include "guestkernel/fs/inode.h"

namespace gk {

// Whom a file is about; zeros where that does not matter.
struct Subject {
  int pid = 0;
  int tid = 0;  // 0: the process as a whole
  int fd = -1;
};

struct SyntheticEntry;
struct SyntheticTable {
  const SyntheticEntry* entries;
  size_t count;
};

struct SyntheticEntry {
  const char* name;
  uint32_t mode;  // with the type
  // The text of a regular file, the target of a symlink. 0 or negative errno.
  int (*generate)(const Subject& subject, KString* out) = nullptr;
  // What a write means; null: -EIO.
  int (*store)(const Subject& subject, StringView text) = nullptr;
  const SyntheticTable* children = nullptr;  // of a directory
  // Makes an inode of its own kind, in place of all that.
  Result<RefPtr<Inode>> (*make)(FileSystem* fs, const Subject& subject,
                                const SyntheticEntry& entry) = nullptr;
};

template <size_t kCount>
constexpr SyntheticTable TableOf(const SyntheticEntry (&entries)[kCount]) {
  return SyntheticTable{entries, kCount};
}
constexpr SyntheticEntry TextEntry(const char* name,
                                   int (*generate)(const Subject&, KString*),
                                   uint32_t mode = 0444) {
  return SyntheticEntry{name, kModeRegular | mode, generate};
}
constexpr SyntheticEntry DirectoryEntry(const char* name,
                                        const SyntheticTable* children) {
  return SyntheticEntry{name, kModeDirectory | 0555, nullptr, nullptr,
                        children};
}
constexpr SyntheticEntry LinkEntry(const char* name,
                                   int (*generate)(const Subject&, KString*)) {
  return SyntheticEntry{name, kModeSymlink | 0777, generate};
}

class SyntheticFs : public FileSystem {
 public:
  SyntheticFs(const char* type_name, uint64_t magic)
      : type_name_(type_name), magic_(magic) {
    device_id = AllocateDeviceId();
  }
  RefPtr<Inode> Root() override { return root_; }
  int GetStatistics(FsStatistics* out) override;
  const char* type_name() const override { return type_name_; }
  void set_root(RefPtr<Inode> root) { root_ = std::move(root); }
  // Who owns the files about `subject`: root unless overridden.
  virtual void OwnerOf(const Subject& subject, uint32_t* uid, uint32_t* gid);

 private:
  const char* type_name_;
  uint64_t magic_;
  RefPtr<Inode> root_;
};

class SyntheticInode : public Inode {
 public:
  SyntheticInode(FileSystem* fs, uint32_t mode, const Subject& subject,
                 uint64_t number)
      : Inode(fs, mode), subject_(subject), number_(number) {}
  int GetAttributes(FileAttributes* out) override;
  int SetAttributes(const AttributeChange& change) override;
  const Subject& subject() const { return subject_; }
  uint64_t number() const { return number_; }

  // One for each (entry, subject) pair.
  static uint64_t NumberOf(const SyntheticEntry* entry, const Subject& subject);
  // The inode that `entry` describes.
  static Result<RefPtr<Inode>> Make(FileSystem* fs, const SyntheticEntry& entry,
                                    const Subject& subject);

 protected:
  virtual uint32_t LinkCount() { return is_directory() ? 2 : 1; }

 private:
  Subject subject_;
  uint64_t number_;
};

// A directory: the entries of a table and, in subclasses, more.
class SyntheticDirectory : public SyntheticInode {
 public:
  SyntheticDirectory(FileSystem* fs, uint32_t mode, const Subject& subject,
                     uint64_t number, const SyntheticTable* table)
      : SyntheticInode(fs, mode, subject, number), table_(table) {}
  Result<RefPtr<Inode>> Lookup(StringView name) override;
  Result<RefPtr<Inode>> Create(StringView, uint32_t, uint64_t) override {
    return Error(-EACCES);
  }
  Result<RefPtr<File>> Open(uint32_t flags) override;
  bool volatile_entries() const override { return true; }

  // As File::ReadDirectory, from offset `from` (2 and up); the offset to go on
  // at.
  virtual uint64_t List(uint64_t from, DirSink& sink);

 protected:
  // The table's entries at offsets [base, base + count).
  uint64_t ListTable(uint64_t base, uint64_t from, DirSink& sink);
  size_t table_size() const { return table_ ? table_->count : 0; }

 private:
  const SyntheticTable* table_;
};

// A regular file with a text.
class SyntheticText : public SyntheticInode {
 public:
  SyntheticText(FileSystem* fs, const Subject& subject,
                const SyntheticEntry* entry)
      : SyntheticInode(fs, entry->mode, subject, NumberOf(entry, subject)),
        entry_(entry) {}
  Result<RefPtr<File>> Open(uint32_t flags) override;
  // There is nothing to truncate.
  bool open_truncates() const override { return true; }
  int Generate(KString* out) { return entry_->generate(subject(), out); }
  int Store(StringView text) {
    return entry_->store ? entry_->store(subject(), text) : -EIO;
  }

 private:
  const SyntheticEntry* entry_;
};

class SyntheticLink : public SyntheticInode {
 public:
  SyntheticLink(FileSystem* fs, const Subject& subject,
                const SyntheticEntry* entry)
      : SyntheticInode(fs, kModeSymlink | 0777, subject,
                       NumberOf(entry, subject)),
        entry_(entry) {}
  Result<KString> ReadLink() override;

 private:
  const SyntheticEntry* entry_;
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_SYNTHETIC_H_
