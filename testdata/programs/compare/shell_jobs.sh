#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Job control in a script: background jobs, stop and continue, wait in its
# variants, process groups, kill of jobs, disown, signals to the shell.

exec 2> /dev/null  # when bash reports an ended job is a matter of chance
set -m
sleep 100 &
first=$!
jobs -l | sed -E "s/ +$first/ PID/"
sleep 0.2  # it has become sleep by then
kill -STOP "$first"
for _ in $(seq 200); do
  [ "$(ps -o state= -p "$first")" = T ] && break
  sleep 0.01
done
ps -o state=,comm= -p "$first"
jobs | sed 's/ *$//'
kill -CONT %1
kill %1
wait "$first"  # by number: %1 may have been reported already
echo "wait: $?"
(exit 5) &
wait $!
echo "wait: $?"
(sleep 0.2; exit 6) &
(sleep 0.05; exit 7) &
wait -n
echo "wait -n: $?"
wait
echo "wait all: $?"
for i in 1 2 3; do (sleep "0.0$i"; exit "$i") & done
wait
trap 'echo got USR1' USR1
(sleep 0.1; kill -USR1 $$) &
wait $!
wait
child_group=$(bash -c 'ps -o pgid= -p $$')
[ "$child_group" != 0 ] && echo "groups ok"
sleep 100 | cat &
group=$(jobs -p %+)
kill -TERM -- "-$group"
wait
echo "after killing the group: $(jobs | wc -l)"
coproc { read -r line; echo "echo: $line"; }
echo hello >&"${COPROC[1]}"
read -r reply <&"${COPROC[0]}"
echo "$reply"
wait
fg || echo "fg: no job"
exit 0
