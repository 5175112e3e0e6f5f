#!/usr/bin/env bash
# fresh_package.sh [FOLDER]: proves in a new Debian 12 root (made in FOLDER, or a temporary one) that the package installs,
# answers on the command line and over HTTP as its own user, upgrades with data and configuration kept, and leaves nothing
# behind when it is purged. No systemd runs there: the unit's ExecStart is run as its user with its environment.
set -euo pipefail
repository=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
# shellcheck source=tools/fresh_root.sh
source "$repository/tools/fresh_root.sh"
port=${PORT:-18473}
say() { echo "fresh_package: $*" >&2; }
fail() { say "$*"; exit 1; }

first=$("$repository/tools/package.sh")
cp "$repository/$first" "/tmp/melete_first_$$.deb"
second=$(VERSION=99.0 "$repository/tools/package.sh")
new_root "${1:-}"
install -D "/tmp/melete_first_$$.deb" "$target/root/first.deb" && rm "/tmp/melete_first_$$.deb"
install -D "$repository/$second" "$target/root/second.deb"
in_root "apt-get update -q >/dev/null 2>&1"

# Every file but those that apt and dpkg keep for themselves and caches that are rebuilt.
files() { (cd "$target" && find etc lib usr var -xdev ! -path 'var/cache/*' ! -path 'var/log/*' ! -path 'var/lib/apt/*' ! -path 'var/lib/dpkg/*' | sort); }
install_package() { in_root "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends /root/$1.deb >/root/apt.log 2>&1" || { tail -20 "$target/root/apt.log" >&2; fail "$1.deb doesn't install"; }; }

server=
start() {  # as the unit does
  local unit=$target/lib/systemd/system/melete.service command environment options
  command=$(sed -n 's/^ExecStart=//p' "$unit")
  environment=$(sed -n 's/^Environment=//p' "$unit")
  options=$(. "$target/etc/default/melete" && echo "$MELETE_OPTIONS")
  "${root_shell[@]}" "exec setpriv --reuid melete --regid melete --clear-groups --no-new-privs --inh-caps=-all env -i PATH=/usr/bin:/bin $environment ${command/\$MELETE_OPTIONS/$options}" >"$target/root/serve.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl -sf --noproxy '*' "http://127.0.0.1:$port/readyz" >/dev/null && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$target/root/serve.log" >&2
  fail "the server doesn't start"
}
stop() {
  kill -TERM "$server"
  wait "$server" || fail "the server ends with status $?"
}
ask() {
  curl -sf --noproxy '*' "http://127.0.0.1:$port/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model": "melete-instant", "messages": [{"role": "user", "content": "What is 2 + 3?"}]}' | grep -q '"content":"' ||
    fail "the server doesn't answer"
}

# What the package needs stays when it goes, so that only its own files count below.
install_package first
in_root "apt-get remove -qy --purge melete >/dev/null 2>&1"
files >"$target/root/before"
! grep melete "$target/root/before" >&2 || fail "purge must leave nothing behind"

install_package first
say "installed $(in_root "dpkg-query -W -f '\${Version}' melete")"
[[ $(in_root "stat -c '%U %a' /var/lib/melete") == "melete 700" ]] || fail "/var/lib/melete must be melete's alone"
in_root "setpriv --reuid nobody --regid nogroup --clear-groups env -i PATH=/usr/bin melete ask -q 'What is 2 + 3?'" >/dev/null || fail "ask fails"
sed -i "s/8080/$port/" "$target/etc/default/melete"
start; ask; stop
in_root "setpriv --reuid melete --regid melete --clear-groups touch /var/lib/melete/kept"
say "serves"

install_package second
[[ $(in_root "dpkg-query -W -f '\${Version}' melete") == 99.0 ]] || fail "the package isn't upgraded"
grep -q "$port" "$target/etc/default/melete" || fail "the upgrade must keep what was configured"
[[ -e $target/var/lib/melete/kept ]] || fail "the upgrade must keep data"
start; ask; stop
say "upgrades"

in_root "apt-get remove -qy melete >/dev/null 2>&1" || fail "the package isn't removed"
[[ ! -e $target/usr/bin/melete && -e $target/var/lib/melete/kept && -e $target/etc/default/melete ]] || fail "remove must keep data and configuration only"
in_root "apt-get purge -qy melete >/dev/null 2>&1" || fail "the package isn't purged"
files >"$target/root/after"
diff "$target/root/before" "$target/root/after" >&2 || fail "purge must leave nothing behind"
grep -q '^melete:' "$target/etc/passwd" && fail "purge must leave no user behind"
say "removes and leaves nothing behind"
