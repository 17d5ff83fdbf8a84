// SPDX-License-Identifier: Apache-2.0
//
// NodeTable: which files of the host the guest knows, by FUSE node id. vCPU
// thread.
//
// A node is found again by place, parent node and name, as last seen; a file
// descriptor (O_PATH) is opened only for what needs one, such as directories on
// the way, and the least recently used are closed when there are many. So a
// guest may walk millions of files. What is at the place may have been replaced
// on the host in the meantime: identity (device, inode, birth time) is compared
// whenever a node is found by place, and another file is -ESTALE.
//
// A node without a place (removed by the guest but still in use) lives from its
// descriptor, which is then never closed ("pinned").
//
// Functions return 0 (or a descriptor), or a negative errno. Nodes and names
// come from the guest's requests: the caller has checked that names are single
// components; nothing here follows a symlink.

#ifndef CRVM_VMM_DEVICES_FS_NODE_TABLE_H_
#define CRVM_VMM_DEVICES_FS_NODE_TABLE_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "vmm/base/unique_fd.h"
#include "vmm/devices/fs/slot_table.h"

namespace crvm {

// Hard links have one identity. Directories also differ by mount: the same
// directory seen through two bind mounts may have different things below it.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t mount = 0;  // 0 except for directories

  friend bool operator==(const FileIdentity& a, const FileIdentity& b) {
    return a.device == b.device && a.inode == b.inode && a.mount == b.mount;
  }
  template <typename H>
  friend H AbslHashValue(H h, const FileIdentity& id) {
    return H::combine(std::move(h), id.device, id.inode, id.mount);
  }
};

FileIdentity IdentityOf(const struct statx& st);

// What an inode number alone does not tell: whether it has been given to
// another file since. 0 where the file system does not say.
uint64_t BirthOf(const struct statx& st);

// What a failure to find a node at its place means to the guest: it knows the
// file, but not where it is now.
int Outdated(int error);

struct Node {
  uint64_t id = 0;
  FileIdentity identity;
  uint64_t birth = 0;
  uint32_t type = 0;      // S_IFMT bits
  uint32_t handles = 0;   // open file handles
  uint32_t children = 0;  // nodes whose parent this is
  bool pinned = false;
  bool hashed = false;   // found by identity
  uint64_t lookups = 0;  // that the guest has not forgotten
  Node* parent = nullptr;
  std::string name;
  UniqueFd fd;

  // Among the nodes whose fd may be closed, by last use.
  Node* newer = nullptr;
  Node* older = nullptr;
};

class NodeTable {
 public:
  static constexpr uint64_t kRootId = 1;

  // `root` is an O_PATH descriptor of the tree's root. Up to `max_fds`
  // descriptors are kept open between requests, and as many pinned ones.
  NodeTable(UniqueFd root, const struct statx& root_st, size_t max_nodes,
            size_t max_fds);

  Node* root() { return root_; }
  Node* Find(uint64_t id) { return nodes_.Find(id); }
  Node* FindByIdentity(const struct statx& st);
  size_t size() const { return nodes_.size(); }
  size_t open_fds() const { return lru_size_ + pinned_; }

  // The file `name` in `dir`; counts as one lookup by the guest.
  int Lookup(Node* dir, const char* name, Node** node, struct statx* st);

  // The same for a file that has just been found there by other means.
  int Intern(Node* dir, absl::string_view name, const struct statx& st,
             Node** node);

  // A node without a place that lives from `fd` (O_TMPFILE).
  int InternUnlinked(UniqueFd fd, const struct statx& st, Node** node);

  // `count` lookups less. The node may be gone afterwards.
  void Forget(Node* node, uint64_t count);

  void AddHandle(Node* node) { ++node->handles; }
  void DropHandle(Node* node);

  // The node's attributes now.
  int Stat(Node* node, struct statx* st);

  // An O_PATH descriptor, valid until the end of the request.
  int Fd(Node* node);

  // Where to find the node for a *at() call: its own descriptor if there is
  // one (*name is then nullptr), or its parent's and its name.
  int Locate(Node* node, int* fd, const char** name);

  bool IsSameFile(const Node& node, const struct statx& st) const;

  // The node of the file at (dir, name), if it has one.
  Node* FindAt(Node* dir, const char* name);
  // Before the file at (dir, name) is removed or replaced: makes sure that its
  // node, if any, survives that. Returns the node or nullptr.
  Node* PrepareRemoval(Node* dir, const char* name);
  // Afterwards.
  void Removed(Node* node, Node* dir, absl::string_view name);
  // `node` is at (dir, name) now. Nodes that nothing needs any more are gone
  // after either of the two.
  void Moved(Node* node, Node* dir, absl::string_view name);

  // Closes descriptors beyond the budget. Between requests only.
  void TrimFds();

  // Path from the root without a leading '/'; "" for the root. False for a node
  // without a place.
  bool PathOf(const Node* node, std::string* path) const;

  // ---- For SaveState and RestoreState. ----
  template <typename F>
  void ForEach(F f) {
    nodes_.ForEach([&](uint64_t, Node& node) { f(node); });
  }
  uint32_t NextGeneration() const { return nodes_.NextGeneration(); }
  // A node under an old id; nullptr when the id is impossible. It has no place
  // and no identity yet.
  Node* RestoreNode(uint64_t id, uint32_t type, uint64_t lookups);
  void RestorePlace(Node* node, Node* dir, absl::string_view name);
  // Takes on the identity of what is there now.
  void RestoreIdentity(Node* node, const struct statx& st);
  void RestorePinned(Node* node, UniqueFd fd);
  void FinishRestore(uint32_t generation) { nodes_.FinishRestore(generation); }

 private:
  int OpenNode(Node* node);
  void Touch(Node* node);
  void LruRemove(Node* node);
  void Pin(Node* node);
  void SetPlace(Node* node, Node* dir, absl::string_view name);
  void Detach(Node* node);
  void Unhash(Node* node);
  Node* FindAt(Node* dir, const char* name, struct statx* st);
  void MaybeFree(Node* node);

  SlotTable<Node> nodes_;
  absl::flat_hash_map<FileIdentity, Node*> by_identity_;
  Node* root_;
  size_t max_fds_;
  size_t pinned_ = 0;
  size_t lru_size_ = 0;
  Node* newest_ = nullptr;
  Node* oldest_ = nullptr;
};

// Keeps a node from being freed, and its number of lookups as it was.
class NodeHold {
 public:
  NodeHold(NodeTable* table, Node* node) : table_(table), node_(node) {
    if (node_ != nullptr) ++node_->lookups;
  }
  NodeHold(const NodeHold&) = delete;
  NodeHold& operator=(const NodeHold&) = delete;
  ~NodeHold() {
    if (node_ != nullptr) table_->Forget(node_, 1);
  }

 private:
  NodeTable* table_;
  Node* node_;
};

}  // namespace crvm

#endif  // CRVM_VMM_DEVICES_FS_NODE_TABLE_H_
