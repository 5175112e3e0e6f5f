#!/usr/bin/env bash
# clients.sh [NAME]: runs the official clients' scripts in e2e/clients/ (or the one named) against a server with the shipped
# model. What they need is installed into build/clients from the network; without it, or without node or python3, they are
# skipped with the reason. MELETE names another program than ./melete.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD melete=${MELETE:-$PWD/melete} work=$PWD/build/clients
names=$(cd e2e/clients && ls ./*.{py,mjs} | sed 's,^\./,,' | grep -E "^(${1:-.*})(\.|$)") || { echo "clients: no client '$1'; there are: $(cd e2e/clients && ls ./*.{py,mjs})" >&2; exit 2; }
[[ -e models/melete-nano/config.json ]] || { echo "clients: skipped: no weights in models/melete-nano" >&2; exit 77; }
mkdir -p "$work"

install_python() {
  command -v python3 >/dev/null || { echo "python3 isn't installed"; return 1; }
  [[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv" || { echo "python3 can't make an environment; install python3-venv"; return 1; }
  "$work/venv/bin/pip" install -q --disable-pip-version-check -r e2e/clients/requirements.txt || { echo "pip can't install e2e/clients/requirements.txt: is there a network?"; return 1; }
}
install_node() {
  command -v npm >/dev/null || { echo "node and npm aren't installed"; return 1; }
  cp e2e/clients/package.json e2e/clients/*.mjs "$work/"
  (cd "$work" && npm install --silent --no-fund --no-audit --no-package-lock) || { echo "npm can't install e2e/clients/package.json: is there a network?"; return 1; }
}

serve() {
  rm -rf "$work/data"
  "$melete" serve --model melete-nano --listen 127.0.0.1:0 --data "$work/data" >"$work/serve.txt" 2>&1 &
  server=$!
  trap 'kill -KILL $server 2>/dev/null || true' EXIT
  for _ in $(seq 600); do
    base=$(sed -n 's/^melete serves at \(http[^ ]*\) .*/\1/p' "$work/serve.txt")
    [[ -z $base ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "clients: the server doesn't start:" >&2
  cat "$work/serve.txt" >&2
  exit 1
}

serve
failed=0 skipped=0
declare -A installed
for name in $names; do
  kind=node
  [[ $name != *.py ]] || kind=python
  if [[ -z ${installed[$kind]:-} ]]; then
    why=$(install_$kind 2>&1) && installed[$kind]=yes || installed[$kind]="no: $(tail -1 <<<"$why")"
  fi
  if [[ ${installed[$kind]} != yes ]]; then
    echo "skipped $name: ${installed[$kind]#no: }"
    skipped=1
    continue
  fi
  run=(node "$work/$name")
  [[ $kind != python ]] || run=("$work/venv/bin/python" "e2e/clients/$name")
  if MELETE_URL=$base EXAMPLES=$root/examples timeout 300 "${run[@]}"; then
    echo "passed  $name"
  else
    echo "FAILED  $name"
    failed=1
  fi
done
((failed == 0)) || exit 1
((skipped == 0)) || exit 77
