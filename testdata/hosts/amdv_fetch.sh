#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the kernel and initramfs of the emulated AMD-V host and prints the
# directory that holds them (vmlinuz, initramfs). Debian's 6.12 cloud kernel is
# downloaded and unpacked, not installed. Cached in $CRVM_CACHE, else in .cache
# of the checkout.

set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
meta=linux-image-6.12-cloud-amd64
# In the order of insertion. virtiofs and virtio-console are built in.
modules=(virt/lib/irqbypass arch/x86/kvm/kvm arch/x86/kvm/kvm-amd
  fs/overlayfs/overlay net/core/failover drivers/net/net_failover
  drivers/net/virtio_net drivers/block/virtio_blk)

cache=${CRVM_CACHE:-$here/../../.cache}/amdv
# A changed init or module list makes a new initramfs.
key=$(cat "$here/amdv_init" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-16)
ready=$cache/$key
if [ -f "$ready/vmlinuz" ] && [ -f "$ready/initramfs" ]; then
  echo "$ready"
  exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The kernel package, unpacked once for all keys.
if [ ! -d "$cache/kernel" ]; then
  kernel_package() {
    apt-cache depends "$meta" 2> /dev/null | sed -n 's/^ *Depends: *//p' | head -1
  }
  package=$(kernel_package)
  if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
    apt-get update -q >&2
    package=$(kernel_package)
  fi
  if [ -z "$package" ]; then
    echo "amdv_fetch: no package $meta; run apt-get update (bookworm-security has it)" >&2
    exit 1
  fi
  mkdir "$work/deb" "$work/kernel"
  download() { (cd "$work/deb" && apt-get download -q "$package" > ../log 2>&1); }
  # An old package list names a file that is gone from the mirror.
  download || { apt-get update -q > /dev/null && package=$(kernel_package) && download; } ||
    { cat "$work/log" >&2; exit 1; }
  dpkg -x "$work"/deb/*.deb "$work/kernel"
  mv -T "$work/kernel" "$cache/kernel" 2> /dev/null || [ -d "$cache/kernel" ]
fi

root=$work/root
mkdir -p "$root"/{bin,modules,proc,sys,dev,host,rw,new} "$work/out"
cp "$(command -v busybox)" "$root/bin/busybox"
install -m 755 "$here/amdv_init" "$root/init"
n=10
for module in "${modules[@]}"; do
  file=$(echo "$cache"/kernel/lib/modules/*/kernel/"$module".ko.xz)
  xz -dc "$file" > "$root/modules/$n-$(basename "$module").ko"
  n=$((n + 1))
done
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 > "$work/out/initramfs"
cp "$cache"/kernel/boot/vmlinuz-* "$work/out/vmlinuz"
mv -T "$work/out" "$ready" 2> /dev/null || [ -f "$ready/initramfs" ]
echo "$ready"
