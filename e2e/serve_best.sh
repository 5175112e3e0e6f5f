#!/usr/bin/env bash
# serve without --model takes the largest model that was fetched and can be loaded, or else the shipped one.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
rm -rf data fetched
fail() { echo "$*"; cat data.txt; exit 1; }
source "$root/e2e/serving.bash"
first() { curl -sS "$base/v1/models" | grep -oE '"id":"[^"]*"' | grep -v '"melete-\(instant\|thinking\|contemplating\)"' | head -1; }

start data --threads 1
[[ $(first) == '"id":"melete-nano"' ]] || fail "without fetched models the shipped one answers, not $(first)"
kill -KILL "$pid"

fetched=$PWD/fetched
mkdir -p fetched/melete/models
cp -rL "$root/models/melete-nano" fetched/melete/models/mine
start data --threads 1
[[ $(first) == '"id":"mine"' ]] || fail "the fetched one must answer, not $(first)"
grep -q "mine answers" data.txt || fail "it must be said which one answers"
kill -KILL "$pid"

cp -r fetched/melete/models/mine fetched/melete/models/strange
sed -i 's/"model_type": *"muse_spark"/"model_type": "strange"/' fetched/melete/models/strange/config.json
start data --threads 1
[[ $(first) == '"id":"mine"' ]] || fail "one that can't be loaded must be passed over, not $(first)"
