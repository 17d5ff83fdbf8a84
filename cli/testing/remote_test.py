# SPDX-License-Identifier: Apache-2.0
"""crvm resume --on HOST, with real VMs, a real ssh and a real sshd that is on
the other side of a virtual network cable.

Usage: remote_test.py CRVM. Needs root (for network namespaces) and /dev/kvm.
"""

import getpass
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CRVM = None
TIMEOUT = 120
HERE = '10.231.77.1'
THERE = '10.231.77.2'

# Counts, having touched some memory that does not compress.
PROGRAM = '''
import os, sys, time
data = os.urandom(int(sys.argv[2]) << 20)
print("ready", flush=True)
for i in range(int(sys.argv[1])):
    print(i, os.getpid(), flush=True)
    time.sleep(0.02)
sys.exit(hash(data) == 0 or 42)
'''


def read_file(path):
    with open(path, 'rb') as f:
        return f.read()


def enter_namespaces():
    """Re-executes this in a network and mount namespace of its own."""
    if os.environ.get('CRVM_TEST_NAMESPACE') != 'inside':
        if os.geteuid() != 0:
            sys.exit('remote_test: needs root, for network namespaces')
        os.environ['CRVM_TEST_NAMESPACE'] = 'inside'
        os.execvp('unshare', ['unshare', '--net', '--mount', '--pid', '--fork',
                              '--kill-child', '--mount-proc', sys.executable] +
                  sys.argv)
    run = subprocess.check_call
    run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'])
    os.mkdir('/run/sshd')
    run(['ip', 'link', 'set', 'lo', 'up'])


