# SPDX-License-Identifier: Apache-2.0
"""A CPU-bound Python loop; prints its own duration in ms."""

import time

start = time.monotonic()
total = 0
table = {}
for i in range(1500000):
    total = (total * 31 + i) % 1000003
    table[total & 1023] = total
print((time.monotonic() - start) * 1000)
