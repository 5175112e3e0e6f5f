#!/usr/bin/env bash
# web_digest.sh: a digest of all that web/dist is built from.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
{
  find web -type f ! -path 'web/node_modules/*' ! -path 'web/dist/*' ! -name '*.test.ts'
  grep -rhoE "examples/[a-z.0-9]+\?url" web/src | sed 's/?url//'
} | LC_ALL=C sort -u | xargs -d '\n' sha256sum | sha256sum | cut -d' ' -f1
