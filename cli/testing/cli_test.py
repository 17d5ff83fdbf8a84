# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it, around fake guests (fake_crvm.cc).

Usage: cli_test.py FAKE_CRVM
"""

import glob
import json
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

CRVM = None
TIMEOUT = 30


def read_file(path):
    with open(path, 'rb') as f:
        return f.read()


def read_all(fd):
    out = b''
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        if not data:
            return out
        out += data


class CliTest(unittest.TestCase):

    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=os.environ.get('TEST_TMPDIR'))
        self.home = os.path.join(self.dir, 'home')
        self.env = dict(os.environ, CRVM_HOME=self.home)
        self.env.pop('CRVM_SSH', None)
        self.started = []

    def tearDown(self):
        self.crvm('kill', '--all')
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def crvm(self, *args, **kwargs):
        kwargs.setdefault('stdin', subprocess.DEVNULL)
        kwargs.setdefault('env', self.env)
        return subprocess.run((CRVM,) + args, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT,
                              **kwargs)

    def start(self, *args, **kwargs):
        kwargs.setdefault('stdin', subprocess.DEVNULL)
        kwargs.setdefault('env', self.env)
        process = subprocess.Popen((CRVM,) + args, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **kwargs)
        self.started.append(process)
        return process

    def expect_error(self, code, message, *args, **kwargs):
        """One line on stderr that contains `message`; nothing on stdout."""
        result = self.crvm(*args, **kwargs)
        stderr = result.stderr.decode()
        self.assertEqual(result.returncode, code, stderr)
        self.assertEqual(result.stdout, b'')
        self.assertTrue(stderr.startswith('crvm: '), stderr)
        self.assertEqual(stderr.count('\n'), 1, stderr)
        self.assertIn(message, stderr)

    def json_of(self, verb, env):
        result = self.crvm(verb, '--json', env=env or self.env)
        self.assertEqual((result.returncode, result.stderr), (0, b''))
        return json.loads(result.stdout)

    def ps(self, env=None):
        return self.json_of('ps', env)

    def list(self, env=None):
        return self.json_of('list', env)

    def wait_for(self, name, env=None):
        deadline = time.time() + TIMEOUT
        while time.time() < deadline:
            for vm in self.ps(env):
                if vm['name'] == name and vm['state'] == 'running':
                    return vm
            time.sleep(0.01)
        self.fail('VM %s does not come up' % name)

    def wait_until(self, condition):
        deadline = time.time() + TIMEOUT
        while not condition():
            self.assertLess(time.time(), deadline)
            time.sleep(0.01)


class RunTest(CliTest):

    def test_exit_codes(self):
        self.assertEqual(self.crvm('run', 'true', 'exit', '0').returncode, 0)
        self.assertEqual(self.crvm('run', 'true', 'exit', '7').returncode, 7)
        self.assertEqual(self.crvm('run', 'true', 'die', '15').returncode, 143)

    def test_stdio(self):
        result = self.crvm('run', 'true', 'cat', stdin=None, input=b'hello\0\n')
        self.assertEqual(result.stdout, b'hello\0\n')
        self.assertEqual(result.stderr, b'')
        data = os.urandom(300000)
        path = os.path.join(self.dir, 'in')
        with open(path, 'wb') as f:
            f.write(data)
        with open(path, 'rb') as f:
            self.assertEqual(self.crvm('run', 'true', 'cat', stdin=f).stdout,
                             data)

    def test_closed_standard_files(self):
        result = subprocess.run(
            ['sh', '-c', 'exec "$0" run true exit 3 <&- >&- 2>&-', CRVM],
            env=self.env, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 3)

    def test_program_errors(self):
        self.expect_error(127, 'nope: not found in PATH', 'run', 'nope')
        self.expect_error(127, './nope: no such program', 'run', './nope')
        plain = os.path.join(self.dir, 'plain')
        with open(plain, 'w') as f:
            f.write('hello')
        self.expect_error(126, 'not executable', 'run', plain)
        os.chmod(plain, 0o755)
        self.expect_error(126, 'not a program', 'run', plain)
        arm = os.path.join(self.dir, 'arm')
        with open(arm, 'wb') as f:
            f.write(b'\x7fELF\x02\x01\x01' + bytes(9) + b'\x03\x00\xb7\x00' +
                    bytes(44))
        os.chmod(arm, 0o755)
        self.expect_error(126, 'wrong architecture: built for 64-bit Arm',
                          'run', arm)

    def test_option_errors(self):
        self.expect_error(125, 'no program given', 'run')
        self.expect_error(125, 'did you mean --name?', 'run', '--nmae', 'x',
                          'true')
        self.expect_error(125, "cannot be a name", 'run', '--name', 'a/b',
                          'true')
        self.expect_error(125, 'too small: a VM needs at least 16 MiB', 'run',
                          '--memory', '1M', 'true')
        self.expect_error(125, 'is not a size', 'run', '--memory', 'much',
                          'true')
        self.expect_error(125, 'must be one of auto', 'run', '--privilege=no',
                          'true')

    def test_no_kvm(self):
        env = dict(self.env, FAKE_NO_KVM='1')
        self.expect_error(125, '/dev/kvm does not exist', 'run', 'true',
                          'exit', '0', env=env)
        self.assertEqual(self.ps(), [])

    def test_guest_kernel_crash(self):
        self.expect_error(125, 'the guest kernel stopped: test', 'run', 'true',
                          'panic')

    def test_store_that_is_no_directory(self):
        with open(self.home, 'w'):
            pass
        self.expect_error(125, self.home, 'run', 'true', 'exit', '0')

    def test_name_in_use(self):
        first = self.start('run', '--name', 'job', 'true', 'sleep')
        self.wait_for('job')
        self.expect_error(125, "name 'job' is in use by a running VM", 'run',
                          '--name', 'job', 'true', 'sleep')
        # A name that nobody asked for gives way.
        self.start('run', 'true', 'sleep')
        self.start('run', 'true', 'sleep')
        self.wait_for('true')
        self.wait_for('true-2')
        self.assertEqual(self.crvm('kill', 'job').returncode, 0)
        self.assertEqual(first.wait(TIMEOUT), 137)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start('run', 'true', 'signal')
            self.assertEqual(process.stdout.readline(), b'ready\n')
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(),
                             b'%d\n' % number.value)
            self.assertEqual(process.wait(TIMEOUT), 0)

    def test_detach(self):
        result = self.crvm('run', '-d', '--name', 'bg', 'true', 'count', '3')
        self.assertEqual((result.returncode, result.stdout), (0, b'bg\n'))
        log = os.path.join(self.home, 'logs', 'bg.log')
        self.wait_until(lambda: read_file(log).decode() == '1\n2\n3\n')
        self.wait_until(lambda: self.ps() == [])
        self.assertEqual(read_file(log).decode(), '1\n2\n3\n')

    def test_detached_errors_reach_the_user(self):
        env = dict(self.env, FAKE_NO_KVM='1')
        self.expect_error(125, '/dev/kvm does not exist', 'run', '-d', 'true',
                          'exit', '0', env=env)
        self.assertEqual(self.crvm('run', '-d', '--name', 'x', 'true',
                                   'sleep').returncode, 0)
        self.expect_error(125, "name 'x' is in use", 'run', '-d', '--name',
                          'x', 'true', 'sleep')

    def test_detached_holds_nothing_of_the_caller(self):
        # Would hang if the background process kept the pipe open.
        result = subprocess.run(
            ['sh', '-c', '"$0" run -d true sleep | cat', CRVM], env=self.env,
            timeout=TIMEOUT, stdout=subprocess.PIPE)
        self.assertEqual(result.stdout, b'true\n')

    def test_terminal(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM, 'run', 'true', 'tty'], self.env)
        out = read_all(master)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(out.strip(), b'111')

    def test_a_mixture_of_terminal_and_pipe(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execve('/bin/sh', ['sh', '-c', '"$0" run true tty | cat', CRVM],
                      self.env)
        out = read_all(master)
        os.waitpid(pid, 0)
        self.assertEqual(out.strip(), b'101')


    def test_interrupt_at_a_terminal_ends_the_job(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execve('/bin/bash',
                      ['bash', '-c', 'for i in 1 2 3; do "$0" run true die 2; '
                       'done; echo not reached', CRVM], self.env)
        self.assertNotIn(b'not reached', read_all(master))
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -2)
        # But not where the program has no terminal.
        self.assertEqual(self.crvm('run', 'true', 'die', '2').returncode, 130)


class SnapshotTest(CliTest):

    def test_snapshot_and_resume(self):
        process = self.start('run', '--name', 'job', 'true', 'count', '40')
        for i in range(1, 6):
            self.assertEqual(process.stdout.readline(), b'%d\n' % i)
        result = self.crvm('snapshot', 'job')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b'job@1: ', result.stdout)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        # Twice, at the same time, under two names.
        twin = self.start('resume', 'job', '--as', 'twin')
        result = self.crvm('resume', 'job')
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.split()
        self.assertEqual(lines[-1], b'40')
        self.assertGreater(int(lines[0]), 5)
        self.assertEqual(lines, [b'%d' % i for i in range(int(lines[0]), 41)])
        self.assertEqual(twin.stdout.read(), result.stdout)
        self.assertEqual(twin.wait(TIMEOUT), 0)
        self.assertEqual(self.ps(), [])
        del rest

    def test_generations(self):
        name = 'g'
        process = self.start('run', '--name', name, 'true', 'count', '1000')
        for generation in range(1, 6):
            self.wait_for(name)
            result = self.crvm('snapshot', '--stop', name)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(process.wait(TIMEOUT), 147)
            self.assertIn(b'crvm resume g@%d' % generation,
                          process.stderr.read())
            process = self.start('resume', name)
        self.assertEqual(self.wait_for(name)['resumed_from'], 'g@5')
        self.assertEqual([s['parent'] for s in self.list()],
                         ['', 'g@1', 'g@2', 'g@3', 'g@4'])

    def test_tags(self):
        self.start('run', '--name', 'job', 'true', 'sleep')
        self.wait_for('job')
        self.assertEqual(self.crvm('snapshot', 'job@good').returncode, 0)
        self.assertEqual(self.crvm('snapshot', 'job').returncode, 0)
        self.expect_error(125, "'job@good' exists", 'snapshot', 'job@good')
        self.expect_error(125, 'snapshots number themselves', 'snapshot',
                          'job@3')
        self.assertEqual([(s['snapshot'], s['tag']) for s in self.list()],
                         [('job@1', 'good'), ('job@2', '')])
        self.expect_error(125, "no snapshot 'job@bad': 'job' has @good, @2",
                          'resume', 'job@bad')
        self.crvm('kill', 'job')
        self.assertEqual(
            self.crvm('resume', '-d', 'job@good').stdout, b'job\n')
        self.assertEqual(self.wait_for('job')['resumed_from'], 'job@1')

    def test_unknown_names(self):
        self.expect_error(125, "no running VM 'nope'", 'snapshot', 'nope')
        self.expect_error(125, "no running VM 'nope'", 'kill', 'nope')
        self.expect_error(125, "no snapshot of 'nope'", 'resume', 'nope')
        self.expect_error(125, "no snapshot of 'nope'", 'rm', 'nope')

    def test_resume_while_the_original_runs(self):
        self.start('run', '--name', 'job', 'true', 'sleep')
        self.wait_for('job')
        self.crvm('snapshot', 'job')
        self.expect_error(125, "name 'job' is in use", 'resume', 'job')

    def test_no_space_left(self):
        """Snapshots go to a file system that is full."""
        store = os.path.join(self.home, 'snapshots', 'job')
        self.start('run', '--name', 'job', 'true', 'sleep')
        self.wait_for('job')
        self.assertEqual(self.crvm('snapshot', 'job').returncode, 0)
        before = sorted(os.listdir(store))
        pid = self.wait_for('job')['pid']
        # A limit on the size of files stands in for the full disk: the same
        # write fails, with EFBIG.
        subprocess.run(['prlimit', '--pid', str(pid), '--fsize=4096:'],
                       check=True)
        self.expect_error(125, 'File too large', 'snapshot', 'job')
        self.assertEqual(sorted(os.listdir(store)), before)
        self.assertEqual(self.wait_for('job')['state'], 'running')
        subprocess.run(['prlimit', '--pid', str(pid), '--fsize=unlimited:'],
                       check=True)
        self.assertEqual(self.crvm('snapshot', 'job').returncode, 0)

    def make_snapshot(self, count='10'):
        self.start('run', '--name', 'job', 'true', 'count', count)
        self.wait_for('job')
        self.assertEqual(self.crvm('snapshot', '--stop', 'job').returncode, 0)
        return self.list()[0]['directory']

    def test_damaged_snapshots(self):
        directory = self.make_snapshot()
        for name, what in (('header', 'header is damaged'),
                           ('state', 'damaged: wrong checksum'),
                           ('memory', 'memory is damaged')):
            path = os.path.join(directory, name)
            good = read_file(path)
            with open(path, 'wb') as f:
                middle = len(good) // 2
                f.write(good[:middle] + bytes([good[middle] ^ 1]) +
                        good[middle + 1:])
            self.expect_error(125, what, 'resume', 'job')
            with open(path, 'wb') as f:
                f.write(good[:-1])
            self.expect_error(125, 'truncated', 'resume', 'job')
            os.unlink(path)
            self.expect_error(125, 'is missing', 'resume', 'job')
            with open(path, 'wb') as f:
                f.write(good)
        self.assertEqual(self.crvm('resume', 'job').returncode, 0)

    def test_newer_format(self):
        directory = self.make_snapshot()
        path = os.path.join(directory, 'header')
        header = bytearray(read_file(path))
        header[8] = 2
        with open(path, 'wb') as f:
            f.write(header)
        # Its checksum is wrong now; a real newer one is in header_test.cc.
        self.expect_error(125, 'header is damaged', 'resume', 'job')
        listed = self.crvm('list')
        self.assertEqual(listed.returncode, 0)
        self.assertIn(b'unusable: the snapshot\'s header is damaged',
                      listed.stdout)
        self.assertFalse(self.list()[0]['usable'])

    def test_warnings(self):
        self.make_snapshot()
        result = self.crvm('resume', '--files=restore', 'job')
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr,
                         b'crvm: warning: a file has changed\n')

    def test_list_and_rm(self):
        self.make_snapshot('1000')
        self.start('resume', 'job')
        self.wait_for('job')
        self.crvm('snapshot', 'job@x')
        self.crvm('kill', 'job')
        table = self.crvm('list').stdout.decode().splitlines()
        self.assertEqual(table[0].split()[:2], ['SNAPSHOT', 'TAG'])
        self.assertIn('job@1', table[1])
        self.assertIn('true count 1000', table[1])
        self.expect_error(125, "'job' has 2 snapshots: say which", 'rm', 'job')
        self.assertEqual(self.crvm('rm', 'job@1').returncode, 0)
        self.assertEqual([s['snapshot'] for s in self.list()], ['job@2'])
        self.assertEqual(self.crvm('rm', 'job').returncode, 0)
        self.assertEqual(self.list(), [])
        self.assertFalse(
            os.path.exists(os.path.join(self.home, 'snapshots', 'job')))

    def test_killed_in_the_middle_of_a_save(self):
        self.make_snapshot('1000')
        process = self.start('resume', 'job')
        self.wait_for('job')
        # A temporary as a killed save leaves it behind.
        temporary = os.path.join(self.home, 'snapshots', 'job', '.tmp-1-x')
        os.mkdir(temporary)
        for name in ('header', 'state', 'memory'):
            open(os.path.join(temporary, name), 'w').close()
        process.kill()
        self.assertEqual(len(self.list()), 1)
        self.assertFalse(os.path.exists(temporary))


class OtherVerbsTest(CliTest):

    def test_help(self):
        top = self.crvm('--help')
        self.assertEqual(top.returncode, 0)
        for verb in ('run', 'snapshot', 'resume', 'ps', 'list', 'kill', 'rm',
                     'check', 'receive', 'version'):
            self.assertIn('\n  %s ' % verb, top.stdout.decode())
            by_flag = self.crvm(verb, '--help')
            self.assertEqual(by_flag.returncode, 0)
            self.assertTrue(by_flag.stdout.startswith(b'crvm ' +
                                                      verb.encode()))
            self.assertEqual(self.crvm('help', verb).stdout, by_flag.stdout)
            for line in by_flag.stdout.decode().splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_help_of_the_program_is_its_own(self):
        self.assertEqual(
            self.crvm('run', 'true', 'exit', '5', '--help').returncode, 5)

    def test_unknown_verb(self):
        self.expect_error(125, 'unknown verb snapshto; did you mean snapshot?',
                          'snapshto')
        self.expect_error(125, '`crvm --help` lists them', 'frobnicate')

    def test_log_level(self):
        for level in ('debug', 'info', 'warning', 'error', ''):
            self.assertEqual(
                self.crvm('version', env=dict(self.env, CRVM_LOG=level)).returncode, 0)
        self.expect_error(125, 'CRVM_LOG=loud: say debug, info, warning or',
                          'version', env=dict(self.env, CRVM_LOG='loud'))

    def test_no_verb(self):
        self.assertEqual(self.crvm().returncode, 125)

    def test_version(self):
        self.assertRegex(self.crvm('version').stdout.decode(),
                         r'^crvm [0-9.]+ \(snapshot format 1, guest abi 1\)\n$')
        self.assertEqual(self.crvm('--version').stdout,
                         self.crvm('version').stdout)

    def test_ps(self):
        self.assertEqual(self.ps(), [])
        self.start('run', '--name', 'one', 'true', 'sleep')
        vm = self.wait_for('one')
        self.assertEqual(vm['argv'], ['true', 'sleep'])
        self.assertEqual(vm['memory_bytes'], 64 << 20)
        self.assertGreater(vm['resident_bytes'], 0)
        self.assertFalse(vm['detached'])
        table = self.crvm('ps').stdout.decode().splitlines()
        self.assertEqual(table[0].split(),
                         ['NAME', 'PID', 'STATE', 'UP', 'RESIDENT', 'PROGRAM'])
        self.assertTrue(table[1].startswith('one '))

    def test_ps_does_not_hang_on_a_vm_that_does(self):
        process = self.start('run', '--name', 'one', 'true', 'sleep')
        self.wait_for('one')
        process.send_signal(signal.SIGSTOP)
        self.assertEqual(self.ps()[0]['state'], 'no answer')
        # And kill ends it.
        self.assertEqual(self.crvm('kill', 'one').returncode, 0)
        self.assertEqual(process.wait(TIMEOUT), -signal.SIGKILL)

    def test_kill(self):
        process = self.start('run', '--name', 'a', 'true', 'signal')
        self.wait_for('a')
        self.assertEqual(self.crvm('kill', '-s', 'USR1', 'a').returncode, 0)
        self.assertEqual(process.wait(TIMEOUT), 0)
        self.assertEqual(process.stdout.read(),
                         b'ready\n%d\n' % signal.SIGUSR1.value)
        self.expect_error(125, 'is not a signal', 'kill', '-s', 'NOPE', 'a')
        self.expect_error(125, 'give NAMEs, or --all', 'kill')
        processes = [self.start('run', 'true', 'sleep') for _ in range(3)]
        for name in ('true', 'true-2', 'true-3'):
            self.wait_for(name)
        self.assertEqual(self.crvm('kill', '--all').returncode, 0)
        for process in processes:
            self.assertEqual(process.wait(TIMEOUT), 137)
        self.assertEqual(self.ps(), [])

    def test_check(self):
        result = self.crvm('check')
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.endswith(b'Looks good.\n'))
        self.assertIn(b'interpreting host', result.stdout)
        env = dict(self.env, FAKE_NO_KVM='1')
        result = self.crvm('check', '--json', env=env)
        self.assertEqual(result.returncode, 125)
        report = json.loads(result.stdout)
        self.assertFalse(report['good'])
        self.assertEqual(report['findings'][0]['verdict'], 'bad')


class RemoteTest(CliTest):
    """resume --on, over a fake ssh that runs the command here."""

    def setUp(self):
        super().setUp()
        self.ssh = os.path.join(self.dir, 'ssh')
        self.remote_home = os.path.join(self.dir, 'remote')
        self.write_ssh('echo "Welcome to $1!"; exec sh -c "$2"')
        self.env['CRVM_SSH'] = self.ssh
        self.remote_env = dict(self.env, CRVM_HOME=self.remote_home)

    def write_ssh(self, script):
        with open(self.ssh, 'w') as f:
            f.write('#!/bin/sh\nexport CRVM_HOME=%s\n%s\n' %
                    (self.remote_home, script))
        os.chmod(self.ssh, 0o755)

    def resume(self, *args):
        return ('resume', '--on', 'host', '--remote-crvm', CRVM) + args

    def snapshot_of(self, *program):
        # A pipe that stays open, lest `cat` ends.
        process = self.start('run', '--name', 'job', 'true', *program,
                             stdin=subprocess.PIPE)
        self.wait_for('job')
        self.assertEqual(self.crvm('snapshot', '--stop', 'job').returncode, 0)
        process.wait()
        return self.list()[0]

    def source_digest(self):
        files = sorted(glob.glob(self.home + '/snapshots/job/*/*'))
        return [(f, read_file(f), os.stat(f).st_mtime_ns)
                for f in files]

    def test_goes_on_there(self):
        self.snapshot_of('count', '20')
        before = self.source_digest()
        result = self.crvm(*self.resume('job'))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.split()[-1], b'20')
        self.assertEqual(result.stderr, b'')
        self.assertEqual(self.source_digest(), before)
        # It is a snapshot there, too.
        there = self.list(self.remote_env)
        self.assertEqual([s['snapshot'] for s in there], ['job@1'])
        self.assertEqual(self.ps(self.remote_env), [])

    def test_exit_codes(self):
        self.snapshot_of('sleep')
        process = self.start(*self.resume('job'))
        self.wait_for('job', self.remote_env)
        self.crvm('kill', 'job', env=self.remote_env)
        self.assertEqual(process.wait(TIMEOUT), 137)
        self.assertEqual(process.stderr.read(),
                         b'crvm: host: killed by `crvm kill`\n')

    def test_stdin(self):
        self.snapshot_of('cat')
        data = os.urandom(10000)  # 64 bytes at a time
        result = self.crvm(*self.resume('job'), stdin=None, input=data)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, data)

    def test_signals(self):
        self.snapshot_of('signal')
        process = self.start(*self.resume('job'))
        self.assertEqual(process.stdout.readline(), b'ready\n')
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT), 0)
        self.assertEqual(process.stdout.read(), b'%d\n' % signal.SIGTERM.value)

    def test_snapshot_there_of_what_came(self):
        self.snapshot_of('count', '1000')
        process = self.start(*self.resume('job', '--as', 'other'))
        self.wait_for('other', self.remote_env)
        self.assertEqual(
            self.crvm('snapshot', '--stop', 'other',
                      env=self.remote_env).returncode, 0)
        self.assertEqual(process.wait(TIMEOUT), 147)
        self.assertEqual([s['snapshot'] for s in self.list(self.remote_env)],
                         ['other@1', 'other@2'])

    def test_detach(self):
        self.snapshot_of('count', '1000')
        result = self.crvm(*self.resume('job', '--detach'))
        self.assertEqual((result.returncode, result.stdout), (0, b'job\n'))
        self.assertTrue(self.wait_for('job', self.remote_env)['detached'])
        self.expect_error(125, "name 'job' is in use", *self.resume('job'))
        self.crvm('kill', 'job', env=self.remote_env)

    def test_warnings(self):
        self.snapshot_of('cat')
        result = self.crvm(*self.resume('job', '--files=restore'))
        self.assertEqual(result.stderr,
                         b'crvm: warning: a file has changed\n')

    def test_terminal(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM, 'run', '--name', 'job', 'true', 'cat'],
                      self.env)
        self.wait_for('job')
        self.crvm('snapshot', '--stop', 'job')
        read_all(master)
        os.waitpid(pid, 0)
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM] + list(self.resume('job')), self.env)
        self.wait_for('job', self.remote_env)
        os.write(master, b'\x03x')  # raw: not a signal
        out = b''
        while len(out) < 2:
            out += os.read(master, 100)
        self.assertEqual(out, b'\x03x')
        self.crvm('kill', 'job', env=self.remote_env)
        rest = read_all(master)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 137)
        self.assertIn(b'killed by', rest)

    def test_a_host_that_does_not_fit(self):
        self.snapshot_of('sleep')
        self.write_ssh('export FAKE_NO_KVM=1; exec sh -c "$2"')
        self.expect_error(125, 'host: /dev/kvm does not exist',
                          *self.resume('job'))
        self.assertEqual(self.list(self.remote_env), [])

    def test_no_crvm_there(self):
        self.snapshot_of('sleep')
        self.write_ssh('exec sh -c "$2" 2>/dev/null')
        self.expect_error(125, 'no crvm there', 'resume', '--on', 'host',
                          '--remote-crvm', '/nonexistent/crvm', 'job')
        self.expect_error(125, 'crvm there did not answer', 'resume', '--on',
                          'host', '--remote-crvm', '/bin/echo', 'job')

    def test_no_connection(self):
        self.snapshot_of('sleep')
        self.write_ssh('exit 255')
        self.expect_error(125, 'ssh could not connect', *self.resume('job'))
        self.env['CRVM_SSH'] = '/nonexistent/ssh'
        result = self.crvm(*self.resume('job'))
        self.assertEqual(result.returncode, 125)
        self.assertIn(b'cannot start /nonexistent/ssh', result.stderr)

    def test_a_host_name_is_not_an_option(self):
        self.snapshot_of('sleep')
        self.expect_error(125, 'is not a host name', 'resume',
                          '--on=-oProxyCommand=x', 'job')

    def test_damaged_source(self):
        directory = self.snapshot_of('sleep')['directory']
        path = os.path.join(directory, 'memory')
        data = bytearray(read_file(path))
        data[1000] ^= 1
        with open(path, 'wb') as f:
            f.write(data)
        self.expect_error(125, 'memory is damaged', *self.resume('job'))
        self.assertEqual(self.list(self.remote_env), [])

    def test_cut_at_any_point(self):
        self.snapshot_of('count', '5')
        before = self.source_digest()
        size = sum(len(data) for _, data, _ in before)
        cutter = os.path.join(self.dir, 'cut.py')
        with open(cutter, 'w') as f:
            f.write('import os, sys\n'
                    'left = int(sys.argv[1])\n'
                    'while left:\n'
                    '    data = os.read(0, min(left, 65536))\n'
                    '    os.write(1, data)\n'
                    '    left = left - len(data) if data else 0\n')
        for limit in (0, 1, 100, 4000, 70000, size // 2, size - 1000):
            self.write_ssh('%s %s %d | sh -c "$2"' %
                           (sys.executable, cutter, limit))
            result = self.crvm(*self.resume('job'))
            self.assertEqual(result.returncode, 125)
            self.assertIn(b'crvm: host: ', result.stderr)
            self.assertEqual(self.list(self.remote_env), [])
            store = os.path.join(self.remote_home, 'snapshots')
            self.assertEqual(
                [p for p in glob.glob(store + '/*/.tmp*')], [])
            self.assertEqual(self.source_digest(), before)

    def test_the_program_hears_of_a_cut(self):
        self.snapshot_of('signal')
        process = self.start(*self.resume('job'))
        self.wait_for('job', self.remote_env)
        process.kill()
        self.wait_until(lambda: self.ps(self.remote_env) == [])

    def test_hostile_senders(self):
        for data in (b'', b'x' * 100, os.urandom(100000), bytes(1000)):
            result = self.crvm('receive', stdin=None, input=data,
                               env=self.remote_env)
            self.assertEqual(result.returncode, 125)
            self.assertTrue(result.stdout.startswith(b'\ncrvm-receive-1\n'))
        self.assertEqual(self.list(self.remote_env), [])

    def test_receive_by_hand(self):
        pid, master = pty.fork()
        if pid == 0:
            os.execve(CRVM, [CRVM, 'receive'], self.env)
        self.assertIn(b'is started by', read_all(master))
        os.waitpid(pid, 0)


if __name__ == '__main__':
    CRVM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
