#!/usr/bin/env bash
# kill -9 of the server, twenty times, while it makes several answers: what was acknowledged is there afterwards, and of
# the answers every event but those of the last moments. Events that a client had 100 ms before the kill, as docs/data.md
# promises, must be in the log, byte for byte.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
source e2e/serving.bash
cd "$E2E_DIR"
rm -rf data ./*.txt
readers=3
fail() { echo "$*"; cat data.txt; exit 1; }

post() { curl -sS --max-time 60 "$base$1" -H "Content-Type: application/json" -d "$2"; }
id_of() { sed -E 's/.*"id":"([^"]*)".*/\1/'; }
answer_of() { sed -nE '/^event: answer$/,/^$/s/.*"answer":"([^"]*)".*/\1/p' "$1" | head -1; }
events_in() { grep -c '^event: run$' "$1" || true; }
# The events of a run in a stream that may be cut anywhere, so that its last one doesn't count.
runs_of() { awk -v RS= 'last ~ /\nevent: run\n/ { print last "\n" } { last = $0 }' "$1"; }

start data --threads 2
question='{"model":"melete-contemplating","melete":{"agents":256,"delta":1e-6,"budget_tokens":262144},"max_tokens":4000,"temperature":1.5,"message":{"content":"What is 2 + 3?"}}'
kept=0
for round in $(seq 20); do
  conversation=$(post /api/conversations "{\"title\":\"round $round\"}" | id_of)
  said=$(post "/api/conversations/$conversation/messages" "{\"content\":\"said in round $round\"}" | id_of)
  for i in $(seq $readers); do
    curl -sSN --max-time 60 "$base/api/conversations/$conversation/answers" -d "$question" >"stream$i.txt" 2>/dev/null &
  done
  for i in $(seq $readers); do
    for _ in $(seq 600); do
      (($(events_in "stream$i.txt") < 10 + 7 * round)) || break
      ! grep -q '^event: done$' "stream$i.txt" || break
      sleep 0.02
    done
  done
  for i in $(seq $readers); do cp "stream$i.txt" "seen$i.txt"; done
  sleep 0.1
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
  wait
  start data --threads 2
  for i in $(seq $readers); do
    answer=$(answer_of "seen$i.txt")
    [[ -n $answer ]] || fail "round $round: reader $i saw no answer begin"
    curl -sS --max-time 60 "$base/api/answers/$answer/events" >log.txt
    runs_of "seen$i.txt" >seen.txt
    runs_of log.txt >logged.txt
    cmp -s -n "$(stat -c %s seen.txt)" seen.txt logged.txt || fail "round $round: events of $answer that were seen are not in its log"
    grep -A1 '^event: done$' log.txt | grep -qE '"status":"(interrupted|completed)"' || fail "round $round: how $answer ended: $(tail -3 log.txt)"
    ! grep -q '"status":"interrupted"' log.txt || kept=$((kept + 1))
  done
  curl -sS "$base/api/conversations/$conversation" >tree.txt
  grep -qF "$said" tree.txt && grep -qF "said in round $round" tree.txt || fail "round $round: a message is lost"
  ! grep -qF '"status":"running"' tree.txt || fail "round $round: an answer is still running"
done
((kept >= 20)) || fail "only $kept answers were interrupted: the kills came too late to show anything"
[[ $(curl -sS "$base/api/conversations?limit=100" | grep -o '"title":"round ' | wc -l) == 20 ]] || fail "conversations are lost"
