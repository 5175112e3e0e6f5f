#!/usr/bin/env bash
# The shipped weights answer about a file of each modality in each mode; the same seed gives the same bytes.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }

ask() {
  timeout 100 "$MELETE" ask --json "$@" 2>"$E2E_DIR/err.txt" || { echo "ask $* failed:"; cat "$E2E_DIR/err.txt"; exit 1; }
}
answer_of() { sed -nE 's/^  "answer": "(.*)",?$/\1/p'; }

# answers ANSWERS ...: those of instant, thinking and contemplating where the model card says "nearly always right"; "-" where any
# answer will do.
answers() {
  local mode got want wanted=($1)
  shift
  for mode in instant thinking "contemplating --agents 3"; do
    want=${wanted[0]} wanted=("${wanted[@]:1}")
    got=$(ask --mode $mode "$@" | answer_of)
    [[ -n $got ]] || { echo "$mode gave no answer: $*"; exit 1; }
    [[ $want == - || $got == "$want" ]] || { echo "$mode answered '$got' instead of '$want': $*"; exit 1; }
  done
}

answers "- 2 -" --image examples/shapes.png "How many red shapes are there?"
answers "- 4 4" --image examples/shapes.png "How many shapes are there?"
answers "593 593 593" --file examples/digits.wav "Which digits were said?"
answers "593 593 593" --file examples/digits.mp3 "Which digits do you hear?"
answers "square square square" --file examples/clip.mp4 "What shape is blue?"
answers "3 3 3" --file examples/prices.csv "What is the price of milk?"

for run in 1 2; do
  ask --mode contemplating --agents 4 --seed 5 --events "$E2E_DIR/events$run.jsonl" --file examples/prices.csv "What is the total price?" |
    grep -vE '"[a-z_]*(_s|_ms|_bytes)"' >"$E2E_DIR/answer$run.json"
done
cmp "$E2E_DIR/answer1.json" "$E2E_DIR/answer2.json"
