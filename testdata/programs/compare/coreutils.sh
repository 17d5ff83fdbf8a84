#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A walk through coreutils, findutils, grep, sed, awk, tar, gzip.

set -eu
export LC_ALL=C
mkdir -p tree/a/b tree/c
for i in $(seq 1 20); do echo "file $i" > "tree/a/f$i"; done
cp -r tree copy
ln -s ../a/f1 tree/c/link
ln tree/a/f2 tree/c/hard
mv tree/a/f3 tree/c/moved
find tree -type f | sort | head -5
find tree -type l -printf '%p -> %l\n'
find tree -name 'f1*' -exec wc -c {} + | tail -1
diff -r tree copy || true
stat -c '%F %s %a %h' tree/c/hard tree/c/link
readlink -f tree/c/link | sed 's|.*/tree|tree|'
chmod 640 tree/a/f4
stat -c %a tree/a/f4
touch -d '2020-02-03 04:05:06 UTC' tree/a/f5
date -u -r tree/a/f5 +%Y-%m-%dT%H:%M:%S
du -s --apparent-size -b tree/a/f6 | cut -f1
tar cf archive.tar --sort=name --mtime=@0 --owner=0 --group=0 tree
tar tf archive.tar | wc -l
mkdir out && tar xf archive.tar -C out
diff -r tree out/tree && echo "tar: same"
gzip -k archive.tar && gunzip -c archive.tar.gz | cmp - archive.tar && echo "gzip: same"
split -b 1000 -d archive.tar part. && cat part.* | cmp - archive.tar && echo "split: same"
seq 1 100 | shuf --random-source=<(yes) | sort -n | md5sum
seq 1 10 | paste -sd+ | bc 2> /dev/null || echo 55
seq 1 30 | awk '{ s += $1; print $1, s }' | tail -2
printf 'b 2\na 1\nc 3\n' | sort | join - <(printf 'a x\nc z\n')
printf '1\n1\n2\n3\n3\n' | uniq -c
echo 'hello world' | sed -E 's/(\w+) (\w+)/\2 \1/' | tee teed | rev
cut -d' ' -f1 teed
tail -c 6 teed | od -c | head -1
head -c 300000 /dev/zero | tr '\0' 'x' | fold -w 100 | wc
comm -12 <(seq 1 5) <(seq 4 8)
expr 6 \* 7
test -d tree && test ! -e nothing && echo "test: ok"
basename /a/b/c.txt .txt
env -i A=1 env
nl -ba teed
sha256sum tree/a/f7 | cut -d' ' -f1
truncate -s 5000 sparse && stat -c %s sparse
mktemp -u -p . XXXX | wc -c
yes line | head -200000 | sort -u
xargs -n 5 echo < <(seq 1 12)
timeout 5 nohup true < /dev/null > /dev/null 2>&1 && echo "nohup: ok"
rm -rf copy out && ls
