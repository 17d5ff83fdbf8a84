// SPDX-License-Identifier: Apache-2.0
//
// /proc: the root with the processes in it, and who may look.
#include "guestkernel/fs/file_systems.h"
#include "guestkernel/fs/proc/number_name.h"
#include "guestkernel/fs/proc/proc.h"
#include "guestkernel/process/credentials.h"

namespace gk {

namespace {

constexpr uint64_t kProcMagic = 0x9fa0;  // linux/magic.h
// Directory offsets from here on are pids; the tables' come before.
constexpr uint64_t kFirstPidOffset = 256;

class ProcFs final : public SyntheticFs {
 public:
  ProcFs() : SyntheticFs("proc", kProcMagic) {}
  void OwnerOf(const Subject& subject, uint32_t* uid, uint32_t* gid) override {
    *uid = *gid = 0;
    Thread* thread = subject.pid ? ThreadOf(subject) : nullptr;
    if (!thread || !thread->process->dumpable) return;
    *uid = thread->credentials.euid;
    *gid = thread->credentials.egid;
  }
};

// /proc/PID; kProcRootTable is that of the root.
constexpr SyntheticEntry kProcessEntry = DirectoryEntry("PID", &kProcessTable);

class ProcRoot final : public SyntheticDirectory {
 public:
  explicit ProcRoot(FileSystem* fs)
      : SyntheticDirectory(fs, kModeDirectory | 0555, Subject(), 1,
                           &kProcRootTable) {}

  Result<RefPtr<Inode>> Lookup(StringView name) override {
    int pid = NumberFromName(name);
    if (pid < 0) return SyntheticDirectory::Lookup(name);
    // A thread's number works as well, though it is not listed.
    Process* process = FindProcess(pid);
    if (!process) {
      Thread* thread = FindThread(pid);
      if (!thread || !thread->process) return Error(-ENOENT);
      return Make(fs(), kProcessEntry, Subject{thread->process->pid, 0, -1});
    }
    return Make(fs(), kProcessEntry, Subject{pid, 0, -1});
  }

  uint64_t List(uint64_t from, DirSink& sink) override {
    if (from < 2 + table_size()) {
      from = ListTable(2, from, sink);
      if (from < 2 + table_size()) return from;
    }
    if (from < kFirstPidOffset) from = kFirstPidOffset;
    // Processes come in no order: the next higher pid each time.
    for (;;) {
      Process* next = nullptr;
      for (Process* p = FirstProcess(); p; p = NextProcess(p)) {
        if (static_cast<uint64_t>(p->pid) + kFirstPidOffset >= from &&
            (!next || p->pid < next->pid)) {
          next = p;
        }
      }
      if (!next) return from;
      NumberName name(next->pid);
      Subject subject{next->pid, 0, -1};
      if (!sink.Add(name.view(), NumberOf(&kProcessEntry, subject),
                    kModeDirectory >> 12, kFirstPidOffset + next->pid + 1)) {
        return from;
      }
      from = kFirstPidOffset + static_cast<uint64_t>(next->pid) + 1;
    }
  }

 protected:
  uint32_t LinkCount() override {
    return static_cast<uint32_t>(2 + ProcessCount());
  }
};

}  // namespace

Process* ProcessOf(const Subject& subject) { return FindProcess(subject.pid); }

Thread* ThreadOf(const Subject& subject) {
  Process* process = ProcessOf(subject);
  if (!process) return nullptr;
  if (subject.tid == 0) return RepresentativeThread(process);
  Thread* thread = FindThread(subject.tid);
  return thread && thread->process == process ? thread : nullptr;
}

int MayInspect(const Subject& subject) {
  Process* process = ProcessOf(subject);
  if (!process) return -ESRCH;
  if (process == CurrentProcess() || HasCapability(kCapSysPtrace)) return 0;
  Thread* thread = RepresentativeThread(process);
  if (!thread || !process->dumpable) return -EACCES;
  const Credentials& me = CurrentThread()->credentials;
  const Credentials& it = thread->credentials;
  bool same = me.fsuid == it.uid && me.fsuid == it.euid &&
              me.fsuid == it.suid && me.fsgid == it.gid &&
              me.fsgid == it.egid && me.fsgid == it.sgid;
  return same ? 0 : -EACCES;
}

Result<RefPtr<AddressSpace>> MemoryOf(const Subject& subject) {
  GK_RETURN_IF_ERROR(MayInspect(subject));
  return ProcessOf(subject)->memory;
}

Result<FileSystem*> NewProcFs() {
  UniquePtr<ProcFs> fs(new (std::nothrow) ProcFs);
  if (!fs) return Error(-ENOMEM);
  auto root = MakeRef<ProcRoot>(fs.get());
  if (!root) return Error(-ENOMEM);
  fs->set_root(std::move(root));
  return static_cast<FileSystem*>(fs.release());
}

}  // namespace gk
