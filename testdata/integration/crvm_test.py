#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the runners of the test programs do not look at.

    crvm_test.py CRVM
"""

import os
import subprocess
import sys
import tempfile
import unittest

CRVM = os.path.abspath(sys.argv.pop(1))


class CrvmTest(unittest.TestCase):

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="crvm-test-")
        self.addCleanup(self.dir.cleanup)

    def run_python(self, text, **env):
        return subprocess.run(
            [CRVM, "run", "--", sys.executable, "-c", text],
            env=dict(os.environ, CRVM_HOME=self.dir.name, **env), timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)

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
