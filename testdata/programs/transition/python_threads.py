#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python with threads: a queue between workers, a condition, an event, a timer,
a generator half-way, a running hash, an open file and a random generator."""

import hashlib
import os
import queue
import random
import sys
import tempfile
import threading
import time

flag = sys.argv[1]
tasks = queue.Queue(maxsize=10)
results = []
lock = threading.Lock()
go = threading.Event()


def work():
    while (item := tasks.get()) is not None:
        with lock:
            results.append(item * item)
        tasks.task_done()


def released():
    return os.path.exists(flag)


def squares():
    n = 0
    while True:
        n += 1
        yield n * n


def waiter(out):
    go.wait()
    out.append("went")


def main():
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    went = []
    waiting = threading.Thread(target=waiter, args=(went,))
    waiting.start()
    fired = []
    timer = threading.Timer(1.5, lambda: fired.append(time.monotonic()))
    started = time.monotonic()
    timer.start()
    digest = hashlib.sha256()
    generator = squares()
    for _ in range(10):
        next(generator)
    rng = random.Random(7)
    first = [rng.random() for _ in range(5)]
    with tempfile.TemporaryFile("w+") as file:
        file.write("before ")
        print("ready", flush=True)
        count = 0
        while True:
            for _ in range(200):
                count += 1
                tasks.put(count)
                digest.update(str(count).encode())
            if released():
                break
        file.write("after")
        file.seek(0)
        assert file.read() == "before after"
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
    assert sorted(results) == [n * n for n in range(1, count + 1)]
    again = hashlib.sha256()
    for n in range(1, count + 1):
        again.update(str(n).encode())
    assert digest.hexdigest() == again.hexdigest()
    assert next(generator) == 121
    assert not went
    go.set()
    waiting.join()
    timer.join()
    assert went == ["went"] and fired[0] - started >= 1.5
    check = random.Random(7)
    assert first == [check.random() for _ in range(5)]
    assert rng.random() == check.random()


try:
    main()
    print("PASS", flush=True)
except AssertionError as error:
    import traceback
    print("FAIL:", traceback.extract_tb(error.__traceback__)[-1].line)
    os._exit(1)
