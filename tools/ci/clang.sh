#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds everything with clang, whose layering check sees to it that a target
# includes only headers of its direct dependencies. Runs nothing.

. "$(dirname "$0")/lib.sh"
say "Build with clang and the layering check"
# Not optimised: nothing is run, and it is faster.
if run_bazel clang clang build --config=layering --compilation_mode=fastbuild \
  --keep_going //...; then
  pass "clang: build"
fi
end_bazel clang
