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

log=$(mktemp)
targets=(//cli:crvm //testdata/programs/compare:all_programs
  //testdata/programs/transition:all_programs)
if ! crvm_bazel main build "${targets[@]}" > "$log" 2>&1; then
  tail -20 "$log"
  fail "amdv: build"
  exit 1
fi
bin=$(crvm_bazel main info bazel-bin 2> /dev/null)
# 125: the emulator or its host kernel failed, and not a test. Once more, then.
for _ in 1 2; do
  testdata/hosts/amdv_suite.sh "$bin/cli/crvm" "$bin/testdata/programs" \
    < /dev/null > "$log" 2>&1
  status=$?
  [ "$status" = 125 ] || break
  tail -n 30 "$log"
done
# Its lines "PASS name" and "FAIL name: why" are the results.
failed=0
while read -r verdict rest; do
  echo "$verdict $rest"
  case $verdict in
    PASS) pass "amdv $rest" ;;
    FAIL)
      fail "amdv $rest"
      failed=1
      ;;
  esac
done < "$log"
rm -f "$log"
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
  fail "amdv: the suite ended with status $status"
fi
