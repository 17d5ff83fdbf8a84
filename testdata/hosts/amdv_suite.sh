#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
#   amdv_suite.sh CRVM PROGRAMS
#
# The integration tests of the emulated AMD-V host, where the kernel runs in
# supervisor mode. Boots the host once and runs there, under the crvm binary
# CRVM: /bin/true, a bash pipeline, a python3 script, and from PROGRAMS (the
# directory with compare/ and transition/) some compare and transition programs.
# Prints lines "PASS name" and "FAIL name: why"; the status is 0 if none failed.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sources=$here/../programs

if [ "${1:-}" != inside ]; then
  exec "$here/amdv_host.sh" run --timeout 840 -- "$here/amdv_suite.sh" inside \
    "$(realpath "$1")" "$(realpath "$2")"
fi

crvm=$2
programs=$3
export CRVM_HOME=/tmp/crvm-amdv-home
mkdir -p "$CRVM_HOME"
failed=0

verdict() { # verdict NAME WANTED GOT
  if [ "$2" = "$3" ]; then
    echo "PASS $1"
  else
    echo "FAIL $1: wanted '$2', got '$(tail -c 300 <<< "$3" | tr '\n' '|')'"
    failed=1
  fi
}

verdict "host is hardware" yes \
  "$("$crvm" check 2>&1 | grep -qi hardware && echo yes || "$crvm" check 2>&1)"
verdict "/bin/true" "0" "$("$crvm" run -- /bin/true 2>&1; echo $?)"
verdict "/bin/false" "1" "$("$crvm" run -- /bin/false 2>&1; echo $?)"
verdict "bash pipeline" "333833500" "$("$crvm" run -- /bin/bash -c \
  'seq 1 1000 | while read -r n; do echo $((n * n)); done | paste -sd+ | { IFS= read -r s; echo $((s)); }' 2>&1)"
verdict "python3" "4950 hello" "$("$crvm" run -- /usr/bin/python3 -c \
  'import threading, subprocess
out = []
t = threading.Thread(target=lambda: out.append(sum(range(100))))
t.start(); t.join()
print(out[0], subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout.strip())' 2>&1)"

run() { # run KIND RUNNER PROGRAM...; KIND is put before the program's name
  local line
  while read -r line; do
    case $line in
      PASS*) echo "PASS $1 ${line#PASS }" ;;
      FAIL*) echo "FAIL $1 ${line#FAIL }"; failed=1 ;;
      *passed,*) ;;
      *) echo "$line" ;;
    esac
  done < <("$here/../$2" --crvm "$crvm" --timeout 120 "${@:3}" 2>&1)
}
# Not compare/fpu: the emulated processor does not raise SIGFPE, natively either.
run compare run_compare.py "$programs"/compare/{hello,hello_static,hello_static_pie} \
  "$programs"/compare/{fork_wait,threads,signal_handlers,signal_faults,mmap_file} \
  "$programs"/compare/{cow_fork,pipes,unix_stream,epoll,bad_pointers,kernel_memory,clocks,timers} \
  "$sources/compare/shell_pipelines.sh"
run transition run_transition.py "$programs"/transition/{counter,pipe_inflight,futex_threads} \
  "$programs"/transition/{fpu_state,scm_rights,shared_memory} \
  "$sources"/transition/{bash_pipeline.sh,python_threads.py}
# Snapshots do not depend on the mode: from one to the other and back.
run crossing run_transition.py --privilege deprivileged --cycles 2 \
  --resume-privilege supervisor,deprivileged \
  "$programs"/transition/{counter,futex_threads,scm_rights,pending_signals} \
  "$sources"/transition/{bash_pipeline.sh,python_threads.py}
exit "$failed"
