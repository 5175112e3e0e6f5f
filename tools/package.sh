#!/usr/bin/env bash
# package.sh: makes build/package/melete_VERSION_ARCHITECTURE.deb of the release build (program, shipped model, service with a
# user of its own, manual page, completions) and prints its name. MELETE_BUILD names another build; VERSION another version.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
command -v dpkg-deb dpkg-shlibdeps >/dev/null || { echo "package: needs dpkg-dev; run: apt-get install dpkg-dev" >&2; exit 7; }
build=${MELETE_BUILD:-build/release}
[[ -n ${MELETE_BUILD:-} ]] || ./dev build release melete >&2  # what it prints is the name of the package
number=$(sed -nE 's/^project\(melete VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
commit=$(git log -1 --date=format-local:%Y%m%d%H%M%S --format='%cd.%h' 2>/dev/null || true)
version=${VERSION:-$number${commit:++$commit}}
architecture=$(dpkg --print-architecture)
# The same sources give the same bytes.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

out=build/package
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
put() { install -D -m "$1" "$2" "$root/$3"; }  # MODE FILE PLACE
put 755 "$build/melete" usr/bin/melete
strip --strip-unneeded "$root/usr/bin/melete"
for file in models/melete-nano/*; do put 644 "$file" "usr/share/melete/$file"; done
put 644 packaging/melete.service lib/systemd/system/melete.service
put 644 packaging/melete.default etc/default/melete
put 644 packaging/copyright usr/share/doc/melete/copyright
put 644 NOTICE usr/share/doc/melete/NOTICE
for file in docs/*.md; do put 644 "$file" "usr/share/doc/melete/${file#docs/}"; done
"$build/melete" man | gzip -9n | install -D -m 644 /dev/stdin "$root/usr/share/man/man1/melete.1.gz"
"$build/melete" completion bash | install -D -m 644 /dev/stdin "$root/usr/share/bash-completion/completions/melete"
"$build/melete" completion zsh | install -D -m 644 /dev/stdin "$root/usr/share/zsh/vendor-completions/_melete"
printf 'melete (%s) unstable; urgency=medium\n\n  * See the history of the sources.\n\n -- the Melete authors <melete@localhost>  %s\n' \
  "$version" "$(date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n | install -D -m 644 /dev/stdin "$root/usr/share/doc/melete/changelog.gz"

# dpkg-shlibdeps wants a source package's folder around it.
work=$root/.work
mkdir -p "$work/debian" && touch "$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O -e"$root/usr/bin/melete" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
rm -rf "$work"
for script in postinst prerm postrm; do put 755 "packaging/$script" "DEBIAN/$script"; done
echo /etc/default/melete >"$root/DEBIAN/conffiles"
(cd "$root" && find etc lib usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<CONTROL
Package: melete
Version: $version
Architecture: $architecture
Maintainer: the Melete authors <melete@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $libraries, adduser, init-system-helpers
Recommends: ffmpeg
Suggests: espeak-ng
Section: science
Priority: optional
Description: small multimodal reasoning model on your own machine
 Answers questions about text, pictures, sounds and tables, at once, after
 reasoning, or by several agents that reason side by side and vote; on the
 command line and over HTTP in the form of OpenAI's API. Comes with a small
 model and runs others.
CONTROL
mkdir -p "$out"
rm -f "$out"/melete_*.deb
# Touched last, so that every time in the archive is the sources'.
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0r touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
dpkg-deb --root-owner-group --build "$root" "$out/melete_${version}_$architecture.deb" >/dev/null
echo "$out/melete_${version}_$architecture.deb"
