#!/usr/bin/env bash
# web.sh [check]: builds the app in web/ into web/dist, which is a part of the program and of the repository: types are
# checked, unit tests run, everything is compressed. Node and the packages of web/package-lock.json are installed (from the
# network, once). check: only sees that a build gives what web/dist holds.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
root=$PWD
[[ ${1:-} == "" || $1 == check ]] || { echo "web: there is only 'check', got '$1'" >&2; exit 2; }
bin=$(tools/web_node.sh)
export PATH=$bin:$PATH
cd web
if [[ ! -e node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
  npm ci --silent || { echo "web: npm can't install web/package-lock.json: is there a network?" >&2; exit 7; }
fi
npm run --silent check
npm run --silent test -- --silent
npm run --silent build -- --logLevel warn
built=$root/build/web packed=$root/build/web_packed
rm -rf "$packed"
mkdir -p "$packed/assets"
(cd "$built" && find . -type f -printf '%P\n' | LC_ALL=C sort) | while read -r file; do
  case $file in
    *.html | *.js | *.css | *.svg | *.csv) gzip -9nc "$built/$file" >"$packed/$file.gz" ;;
    *) cp "$built/$file" "$packed/$file" ;;
  esac
done
for package in svelte esm-env clsx marked dompurify temml highlight.js uplot pdfjs-dist @fontsource-variable/hanken-grotesk; do
  printf '%s\n\n' "$package"
  find node_modules/$package -maxdepth 1 -iname "license*" | LC_ALL=C sort | xargs cat
  printf '\n\n'
done | gzip -9nc >"$packed/assets/licences.txt.gz"
"$root/tools/web_digest.sh" >"$packed/manifest"
if [[ ${1:-} == check ]]; then
  diff -rq "$packed" dist || { echo "web: web/dist isn't what web/ gives; run ./dev web" >&2; exit 1; }
else
  rm -rf dist
  mv "$packed" dist
fi
# What a first visit loads: the page, its scripts and styles, and the font.
first=$(cd dist && { echo index.html.gz; zcat index.html.gz | grep -oE 'assets/[^"]+\.(js|css)' | sed 's/$/.gz/'; ls assets/*.woff2; } | xargs stat -c %s | awk '{ sum += $1 } END { print sum }')
echo "web: a first visit loads $first bytes" >&2
((first <= 300000)) || { echo "web: that is more than 300,000" >&2; exit 1; }
