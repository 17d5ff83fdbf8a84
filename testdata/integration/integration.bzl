"""Tests that run the guest test programs under crvm, on /dev/kvm."""

# Always rerun (external); outside Bazel's sandbox (local), in whose user
# namespace neither root nor userfaultfd is what users have.
_TAGS = ["external", "kvm", "local", "no-asan"]

_CRVM = "//cli:crvm"

def _runner_test(name, runner, programs, args, size):
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//testdata:" + runner],
        args = ["--crvm", "$(rootpath %s)" % _CRVM] + args +
               ["$(rootpath %s)" % p for p in programs],
        data = [_CRVM, "//testdata:runner"] + programs,
        tags = _TAGS,
    )

def compare_tests(programs):
    """One test per program: the guest must do what Linux does."""
    for program in programs:
        _runner_test(
            name = "compare_" + program.replace(".", "_"),
            runner = "run_compare.py",
            programs = ["//testdata/programs/compare:" + program],
            args = [],
            size = "medium",
        )

def transition_tests(programs):
    """One test per program: snapshot, end of the VM, resume."""
    for program in programs:
        _runner_test(
            name = "transition_" + program.replace(".", "_"),
            runner = "run_transition.py",
            programs = ["//testdata/programs/transition:" + program],
            args = [],
            size = "medium",
        )

def transition_group_test(name, programs, args):
    """One test for several programs, with other ways to snapshot and resume."""
    _runner_test(
        name = name,
        runner = "run_transition.py",
        programs = ["//testdata/programs/transition:" + p for p in programs],
        args = args,
        size = "large",
    )
