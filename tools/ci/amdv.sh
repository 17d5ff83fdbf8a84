#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The second host kind: a smaller set of integration tests in supervisor mode,
# on the emulated AMD-V host of testdata/hosts. $CRVM_TEST_FILTER=-kvm leaves
# it out, too.

. "$(dirname "$0")/lib.sh"
[ "${CRVM_TEST_FILTER:-}" = -kvm ] && exit 0
say "Supervisor mode, on the emulated AMD-V host"
if testdata/hosts/amdv_host.sh run --timeout 120 -- test -c /dev/kvm; then
  pass "amdv host boots and has /dev/kvm"
else
  fail "amdv host boots and has /dev/kvm"
  exit 1
fi
[ -x testdata/hosts/amdv_suite.sh ] || exit 0
log=$(mktemp)
crvm_bazel main build //cli:crvm > "$log" 2>&1 || { tail -20 "$log"; fail "amdv: build"; exit 1; }
rm -f "$log"
crvm=$(crvm_bazel main info bazel-bin 2> /dev/null)/cli/crvm
# Prints "PASS name" and "FAIL name: why" lines.
while read -r verdict rest; do
  case $verdict in
    PASS) pass "amdv $rest" ;;
    FAIL) fail "amdv $rest" ;;
    *) echo "$verdict $rest" ;;
  esac
done < <(timeout 900 testdata/hosts/amdv_suite.sh "$crvm" < /dev/null 2>&1)
