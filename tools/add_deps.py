#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Adds the dependencies that clang's layering check misses to BUILD files.

    tools/ci/clang.sh 2>&1 | tools/add_deps.py

Reads lines "error: module //a:b does not depend on a module exporting 'x/y.h'",
finds the library that has x/y.h, and adds it to the deps of //a:b. Look at the
result: a dependency across layers is a mistake in the include, not in the deps.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree

ERROR = re.compile(r"module (//\S+) does not depend on a module exporting "
                   r"'([^']+)'")


def exporters():
    """Header path -> the labels of the libraries that have it."""
    bazel = os.environ.get("BAZEL", "bazel").split()
    out = subprocess.run(bazel + ["query", "kind(cc_library, //...)",
                                  "--output=xml"],
                         capture_output=True, check=True, text=True).stdout
    result = {}
    root = xml.etree.ElementTree.fromstring(out.replace('version="1.1"',
                                                        'version="1.0"', 1))
    for rule in root.iter("rule"):
        for files in rule.iter("list"):
            if files.get("name") not in ("hdrs", "textual_hdrs"):
                continue
            for label in files.iter("label"):
                path = label.get("value").lstrip("/").replace(":", "/")
                result.setdefault(path, []).append(rule.get("name"))
    return result


def pick(labels, target, in_macro):
    """The twin that fits: hosted for tests and hosted libraries."""
    hosted = [name for name in labels if name.endswith("_hosted")]
    plain = [name for name in labels if not name.endswith("_hosted")]
    if in_macro or not hosted:
        return plain[0] if plain else None
    return hosted[0]


def short(label, package):
    """How a BUILD file of `package` names the label."""
    where, name = label[2:].split(":")
    if where == package:
        return ":" + name
    return f"//{where}" if where.split("/")[-1] == name else label


def add(target, header, table):
    package, name = target[2:].split(":")
    path = os.path.join(package, "BUILD")
    with open(path) as file:
        text = file.read()
    # kernel_library(name = "x") makes x and x_hosted, with the same deps.
    for candidate in (name, re.sub("_hosted$", "", name)):
        rule = re.search(r'^(\w+)\(\n    name = "%s",\n.*?^\)' %
                         re.escape(candidate), text, re.M | re.S)
        if rule:
            break
    else:
        return f"{target}: no rule in {path}"
    label = pick(table.get(header, []), target, rule.group(1) == "kernel_library")
    if label is None:
        return f"{target}: no library has {header}"
    wanted = short(label, package)
    body = rule.group(0)
    deps = re.search(r"^    deps = \[(.*?)\]", body, re.M | re.S)
    present = set(re.findall(r'"([^"]+)"', deps.group(1))) if deps else set()
    if wanted in present:
        return None
    names = sorted(present | {wanted},
                   key=lambda n: (n.startswith("//") + 2 * n.startswith("@"), n))
    listing = "    deps = [\n" + "".join(f'        "{n}",\n' for n in names) + "    ]"
    if deps:
        body = body[:deps.start()] + listing + body[deps.end():]
    else:
        body = body[:-1] + listing + ",\n)"
    with open(path, "w") as file:
        file.write(text[:rule.start()] + body + text[rule.end():])
    return f"{target}: added {wanted}"


def main():
    missing = sorted(set(ERROR.findall(sys.stdin.read())))
    table = exporters()
    for target, header in missing:
        report = add(target, header, table)
        if report:
            print(report)


if __name__ == "__main__":
    main()
