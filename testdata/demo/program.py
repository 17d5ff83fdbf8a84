#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The program of ./demo, an ordinary Python program: it knows nothing of crvm.

    program.py OUTPUT [LIMIT]

Finds the primes below LIMIT (1,000,000) and writes them to the file OUTPUT and,
through a pipe, to a child process. The child reads slowly, so that the pipe is
full most of the time; it keeps the sum of what it has read in POSIX shared
memory and reports each piece on a unix socket. A second thread of the parent
listens to that, and notices when the program has been away: then CLOCK_REALTIME
has gone on and CLOCK_MONOTONIC has not.

At the end the program checks everything. Exit status 0: all is right.
"""

import array
import fcntl
import mmap
import os
import socket
import struct
import sys
import termios
import threading
import time

# Of the primes below each limit: how many there are, and their sum. Multiples of
# a thousand, at most a million.
KNOWN = {100_000: (9592, 454396537), 1_000_000: (78498, 37550402023)}
PIECE = 1024  # bytes that the child reads at a time
REST = 0.008  # seconds between its reads
TICK = 0.05


def say(text):
    print(text, flush=True)


def unread(fd):
    """Bytes that wait to be read from a pipe or socket."""
    answer = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, answer)
    return answer[0]


class SharedMemory:
    """Two integers in a page of POSIX shared memory (shm_open(3))."""

    def __init__(self):
        self.path = f"/dev/shm/crvm-demo-{os.getpid()}"
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.ftruncate(fd, mmap.PAGESIZE)
        self.page = mmap.mmap(fd, mmap.PAGESIZE)
        os.close(fd)

    def put(self, bytes_read, total):
        self.page[:16] = struct.pack("<QQ", bytes_read, total)

    def get(self):
        return struct.unpack("<QQ", self.page[:16])


def child(pipe, reports, memory):
    """Adds up what comes through the pipe; never returns."""
    total = bytes_read = 0
    rest = b""
    while piece := os.read(pipe, PIECE):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        total += sum(map(int, lines))
        bytes_read += len(piece)
        memory.put(bytes_read, total)
        reports.send(struct.pack("<Q", bytes_read))
        time.sleep(REST)
    os._exit(0)


def is_prime(n, divisors=range(2, 1001)):
    for d in divisors:
        if d * d > n:
            return True
        if n % d == 0:
            return False
    return True


SMALL_PRIMES = [n for n in range(2, 1001) if is_prime(n)]


class Parent:
    def __init__(self, output, limit):
        self.output = open(output, "wb", buffering=0)
        self.limit = limit
        self.count = self.written = 0
        self.memory = SharedMemory()
        self.reports, theirs = socket.socketpair()
        read_end, self.pipe = os.pipe()
        self.pid, self.child = os.getpid(), os.fork()
        if self.child == 0:
            # This copy must not hold the pipe open.
            os.close(self.pipe)
            child(read_end, theirs, self.memory)
        os.close(read_end)
        theirs.close()
        self.reported = 0
        self.done = threading.Event()
        self.listener = threading.Thread(target=self.listen)

    def work(self):
        """The first thread: finds the primes, a thousand numbers at a time."""
        for start in range(0, self.limit, 1000):
            found = [n for n in range(max(start, 2), start + 1000)
                     if is_prime(n, SMALL_PRIMES)]
            lines = b"".join(b"%d\n" % n for n in found)
            self.output.write(lines)
            self.count += len(found)
            while lines:  # a full pipe takes a part, and then waits
                n = os.write(self.pipe, lines[:512])
                self.written += n
                lines = lines[n:]

    def listen(self):
        """The second thread: reads the child's reports, and watches the clocks."""
        lead = time.time() - time.monotonic()
        tick = 0
        while not self.done.wait(TICK):
            count = self.count
            away = time.time() - time.monotonic() - lead
            if away > 0.2:
                lead += away
                self.tell(away)
            waiting = unread(self.reports.fileno())
            if waiting:
                for report in struct.iter_unpack("<Q", self.reports.recv(waiting)):
                    self.reported = report[0]
            tick += 1
            if tick % 20 == 0:
                say(f"{count:,} primes so far")

    def flow(self):
        """(written to the pipe, in it, read from it), at one instant."""
        while True:
            before = self.written, self.memory.get()[0]
            waiting = unread(self.pipe)
            if before == (self.written, self.memory.get()[0]) \
                    and before[0] - before[1] == waiting:
                return before[0], waiting, before[1]
            time.sleep(0.0001)

    def tell(self, away):
        count = self.count
        reports = unread(self.reports.fileno())
        written, waiting, read = self.flow()
        os.kill(self.child, 0)
        say(f"I have been away for {away:.1f} s, and this is what I find:")
        say(f"  processes      still {os.getpid()}, and its child {self.child}")
        say(f"  counter        goes on from {count:,} primes")
        say(f"  pipe           {waiting:,} bytes in flight"
            f" = {written:,} written - {read:,} read")
        say(f"  socket pair    {reports} bytes wait to be read")
        say(f"  shared memory  the child's sum so far: {self.memory.get()[1]:,}")
        say(f"  output file    open, at offset {self.output.tell():,}")
        say(f"  threads        {threading.active_count()}")

    def run(self):
        self.listener.start()
        say(f"process {self.pid}, its child {self.child}, two threads;"
            f" looking for the primes below {self.limit:,}")
        self.work()
        os.close(self.pipe)
        status = os.waitpid(self.child, 0)[1]
        self.done.set()
        self.listener.join()
        return self.check(status)

    def check(self, status):
        """True if all is as it must be."""
        os.unlink(self.memory.path)
        last = self.reports.recv(1 << 16)[-8:]
        if last:
            self.reported = struct.unpack("<Q", last)[0]
        with open(self.output.name) as file:
            primes = [int(line) for line in file]
        count, total = KNOWN[self.limit]
        facts = {
            "the PID": os.getpid() == self.pid,
            "the child's exit": status == 0,
            "the counter": self.count == count,
            "the output file": (len(primes), sum(primes)) == (count, total),
            "the sum in shared memory": self.memory.get()[1] == total,
            "the bytes through the pipe": self.memory.get()[0] == self.written,
            "the last report on the socket": self.reported == self.written,
        }
        for what, right in facts.items():
            if not right:
                say(f"WRONG: {what}")
        if all(facts.values()):
            say(f"{count:,} primes, their sum {total:,}: all is right")
        return all(facts.values())


def main():
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    return 0 if Parent(sys.argv[1], limit).run() else 1


if __name__ == "__main__":
    sys.exit(main())
