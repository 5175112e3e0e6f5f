#!/usr/bin/env bash
# Sourced by fresh_*.sh, which set `repository`: new_root [FOLDER] makes a Debian 12 root with debootstrap in FOLDER (default:
# a temporary one, removed at exit), with this machine's apt configuration, and sets `target`; clone_into_root puts the
# repository's HEAD into its /root/melete; in_root COMMAND, or "${root_shell[@]}" COMMAND, which can become it, runs one
# there as root.
# Needs root and debootstrap.
[[ $(id -u) == 0 ]] || { echo "${0##*/}: must run as root" >&2; exit 7; }
command -v debootstrap >/dev/null || { echo "${0##*/}: needs debootstrap; run: apt-get install debootstrap" >&2; exit 7; }
temporary=

leave_root() {
  for mount in proc sys dev; do umount -R "$target/$mount" 2>/dev/null || true; done
  # Never delete through a mount that is still there.
  if [[ -n $temporary ]] && ! grep -q " $target" /proc/mounts; then rm -rf "$temporary"; fi
}

new_root() {
  target=${1:-}
  [[ -n $target ]] || { temporary=$(mktemp -d) && target=$temporary/root; }
  trap leave_root EXIT
  # The first Debian mirror of this machine's apt, in either of its two formats.
  local mirror part mount
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -1)
  if [[ ! -e $target/etc/debian_version ]]; then
    echo "${0##*/}: making a Debian 12 root in $target" >&2
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
  # Of this machine's environment only the proxy.
  root_shell=(env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8
    $(env | grep -iE '^(https?|no)_proxy=' || true) chroot "$target" bash -c)
}

clone_into_root() {
  rm -rf "$target/root/melete"
  git clone -q --no-hardlinks "$repository" "$target/root/melete"
}

in_root() {
  "${root_shell[@]}" "$*"
}
