#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's threads, processes and event loops: threading, subprocess, select,
multiprocessing, asyncio, signals, pty, sockets of the unix family."""

import asyncio
import concurrent.futures
import multiprocessing
import os
import pty
import queue
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def threads():
    results, lock, tasks = [], threading.Lock(), queue.Queue()

    def work():
        while (item := tasks.get()) is not None:
            with lock:
                results.append(item ** 2)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for n in range(1000):
        tasks.put(n)
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
    print("threads", sum(results), threading.active_count())
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    print("event", event.wait(5), event.is_set())
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        print("pool", sum(pool.map(lambda n: n * 3, range(100))))


def processes():
    done = subprocess.run(["sort", "-n"], input="3\n1\n2\n", text=True,
                          capture_output=True, check=True)
    print("sort", done.stdout.split())
    done = subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"],
                          capture_output=True, text=True, check=False)
    print(done.returncode, repr(done.stdout), repr(done.stderr))
    first = subprocess.Popen(["seq", "1", "1000"], stdout=subprocess.PIPE)
    second = subprocess.Popen(["wc", "-l"], stdin=first.stdout,
                              stdout=subprocess.PIPE, text=True)
    first.stdout.close()
    print("pipeline", second.communicate()[0].strip(), first.wait())
    sleeper = subprocess.Popen(["sleep", "100"])
    try:
        sleeper.wait(0.1)
    except subprocess.TimeoutExpired:
        sleeper.terminate()
    print("terminated", sleeper.wait())
    try:
        subprocess.run(["/no/such/program"], check=False)
    except FileNotFoundError as error:
        print("missing", error.errno)
    with multiprocessing.Pool(2) as pool:
        print("pool", pool.map(abs, range(-5, 0)))
    pid = os.fork()
    if pid == 0:
        os._exit(9)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def descriptors():
    r, w = os.pipe()
    left, right = socket.socketpair()
    epoll = select.epoll()
    epoll.register(r, select.EPOLLIN)
    epoll.register(right, select.EPOLLIN)
    print("idle", epoll.poll(0.02), select.select([r], [], [], 0)[0])
    os.write(w, b"x")
    left.send(b"y")
    events = dict(epoll.poll(1))
    print("ready", len(events), events[r] == select.EPOLLIN)
    poller = select.poll()
    poller.register(r)
    print("poll", poller.poll(100) == [(r, select.POLLIN)])
    with tempfile.TemporaryDirectory() as name:
        server = socket.socket(socket.AF_UNIX)
        server.bind(name + "/s")
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(name + "/s")
        peer, _ = server.accept()
        client.sendall(b"z" * 100000 if False else b"z" * 1000)
        print("socket", len(peer.recv(5000)))
        for s in (server, client, peer):
            s.close()


async def ticker(n, out):
    for i in range(n):
        await asyncio.sleep(0.01)
        out.append(i)


async def event_loop():
    out = []
    await asyncio.gather(*(ticker(5, out) for _ in range(4)))
    print("asyncio", sorted(out))
    process = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate(b"through cat")
    print("asyncio subprocess", output, process.returncode)
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("asyncio timeout")


def signals():
    got = []
    signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.signal(signal.SIGALRM, lambda number, frame: got.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.2)
    print("signals", sorted(got))
    try:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        time.sleep(5)
    except KeyboardInterrupt:
        print("interrupted")


def terminals():
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", "stty size; read x; echo got $x; tty | cut -c1-8"])
    os.write(fd, b"typed\n")
    output = b""
    try:
        while data := os.read(fd, 1000):
            output += data
    except OSError:
        pass
    print("pty", output.split(), os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    threads()
    processes()
    descriptors()
    asyncio.run(event_loop())
    signals()
    terminals()
    sys.stdout.flush()
