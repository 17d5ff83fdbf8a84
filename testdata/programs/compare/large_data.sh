#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sort, gzip, sha256sum and friends on a file of some 20 MiB.

set -eu
export LC_ALL=C
seq 1 400000 | awk '{ printf "%d %08d %s\n", $1, ($1 * 7919) % 1000003, "some text to make the line longer" }' > big
wc big
sha256sum big
sort -k2,2n big | md5sum
sort --parallel=2 -S 2M -T . -k2,2n big | md5sum
gzip -c big > big.gz
gunzip -c big.gz | cmp - big && echo "gzip: same"
grep -c '7919' big
sed -n '100000p;200000p' big
tail -1 big
cp big copy && cmp big copy && echo "cp: same"
tac big | tac | cmp - big && echo "tac: same"
dd if=big of=part bs=4097 skip=100 count=1000 2> /dev/null
md5sum part
awk '{ s += $2 } END { print s }' big
