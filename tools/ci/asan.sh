#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Unit tests, the VMM's and the hosted kernel's, under AddressSanitizer and
# UndefinedBehaviorSanitizer. Tests tagged kvm (slow, and the program under
# test is then mostly the guest) and no-asan are left out.

. "$(dirname "$0")/lib.sh"
say "Unit tests under asan and ubsan"
run_bazel asan asan test --config=asan --keep_going --build_tests_only \
  --test_tag_filters=-kvm,-external,-no-asan \
  --test_env=ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1 \
  --test_env=UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
  //...
end_bazel asan
