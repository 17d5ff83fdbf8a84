"""The guest test programs: the one list that BUILD, testdata/run_compare.py and
testdata/run_transition.py read. Only literals here: Python reads it, too."""

# Run natively and in the guest; exit status, standard output and standard error
# must be the same. A name is that of a source file in compare/.
COMPARE_C = [
    "allocator",
    "attributes",
    "auxv",
    "bad_pointers",
    "clocks",
    "clone_flags",
    "contents_random",
    "copying",
    "cow_fork",
    "devices",
    "directories",
    "dynamic_loading",
    "epoll",
    "eventfd_timerfd",
    "exec",
    "exec_threads",
    "exit_paths",
    "fcntl_locks",
    "files",
    "fork_wait",
    "fpu",
    "futex",
    "hello",
    "identity",
    "mmap_anonymous",
    "mmap_file",
    "names_random",
    "orphans",
    "pidfd",
    "pipes",
    "poll_select",
    "proc_self",
    "process_groups",
    "process_info",
    "pty",
    "sessions",
    "shared_memory",
    "sigaltstack",
    "sigchld",
    "signal_defaults",
    "signal_faults",
    "signal_handlers",
    "signal_queue",
    "threads",
    "timers",
    "unix_datagram",
    "unix_stream",
]

# The same, in supervisor mode only.
COMPARE_SUPERVISOR_C = [
    "kernel_memory",
]

COMPARE_CC = [
    "cxx_runtime",
]

# The same source as in COMPARE_C, linked otherwise.
COMPARE_STATIC = [
    "hello",
    "threads",
    "signal_handlers",
]

COMPARE_STATIC_PIE = [
    "hello",
]

COMPARE_SCRIPTS = [
    "coreutils.sh",
    "large_data.sh",
    "python_basics.py",
    "python_concurrency.py",
    "shell_jobs.sh",
    "shell_pipelines.sh",
    "sqlite.sh",
]

# Snapshotted in mid-run, killed, resumed; the program checks itself. The
# contract is in lib/transition.h.
TRANSITION_C = [
    "big_memory",
    "blocked_calls",
    "clocks",
    "counter",
    "deleted_file",
    "epoll_eventfd",
    "file_offsets",
    "file_writer",
    "fork_storm",
    "fpu_state",
    "futex_threads",
    "itimers",
    "mmap_kinds",
    "pending_signals",
    "pipe_inflight",
    "pipe_loop",
    "posix_timers",
    "process_attributes",
    "pty",
    "scm_rights",
    "sessions_zombies",
    "shared_memory",
    "sigaltstack",
    "thread_storm",
    "timerfd_sleep",
    "unix_sockets",
]

TRANSITION_SCRIPTS = [
    "bash_pipeline.sh",
    "python_subprocess.py",
    "python_threads.py",
]
