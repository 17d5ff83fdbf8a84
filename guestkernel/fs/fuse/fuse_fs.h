// SPDX-License-Identifier: Apache-2.0
//
// FuseFs: the host's file tree. One FuseInode object for each node id that the
// guest holds; the VMM's server counts how often it has told one. Under the
// kernel lock.
#ifndef CRVM_GUESTKERNEL_FS_FUSE_FUSE_FS_H_
#define CRVM_GUESTKERNEL_FS_FUSE_FUSE_FS_H_

#include "guestkernel/drivers/external_input.h"
#include "guestkernel/fs/fuse/connection.h"
#include "guestkernel/fs/inode.h"
#include "guestkernel/lib/vector.h"

namespace gk {

class FuseInode;

class FuseFs final : public FileSystem {
 public:
  // A name that is absent may appear on the host at any time.
  static constexpr uint64_t kNegativeTimeoutNs = 50'000'000;
  static constexpr uint64_t kEntryTimeoutNs = 1'000'000'000;

  static Result<FuseFs*> Create(FuseTransport* transport);
  // Tests only: nobody may hold an inode any more.
  ~FuseFs() override;

  RefPtr<Inode> Root() override;
  int GetStatistics(FsStatistics* out) override;
  const char* type_name() const override { return "fuse.crvm"; }
  void WriteBackAll() override;
  int SyncAll() override;
  void ExpectOpen(uint32_t flags) override {
    open_expected_ = true;
    expected_flags_ = flags;
  }

  FuseConnection* connection() const { return connection_; }

  // The inode that an entry of a reply speaks of; takes over the lookup that
  // the server has counted. -ENOMEM.
  Result<RefPtr<Inode>> Intern(const fuse_entry_out& entry);

  // Before a snapshot: what only this kernel knows goes to the host, and what
  // can be read again goes.
  void Pause();
  // After a resume: nothing that was known about the host's files holds.
  void Resumed();
  // Whether what was told at `told_ns` may still hold as far as the program can
  // know: nothing has come in from outside since, by which it may have learned
  // better, and nothing has turned out to be outdated.
  bool MayBelieve(uint64_t told_ns) const {
    return told_ns > g_last_external_input_ns && told_ns >= distrust_ns_ &&
           told_ns >= connection_->stale_ns() && told_ns >= resumed_ns_;
  }
  // Whether programs lately looked at the files of directories that they had
  // listed (rm -r, du): then entries come with the names. Asked at the start of
  // each listing.
  bool ListWithEntries() {
    bool yes = stats_after_list_ >= 4;
    stats_after_list_ -= yes ? 3 : stats_after_list_ > 0;
    return yes;
  }
  bool IsLabelled();
  void CountStatAfterList() {
    if (stats_after_list_ < 16) ++stats_after_list_;
  }
  void Distrust() { distrust_ns_ = MonotonicNs(); }

  // The first bytes of the file that was opened last, as they came with the
  // reply: the first read needs no request of its own.
  static constexpr size_t kPrefetchSize = 64 << 10;
  struct Prefetch {
    const FuseInode* inode = nullptr;
    size_t size = 0;
    bool to_end = false;  // the file ends there
    char* data = nullptr;
  };
  Prefetch& prefetch() { return prefetch_; }

 private:
  friend class FuseInode;
  FuseFs() = default;
  FuseInode** Bucket(uint64_t nodeid);
  FuseInode* Find(uint64_t nodeid);
  void Insert(FuseInode* inode);
  void Remove(FuseInode* inode);
  void Grow();
  template <typename F>
  void ForEachInode(F f);
  // Whether ExpectOpen() was called for this look-up.
  bool TakeExpected(uint32_t* flags);
  // `inode` has a handle that was opened ahead; nobody else has, then. Null:
  // nobody.
  void SetOpenedAhead(FuseInode* inode);

  FuseConnection* connection_ = nullptr;
  RefPtr<Inode> root_;
  Vector<FuseInode*> buckets_;  // a power of two
  size_t inode_count_ = 0;
  uint64_t resumed_ns_ = 0;
  uint64_t distrust_ns_ = 0;
  int stats_after_list_ = 0;
  // Whether the tree has SELinux labels: -1 unknown, 0 no, 1 yes.
  int labelled_ = -1;
  Prefetch prefetch_;
  bool open_expected_ = false;
  uint32_t expected_flags_ = 0;
  FuseInode* opened_ahead_ = nullptr;  // not owned
};

}  // namespace gk
#endif  // CRVM_GUESTKERNEL_FS_FUSE_FUSE_FS_H_
