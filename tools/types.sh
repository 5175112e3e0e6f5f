#!/usr/bin/env bash
# types.sh FILE [app]: TypeScript types of the server's API, made from its openapi.json by npm's openapi-typescript, which is
# installed into build/types (from the network, once). app: only the bodies that /api/* takes and gives, as the app in the
# browser has them in web/src/api/schema.d.ts. MELETE names another program than the release build's.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
[[ $# == 1 || ($# == 2 && $2 == app) ]] || { echo "types: name the file to write, as in ./dev types build/api.d.ts" >&2; exit 2; }
bin=$(tools/web_node.sh)
export PATH=$bin:$PATH
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
[[ ${2:-} != app ]] || node - build/types/openapi.json <<'JS'
const { readFileSync, writeFileSync } = require('node:fs');
const all = JSON.parse(readFileSync(process.argv[2]));
const { schemas } = all.components, kept = {};
const take = (text) => {
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    if (!kept[name]) kept[name] = schemas[name], take(JSON.stringify(schemas[name]));
};
for (const [path, operations] of Object.entries(all.paths)) if (path.startsWith('/api/')) take(JSON.stringify(operations));
writeFileSync(process.argv[2], JSON.stringify({ ...all, paths: {}, components: { schemas: Object.fromEntries(Object.entries(kept).sort()) } }));
JS
build/types/node_modules/.bin/openapi-typescript build/types/openapi.json -o "$1"
build/types/node_modules/.bin/tsc --noEmit --strict --skipLibCheck false "$1"
echo "types: wrote $1" >&2
