# SPDX-License-Identifier: Apache-2.0
"""What run_compare.py and run_transition.py share: running crvm with a home
directory of its own, running many checks, reporting them."""

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """A check failed; the text says why, in one line."""


class Crvm:
    """A crvm binary with a home (and so VMs and snapshots) of its own."""

    def __init__(self, path, privilege=None):
        self.path = os.path.abspath(path)
        self.home = tempfile.mkdtemp(prefix="crvm-home-")
        self.env = dict(os.environ, CRVM_HOME=self.home)
        self.run_options = [f"--privilege={privilege}"] if privilege else []

    def command(self, verb, *args):
        return [self.path, verb] + list(args)

    def run_command(self, program, name=None):
        named = ["--name", name] if name else []
        return self.command("run", *self.run_options, *named, "--", *program)

    def call(self, verb, *args, timeout=120):
        """Runs a verb that must succeed; returns its standard output."""
        command = self.command(verb, *args)
        try:
            done = subprocess.run(command, env=self.env, timeout=timeout,
                                  stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True)
        except subprocess.TimeoutExpired:
            raise Failure(f"crvm {verb} did not end within {timeout} s")
        if done.returncode != 0:
            raise Failure(f"crvm {verb} exited with {done.returncode}: "
                          + done.stderr.strip())
        return done.stdout

    def running(self, name):
        """What `crvm ps --json` says of a running VM, or None."""
        for vm in json.loads(self.call("ps", "--json")):
            if vm["name"] == name and vm["state"] == "running":
                return vm
        return None

    def remove(self):
        shutil.rmtree(self.home, ignore_errors=True)


def stop(process):
    """Ends a process that this runner started, whatever its state."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


def poll(what, timeout, condition, interval=0.01):
    """Waits until condition() is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"no {what} within {timeout} s")
        time.sleep(interval)


def tail(data, lines=5):
    if isinstance(data, bytes):
        data = data.decode(errors="replace")
    return " | ".join(data.strip().splitlines()[-lines:])


def parser(description):
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--crvm", help="the crvm binary")
    result.add_argument("--native", action="store_true",
                        help="only check that the programs pass without crvm")
    result.add_argument("--privilege", help="passed on to crvm run")
    result.add_argument("--jobs", type=int, default=1)
    result.add_argument("--timeout", type=float, default=60,
                        help="seconds for each run of a program (60)")
    result.add_argument("programs", nargs="+", metavar="PROGRAM")
    return result


def parse(argument_parser):
    args = argument_parser.parse_args()
    if bool(args.crvm) == args.native:
        argument_parser.error("one of --crvm PATH and --native is needed")
    return args


def check_all(programs, check, jobs):
    """Runs check(program) for each; prints PASS and FAIL lines; the status."""
    def guarded(program):
        try:
            check(os.path.abspath(program))
            return None
        except (Failure, OSError) as failure:
            return str(failure)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = pool.map(guarded, programs)
        for program, failure in zip(programs, results):
            name = os.path.basename(program)
            print(f"FAIL {name}: {failure}" if failure else f"PASS {name}",
                  flush=True)
            failed += failure is not None
    print(f"{len(programs) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def fail_without_kvm():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        sys.exit("FAIL: /dev/kvm is not accessible")
