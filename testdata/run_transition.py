#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots each program in mid-run, ends its VM, resumes it, and expects the
program to find everything as it was (programs/lib/transition.h has the
contract).

  --mode stop    crvm snapshot NAME --stop, crvm resume NAME
  --mode kill    crvm snapshot NAME, SIGKILL to the VMM, crvm resume NAME
  --mode twins   as stop, then two resumes at once, under different names
  --mode live    snapshot, and the program goes on; nothing is resumed
  --cycles N     N times snapshot and resume, generation upon generation
  --resume-privilege M,...  the privilege mode of each resume in turn: with
                 --privilege, snapshots cross from one mode to the other
"""

import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runner  # noqa: E402


class Session:
    """One program from its start to its end, through its snapshots."""

    def __init__(self, crvm, program, directory, args):
        self.crvm = crvm
        self.program = program
        self.directory = directory
        self.args = args
        self.name = os.path.basename(program).replace(".", "-")
        self.flag = os.path.join(directory, "flag")
        self.processes = []
        self.resumes = 0

    def log(self, process_name):
        return os.path.join(self.directory, process_name + ".log")

    def start(self, command, process_name):
        """Starts a foreground crvm (or the program itself)."""
        with open(self.log(process_name), "ab") as log:
            process = subprocess.Popen(
                command, env=self.crvm.env if self.crvm else None,
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def output(self, process_name):
        with open(self.log(process_name), "rb") as log:
            return log.read()

    def await_ready(self, process):
        def condition():
            if process.poll() is not None:
                raise runner.Failure(
                    f"ended with {process.returncode} before it was ready: "
                    + runner.tail(self.output(self.name)))
            return b"ready\n" in self.output(self.name)
        runner.poll("'ready'", self.args.timeout, condition)

    def snapshot_and_end(self, process):
        if self.args.mode == "kill":
            self.crvm.call("snapshot", self.name)
            vm = self.crvm.running(self.name)
            os.kill(vm["pid"] if vm else process.pid, signal.SIGKILL)
        else:
            self.crvm.call("snapshot", self.name, "--stop")
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            raise runner.Failure("the VM is still there after its snapshot")

    def resume(self, as_name=None):
        extra = ["--as", as_name] if as_name else []
        modes = self.args.resume_privilege
        if modes:
            extra.append("--privilege=" + modes[self.resumes % len(modes)])
        self.resumes += 1
        name = as_name or self.name
        process = self.start(self.crvm.command("resume", self.name, *extra),
                             name)

        def condition():
            if process.poll() is not None:
                raise runner.Failure(f"resume ended with {process.returncode}: "
                                     + runner.tail(self.output(name)))
            return self.crvm.running(name)
        runner.poll("running VM after the resume", 30, condition)
        return process

    def finish(self, process, process_name):
        try:
            status = process.wait(self.args.timeout)
        except subprocess.TimeoutExpired:
            status = f"no end within {self.args.timeout} s"
        output = self.output(process_name)
        if status != 0 or not output.endswith(b"PASS\n"):
            raise runner.Failure(f"status {status}: {runner.tail(output)}")

    def release(self):
        with open(self.flag, "w"):
            pass

    def run(self):
        program = [self.program, self.flag]
        command = (self.crvm.run_command(program, self.name) if self.crvm
                   else program)
        process = self.start(command, self.name)
        self.await_ready(process)
        time.sleep(self.args.delay)
        mode = self.args.mode if self.crvm else "native"
        if mode in ("stop", "kill", "twins"):
            for _ in range(self.args.cycles):
                self.snapshot_and_end(process)
                process = self.resume()
                time.sleep(self.args.delay)
        elif mode == "live":
            for _ in range(self.args.cycles):
                self.crvm.call("snapshot", self.name)
                time.sleep(self.args.delay)
        twin = self.resume(self.name + "-twin") if mode == "twins" else None
        self.release()
        self.finish(process, self.name)
        if twin:
            self.finish(twin, self.name + "-twin")

    def clean_up(self):
        for process in self.processes:
            runner.stop(process)
        if self.crvm:
            for name in (self.name, self.name + "-twin"):
                for verb in ("kill", "rm"):
                    subprocess.run(self.crvm.command(verb, name),
                                   env=self.crvm.env, timeout=60,
                                   stdin=subprocess.DEVNULL,
                                   capture_output=True, check=False)


def main():
    parser = runner.parser(__doc__)
    parser.add_argument("--mode", default="stop",
                        choices=("stop", "kill", "twins", "live"))
    parser.add_argument("--cycles", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.1,
                        help="seconds between ready and snapshot, and between "
                        "a resume and what follows (0.1)")
    parser.add_argument("--resume-privilege", type=lambda s: s.split(","),
                        default=[])
    args = runner.parse(parser)
    crvm = None if args.native else runner.Crvm(args.crvm, args.privilege)
    if crvm:
        runner.fail_without_kvm()

    def check(program):
        with tempfile.TemporaryDirectory(prefix="crvm-transition-") as directory:
            session = Session(crvm, program, directory, args)
            try:
                session.run()
            finally:
                session.clean_up()

    try:
        return runner.check_all(args.programs, check, args.jobs)
    finally:
        if crvm:
            crvm.remove()


if __name__ == "__main__":
    sys.exit(main())
