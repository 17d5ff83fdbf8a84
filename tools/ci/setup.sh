#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian 12 packages that building and testing need, if any is
# missing. With `build` as argument: only what building and ./demo need.

. "$(dirname "$0")/lib.sh"

BUILD=(bazel-bootstrap g++ python3 libabsl-dev liblz4-dev libxxhash-dev
  googletest libbenchmark-dev)
TEST=(git clang clang-format libclang-rt-dev sqlite3 openssh-server openssh-client
  iproute2 procps qemu-system-x86 busybox-static cpio xz-utils)

wanted=("${BUILD[@]}")
[ "${1:-all}" = build ] || wanted+=("${TEST[@]}")

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} = 0 ] && exit 0

sudo=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo > /dev/null; then
    echo "setup: these packages are missing; install them as root:" \
      "apt-get install ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi
say "Installing ${missing[*]}"
install() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends "${missing[@]}"
}
# The package lists may be absent or old: get them only if they prove to be.
install > /tmp/crvm-apt.$$ 2>&1 ||
  { "${sudo[@]}" apt-get update -q && install; } > /tmp/crvm-apt.$$ 2>&1
status=$?
[ "$status" = 0 ] || tail -30 /tmp/crvm-apt.$$ >&2
rm -f /tmp/crvm-apt.$$
exit "$status"
