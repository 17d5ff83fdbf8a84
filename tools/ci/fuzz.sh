#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the fuzz targets (tag "fuzz") with libFuzzer and runs each for
# $CRVM_FUZZ_SECONDS (10) seconds, starting from its corpus. A crashing input
# is kept in .cache/fuzz/ and named.

. "$(dirname "$0")/lib.sh"
say "Fuzzing, ${CRVM_FUZZ_SECONDS:=10} s each"

log=$(mktemp)
labels=$(crvm_bazel fuzz query 'attr(tags, "\bfuzz\b", kind(cc_test, //...))' 2> "$log") ||
  { cat "$log" >&2; fail "fuzz: query"; }
rm -f "$log"
[ -n "$labels" ] || { end_bazel fuzz; exit 0; }
# shellcheck disable=SC2086
run_bazel fuzz fuzz build --config=fuzz --keep_going $labels
bin=$(crvm_bazel fuzz info --config=fuzz bazel-bin 2> /dev/null)
end_bazel fuzz

artifacts=$PWD/.cache/fuzz
mkdir -p "$artifacts"
fuzz_one() {
  local label=$1 path name corpus status
  path=${label#//}
  path=${path/://}
  name=${path//\//_}
  corpus=$artifacts/$name.corpus
  mkdir -p "$corpus"
  if [ ! -x "$bin/$path" ]; then
    fail "fuzz $label: not built"
    return
  fi
  local seeds=()
  [ -d "$(dirname "$path")/testdata/${path##*/}" ] && seeds+=("$(dirname "$path")/testdata/${path##*/}")
  timeout $((CRVM_FUZZ_SECONDS + 60)) "$bin/$path" \
    -max_total_time="$CRVM_FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$artifacts/$name." -print_final_stats=1 \
    "$corpus" "${seeds[@]}" > "$artifacts/$name.log" 2>&1
  status=$?
  if [ "$status" = 0 ]; then
    pass "fuzz $label"
    echo "$label: $(sed -n 's/^stat::number_of_executed_units: */inputs tried: /p' "$artifacts/$name.log")"
  else
    fail "fuzz $label: see $artifacts/$name.log"
    tail -25 "$artifacts/$name.log"
  fi
}
# One per processor.
slots=$(nproc)
for label in $labels; do
  while [ "$(jobs -rp | wc -l)" -ge "$slots" ]; do wait -n; done
  fuzz_one "$label" &
done
wait
