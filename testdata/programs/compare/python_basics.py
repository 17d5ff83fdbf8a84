#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Python's standard library at work: files, processes' environment, compression,
json, sqlite, regular expressions, big integers, dates, temporary files, mmap."""

import bz2
import collections
import ctypes
import datetime
import decimal
import gc
import hashlib
import json
import lzma
import mmap
import os
import pathlib
import pickle
import random
import re
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
import zlib

print(sys.version_info[:2], sys.byteorder, sys.platform)
print(2**521 % 1000007, decimal.Decimal(1) / 7)
text = "".join(chr(97 + i * 31 % 26) for i in range(100000))
print(hashlib.sha256(text.encode()).hexdigest())
for module in (zlib, bz2, lzma):
    packed = module.compress(text.encode())
    assert module.decompress(packed).decode() == text
    print(module.__name__, len(packed) < 5000)
data = {"list": list(range(50)), "nested": {"a": [1.5, None, True, "\u00e9"]}}
assert json.loads(json.dumps(data)) == data == pickle.loads(pickle.dumps(data))
print(re.findall(r"(\w)(\d+)", "a1 b22 c333"))
print(collections.Counter(text).most_common(2))
random.seed(5)
print([random.randint(0, 1000) for _ in range(5)], round(random.gauss(0, 1), 9))
print(datetime.datetime(2024, 2, 29, 12) + datetime.timedelta(days=366))
print(struct.pack("<IhQ", 1, -2, 3).hex())

with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    for i in range(100):
        (directory / f"f{i:03}").write_text("x" * i)
    print(sum(p.stat().st_size for p in directory.iterdir()))
    print(sorted(p.name for p in directory.glob("f09*")))
    (directory / "f000").rename(directory / "renamed")
    shutil.copytree(directory, directory / "tree" / "copy", ignore=lambda d, n: ["tree"])
    print(len(list(directory.rglob("*"))))
    with open(directory / "mapped", "w+b") as file:
        file.truncate(10000)
        with mmap.mmap(file.fileno(), 10000) as mapped:
            mapped[5000:5005] = b"hello"
            mapped.flush()
            print(mapped.find(b"hello"))
        file.seek(5000)
        print(file.read(5))
    with open(directory / "lines", "w", encoding="utf-8") as file:
        for i in range(10000):
            print(f"line {i} \u20ac", file=file)
    with open(directory / "lines", encoding="utf-8") as file:
        print(sum(len(line) for line in file))
    database = sqlite3.connect(directory / "data.db")
    with database:
        database.execute("create table t (a, b)")
        database.executemany("insert into t values (?, ?)",
                             ((i, i * i) for i in range(1000)))
    print(database.execute("select sum(b) from t where a % 3 = 0").fetchone())
    database.close()
    try:
        open(directory / "missing")
    except FileNotFoundError as error:
        print(error.errno, error.strerror)
libc = ctypes.CDLL(None, use_errno=True)
print(libc.abs(-5), libc.open(b"/no/such", 0), ctypes.get_errno())
os.environ["CRVM_TEST"] = "value"
print(os.popen("echo $CRVM_TEST").read().strip(), os.getcwd() == os.path.realpath("."))
start = time.monotonic()
time.sleep(0.05)
print(time.monotonic() - start >= 0.05, time.time() > 1.6e9)
print(os.cpu_count() >= 1, os.uname().sysname, os.path.exists("/proc/self/exe"))
cycle = []
cycle.append(cycle)
del cycle
print(gc.collect() >= 1)
print("\u00e9\u20ac", file=sys.stderr)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


print(fibonacci(20))
