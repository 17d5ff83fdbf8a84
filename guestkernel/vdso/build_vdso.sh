#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build_vdso.sh CXX VDSO.so IMAGE.S: compiles the vDSO and writes an assembler
# file that puts it into the kernel between vdso_image_start and
# vdso_image_end. Run from the root of the repository.
set -e
cxx=$1 so=$2 image=$3
here=guestkernel/vdso
"$cxx" -std=c++20 -O2 -fPIC -shared -nostdlib -ffreestanding -fno-exceptions \
  -fno-rtti -fno-stack-protector -fasynchronous-unwind-tables -fcf-protection=none \
  -mgeneral-regs-only -U_FORTIFY_SOURCE -fvisibility=hidden -Wall -Wextra -Werror -I. \
  -fuse-ld=bfd -Wl,-Bsymbolic -Wl,--hash-style=both -Wl,--eh-frame-hdr \
  -Wl,-soname,linux-vdso.so.1 -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
  -Wl,-z,noexecstack -Wl,--no-undefined -Wl,-s -Wl,-T,$here/vdso.lds \
  -o "$so" $here/vdso.cc
{
  echo '.section .rodata'
  echo '.balign 16'
  echo '.globl vdso_image_start, vdso_image_end'
  echo 'vdso_image_start:'
  od -An -v -tx1 "$so" | sed 's/ \(..\)/0x\1,/g; s/,$//; s/^/.byte /'
  echo 'vdso_image_end:'
  echo '.section .note.GNU-stack, "", @progbits'
} > "$image"
