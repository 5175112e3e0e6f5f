#!/usr/bin/env bash
# Help, version, manual page and completion of the whole program: every command is in each of them.
set -euo pipefail
"$MELETE" --version | grep -qE '^melete [0-9]+\.[0-9]+\.[0-9]+$'
commands=$("$MELETE" --help | sed -n '/^Commands:/,$p' | awk '/^  [a-z]/ { print $1 }')
[[ $(wc -w <<<"$commands") -ge 8 ]]
"$MELETE" man >"$E2E_DIR/melete.1"
"$MELETE" completion bash >"$E2E_DIR/completion"
source "$E2E_DIR/completion"
COMP_WORDS=(melete "") COMP_CWORD=1
_melete
for command in $commands; do
  grep -q "^.SS melete $command" "$E2E_DIR/melete.1" || { echo "man page lacks $command"; exit 1; }
  [[ " ${COMPREPLY[*]} " == *" $command "* ]] || { echo "completion lacks $command"; exit 1; }
done
COMP_WORDS=(melete ask --mode "") COMP_CWORD=3
_melete
[[ " ${COMPREPLY[*]} " == *" contemplating "* ]] || { echo "completion of --mode: ${COMPREPLY[*]}"; exit 1; }
