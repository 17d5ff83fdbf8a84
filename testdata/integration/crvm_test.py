#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the runners of the test programs do not look at.

    crvm_test.py CRVM
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CRVM = os.path.abspath(sys.argv.pop(1))


class CrvmTest(unittest.TestCase):

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="crvm-test-")
        self.addCleanup(self.dir.cleanup)

    def crvm(self, *args, **env):
        return subprocess.run(
            [CRVM, *args], timeout=60, stdin=subprocess.DEVNULL,
            env=dict(os.environ, CRVM_HOME=self.dir.name, **env),
            capture_output=True, text=True)

    def run_python(self, text, **env):
        return self.crvm("run", "--", sys.executable, "-c", text, **env)

    def test_an_absent_system_call_is_named_once(self):
        call = ("import ctypes, os\n"
                "c = ctypes.CDLL(None, use_errno=True)\n"
                "for _ in range(3):\n"
                "    assert c.syscall(313, -1, b'', 0) == -1\n"
                "    assert os.strerror(ctypes.get_errno()) =="
                " 'Function not implemented'\n")
        loud = self.run_python(call, CRVM_LOG="info")
        self.assertEqual(loud.returncode, 0, loud.stderr)
        self.assertEqual(loud.stderr.count(
            "system call finit_module (313) is absent: ENOSYS\n"), 1,
            loud.stderr)
        quiet = self.run_python(call)
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    def test_resume_right_after_sigkill(self):
        # The host needs a while to free the memory of the killed VM.
        ready = os.path.join(self.dir.name, "ready")
        text = ("import os, time\n"
                "memory = b'x' * (300 << 20)\n"
                f"open({ready!r}, 'w').close()\n"
                "time.sleep(0.5)\n"
                "print(len(memory) >> 20)\n")
        started = self.crvm("run", "-d", "--name", "big", "--",
                            sys.executable, "-c", text)
        self.assertEqual(started.returncode, 0, started.stderr)
        while not os.path.exists(ready):
            time.sleep(0.01)
        pid = json.loads(self.crvm("ps", "--json").stdout)[0]["pid"]
        saved = self.crvm("snapshot", "big")
        self.assertEqual(saved.returncode, 0, saved.stderr)
        os.kill(pid, signal.SIGKILL)
        resumed = self.crvm("resume", "big")
        self.assertEqual((resumed.returncode, resumed.stdout), (0, "300\n"),
                         resumed.stderr)

    def test_time_passes_as_outside(self):
        text = ("import time\n"
                "a, b = time.monotonic(), time.time()\n"
                "time.sleep(0.5)\n"
                "assert 0.5 <= time.monotonic() - a < 30\n"
                "assert 0.5 <= time.time() - b < 30\n"
                "print(b)\n")
        before = subprocess.run(["date", "+%s"], capture_output=True).stdout
        done = self.run_python(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(abs(float(done.stdout) - int(before)), 60)


if __name__ == "__main__":
    unittest.main()
