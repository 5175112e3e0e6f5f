#!/usr/bin/env bash
# serve as clients use it: text, picture and sound in the three modes, whole and as a stream, a JSON schema, an answer
# that is given up, errors with their place, and an end by Ctrl-C that finishes what is under way.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
rm -rf access.jsonl cache data
fail() { echo "$*"; cat data.txt; exit 1; }
source "$root/e2e/serving.bash"
start data --threads 2 --prompt-cache cache --access-log access.jsonl

get() { curl -sS --max-time 60 "$base$1"; }
ask() { curl -sS --max-time 60 "$base/v1/chat/completions" -H "Content-Type: application/json" --data-binary @"$1"; }
content_of() { sed -nE 's/.*"message":\{"role":"assistant","content":"([^"]*)".*/\1/p'; }

[[ $(get /healthz) == '{"status":"ok"}' && $(get /readyz) == '{"status":"ok"}' ]] || fail "healthz and readyz"
for id in melete-instant melete-thinking melete-contemplating melete-nano; do
  get /v1/models | grep -qF "\"id\":\"$id\"" || fail "no model $id"
done
get /openapi.json | grep -qF '"/v1/chat/completions":{"post"' || fail "openapi.json"

# The same files and questions as examples.sh, in each mode, whole and as a stream. "-": any answer, which the stream
# then repeats.
image="{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,$(base64 -w0 "$root/examples/shapes.png")\"}}"
sound="{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"$(base64 -w0 "$root/examples/digits.wav")\",\"format\":\"wav\"}}"
for mode in instant thinking contemplating; do
  shapes=4
  [[ $mode != instant ]] || shapes=-
  for question in "$shapes|How many shapes are there?|$image" "593|Which digits were said?|$sound"; do
    IFS='|' read -r want words part <<<"$question"
    messages="[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"$words\"},$part]}]"
    echo "{\"model\":\"melete-$mode\",\"melete\":{\"agents\":3},\"seed\":0,\"messages\":$messages}" >body.json
    got=$(ask body.json | content_of)
    [[ $want != - || -z $got ]] || want=$got
    [[ $got == "$want" ]] || fail "$mode answered '$got' instead of '$want'"
    sed -i 's/"seed":0/"seed":0,"stream":true,"stream_options":{"include_usage":true}/' body.json
    ask body.json >stream.txt
    got=$(sed -nE 's/.*"delta":\{[^}]*"content":"([^"]*)".*/\1/p' stream.txt | tr -d '\n')
    [[ $got == "$want" ]] || fail "$mode streamed '$got' instead of '$want'"
    grep -q '"usage":{"prompt_tokens":' stream.txt || fail "$mode: no usage in the stream"
    [[ $(grep -v '^$' stream.txt | tail -n 1) == "data: [DONE]" ]] || fail "$mode: the stream must end with [DONE]"
  done
done

# An answer held to a schema.
cat >body.json <<'END'
{"model": "melete-nano", "temperature": 2, "seed": 4, "messages": [{"role": "user", "content": "Describe a cup."}],
 "response_format": {"type": "json_schema", "json_schema": {"name": "cup", "schema": {"type": "object",
  "properties": {"full": {"type": "boolean"}}, "required": ["full"], "additionalProperties": false}}}}
END
ask body.json | grep -qE '"content":"\{( |\\n *)*\\"full\\": ?(true|false)( |\\n *)*\}"' || fail "the answer must be of the schema"

# A tool that must be called, in both forms.
tool='"name":"weather","description":"of a place"' schema='{"type":"object","properties":{"place":{"type":"string","maxLength":9}},"required":["place"],"additionalProperties":false}'
echo "{\"model\":\"melete-nano\",\"tools\":[{\"type\":\"function\",\"function\":{$tool,\"parameters\":$schema}}],\"tool_choice\":\"required\",\"messages\":[{\"role\":\"user\",\"content\":\"How is the weather in Oslo?\"}]}" >body.json
ask body.json | grep -qE '"tool_calls":\[\{"id":"call_[0-9a-f]+","type":"function","function":\{"name":"weather","arguments":"\{\\"place\\":' || fail "a call must come"
echo "{\"model\":\"melete-nano\",\"max_tokens\":900,\"tools\":[{$tool,\"input_schema\":$schema}],\"tool_choice\":{\"type\":\"any\"},\"thinking\":{\"type\":\"adaptive\"},\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"How is the weather in Oslo?\"}]}" >body.json
message() { curl -sS --max-time 60 "$base/v1/messages$1" -H "Content-Type: application/json" -H "anthropic-version: 2023-06-01" --data-binary @body.json; }
message "" >stream.txt
for event in message_start thinking_delta signature_delta tool_use input_json_delta '"stop_reason":"tool_use"' message_stop; do
  grep -qF "$event" stream.txt || fail "no $event in the stream: $(cat stream.txt)"
done
sed -i 's/"max_tokens":900,//; s/"stream":true,//' body.json
message /count_tokens | grep -qE '^\{"input_tokens":[0-9]+\}$' || fail "count_tokens"
message "" | grep -qF '{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens must be given"}' || fail "an error of messages"

# Errors name their place.
echo '{"model":"melete-nano","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"smell"}]}]}' >body.json
ask body.json | grep -qF '"param":"messages[0].content[1].type"' || fail "an unknown part"
echo '{"model":"melete-nano","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://example.com/a.png"}}]}]}' >body.json
ask body.json | grep -qF '"code":"unsupported_url"' || fail "a remote picture"
echo '{"model":"gpt-x","messages":[{"role":"user","content":"a"}]}' >body.json
ask body.json | grep -qF '"code":"model_not_found"' || fail "an unknown model"
curl -sS -H "Host: evil.example" "$base/v1/models" | grep -q "permission_error" || fail "another name in Host"

# A client that goes away: its answer, whose form doesn't let it end soon, is cancelled.
cat >body.json <<'END'
{"model": "melete-contemplating", "stream": true, "max_tokens": 3000, "melete": {"agents": 32, "budget_tokens": 64000, "events": true},
 "response_format": {"type": "json_schema", "json_schema": {"name": "numbers",
 "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 400}}}, "messages": [{"role": "user", "content": "What is 2 + 3?"}]}
END
ask body.json 2>/dev/null | head -c 2000 >/dev/null || true
for _ in $(seq 100); do
  get /metrics >metrics.txt
  grep -q '^melete_answers_running 0$' metrics.txt && grep -qF 'mode="contemplating",finish="cancelled"} 1' metrics.txt && break
  sleep 0.1
done
grep -qF 'finish="cancelled"} 1' metrics.txt || fail "the answer of a client that has gone must be cancelled: $(cat metrics.txt)"

# Ctrl-C.
kill -INT "$pid"
code=0
wait "$pid" || code=$?
[[ $code == 0 ]] || fail "Ctrl-C must end with 0, got $code"
grep -q '"path":"/v1/chat/completions","status":200' access.jsonl || fail "the access log: $(cat access.jsonl)"
code=0
timeout 20 "$MELETE" serve --data data --listen 0.0.0.0:0 >out.txt 2>&1 || code=$?
[[ $code == 2 ]] && grep -q "allow-remote" out.txt || fail "an address of others must be refused, got $code"
code=0
timeout 20 "$MELETE" serve --data /proc/melete --listen 127.0.0.1:0 >out.txt 2>&1 || code=$?
[[ $code == 7 ]] && grep -q "must be possible to" out.txt || fail "a folder that can't be written must be refused, got $code: $(cat out.txt)"
[[ -s cache/melete-nano.prompts ]] || fail "what was remembered was not kept"
