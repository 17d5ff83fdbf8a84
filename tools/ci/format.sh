#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks the formatting of all C and C++ sources, the licence line of each
# source file, and the syntax of shell and Python scripts.

. "$(dirname "$0")/lib.sh"
say "Format"

mapfile -t sources < <(git ls-files '*.cc' '*.h' '*.c')
[ ${#sources[@]} -gt 0 ] || fail "format: git lists no sources"
if bad=$(clang-format --dry-run -Werror "${sources[@]}" 2>&1); then
  pass "format: clang-format"
else
  echo "$bad" | grep -E '^[^ ]+:[0-9]+:[0-9]+: error' | cut -d: -f1 | sort -u
  fail "format: clang-format (mend: clang-format -i FILE...)"
fi

mapfile -t licensed < <(git ls-files '*.cc' '*.h' '*.c' '*.S' '*.ld' '*.sh' '*.py')
if bad=$(grep -L 'SPDX-License-Identifier: Apache-2.0' "${licensed[@]}") &&
  [ -n "$bad" ]; then
  echo "$bad"
  fail "format: files without the SPDX line"
else
  pass "format: licence lines"
fi

ok=1
while read -r script; do
  case $(head -c 40 "$script" | head -1) in
    '#!'*python3) python3 - "$script" <<< 'import ast, sys; ast.parse(open(sys.argv[1]).read())' || ok=0 ;;
    '#!'*bash) bash -n "$script" || ok=0 ;;
    '#!'*sh) sh -n "$script" || ok=0 ;;
  esac
done < <(git ls-files -s | sed -n 's/^100755 [^\t]*\t//p')
if [ "$ok" = 1 ]; then pass "format: scripts parse"; else fail "format: scripts parse"; fi
