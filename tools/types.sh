#!/usr/bin/env bash
# types.sh FILE: TypeScript types of the server's API, made from its openapi.json by npm's openapi-typescript, which is
# installed into build/types (from the network, once). MELETE names another program than the release build's.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[[ $# == 1 ]] || { echo "types: name the file to write, as in ./dev types build/api.d.ts" >&2; exit 2; }
command -v npm >/dev/null || { echo "types: npm is needed; install Debian's npm, or Node" >&2; exit 7; }
melete=${MELETE:-build/release/melete}
[[ -n ${MELETE:-} ]] || ./dev build release melete
mkdir -p build/types
if [[ ! -x build/types/node_modules/.bin/openapi-typescript ]]; then
  npm install --prefix build/types --no-audit --no-fund --silent openapi-typescript@7 typescript@5 ||
    { echo "types: openapi-typescript can't be installed; is there a network?" >&2; exit 7; }
fi
rm -rf build/types/data build/types/out.txt
"$melete" serve --model melete-nano --listen 127.0.0.1:0 --data build/types/data >build/types/out.txt 2>&1 &
server=$!
trap 'kill -INT $server 2>/dev/null || true' EXIT
base=
for _ in $(seq 300); do
  base=$(sed -n 's/^melete serves at \(http[^ ]*\) .*/\1/p' build/types/out.txt)
  [[ -z $base ]] || break
  kill -0 "$server" 2>/dev/null || { cat build/types/out.txt >&2; exit 1; }
  sleep 0.1
done
curl -sSf "$base/openapi.json" >build/types/openapi.json
build/types/node_modules/.bin/openapi-typescript build/types/openapi.json -o "$1"
build/types/node_modules/.bin/tsc --noEmit --strict --skipLibCheck false "$1"
echo "types: wrote $1" >&2
