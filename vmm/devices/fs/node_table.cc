// SPDX-License-Identifier: Apache-2.0
//
// See node_table.h.

#include "vmm/devices/fs/node_table.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "vmm/base/check.h"
#include "vmm/devices/fs/host_file.h"

namespace crvm {

FileIdentity IdentityOf(const struct statx& st) {
  FileIdentity id;
  id.device = (uint64_t{st.stx_dev_major} << 32) | st.stx_dev_minor;
  id.inode = st.stx_ino;
  if (S_ISDIR(st.stx_mode) && (st.stx_mask & STATX_MNT_ID) != 0) {
    id.mount = st.stx_mnt_id;
  }
  return id;
}

uint64_t BirthOf(const struct statx& st) {
  if ((st.stx_mask & STATX_BTIME) == 0) return 0;
  return static_cast<uint64_t>(st.stx_btime.tv_sec) * 1000000000 +
         st.stx_btime.tv_nsec;
}

int Outdated(int error) { return error == -ENOENT ? -ESTALE : error; }

NodeTable::NodeTable(UniqueFd root, const struct statx& root_st,
                     size_t max_nodes, size_t max_fds)
    : nodes_(max_nodes), max_fds_(max_fds) {
  uint64_t id = 0;
  root_ = nodes_.Insert(&id);
  CRVM_CHECK(root_ != nullptr && id == kRootId);
  root_->id = id;
  root_->fd = std::move(root);
  root_->pinned = true;
  RestoreIdentity(root_, root_st);
}

Node* NodeTable::FindByIdentity(const struct statx& st) {
  auto it = by_identity_.find(IdentityOf(st));
  if (it == by_identity_.end()) return nullptr;
  return IsSameFile(*it->second, st) ? it->second : nullptr;
}

bool NodeTable::IsSameFile(const Node& node, const struct statx& st) const {
  return node.identity == IdentityOf(st) && node.birth == BirthOf(st) &&
         node.type == (st.stx_mode & S_IFMT);
}

int NodeTable::Lookup(Node* dir, const char* name, Node** node,
                      struct statx* st) {
  int dir_fd = Fd(dir);
  if (dir_fd < 0) return dir_fd;
  int error = StatAt(dir_fd, name, st);
  if (error < 0) return error;
  return Intern(dir, name, *st, node);
}

int NodeTable::Intern(Node* dir, absl::string_view name, const struct statx& st,
                      Node** out) {
  auto it = by_identity_.find(IdentityOf(st));
  Node* node = it == by_identity_.end() ? nullptr : it->second;
  if (node != nullptr && !IsSameFile(*node, st)) {
    // The inode number has been given to another file.
    Unhash(node);
    node = nullptr;
  }
  if (node == nullptr) {
    uint64_t id = 0;
    node = nodes_.Insert(&id);
    if (node == nullptr) return -ENOMEM;
    node->id = id;
    RestoreIdentity(node, st);
  }
  ++node->lookups;
  if (node != root_) Moved(node, dir, name);
  *out = node;
  return 0;
}

int NodeTable::InternUnlinked(UniqueFd fd, const struct statx& st, Node** out) {
  uint64_t id = 0;
  Node* node = nodes_.Insert(&id);
  if (node == nullptr) return -ENOMEM;
  node->id = id;
  RestoreIdentity(node, st);
  RestorePinned(node, std::move(fd));
  ++node->lookups;
  *out = node;
  return 0;
}

void NodeTable::Forget(Node* node, uint64_t count) {
  node->lookups -= std::min(count, node->lookups);
  MaybeFree(node);
}

void NodeTable::DropHandle(Node* node) {
  CRVM_CHECK(node->handles > 0);
  --node->handles;
  MaybeFree(node);
}

// Frees the node if nothing needs it, and then whatever only it needed.
void NodeTable::MaybeFree(Node* node) {
  while (node != nullptr && node != root_ && node->lookups == 0 &&
         node->handles == 0 && node->children == 0) {
    Node* parent = std::exchange(node->parent, nullptr);
    if (parent != nullptr) --parent->children;
    Unhash(node);
    if (node->pinned) {
      --pinned_;
    } else if (node->fd.valid()) {
      LruRemove(node);
    }
    nodes_.Erase(node->id);
    node = parent;
  }
}

void NodeTable::Unhash(Node* node) {
  if (!node->hashed) return;
  node->hashed = false;
  by_identity_.erase(node->identity);
}

int NodeTable::Stat(Node* node, struct statx* st) {
  int fd;
  const char* name;
  int error = Locate(node, &fd, &name);
  if (error < 0) return error;
  if (name == nullptr) return StatFd(fd, st);
  error = StatAt(fd, name, st);
  if (error < 0) return Outdated(error);
  return IsSameFile(*node, *st) ? 0 : -ESTALE;
}

int NodeTable::Locate(Node* node, int* fd, const char** name) {
  if (node->fd.valid()) {
    Touch(node);
    *fd = node->fd.get();
    *name = nullptr;
    return 0;
  }
  if (node->parent == nullptr) return -ESTALE;
  *fd = Fd(node->parent);
  *name = node->name.c_str();
  return *fd < 0 ? *fd : 0;
}

int NodeTable::Fd(Node* node) {
  if (node->fd.valid()) {
    Touch(node);
    return node->fd.get();
  }
  // From the nearest ancestor that is open, down again. Not recursive: the
  // guest decides how deep this is.
  absl::InlinedVector<Node*, 32> closed;
  for (Node* n = node; !n->fd.valid(); n = n->parent) {
    closed.push_back(n);
    if (n->parent == nullptr) return -ESTALE;
  }
  for (; !closed.empty(); closed.pop_back()) {
    int error = OpenNode(closed.back());
    if (error < 0) return error;
  }
  return node->fd.get();
}

// The parent is open.
int NodeTable::OpenNode(Node* node) {
  int fd = OpenAt(node->parent->fd.get(), node->name.c_str(),
                  O_PATH | O_NOFOLLOW, 0);
  if (fd < 0) return Outdated(fd);
  UniqueFd owned(fd);
  struct statx st;
  int error = StatFd(fd, &st);
  if (error < 0) return error;
  if (!IsSameFile(*node, st)) return -ESTALE;
  node->fd = std::move(owned);
  Touch(node);
  return 0;
}

Node* NodeTable::FindAt(Node* dir, const char* name, struct statx* st) {
  int dir_fd = Fd(dir);
  if (dir_fd < 0 || StatAt(dir_fd, name, st) < 0) return nullptr;
  Node* node = FindByIdentity(*st);
  return node == root_ ? nullptr : node;
}

Node* NodeTable::FindAt(Node* dir, const char* name) {
  struct statx st;
  return FindAt(dir, name, &st);
}

Node* NodeTable::PrepareRemoval(Node* dir, const char* name) {
  struct statx st;
  Node* node = FindAt(dir, name, &st);
  if (node == nullptr) return nullptr;
  if (node->parent != dir || node->name != name) return node;
  // A closed regular file cannot be reached again once its only name is gone.
  bool needed = node->handles > 0 || node->type != S_IFREG || st.stx_nlink > 1;
  if (needed && !node->fd.valid() && pinned_ < max_fds_) Fd(node);
  return node;
}

void NodeTable::Removed(Node* node, Node* dir, absl::string_view name) {
  if (node->parent != dir || node->name != name) return;
  Pin(node);
  Detach(node);
}

void NodeTable::Moved(Node* node, Node* dir, absl::string_view name) {
  if (node->parent == dir && node->name == name) return;
  NodeHold hold(this, node);
  if (node->type == S_IFDIR) {
    // Somebody may have turned the tree inside out on the host. An ancestor
    // that claims to be below `node` is where it was no longer.
    for (Node* n = dir; n->parent != nullptr; n = n->parent) {
      if (n->parent != node) continue;
      Pin(n);
      Detach(n);
      break;
    }
  }
  SetPlace(node, dir, name);
  if (node->pinned) {
    node->pinned = false;
    --pinned_;
    Touch(node);
  }
}

void NodeTable::SetPlace(Node* node, Node* dir, absl::string_view name) {
  Node* old_parent = std::exchange(node->parent, dir);
  ++dir->children;
  node->name.assign(name.data(), name.size());
  if (old_parent != nullptr) {
    --old_parent->children;
    MaybeFree(old_parent);
  }
}

void NodeTable::Detach(Node* node) {
  Node* parent = std::exchange(node->parent, nullptr);
  if (parent == nullptr) return;
  --parent->children;
  MaybeFree(parent);
}

// Takes an open node out of the reach of TrimFds(). One that is not open, or
// too many, become stale.
void NodeTable::Pin(Node* node) {
  if (node->pinned || !node->fd.valid()) return;
  LruRemove(node);
  if (pinned_ >= max_fds_) {
    node->fd.reset();
    return;
  }
  node->pinned = true;
  ++pinned_;
}

// Makes `node`, which is open, the most recently used.
void NodeTable::Touch(Node* node) {
  if (node->pinned || node == newest_) return;
  if (node->newer != nullptr || node->older != nullptr || node == oldest_) {
    LruRemove(node);
  }
  node->older = newest_;
  if (newest_ != nullptr) newest_->newer = node;
  newest_ = node;
  if (oldest_ == nullptr) oldest_ = node;
  ++lru_size_;
}

void NodeTable::LruRemove(Node* node) {
  (node->newer != nullptr ? node->newer->older : newest_) = node->older;
  (node->older != nullptr ? node->older->newer : oldest_) = node->newer;
  node->newer = nullptr;
  node->older = nullptr;
  --lru_size_;
}

void NodeTable::TrimFds() {
  while (lru_size_ > max_fds_) {
    Node* victim = oldest_;
    LruRemove(victim);
    victim->fd.reset();
  }
}

bool NodeTable::PathOf(const Node* node, std::string* path) const {
  std::vector<const std::string*> names;
  for (; node != root_; node = node->parent) {
    if (node->parent == nullptr) return false;
    names.push_back(&node->name);
  }
  path->clear();
  for (auto it = names.rbegin(); it != names.rend(); ++it) {
    if (!path->empty()) path->push_back('/');
    path->append(**it);
  }
  return true;
}

Node* NodeTable::RestoreNode(uint64_t id, uint32_t type, uint64_t lookups) {
  Node* node = nodes_.InsertAt(id);
  if (node == nullptr) return nullptr;
  node->id = id;
  node->type = type;
  node->lookups = lookups;
  return node;
}

void NodeTable::RestorePlace(Node* node, Node* dir, absl::string_view name) {
  SetPlace(node, dir, name);
}

void NodeTable::RestoreIdentity(Node* node, const struct statx& st) {
  node->type = st.stx_mode & S_IFMT;
  node->identity = IdentityOf(st);
  node->birth = BirthOf(st);
  node->hashed = by_identity_.try_emplace(node->identity, node).second;
}

void NodeTable::RestorePinned(Node* node, UniqueFd fd) {
  node->fd = std::move(fd);
  node->pinned = true;
  ++pinned_;
}

}  // namespace crvm
