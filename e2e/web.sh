#!/usr/bin/env bash
# The app in Chromium: e2e/web/*.spec.mjs, all or those whose name matches $1. Needs Debian's chromium (CHROMIUM names
# another one) and what `./dev web` installs.
set -euo pipefail
skip() { echo "skipped: $*"; exit 77; }
[[ -e models/melete-nano/config.json ]] || skip "no weights in models/melete-nano"
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
[[ -x $CHROMIUM ]] || skip "no $CHROMIUM; ./dev setup web installs it"
[[ -x build/node/bin/node && -d web/node_modules/playwright-core ]] || skip "no Node in build/node; ./dev web installs it"
run() {  # HOW MANY at a time, FILES
  [[ $# == 1 ]] || timeout 540 build/node/bin/node --test --test-concurrency="$1" --test-timeout=120000 "${@:2}"
}
alone='/(voice|steer)\.'  # those that measure how quick something is, or take the whole machine
mapfile -t specs < <(ls e2e/web/*.spec.mjs | grep -E "${1:-.}" | grep -vE "$alone")
mapfile -t quiet < <(ls e2e/web/*.spec.mjs | grep -E "${1:-.}" | grep -E "$alone")
run 2 "${specs[@]}"
run 1 "${quiet[@]}"
