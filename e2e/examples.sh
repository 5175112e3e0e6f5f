#!/usr/bin/env bash
# The shipped weights answer about a file of each modality in each mode; the same seed gives the same bytes.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }

ask() {
  timeout 100 "$MELETE" ask --json "$@" 2>"$E2E_DIR/err.txt" || { echo "ask $* failed:"; cat "$E2E_DIR/err.txt"; exit 1; }
}
answer_of() { sed -nE 's/^  "answer": "(.*)",?$/\1/p'; }

# expect ANSWER WORDS...: in every mode there is an answer; instant or thinking gives this one.
expect() {
  local expected=$1 instant thinking
  shift
  instant=$(ask "$@" | answer_of)
  thinking=$(ask --mode thinking "$@" | answer_of)
  [[ -n $(ask --mode contemplating --agents 3 "$@" | answer_of) ]] || { echo "contemplating gave no answer: $*"; exit 1; }
  [[ $instant == "$expected" || $thinking == "$expected" ]] ||
    { echo "ask $*: expected $expected, got instant '$instant', thinking '$thinking'"; exit 1; }
}

expect 2 --image examples/shapes.png "How many red shapes are there?"
expect 921 --file examples/digits.wav "Which digits were said?"
[[ -n $(ask --file examples/digits.mp3 "Which digits were said?" | answer_of) ]]
[[ -n $(ask --file examples/clip.mp4 "What shape is blue?" | answer_of) ]]
expect 4 --file examples/prices.csv "What is the price of milk?"

for run in 1 2; do
  ask --mode contemplating --agents 4 --seed 5 --events "$E2E_DIR/events$run.jsonl" --file examples/prices.csv "What is the total price?" |
    grep -vE '"[a-z_]*(_s|_ms)"' >"$E2E_DIR/answer$run.json"
done
cmp "$E2E_DIR/answer1.json" "$E2E_DIR/answer2.json"
