#!/usr/bin/env bash
# fresh_web.sh [FOLDER]: proves that the app in the browser builds in a new Debian 12 root, which has no Node, and gives what
# web/dist holds: makes one with debootstrap in FOLDER (default: a temporary folder, removed afterwards), clones this
# repository's HEAD into it and runs `./dev web check` there, with two of the
# packages that `./dev setup web` installs. Needs root, debootstrap and a network.
set -euo pipefail
repository=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=tools/fresh_root.sh
source "$repository/tools/fresh_root.sh"
new_root "${1:-}"
clone_into_root

no_node() {
  if in_root 'command -v node || command -v npm' >&2; then echo "fresh_web: there is a Node in $target" >&2 && exit 1; fi
}
no_node
in_root 'apt-get update -q && apt-get install -qy --no-install-recommends python3 python3-venv' >"$target.apt.log" 2>&1
# npm as it is set up here, with the certificates that the root was given.
[[ ! -e ~/.npmrc ]] || cp ~/.npmrc "$target/root/.npmrc"
in_root 'cd /root/melete && NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt ./dev web check'
no_node
echo "fresh_web: the app builds" >&2
