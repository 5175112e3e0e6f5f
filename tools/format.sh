#!/usr/bin/env bash
# Rewrites all C++ of the project in its format. With --check: names the files that differ, and fails if there are any.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# Untracked files count: they are about to be committed. Deleted ones don't.
files() {
  git ls-files -z --cached --others --exclude-standard -- 'src/*.cc' 'src/*.h' 'fuzz/*.cc' 'bench/*.cc' |
    while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done | sort -zu
}
if [[ ${1-} != --check ]]; then
  files | xargs -0 -P "$(nproc)" -n 8 clang-format-14 -i
else
  files | xargs -0 -P "$(nproc)" -n 1 sh -c 'clang-format-14 --dry-run -Werror "$0" >/dev/null 2>&1 || { echo "$0" >&2; exit 1; }'
fi
