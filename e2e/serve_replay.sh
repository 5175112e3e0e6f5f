#!/usr/bin/env bash
# What serve keeps can be made again to the byte, over HTTP and by `melete replay`: responses and answers of the app, with
# a picture and in the three modes. A log that was changed is found out, and so is a deleted answer.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
rm -rf data
fail() { echo "$*"; cat data.txt; exit 1; }
source "$root/e2e/serving.bash"
start data --threads 2

get() { curl -sS --max-time 60 "$base$1"; }
post() { curl -sS --max-time 60 "$base$1" -H "Content-Type: application/json" --data-binary "$2"; }
replays() {  # ADDRESS ID
  post "$1/$2/replay" "" >told.txt
  grep -q '"equal":true' told.txt && grep -qE '"bytes":[1-9]' told.txt || fail "$1/$2 over HTTP: $(cat told.txt)"
  timeout 100 "$MELETE" replay "$2" --data data >told.txt 2>&1 || fail "melete replay $2: $(cat told.txt)"
  [[ $(cat told.txt) == equal* ]] || fail "melete replay $2: $(cat told.txt)"
}

picture=$(curl -sS "$base/api/files" -F "file=@$root/examples/shapes.png" | sed -E 's/.*"id":"([^"]*)".*/\1/')
[[ $picture == *[0-9a-f]* ]] || fail "no file was kept: $picture"
conversation=$(post /api/conversations '{"title":"shapes"}' | sed -E 's/.*"id":"([^"]*)".*/\1/')
for mode in instant thinking contemplating; do
  post /v1/responses "{\"model\":\"melete-$mode\",\"melete\":{\"agents\":3},\"input\":[{\"role\":\"user\",\"content\":[
    {\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,$(base64 -w0 "$root/examples/shapes.png")\"},
    {\"type\":\"input_text\",\"text\":\"How many shapes are there?\"}]}]}" >response.json
  response=$(grep -oE 'resp_[0-9a-z]+' response.json | head -1)
  [[ -n $response ]] || fail "$mode: $(cat response.json)"
  replays /v1/responses "$response"

  post "/api/conversations/$conversation/answers" "{\"model\":\"melete-$mode\",\"melete\":{\"agents\":3},\"temperature\":0.8,\"message\":{\"content\":[
    {\"type\":\"file\",\"file_id\":\"$picture\"},{\"type\":\"text\",\"text\":\"How many shapes are there?\"}]}}" >stream.txt
  answer=$(grep -oE '"answer":"ans_[0-9a-z]+' stream.txt | head -1 | cut -d'"' -f4)
  [[ -n $answer ]] || fail "$mode: $(cat stream.txt)"
  get "/api/answers/$answer/events" >events.txt
  ! grep -q 'run\.request' stream.txt events.txt || fail "the request isn't an event for readers"
  replays /api/answers "$answer"
done

log=$(ls data/events/*/"$answer.jsonl")
sed -i 's/"channel":"answer","text":"\([0-9]\)/"channel":"answer","text":"\1_/; s/"text":"\([0-9][^"]*\)","channel":"answer"/"text":"\1_","channel":"answer"/' "$log"
post "/api/answers/$answer/replay" "" >told.txt
grep -q '"equal":false' told.txt && grep -q 'there was' told.txt || fail "a changed log must be found out: $(cat told.txt) $(cat "$log")"
code=0
timeout 100 "$MELETE" replay "$answer" --data data >told.txt 2>&1 || code=$?
[[ $code == 1 && $(cat told.txt) == different* ]] || fail "melete replay of a changed log: $code $(cat told.txt)"

question=$(sed -nE 's/^data: \{.*"id":"(msg_[^"]*)".*/\1/p' stream.txt | head -1)
curl -sS -X DELETE "$base/api/conversations/$conversation/messages/$question"
post "/api/answers/$answer/replay" "" | grep -q '"error"' || fail "a deleted answer is gone"
for _ in $(seq 200); do
  [[ -e $log ]] || break
  sleep 0.1
done
[[ ! -e $log ]] || fail "the log of a deleted answer is still on the disk"
