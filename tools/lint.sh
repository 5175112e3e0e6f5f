#!/usr/bin/env bash
# Checks what no compiler does, in seconds: format, sizes of files and functions, forbidden constructs. Exceptions, each
# with its reason, are in tools/lint_exceptions.txt.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
failed=0
fail() {
  echo "lint: $*" >&2
  failed=1
}

mapfile -t sources < <(git ls-files --cached --others --exclude-standard -- 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'bench/*.cc' | sort -u | while read -r f; do [[ -e $f ]] && echo "$f"; done)

# excepted RULE SUBJECT: a line "RULE SUBJECT: reason" allows it.
excepted() { grep -q "^$1 $2: ." tools/lint_exceptions.txt; }

tools/format.sh --check || fail "the format differs; run ./dev format"

while read -r lines file; do
  [[ $file == total ]] || ((lines <= 400)) || excepted file "$file" ||
    fail "$file: a file has at most 400 lines, got $lines; split it by what its parts are"
done < <(wc -l "${sources[@]}")

while read -r file line length; do
  excepted function "$file" || fail "$file:$line: a function has at most 50 lines, got $length; split it"
done < <(awk -f tools/function_lengths.awk -v limit=50 "${sources[@]}")

while IFS=: read -r file line _; do
  excepted catch "$file" || fail "$file:$line: catch (...) hides bugs; only main, the request handler and the engine loop may"
done < <(grep -nE 'catch *\(\.\.\.\)' "${sources[@]}")

while IFS=: read -r file line _; do
  fail "$file:$line: finish it, or write an issue, instead of leaving a mark"
done < <(grep -nwE 'TODO|FIXME|XXX' "${sources[@]}" CMakeLists.txt cmake/*.cmake tools/*.sh dev melete | grep -v '^tools/lint.sh:')

for file in "${sources[@]}"; do
  [[ $file != *.h ]] || grep -q '^#pragma once$' "$file" || fail "$file: a header needs #pragma once"
done

for script in dev:80 melete:60; do
  lines=$(wc -l <"${script%:*}")
  ((lines <= ${script#*:})) || fail "${script%:*}: at most ${script#*:} lines, got $lines"
done

((failed)) || echo "lint: ${#sources[@]} files are in order"
exit $failed
