#!/usr/bin/env bash
# web/dist, which is a part of the program, was built from the sources that are in web/ now. Needs no Node.
set -euo pipefail
[[ $(cat web/dist/manifest) == "$(tools/web_digest.sh)" ]] || { echo "web/dist doesn't belong to the sources in web/; run ./dev web and commit what it writes"; exit 1; }
