#!/usr/bin/env bash
# fresh_machine.sh [FOLDER]: proves that a newcomer's two commands work in a new Debian 12 root: makes one with debootstrap
# in FOLDER (default: a temporary folder, removed afterwards), with this machine's apt configuration, clones this
# repository's HEAD into it, and runs them as root. Needs root and debootstrap.
set -euo pipefail
repository=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
[[ $(id -u) == 0 ]] || { echo "fresh_machine: must run as root" >&2; exit 7; }
command -v debootstrap >/dev/null || { echo "fresh_machine: needs debootstrap; run: apt-get install debootstrap" >&2; exit 7; }

temporary=
target=${1:-}
[[ -n $target ]] || { temporary=$(mktemp -d) && target=$temporary/root; }
cleanup() {
  for mount in proc sys dev; do umount -R "$target/$mount" 2>/dev/null || true; done
  # Never delete through a mount that is still there.
  if [[ -n $temporary ]] && ! grep -q " $target" /proc/mounts; then rm -rf "$temporary"; fi
}
trap cleanup EXIT

# The first Debian mirror of this machine's apt, in either of its two formats.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -1)
if [[ ! -e $target/etc/debian_version ]]; then
  echo "fresh_machine: making a Debian 12 root in $target" >&2
  debootstrap --variant=minbase --include=ca-certificates,git bookworm "$target" "$mirror" >"$target.log" 2>&1 ||
    { tail -20 "$target.log" >&2; exit 1; }
fi
for part in sources.list.d preferences.d apt.conf.d keyrings trusted.gpg.d auth.conf.d; do
  [[ ! -d /etc/apt/$part ]] || cp -rT "/etc/apt/$part" "$target/etc/apt/$part"
done
[[ ! -e /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$target/etc/apt/"
cp -rT /usr/local/share/ca-certificates "$target/usr/local/share/ca-certificates" 2>/dev/null || true
cp /etc/ssl/certs/ca-certificates.crt "$target/etc/ssl/certs/"
cp /etc/resolv.conf /etc/hosts "$target/etc/"
for mount in proc sys dev; do mount --rbind "/$mount" "$target/$mount" && mount --make-rslave "$target/$mount"; done

rm -rf "$target/root/melete"
git clone -q --no-hardlinks "$repository" "$target/root/melete"
inside() {
  echo "fresh_machine: $*" >&2
  env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 $(env | grep -iE '^(https?|no)_proxy=' || true) \
    chroot "$target" bash -c "cd /root/melete && $*"
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
