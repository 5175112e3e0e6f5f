#!/usr/bin/env bash
# ask and chat as scripts and people use them: questions on standard input, JSON, event logs, paths with spaces, Ctrl-C.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
fail() { echo "$*"; cat err.txt; exit 1; }

# A question on standard input is the same as an argument.
question="How many red shapes are there?"
image=$root/examples/shapes.png
timeout 100 "$MELETE" ask --image "$image" "$question" >argument.txt 2>err.txt || fail "ask with an argument"
echo "$question" | timeout 100 "$MELETE" ask --image "$image" >stdin.txt 2>err.txt || fail "ask on standard input"
echo "$question" | timeout 100 "$MELETE" ask --quiet --image "$image" - >quiet.txt 2>err.txt || fail "ask -"
[[ ! -s err.txt ]] || fail "--quiet wrote on standard error"
cmp argument.txt stdin.txt && cmp argument.txt quiet.txt
[[ $(wc -l <argument.txt) == 1 ]] || fail "the answer must be one line"

# The JSON holds the same answer, and so does the log's last event.
timeout 100 "$MELETE" ask --json --events log.jsonl --mode contemplating --agents 3 "What is 2 + 3?" >answer.json 2>err.txt ||
  fail "ask --json --events"
answer=$(sed -nE 's/^  "answer": (".*"),?$/\1/p' answer.json)
tail -n 1 log.jsonl | grep -qF "\"kind\":\"run.completed\"" || fail "the log must end with run.completed"
tail -n 1 log.jsonl | grep -qF "\"answer\":$answer" || fail "the log's answer must be $answer"
[[ $(grep -c '"kind":"agent.spawned"' log.jsonl) == 3 ]] || fail "three agents must be spawned"

# A conversation; the path has spaces, as it is, quoted and with backslashes.
cp "$image" "a picture.png"
printf '%s\n' "/image a picture.png" "$question" "/new" "/image 'a picture.png'" "$question" "/new" \
  '/image a\ picture.png' "$question" "/quit" "never asked" |
  timeout 100 "$MELETE" chat --quiet >chat.txt 2>err.txt || fail "chat"
[[ $(sort -u chat.txt) == "$(cat argument.txt)" && $(wc -l <chat.txt) == 3 ]] || fail "chat gave: $(cat chat.txt)"
code=0
echo "/image no such.png" | timeout 20 "$MELETE" chat >chat.txt 2>err.txt || code=$?
[[ $code == 3 ]] && grep -q "no such.png" err.txt || fail "a missing file must exit with 3, got $code"

# Remembered conversations: the same words from the file, and neither another model's file nor a damaged one.
rm -f remembered
for round in first second; do
  timeout 100 "$MELETE" ask --prompt-cache remembered --image "$image" "$question" >again.txt 2>err.txt || fail "$round --prompt-cache"
  cmp argument.txt again.txt && [[ -s remembered ]] || fail "$round --prompt-cache"
done
head -c 2000 remembered >cut
code=0
timeout 20 "$MELETE" ask --prompt-cache cut "$question" >out.txt 2>err.txt || code=$?
[[ $code != 0 && $(stat -c %s cut) == 2000 ]] && grep -q "cut" err.txt || fail "a cut file must be refused and left, got $code"

# Ctrl-C while it answers: the best answer so far, a whole log, exit 130.
rm -f words.fifo
mkfifo words.fifo
for command in ask chat; do
  rm -f log.jsonl
  bash -c 'trap - INT; echo $$ >pid; exec timeout --foreground 100 "$MELETE" "$@"' _ "$command" --mode contemplating --agents 64 \
    --max-reasoning-tokens 100000 --max-tokens 100000 --temperature 5 --delta 1e-6 --events log.jsonl <words.fifo >out.txt 2>err.txt &
  job=$!
  echo "What is 2 + 3?" >words.fifo
  for _ in $(seq 300); do
    [[ $(wc -l 2>/dev/null <log.jsonl) -ge 70 ]] && break
    sleep 0.1
  done
  kill -INT "$(cat pid)"
  code=0
  wait "$job" || code=$?
  [[ $code == 130 ]] || fail "$command: Ctrl-C must exit with 130, got $code"
  tail -n 1 log.jsonl | grep -qF '"finish":"cancelled"' || fail "$command: the log must end as cancelled"
done

# Keys typed in a terminal: one agent is ended, and another's answer is taken; a number that no agent has does nothing.
printf 1k9p0p | timeout 100 script -qec "'$MELETE' ask --mode contemplating --agents 4 --events keys.jsonl 'What is 27 + 58?'" /dev/null >typed.txt 2>err.txt ||
  fail "ask in a terminal: $(cat typed.txt)"
grep -q '"agent":1,"kind":"agent.killed".*"user"' keys.jsonl || fail "1k must end agent 1: $(grep agent.killed keys.jsonl)"
grep -q '"agent":0,"kind":"agent.pinned"' keys.jsonl || fail "0p must take agent 0's answer: $(grep agent.pinned keys.jsonl)"
grep -q "while agents contemplate" typed.txt || fail "ask must say which keys there are"
