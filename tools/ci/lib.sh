# SPDX-License-Identifier: Apache-2.0
#
# Shared by the stages of ./test. Source it; it changes to the top of the
# checkout. A stage records one line per check with `pass NAME` or `fail NAME`
# in $CRVM_RESULTS; ./test counts them.

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# Bazel wants a home directory; cron, CI and containers may not set one.
if [ -z "${HOME:-}" ]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  [ -n "$HOME" ] && [ -w "$HOME" ] || HOME=/tmp
  export HOME
fi
: "${CRVM_RESULTS:=$(mktemp)}"
export CRVM_RESULTS

pass() { echo "PASS $*" >> "$CRVM_RESULTS"; }
fail() {
  echo "FAIL $*" >> "$CRVM_RESULTS"
  echo "FAIL: $*" >&2
}
say() { printf '\n=== %s\n' "$*"; }

# crvm_bazel FLAVOUR COMMAND ARGS...: the flavour "main" is the output base of
# `bazel` typed by hand in this checkout. Other flavours (other compilers and
# sanitizers) have their own, so that switching rebuilds nothing.
crvm_bazel() {
  local flavour=$1
  shift
  local startup=(--host_jvm_args=-Xmx1g)
  if [ "$flavour" != main ]; then
    startup+=("--output_base=$(flavour_base "$flavour")" --host_jvm_args=-Xmx600m)
  fi
  local command=$1
  shift
  case $command in
    build | test | run) set -- --symlink_prefix=/ --color=no --curses=no "$@" ;;
  esac
  bazel "${startup[@]}" "$command" "$@"
}

flavour_base() {
  local key
  key=$(pwd | md5sum | cut -c1-12)
  echo "${CRVM_BAZEL_ROOT:-$HOME/.cache/crvm-bazel}/$key/$1"
}

# Ends the flavour's Bazel server: several together need gigabytes.
end_bazel() {
  [ -d "$(flavour_base "$1")" ] && crvm_bazel "$1" shutdown > /dev/null 2>&1
}

# count_bazel STAGE LOG STATUS: turns Bazel's summary lines into results, and
# a failure that has no such line (a build error) into one of its own.
count_bazel() {
  local stage=$1 log=$2 status=$3 label word failed=0
  while read -r label word; do
    case $word in
      PASSED | FLAKY) pass "$stage $label" ;;
      *)
        fail "$stage $label: $word"
        failed=1
        ;;
    esac
  done < <(sed -nE 's@^(//[^ ]+) +(\(cached\) )?(PASSED|FLAKY|FAILED TO BUILD|FAILED|TIMEOUT|NO STATUS).*@\1 \3@p' "$log")
  # 4: the build succeeded and there was no test to run.
  if [ "$status" != 0 ] && [ "$status" != 4 ] && [ "$failed" = 0 ]; then
    fail "$stage: bazel exited with status $status"
  fi
}

# run_bazel STAGE FLAVOUR COMMAND ARGS...: runs Bazel, shows and counts.
run_bazel() {
  local stage=$1 flavour=$2
  shift 2
  local log status
  log=$(mktemp)
  crvm_bazel "$flavour" "$@" 2>&1 | tee "$log" | quiet_progress
  status=${PIPESTATUS[0]}
  count_bazel "$stage" "$log" "$status"
  rm -f "$log"
  return "$status"
}

# Leaves out Bazel's progress lines, which without a terminal are most of it.
quiet_progress() {
  grep --line-buffered -vE '^(Loading|Analyzing|Extracting|\[[0-9,]+ / [0-9,]+\])|^(Use --sandbox|There were tests whose specified)|ld.gold: warning: Cannot export local symbol' || true
}
