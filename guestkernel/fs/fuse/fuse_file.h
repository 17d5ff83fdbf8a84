// SPDX-License-Identifier: Apache-2.0
//
// Open files and directories of the host.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_FUSE_FILE_H_
#define CRVM_GUESTKERNEL_FS_FUSE_FUSE_FILE_H_

#include "guestkernel/fs/fuse/fuse_inode.h"

namespace gk {

class FuseFile final : public File {
 public:
  FuseFile(RefPtr<FuseInode> inode, RefPtr<FuseHandle> handle, uint32_t flags)
      : File(flags), inode_(std::move(inode)), handle_(std::move(handle)) {}
  ~FuseFile() override;

  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo& io, uint64_t offset) override;
  int64_t Write(UserIo& io) override;
  int64_t WriteAt(UserIo& io, uint64_t offset) override;
  int64_t Seek(int64_t offset, int whence) override;
  int GetAttributes(FileAttributes* out) override;
  int SetAttributes(const AttributeChange& change) override;
  Result<RefPtr<MemoryObject>> GetMemoryObject() override;
  int Sync(bool data_only) override;
  int Allocate(int mode, uint64_t offset, uint64_t length) override;

 private:
  // Bytes written; *end is where the last of them went.
  int64_t WriteThrough(UserIo& io, uint64_t offset, uint64_t* end);
  size_t ReadAhead(uint64_t offset);

  RefPtr<FuseInode> inode_;
  RefPtr<FuseHandle> handle_;
  uint64_t sequential_ = 0;  // where a sequential reader would go on
  size_t window_ = 0;        // pages to read ahead for it
};

class FuseDirectory final : public File {
 public:
  FuseDirectory(RefPtr<FuseInode> inode, uint32_t flags)
      : File(flags), inode_(std::move(inode)) {}
  ~FuseDirectory() override;

  bool seekable() const override { return true; }
  int64_t ReadAt(UserIo&, uint64_t) override { return -EISDIR; }
  int64_t WriteAt(UserIo&, uint64_t) override { return -EISDIR; }
  int ReadDirectory(DirSink& sink) override;
  int Sync(bool data_only) override;

 private:
  static constexpr size_t kBufferSize = 64 << 10;
  int Fill();

  RefPtr<FuseInode> inode_;
  uint64_t fh_ = 0;         // 0: not open at the server yet
  char* buffer_ = nullptr;  // records of the server
  size_t filled_ = 0, at_ = 0;
  uint64_t at_position_ = 0;  // of the record at at_
  bool at_end_ = false;       // nothing comes after these records
  bool plus_ = false;         // with entries
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_FUSE_FILE_H_