class Host:
    """A network namespace at the other end of a cable, with an sshd."""

    def __init__(self, directory):
        self.directory = directory
        self.home = os.path.join(directory, 'home-there')
        self.bin = os.path.join(directory, 'bin')
        os.mkdir(self.bin)
        os.symlink(CRVM, os.path.join(self.bin, 'crvm'))
        self.holder = subprocess.Popen(['unshare', '--net', 'sleep', '3600'])
        self.connect()
        self.make_keys()
        self.start_sshd()

    def inside(self, *command):
        return ['nsenter', '--net=/proc/%d/ns/net' % self.holder.pid, '--'
                ] + list(command)

    def connect(self):
        run = subprocess.check_call
        here = os.readlink('/proc/self/ns/net')
        while os.readlink('/proc/%d/ns/net' % self.holder.pid) == here:
            time.sleep(0.01)
        run(['ip', 'link', 'add', 'cable0', 'type', 'veth', 'peer', 'name',
             'cable1', 'netns', str(self.holder.pid)])
        run(['ip', 'addr', 'add', HERE + '/24', 'dev', 'cable0'])
        run(['ip', 'link', 'set', 'cable0', 'up'])
        run(self.inside('ip', 'addr', 'add', THERE + '/24', 'dev', 'cable1'))
        run(self.inside('ip', 'link', 'set', 'cable1', 'up'))
        run(self.inside('ip', 'link', 'set', 'lo', 'up'))

    def path(self, name):
        return os.path.join(self.directory, name)

    def make_keys(self):
        for name in ('host_key', 'user_key'):
            subprocess.check_call(['ssh-keygen', '-q', '-t', 'ed25519', '-N',
                                   '', '-f', self.path(name)])

    def start_sshd(self):
        with open(self.path('sshd_config'), 'w') as f:
            f.write('\n'.join([
                'HostKey ' + self.path('host_key'),
                'AuthorizedKeysFile ' + self.path('user_key.pub'),
                'StrictModes no',
                'UsePAM no',
                'PasswordAuthentication no',
                'PermitRootLogin yes',
                'PidFile none',
                'SetEnv CRVM_HOME=%s PATH=%s:/usr/bin:/bin' %
                (self.home, self.bin),
            ]) + '\n')
        with open(self.path('ssh_config'), 'w') as f:
            f.write('\n'.join([
                'Host there',
                '  HostName ' + THERE,
                '  User ' + getpass.getuser(),
                '  IdentityFile ' + self.path('user_key'),
                '  UserKnownHostsFile ' + self.path('known_hosts'),
                '  StrictHostKeyChecking accept-new',
                '  LogLevel ERROR',
                '  ServerAliveInterval 1',
                '  ServerAliveCountMax 3',
            ]) + '\n')
        with open(self.path('sshd.log'), 'wb') as log:
            self.sshd = subprocess.Popen(
                self.inside('/usr/sbin/sshd', '-D', '-e', '-f',
                            self.path('sshd_config')), stderr=log)
        command = ['ssh', '-F', self.path('ssh_config'), 'there', 'true']
        deadline = time.time() + 30
        while subprocess.run(command, stdin=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            assert time.time() < deadline, read_file(self.path('sshd.log'))
            time.sleep(0.1)

    def cut(self):
        subprocess.check_call(['ip', 'link', 'set', 'cable0', 'down'])

    def mend(self):
        subprocess.check_call(['ip', 'link', 'set', 'cable0', 'up'])

    def stop(self):
        for process in (self.sshd, self.holder):
            process.kill()
            process.wait()


class RemoteTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix='crvm-remote-')
        cls.host = Host(cls.dir)

    @classmethod
    def tearDownClass(cls):
        cls.host.stop()
        shutil.rmtree(cls.dir, ignore_errors=True)

    def setUp(self):
        self.home = tempfile.mkdtemp(dir=self.dir)
        self.program = os.path.join(self.home, 'program.py')
        with open(self.program, 'w') as f:
            f.write(PROGRAM)
        self.env = dict(os.environ, CRVM_HOME=self.home, CRVM_SSH='ssh -F ' +
                        self.host.path('ssh_config') + ' -T')
        self.there = dict(self.env, CRVM_HOME=self.host.home)

    def tearDown(self):
        for env in (self.env, self.there):
            self.crvm('kill', '--all', env=env)
        shutil.rmtree(self.host.home, ignore_errors=True)

    def crvm(self, *args, **kwargs):
        kwargs.setdefault('env', self.env)
        kwargs.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run((CRVM,) + args, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT,
                              **kwargs)

    def snapshots(self, env):
        return [s['snapshot'] for s in
                json.loads(self.crvm('list', '--json', env=env).stdout)]

    def wait_until(self, condition):
        deadline = time.time() + TIMEOUT
        while not condition():
            self.assertLess(time.time(), deadline)
            time.sleep(0.02)

    def running(self, env):
        return [v['name'] for v in
                json.loads(self.crvm('ps', '--json', env=env).stdout)]

    def take_snapshot(self, steps=100, mebibytes=1):
        process = subprocess.Popen(
            [CRVM, 'run', '--name', 'job', 'python3', self.program, str(steps),
             str(mebibytes)], env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b'ready\n')
        first = process.stdout.readline().split()
        self.assertEqual(first[0], b'0')
        result = self.crvm('snapshot', '--stop', 'job')
        self.assertEqual(result.returncode, 0, result.stderr)
        process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 147)
        return first[1]

    def test_goes_on_there(self):
        pid = self.take_snapshot()
        result = self.crvm('resume', 'job', '--on', 'there')
        lines = [line.split() for line in result.stdout.splitlines()]
        self.assertEqual(result.returncode, 42, result.stderr)
        numbers = [int(line[0]) for line in lines]
        self.assertEqual(numbers, list(range(numbers[0], 100)))
        self.assertEqual({line[1] for line in lines}, {pid})
        self.assertEqual(self.snapshots(self.env), ['job@1'])
        self.assertEqual(self.snapshots(self.there), ['job@1'])

    def test_remote_crvm(self):
        self.take_snapshot()
        result = self.crvm('resume', 'job', '--on', 'there', '--remote-crvm',
                           CRVM, '--detach')
        self.assertEqual((result.returncode, result.stdout), (0, b'job\n'),
                         result.stderr)
        log = os.path.join(self.host.home, 'logs', 'job.log')
        self.wait_until(lambda: b'\n99 ' in read_file(log))
        result = self.crvm('resume', 'job', '--on', 'there', '--remote-crvm',
                           '/nonexistent')
        self.assertEqual(result.returncode, 125)
        self.assertIn(b'no crvm there', result.stderr)

    def test_no_such_host(self):
        self.take_snapshot()
        result = self.crvm('resume', 'job', '--on', 'nowhere.invalid')
        self.assertEqual(result.returncode, 125)
        self.assertIn(b'ssh could not connect', result.stderr)

    def test_terminal(self):
        def read(master, until):
            out = b''
            deadline = time.time() + TIMEOUT
            while until not in out:
                self.assertLess(time.time(), deadline, out)
                if select.select([master], [], [], 1)[0]:
                    out += os.read(master, 65536)
            return out

        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM, 'run', '--name', 'sh', 'bash', '--norc'],
                      self.env)
        read(master, b'# ')
        os.write(master, b'x=kept; cd /tmp\n')
        read(master, b'# ')
        self.crvm('snapshot', '--stop', 'sh')
        os.waitpid(pid, 0)
        os.close(master)
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM, 'resume', 'sh', '--on', 'there'], self.env)
        self.wait_until(lambda: self.running(self.there) == ['sh'])
        os.write(master, b'echo $x:$PWD\n')
        read(master, b'kept:/tmp')
        os.write(master, b'sleep 100\n')
        time.sleep(1)
        os.write(master, b'\x03')
        os.write(master, b'echo "after:$?"\n')
        read(master, b'after:130')
        os.write(master, b'exit 7\n')
        read(master, b'exit')
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)
        os.close(master)

    def test_the_cable_is_pulled_while_sending(self):
        self.take_snapshot(mebibytes=300)
        process = subprocess.Popen(
            [CRVM, 'resume', 'job', '--on', 'there'], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        store = os.path.join(self.host.home, 'snapshots', 'job')
        self.wait_until(lambda: os.path.isdir(store))
        self.host.cut()
        try:
            _, stderr = process.communicate(timeout=TIMEOUT)
        finally:
            self.host.mend()
        self.assertEqual(process.returncode, 125)
        self.assertIn(b'the snapshot here is as it was', stderr)
        self.assertEqual(self.snapshots(self.there), [])
        # The receiver notices in its own time; nothing is visible till then
        # and nothing is left after.
        subprocess.run(['pkill', '-f', 'crvm receive'], check=False)
        self.wait_until(lambda: self.snapshots(self.there) == [] and
                        not os.path.exists(store))
        self.assertEqual(self.snapshots(self.env), ['job@1'])
        result = self.crvm('resume', 'job', '--on', 'there')
        self.assertEqual(result.returncode, 42, result.stderr)

    def test_the_sender_is_killed(self):
        self.take_snapshot(steps=100000)
        process = subprocess.Popen(
            [CRVM, 'resume', 'job', '--on', 'there'], env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        # The program there gets SIGHUP.
        self.wait_until(lambda: self.running(self.there) == [])
        self.assertEqual(self.snapshots(self.there), ['job@1'])


if __name__ == '__main__':
    enter_namespaces()
    CRVM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
