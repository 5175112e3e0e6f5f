#!/usr/bin/env bash
# serve with llama-server's model: the three modes over HTTP, the agents' requests counted on its side, and a clear error
# when it dies in the middle of a stream. LLAMA_SERVER names its program (else the one on PATH), MELETE_SMOLLM2 a GGUF
# model for it (else the one that `melete models get smollm2` keeps); skipped without either.
set -euo pipefail
llama=${LLAMA_SERVER:-$(command -v llama-server || true)}
model=${MELETE_SMOLLM2:-${XDG_DATA_HOME:-$HOME/.local/share}/melete/models/smollm2.gguf}
[[ -n $llama ]] || { echo "skipped: no llama-server on PATH or in LLAMA_SERVER"; exit 77; }
[[ -e $model ]] || { echo "skipped: no GGUF model in MELETE_SMOLLM2 or at $model"; exit 77; }
root=$PWD
cd "$E2E_DIR"
agents=4
fail() { echo "$*"; tail -5 llama.txt; cat near.txt; exit 1; }
source "$root/e2e/serving.bash"
get() { curl -sS --noproxy '*' --max-time 120 "$@"; }

: >near.txt
llama_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$llama" -m "$model" --host 127.0.0.1 --port "$llama_port" -c 8192 -np $agents --metrics >llama.txt 2>&1 &
llama_pid=$!
servers+=("$llama_pid")
for _ in $(seq 600); do
  ! get -f "http://127.0.0.1:$llama_port/health" >/dev/null 2>&1 || break
  kill -0 "$llama_pid" 2>/dev/null || fail "llama-server doesn't start"
  sleep 0.1
done
start near --remote "http://127.0.0.1:$llama_port/v1"

predicted() { get "http://127.0.0.1:$llama_port/metrics" | sed -nE 's/^llamacpp:tokens_predicted_total ([0-9]+).*/\1/p'; }
ask() { get "$base/v1/chat/completions" -H "Content-Type: application/json" -d "$1"; }
question='"max_tokens": 40, "messages": [{"role": "user", "content": "What is the capital of France? Answer with one word."}]'
for mode in instant thinking contemplating; do
  before=$(predicted)
  ask "{\"model\": \"melete-$mode\", \"melete\": {\"agents\": $agents}, $question}" >answer.json
  python3 - "$mode" "$agents" <<'END' || fail "$mode: $(cat answer.json)"
import json, sys
mode, agents = sys.argv[1], int(sys.argv[2])
answer = json.load(open("answer.json"))
choice = answer["choices"][0]
assert choice["message"]["content"].strip() and choice["melete"]["mode"] == mode
votes = choice["melete"].get("vote", {}).get("counts", [])
if mode == "contemplating":
    assert 1 <= sum(vote["votes"] for vote in votes) <= agents, votes
print(f"{mode}: {choice['message']['content']!r}, {votes or 'no votes'}, {answer['usage']['completion_tokens']} tokens")
END
  told=$(sed -E 's/.*"completion_tokens":([0-9]+).*/\1/' answer.json) after=$(predicted)
  echo "  llama-server has written $((after - before)) tokens, $told were told of"
  ((after > before)) || fail "$mode: llama-server has written nothing"
done
ask '{"model": "melete-contemplating", "melete": {"agents": 4}, "max_tokens": 40, "response_format": {"type": "json_schema", "json_schema": {"name": "city",
  "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}}},
  "messages": [{"role": "user", "content": "What is the capital of France?"}]}' >answer.json
grep -q '"content":"{\\\?[^}]*city' answer.json || fail "the answer must be of the schema: $(cat answer.json)"

: >stream.txt
# The form keeps the model from ending before it is killed.
ask '{"model": "melete-instant", "stream": true, "max_tokens": 2000, "response_format": {"type": "json_schema", "json_schema": {"name": "numbers",
  "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 900}}}, "messages": [{"role": "user", "content": "Count."}]}' >stream.txt &
reader=$!
for _ in $(seq 300); do
  (($(grep -c '"content":"' stream.txt) < 5)) || break
  sleep 0.05
done
kill -KILL "$llama_pid"
wait "$reader"
grep -q '^data: {"error":{"message":"\[remote\]' stream.txt || fail "no clear error when llama-server dies: $(tail -2 stream.txt)"
