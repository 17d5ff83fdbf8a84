// SPDX-License-Identifier: Apache-2.0
//
// One path walk, see fs/walk.h.
#include "guestkernel/fs/walk.h"

#include "guestkernel/fs/dentry_cache.h"
#include "guestkernel/fs/mount.h"
#include "guestkernel/sched/process.h"

namespace gk {

namespace {
constexpr size_t kNameMax = 255;
}

int Walk::Start(int at_fd, StringView path, uint32_t resolve) {
  if (path.size() > 0 && path[0] == '/' && !(resolve & kResolveInRoot)) {
    return StartFrom(nullptr, path, resolve);
  }
  RefPtr<Dentry> base;
  GK_ASSIGN_OR_RETURN(base, BaseDirectory(at_fd));
  return StartFrom(base.get(), path, resolve);
}

int Walk::StartFrom(Dentry* base, StringView path, uint32_t resolve) {
  resolve_ = resolve;
  rest_ = path;
  root_ = ProcessRoot();
  if (resolve & kResolveBeneath) {
    if (path.size() > 0 && path[0] == '/') return -EXDEV;
    beneath_ = RefPtr<Dentry>(base);
  }
  if (resolve & kResolveInRoot) root_ = RefPtr<Dentry>(base);
  bool absolute = path.size() > 0 && path[0] == '/';
  current_ = absolute || !base ? root_ : RefPtr<Dentry>(base);
  return 0;
}

int Walk::CheckSearchable() {
  if (current_->is_negative()) return -ENOENT;
  if (!current_->inode()->is_directory()) return -ENOTDIR;
  return CheckAccess(current_->inode(), 1);
}

int Walk::ToParent() {
  for (;;) {
    size_t begin = 0;
    while (begin < rest_.size() && rest_[begin] == '/') ++begin;
    size_t end = begin;
    while (end < rest_.size() && rest_[end] != '/') ++end;
    size_t next = end;
    while (next < rest_.size() && rest_[next] == '/') ++next;
    StringView name = rest_.substr(begin, end - begin);
    rest_ = rest_.substr(next);
    if (name.size() > kNameMax) return -ENAMETOOLONG;
    if (rest_.empty()) {
      if (next > end) trailing_slash_ = true;
      last_ = name;
      if (name.empty()) return 0;
      return CheckSearchable();
    }
    GK_RETURN_IF_ERROR(CheckSearchable());
    if (name == ".") continue;
    if (name == "..") {
      GK_RETURN_IF_ERROR(StepUp());
      continue;
    }
    RefPtr<Dentry> child;
    GK_ASSIGN_OR_RETURN(child, Child(name));
    if (child->is_negative()) return -ENOENT;
    if (child->inode()->is_symlink()) {
      GK_RETURN_IF_ERROR(FollowLink(child.get()));
    } else {
      current_ = std::move(child);
    }
  }
}

int Walk::StepUp() {
  confirmed_ = 0;
  if (current_ == root_) return 0;
  if (current_ == beneath_) return -EXDEV;
  Dentry* at = current_.get();
  while (!at->parent() && at->mount_point()) {
    if (resolve_ & kResolveNoXdev) return -EXDEV;
    at = at->mount_point();
    if (at == root_.get()) break;
  }
  RefPtr<Dentry> up = at->parent();
  if (!up) return 0;  // the root of the tree
  GK_RETURN_IF_ERROR(CrossMounts(&up));
  current_ = std::move(up);
  return 0;
}

int Walk::CrossMounts(RefPtr<Dentry>* dentry) {
  while (Dentry* mounted = (*dentry)->mounted()) {
    if (resolve_ & kResolveNoXdev) return -EXDEV;
    *dentry = RefPtr<Dentry>(mounted);
  }
  return 0;
}

Result<RefPtr<Dentry>> Walk::Child(StringView name) {
  Inode* directory = current_->inode();
  RefPtr<Dentry> child;
  if (!directory->volatile_entries()) {
    child = DentryCache::Get().Find(current_.get(), name);
  }
  bool confirmed = confirmed_ > 0;
  if (confirmed) --confirmed_;
  if (!child ||
      !(confirmed || child->mounted() || directory->CachedEntryValid(*child))) {
    if (resolve_ & kResolveCached) return Error(-EAGAIN);
    GK_ASSIGN_OR_RETURN(child, AskFileSystem(name));
  }
  GK_RETURN_IF_ERROR(CrossMounts(&child));
  return child;
}

Result<RefPtr<Dentry>> Walk::AskFileSystem(StringView name) {
  Inode* directory = current_->inode();
  DentryCache& cache = DentryCache::Get();
  if (directory->fs()->is_remote && !rest_.empty()) {
    int n = LookupBatch(name);
    if (n > 0) {
      confirmed_ = n - 1;
      RefPtr<Dentry> child = cache.Find(current_.get(), name);
      if (child) return child;
      confirmed_ = 0;
    } else if (n != -ENOSYS && n != 0) {
      return Error(n);
    }
  }
  if (expects_open_ && rest_.empty()) directory->fs()->ExpectOpen(open_flags_);
  Result<RefPtr<Inode>> found = directory->Lookup(name);
  if (!found.ok() && found.error() != -ENOENT) return Error(found.error());
  RefPtr<Inode> inode = found.ok() ? found.take() : RefPtr<Inode>();
  RefPtr<Dentry> child =
      directory->volatile_entries()
          ? DentryCache::NewDetached(current_.get(), name, std::move(inode))
          : cache.Insert(current_.get(), name, std::move(inode));
  if (!child) return Error(-ENOMEM);
  return child;
}

// `first` and the plain names behind it in rest_, in one request. How many of
// them are in the cache now, or negative errno.
int Walk::LookupBatch(StringView first) {
  // `first` ends right before the slashes that rest_ begins behind; both are
  // views of the same text.
  const char* text = first.data();
  const char* limit = rest_.end();
  const char* end = first.end();
  int names = 1;
  while (names < kMaxBatch && end + 1 < limit && end[0] == '/') {
    const char* from = end + 1;
    const char* to = from;
    while (to < limit && *to != '/') ++to;
    StringView name(from, to - from);
    if (name.empty() || name == "." || name == ".." || name.size() > kNameMax) {
      break;
    }
    end = to;
    ++names;
  }
  if (names < 2) return -ENOSYS;
  if (expects_open_ && end == limit) {
    current_->inode()->fs()->ExpectOpen(open_flags_);
  }
  RefPtr<Inode> inodes[kMaxBatch];
  int n = current_->inode()->LookupPath(StringView(text, end - text), inodes,
                                        names);
  if (n <= 0) return n;
  RefPtr<Dentry> parent = current_;
  const char* at = text;
  for (int i = 0; i < n; ++i) {
    const char* stop = at;
    while (stop < end && *stop != '/') ++stop;
    RefPtr<Dentry> entry = DentryCache::Get().Insert(
        parent.get(), StringView(at, stop - at), inodes[i]);
    if (!entry) return -ENOMEM;
    // What lies below a mount point is not what the file system below says.
    if (entry->mounted() || entry->inode() != inodes[i].get() || !inodes[i] ||
        !inodes[i]->is_directory()) {
      return i + 1;
    }
    parent = std::move(entry);
    at = stop + 1;
  }
  return n;
}

int Walk::FollowLink(Dentry* link) {
  confirmed_ = 0;
  if (resolve_ & kResolveNoSymlinks) return -ELOOP;
  if (++links_ > kMaxLinks) return -ELOOP;
  Inode* inode = link->inode();
  if (inode->is_magic_link()) {
    if (resolve_ & kResolveNoMagicLinks) return -ELOOP;
    if (resolve_ & (kResolveBeneath | kResolveInRoot)) return -EXDEV;
    RefPtr<Dentry> target;
    GK_ASSIGN_OR_RETURN(target, inode->FollowMagicLink());
    if ((resolve_ & kResolveNoXdev) && target->inode() &&
        target->inode()->fs() != current_->inode()->fs()) {
      return -EXDEV;
    }
    current_ = std::move(target);
    return 0;
  }
  KString text;
  GK_ASSIGN_OR_RETURN(text, inode->ReadLink());
  if (text.empty()) return -ENOENT;
  if (text.c_str()[0] == '/') {
    if (resolve_ & kResolveBeneath) return -EXDEV;
    if ((resolve_ & kResolveNoXdev) && !(current_ == root_)) return -EXDEV;
    current_ = root_;
  }
  if (!rest_.empty()) {
    GK_RETURN_IF_ERROR(text.Append("/"));
    GK_RETURN_IF_ERROR(text.Append(rest_));
  }
  text_ = std::move(text);
  rest_ = text_.view();
  return 0;
}

int Walk::StepSpecial() {
  if (last_ == "..") return StepUp();
  return 0;
}

Result<RefPtr<Dentry>> Walk::Finish(uint32_t lookup_flags) {
  if (lookup_flags & kLookupNoSymlinks) resolve_ |= kResolveNoSymlinks;
  for (;;) {
    GK_RETURN_IF_ERROR(ToParent());
    if (last_is_special()) {
      GK_RETURN_IF_ERROR(StepSpecial());
      break;
    }
    RefPtr<Dentry> child;
    GK_ASSIGN_OR_RETURN(child, LookupLast());
    if (child->is_negative()) return Error(-ENOENT);
    if (child->inode()->is_symlink() &&
        ((lookup_flags & kLookupFollow) || trailing_slash_)) {
      GK_RETURN_IF_ERROR(FollowLink(child.get()));
      continue;
    }
    current_ = std::move(child);
    break;
  }
  bool directory = trailing_slash_ || (lookup_flags & kLookupDirectory);
  if (directory && !current_->inode()->is_directory()) {
    return Error(-ENOTDIR);
  }
  return current_;
}

RefPtr<Dentry> ProcessRoot() {
  Process* process = IsBooting() ? nullptr : CurrentProcess();
  if (process && process->fs && process->fs->root) return process->fs->root;
  return RefPtr<Dentry>(RootDentry());
}

Result<RefPtr<Dentry>> BaseDirectory(int at_fd) {
  if (at_fd == kAtFdCwd) {
    Process* process = IsBooting() ? nullptr : CurrentProcess();
    if (process && process->fs && process->fs->cwd) return process->fs->cwd;
    return ProcessRoot();
  }
  RefPtr<File> file;
  GK_ASSIGN_OR_RETURN(file, GetFileOrPath(at_fd));
  if (!file->dentry()) return Error(-ENOTDIR);
  return RefPtr<Dentry>(file->dentry());
}

}  // namespace gk
