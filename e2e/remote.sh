#!/usr/bin/env bash
# serve with another server's model: one server asks a second in the three modes, with a picture and a schema, and says
# clearly when that one is gone.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
fail() { echo "$*"; cat far.txt near.txt; exit 1; }
source "$root/e2e/serving.bash"
: >near.txt
start far --threads 2
far=$pid
start near --threads 2 --remote "$base/v1" --remote-model melete-thinking
grep -q 'takes text, pictures' near.txt || fail "the remote model takes pictures"

ask() { curl -sS --noproxy '*' --max-time 60 "$base/v1/chat/completions" -H "Content-Type: application/json" --data-binary @body.json; }
image="{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,$(base64 -w0 "$root/examples/shapes.png")\"}}"
for mode in thinking contemplating; do
  echo "{\"model\":\"melete-$mode\",\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"How many shapes are there?\"},$image]}]}" >body.json
  got=$(ask | sed -nE 's/.*"message":\{"role":"assistant","content":"([^"]*)".*/\1/p')
  [[ $got == 4 ]] || fail "$mode answered '$got' instead of 4"
done
cat >body.json <<'END'
{"model": "melete-instant", "temperature": 2, "messages": [{"role": "user", "content": "Describe a cup."}],
 "response_format": {"type": "json_schema", "json_schema": {"name": "cup", "schema": {"type": "object",
  "properties": {"full": {"type": "boolean"}}, "required": ["full"], "additionalProperties": false}}}}
END
ask | grep -qE '"content":"[^"]*\\"full\\"[^}]*(true|false)' || fail "the answer must be of the schema"

kill -KILL "$far"
wait "$far" 2>/dev/null || true
for mode in thinking contemplating; do
  echo "{\"model\":\"melete-$mode\",\"messages\":[{\"role\":\"user\",\"content\":\"What is 2 + 3?\"}]}" >body.json
  ask | grep -q '"error":{"message":"\[remote\] the server must be reached' || fail "$mode: no clear error"
done
