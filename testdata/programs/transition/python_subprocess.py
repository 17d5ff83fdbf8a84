#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python with children: a subprocess at the other end of two pipes with bytes in
flight, a multiprocessing pool, a unix socket pair, POSIX shared memory, sqlite."""

import multiprocessing
import multiprocessing.shared_memory
import os
import socket
import sqlite3
import subprocess
import sys
import time

flag = sys.argv[1]

CHILD = """
import sys
for line in sys.stdin:
    print(int(line) * 3, flush=True)
"""


def slow(n):
    time.sleep(0.002)
    return n * n


def wait_for_release():
    while not os.path.exists(flag):
        time.sleep(0.02)


def main():
    child = subprocess.Popen([sys.executable, "-c", CHILD], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for n in range(500):
        child.stdin.write(f"{n}\n")
    child.stdin.flush()
    assert child.stdout.readline() == "0\n"
    left, right = socket.socketpair()
    left.sendall(b"x" * 30000)
    assert len(right.recv(1000)) == 1000
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=100000)
    memory.buf[:5] = b"hello"
    database = sqlite3.connect(":memory:")
    database.execute("create table t (n integer)")
    database.executemany("insert into t values (?)", [(n,) for n in range(1000)])
    with multiprocessing.Pool(2) as pool:
        squares = pool.map_async(slow, range(300), chunksize=1)
        print("ready", flush=True)
        wait_for_release()
        assert squares.get() == [n * n for n in range(300)]
        assert pool.apply(slow, (12,)) == 144
    child.stdin.close()
    rest = child.stdout.read().split()
    assert [int(n) for n in rest] == [3 * n for n in range(1, 500)]
    assert child.wait() == 0
    left.close()
    got = 0
    while data := right.recv(65536):
        got += len(data)
    assert got == 29000
    assert bytes(memory.buf[:5]) == b"hello"
    other = multiprocessing.shared_memory.SharedMemory(name=memory.name)
    assert bytes(other.buf[:5]) == b"hello"
    other.close()
    memory.close()
    memory.unlink()
    assert database.execute("select sum(n) from t").fetchone() == (499500,)


try:
    main()
    print("PASS", flush=True)
except AssertionError as error:
    import traceback
    print("FAIL:", traceback.extract_tb(error.__traceback__)[-1].line)
    os._exit(1)
