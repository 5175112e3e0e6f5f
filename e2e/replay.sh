#!/usr/bin/env bash
# replay runs logs of ask and chat again: equal in each mode, with files and a form; a difference, another model and changed
# files are found.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
fail() { echo "$*"; cat out.txt err.txt; exit 1; }
log() { timeout 100 "$MELETE" "$@" >out.txt 2>err.txt || fail "melete $* failed"; }
# replays WANTED [OPTIONS]: all lines of run.jsonl's replay begin with the word.
replays() {
  local wanted=$1 code=0
  shift
  timeout 200 "$MELETE" replay run.jsonl "$@" >out.txt 2>err.txt || code=$?
  [[ $(cut -d' ' -f1 out.txt | sort -u) == "$wanted" ]] || fail "replay gave code $code"
  [[ $code == $([[ $wanted == equal ]] && echo 0 || echo 1) ]] || fail "replay exited with $code"
}

for mode in instant thinking "contemplating --agents 3"; do
  log ask --events run.jsonl --mode $mode --seed 3 --image "$root/examples/shapes.png" "How many shapes are there?"
  replays equal
  log ask --events run.jsonl --mode $mode --temperature 0.9 --regex '(yes|no), [a-z]{1,9}' --file "$root/examples/prices.csv" "Is milk cheap?"
  replays equal
done
sed 's/"text":"\([a-z0-9]\)/"text":"\1_/' run.jsonl >other.jsonl
mv other.jsonl run.jsonl
replays different
grep -q "byte [0-9]*: there was" out.txt || fail "the difference must be named"

cp "$root/examples/shapes.png" picture.png
printf '%s\n' "/image picture.png" "How many shapes are there?" "How many red shapes are there?" "/new" "What is 2 + 3?" |
  timeout 200 "$MELETE" chat --quiet --events run.jsonl >out.txt 2>err.txt || fail "chat --events"
replays equal
[[ $(wc -l <out.txt) == 3 ]] || fail "three answers must be replayed"
cp "$root/examples/digits.wav" picture.png
code=0
timeout 100 "$MELETE" replay run.jsonl >out.txt 2>err.txt || code=$?
[[ $code == 3 ]] && grep -q "files of the question must be as they were" err.txt || fail "a changed file: code $code"

rm -rf model && cp -rL "$root/models/melete-nano" model
log ask --events run.jsonl --model model "What is 2 + 3?"
replays equal
replays equal --model melete-nano
printf ' ' >>model/config.json
code=0
timeout 100 "$MELETE" replay run.jsonl >out.txt 2>err.txt || code=$?
[[ $code == 2 ]] && grep -q "must be the model that answered" err.txt || fail "another model: code $code"
grep -v '"kind":"run.request"' run.jsonl >other.jsonl
code=0
timeout 100 "$MELETE" replay other.jsonl >out.txt 2>err.txt || code=$?
[[ $code == 6 ]] || fail "a log without its request: code $code"
