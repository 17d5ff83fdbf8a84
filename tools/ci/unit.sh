#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds everything with GCC and runs all tests: the KVM ones on this host,
# where a missing /dev/kvm is a failure. $CRVM_TEST_FILTER is a
# --test_tag_filters value, e.g. -kvm.

. "$(dirname "$0")/lib.sh"
say "All tests (gcc)"
run_bazel gcc main test --config=need_kvm --keep_going \
  --test_tag_filters="${CRVM_TEST_FILTER:-}" //...
