#!/usr/bin/env bash
# fresh_machine.sh [FOLDER]: proves that a newcomer's two commands work in a new Debian 12 root: makes one with debootstrap
# in FOLDER (default: a temporary folder, removed afterwards), with this machine's apt configuration, clones this
# repository's HEAD into it, and runs them as root. Needs root and debootstrap.
set -euo pipefail
repository=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=tools/fresh_root.sh
source "$repository/tools/fresh_root.sh"
new_root "${1:-}"
clone_into_root

inside() {
  echo "fresh_machine: $*" >&2
  in_root "cd /root/melete && $*"
}
SECONDS=0
inside './melete ask --image examples/shapes.png "How many red shapes are there?"'
echo "fresh_machine: first answer after $SECONDS s" >&2
SECONDS=0
inside './melete ask --image examples/shapes.png "How many red shapes are there?"'
echo "fresh_machine: second answer after $SECONDS s" >&2
SECONDS=0
inside ./dev test
echo "fresh_machine: tests after $SECONDS s" >&2
