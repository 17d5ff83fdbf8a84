#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Pipelines, redirections, here-documents, substitutions, subshells, functions.

set -o pipefail
seq 1 1000 | grep 7 | sort -rn | head -3
yes | head -5000 | wc -l
echo "one two three" | tr ' ' '\n' | sed 's/^/- /' | tac
false | true
echo "pipefail: $?"
(exit 3) | cat
echo "status: ${PIPESTATUS[*]}"
cat << EOF | tr a-z A-Z
here $((6 * 7)) and $(echo nested $(echo deeper))
EOF
cat <<< "here-string"
diff <(seq 1 5) <(seq 2 6)
echo "diff: $?"
exec 3> out
echo to three >&3
exec 3>&-
cat < out
{ echo stdout; echo stderr >&2; } 2>&1 | sort
echo appended >> out
wc -l < out
f() { local x=$1; echo "f $x"; return 4; }
f arg
echo "function: $?"
for i in {1..3}; do (echo "subshell $i"; exit "$i"); echo "$?"; done
while read -r a b; do echo "$b-$a"; done < <(printf 'x y\nz w\n')
x=$(printf 'trailing newlines\n\n\n')
echo "[$x]"
case abc in a*) echo matched ;; esac
[[ "version-42" =~ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
trap 'echo "exit trap"' EXIT
kill -TERM $BASHPID & wait $!
echo "killed: $?"
ls /no/such/file 2> /dev/null
echo "ls: $?"
no_such_command 2> /dev/null
echo "not found: $?"
mkfifo fifo
(sleep 0.1; echo through the fifo > fifo) &
cat fifo
wait
time_out=$(timeout 0.2 sleep 5; echo $?)
echo "timeout: $time_out"
echo {a,b}{1,2} ~root
printf '%s\n' *
dd if=/dev/zero bs=1k count=100 2> /dev/null | md5sum
exit 0
