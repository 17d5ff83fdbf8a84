#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs each program natively and under crvm, and compares exit status, standard
output and standard error. With --native: runs each twice natively and compares
those, so that the programs themselves are known to be right and repeatable."""

import os
import subprocess
import sys
import tempfile

# Bazel and other callers may run this through a symbolic link.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runner  # noqa: E402


def run(command, env, timeout):
    """(status, stdout, stderr) of a run in an empty directory."""
    with tempfile.TemporaryDirectory(prefix="crvm-cwd-") as directory, \
            tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, env=env, cwd=directory, stdout=out,
                                   stderr=err, stdin=subprocess.DEVNULL)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = f"no end within {timeout} s"
        finally:
            runner.stop(process)
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def first_difference(a, b):
    """The first line in which two outputs differ, for the report."""
    a, b = a.decode(errors="replace"), b.decode(errors="replace")
    lines_a, lines_b = a.splitlines() + ["(end)"], b.splitlines() + ["(end)"]
    for one, other in zip(lines_a, lines_b):
        if one != other:
            return f"{one!r} natively, {other!r} then"
    return "one is longer"


def compare(expected, got):
    for what, native, other in zip(("status", "output", "error output"),
                                   expected, got):
        if native == other:
            continue
        if what == "status":
            detail = runner.tail(got[2]) or runner.tail(got[1])
            raise runner.Failure(f"status {native} natively, {other} then: "
                                 f"{detail}")
        raise runner.Failure(f"{what}: {first_difference(native, other)}")


def main():
    parser = runner.parser(__doc__)
    args = runner.parse(parser)
    crvm = None if args.native else runner.Crvm(args.crvm, args.privilege)
    if crvm:
        runner.fail_without_kvm()

    def check(program):
        expected = run([program], os.environ, args.timeout)
        if expected[0] != 0:
            raise runner.Failure(f"natively: status {expected[0]}: "
                                 + runner.tail(expected[1] + expected[2]))
        if crvm:
            got = run(crvm.run_command([program]), crvm.env, args.timeout)
        else:
            got = run([program], os.environ, args.timeout)
        compare(expected, got)

    try:
        return runner.check_all(args.programs, check, args.jobs)
    finally:
        if crvm:
            crvm.remove()


if __name__ == "__main__":
    sys.exit(main())
