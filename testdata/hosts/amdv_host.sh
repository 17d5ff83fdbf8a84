#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The emulated AMD-V host: a machine with a real kvm_amd, on any machine. QEMU
# emulates SVM in software; Debian's kernel runs on it, with this machine's
# whole file tree as its root (read-only, a tmpfs over it: nothing that the
# command writes comes out, except its output and its exit status).
#
#   amdv_host.sh run [OPTION...] -- COMMAND [ARG...]
#
#   --timeout S      give up after S seconds (default 600): status 124
#   --memory M       MiB of memory (default 2048)
#   --cpus N         processors (default 2)
#   --network        a network card (QEMU's user-mode network)
#   --forward H:G    with --network: this machine's 127.0.0.1:H is its port G
#   --console FILE   keep the kernel's console there
#   --share DIR      DIR is writable there, too (at the same path)
#
# COMMAND runs as root in the caller's directory, with its environment and with
# /dev/null as standard input.
# The status is COMMAND's own; 124 at timeouts, 125 when the host itself failed.
# Needs root, qemu-system-x86, busybox-static, cpio, xz-utils.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
  echo "amdv_host: $*" >&2
  exit 125
}
usage() {
  sed -n '/^#   amdv_host/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 125
}

timeout=600 memory=2048 cpus=2 network=0 console='' share='' forward=()
[ "${1:-}" = run ] || usage
shift
while [ $# -gt 0 ]; do
  case $1 in
    --timeout) timeout=$2; shift 2 ;;
    --memory) memory=$2; shift 2 ;;
    --cpus) cpus=$2; shift 2 ;;
    --network) network=1; shift ;;
    --forward) network=1; forward+=("$2"); shift 2 ;;
    --console) console=$2; shift 2 ;;
    --share) share=$(realpath "$2") || exit 125; shift 2 ;;
    --) shift; break ;;
    *) usage ;;
  esac
done
[ $# -gt 0 ] || usage
[ "$(id -u)" = 0 ] || die "must run as root: virtiofsd serves the whole file tree"
virtiofsd=/usr/lib/qemu/virtiofsd
for tool in qemu-system-x86_64 "$virtiofsd" busybox cpio xz setpriv; do
  command -v "$tool" > /dev/null ||
    die "$tool is missing; run tools/ci/setup.sh"
done

work=$(mktemp -d /tmp/amdv.XXXXXX) || exit 125
pids=()
cleanup() {
  trap '' INT TERM HUP
  # QEMU first: the others end with it.
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2> /dev/null; done
  for pid in "${pids[@]}"; do wait "$pid" 2> /dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

images=$("$here/amdv_fetch.sh") || die "could not make the kernel and initramfs"

# The command, quoted for bash, in an archive of its own before the initramfs:
# the kernel unpacks both, and after a compressed one it would want padding.
{
  if [ -n "$share" ]; then
    printf 'mount -t virtiofs share %q || exit 125\n' "$share"
  fi
  # bash's own variables are read-only or make no sense elsewhere.
  export -p | grep -vE '^declare -[a-z]*x[a-z]* (PWD|OLDPWD|SHLVL|_|TMPDIR|BASH[A-Z_]*)(=|$)'
  printf 'cd %q || exit 125\nexec' "$PWD"
  printf ' %q' "$@"
  echo
} > "$work/command"
(cd "$work" && echo command | cpio -o -H newc --quiet) > "$work/command.cpio"
cat "$work/command.cpio" "$images/initramfs" > "$work/initrd"

# Everything started dies with this script, even if it is killed.
background() {
  setpriv --pdeathsig KILL -- "$@" &
  pids=("$!" "${pids[@]}")
}
serve() {  # serve TAG SOURCE: a virtiofs server; its socket is $work/TAG
  background "$virtiofsd" --socket-path="$work/$1" -o source="$2" \
    -o sandbox=chroot -o cache="$3" > "$work/$1.log" 2>&1 < /dev/null
}
await() {  # await FILE PID: until FILE exists, while PID lives
  for _ in $(seq 200); do
    [ -e "$1" ] && return
    kill -0 "$2" 2> /dev/null || break
    sleep 0.05
  done
  cat "$1.log" >&2
  die "virtiofsd did not start"
}
serve hostroot / auto
await "$work/hostroot" "${pids[0]}"

qemu=(qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max,+svm,+npt
  -smp "$cpus" -m "$memory" -nodefaults -nographic -no-reboot
  -object memory-backend-memfd,id=m,size="$memory"M,share=on -numa node,memdev=m
  -chardev socket,id=hostroot,path="$work/hostroot"
  -device vhost-user-fs-pci,chardev=hostroot,tag=hostroot
  -device virtio-serial-pci
  -chardev file,id=status,path="$work/status"
  -device virtserialport,chardev=status,name=status
  -serial file:"${console:=$work/console}"
  -kernel "$images/vmlinuz" -initrd "$work/initrd")
append="console=ttyS0 quiet panic=-1"
if [ -n "$share" ]; then
  serve share "$share" none
  await "$work/share" "${pids[0]}"
  qemu+=(-chardev socket,id=share,path="$work/share"
    -device vhost-user-fs-pci,chardev=share,tag=share)
fi
if [ "$network" = 1 ]; then
  netdev=user,id=n
  for pair in "${forward[@]}"; do
    netdev+=,hostfwd=tcp:127.0.0.1:${pair%%:*}-:${pair#*:}
  done
  qemu+=(-netdev "$netdev" -device virtio-net-pci,netdev=n)
  append+=" crvm.network"
fi

# Output goes through named pipes to two cats, which are waited for: so all of
# it has been passed on when this script ends.
mkfifo "$work/out" "$work/err"
cat "$work/out" &
out_pid=$!
cat "$work/err" >&2 &
err_pid=$!
for stream in out err; do
  exec {hold}<> "$work/$stream"  # QEMU's open must not wait for the reader
  qemu+=(-chardev file,id=$stream,path="$work/$stream"
    -device virtserialport,chardev=$stream,name=$stream)
  eval "hold_$stream=$hold"
done
qemu+=(-append "$append")

background "${qemu[@]}" < /dev/null > "$work/qemu.log" 2>&1
qemu_pid=${pids[0]}
exec {hold_out}>&- {hold_err}>&-

background sleep "$timeout"
timer_pid=${pids[0]}
wait -n -p ended "$qemu_pid" "$timer_pid"
if [ "$ended" = "$timer_pid" ]; then
  echo "amdv_host: timed out after $timeout s" >&2
  { kill -KILL "$qemu_pid" && wait "$qemu_pid"; } 2> /dev/null
  status=124
else
  status=$(tr -dc 0-9 < "$work/status" 2> /dev/null)
fi
wait "$out_pid" "$err_pid"
if [ -z "$status" ]; then
  tail -n 20 "$console" "$work/qemu.log" >&2
  die "the machine stopped without a status"
fi
exit "$status"
