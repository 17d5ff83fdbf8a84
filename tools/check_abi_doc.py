#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks docs/abi.md against the guest kernel's table of system calls.

    check_abi_doc.py [ABI_MD TABLE_CC]

Every call of the table must be listed under its number as complete or partial
(and a partial one must say what is missing), or as absent if it has no handler;
what is listed must be in the table so; numbers ascend, and none is listed
twice. Names are checked against this machine's <asm/unistd_64.h>, as far as it
goes.
"""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rows_of(text):
    """(number, name, state, remark) for each row of the page's table."""
    pattern = r"^\| *(\d+) *\| *`(\w+)` *\| *(.*?) *\| *(.*?) *\|$"
    return [(int(number), name, state, remark)
            for number, name, state, remark in
            re.findall(pattern, text, re.MULTILINE)]


def handlers_of(text):
    """{number: name} of table.cc."""
    return {int(number): name for number, name in
            re.findall(r'\{(\d+), "(\w+)", Sys\w+\}', text)}


def absent_of(text):
    """{number: name} of the lines of table.cc that have no handler."""
    return {int(number): name for number, name in
            re.findall(r'\{(\d+), "(\w+)", nullptr\}', text)}


def check_row(row, handlers, absent):
    number, name, state, remark = row
    if state not in ("complete", "partial", "absent"):
        yield f"{name}: the state is '{state}'"
    if state == "partial" and not remark:
        yield f"{name}: partial, but not what is missing"
    if state == "absent" and absent.get(number) != name:
        yield f"{name}: absent here, but not in the table of system calls"
    if state != "absent" and handlers.get(number) != name:
        yield (f"{name}: {state} here, but not under {number} in the table of "
               "system calls")


def check(page, table, header):
    rows, handlers = rows_of(page), handlers_of(table)
    absent = absent_of(table)
    if not rows or not handlers:
        yield "no rows, or no handlers, were found: has the form changed?"
        return
    numbers = [row[0] for row in rows]
    if numbers != sorted(set(numbers)):
        yield "the numbers do not ascend"
    for row in rows:
        yield from check_row(row, handlers, absent)
    for number, name in {**handlers, **absent}.items():
        if number not in numbers:
            yield f"{name} ({number}): not listed"
    listed = {row[0]: row[1] for row in rows}
    for name, number in re.findall(r"__NR_(\w+) (\d+)", header):
        if listed.get(int(number)) != name:
            yield f"{name} ({number}): not listed under its name"


def main():
    paths = sys.argv[1:] or [os.path.join(TOP, "docs/abi.md"),
                             os.path.join(TOP, "guestkernel/syscall/table.cc")]
    header = read(HEADER) if os.path.exists(HEADER) else ""
    mistakes = list(check(read(paths[0]), read(paths[1]), header))
    for mistake in mistakes:
        print(f"docs/abi.md: {mistake}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
