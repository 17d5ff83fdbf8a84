#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A shell script in the middle of a pipeline: producer, sed, sort and a reader,
# a background job, a here-document, variables, a trap and a coprocess.

flag=$1
trap 'trapped=yes' USR1
declare -A table=([one]=1 [two]=2)
exec 7< <(for i in 1 2 3 4 5; do echo "line $i"; done)
read -r first <&7
coproc CO { while read -r x; do echo "co:$x"; done; }
echo early >&"${CO[1]}"

(sleep 0.1; while [ ! -e "$flag" ]; do sleep 0.05; done; exit 9) &
job=$!

exec 3>&1
sum=$(
  {
    for ((i = 1; i <= 2000; i++)); do
      echo "$i"
      if ((i == 1000)); then
        echo ready >&3
        while [ ! -e "$flag" ]; do sleep 0.02; done
      fi
    done
  } | sed 's/^/n/' | sort -r | sed 's/^n//' | {
    s=0
    while read -r n; do s=$((s + n)); done
    echo "$s"
  }
)

fail() {
  echo "FAIL: $*"
  exit 1
}
[ "$sum" = 2001000 ] || fail "the sum is $sum"
wait "$job"
[ $? = 9 ] || fail "the background job's status"
kill -USR1 $$
[ "${trapped:-}" = yes ] || fail "the trap was not run"
[ "${table[two]}" = 2 ] || fail "the table"
read -r second <&7
[ "$first/$second" = "line 1/line 2" ] || fail "the half-read pipe: $second"
read -r x <&"${CO[0]}"
[ "$x" = co:early ] || fail "the coprocess said $x"
echo late >&"${CO[1]}"
read -r x <&"${CO[0]}"
[ "$x" = co:late ] || fail "the coprocess said $x"
echo PASS
