#!/usr/bin/env bash
# Who may use a server: everyone on the machine at first, then whoever logs in or has a key; scopes, quotas, sessions and
# invitations as curl sees them, and a server that others can reach lets nobody in without.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
source e2e/serving.bash
cd "$E2E_DIR"
rm -rf data ./*.txt
fail() { echo "$*"; cat data.txt; exit 1; }
melete() { "$MELETE" "$@" --data data; }

status() {  # PATH CURL-OPTIONS...: the status; the answer is in answer.txt, its head in head.txt
  local path=$1
  shift
  curl -sS --max-time 60 -D head.txt -o answer.txt -w '%{http_code}' "$base$path" "$@"
}
expect() {  # STATUS PATH CURL-OPTIONS...
  local wanted=$1 got
  shift
  got=$(status "$@")
  [[ $got == "$wanted" ]] || fail "$*: status $got instead of $wanted: $(cat answer.txt)"
}
json="Content-Type: application/json"
ask='{"model":"melete-instant","max_tokens":20,"messages":[{"role":"user","content":"What is 2 + 3?"}]}'

start data --threads 1
expect 200 /v1/models
expect 200 /v1/models -H "Authorization: Bearer anything"
expect 200 /api/session
grep -qF '"login_required":false' answer.txt || fail "nobody must log in yet"
! "$MELETE" serve --listen 127.0.0.1:0 --data data 2>second.txt || fail "two servers on one folder"
grep -q "must have one server" second.txt || fail "$(cat second.txt)"

# A user made while it runs ends that at once.
melete user add ann <<<"correct horse" >/dev/null
expect 401 /v1/models
grep -qiF 'WWW-Authenticate: Bearer' head.txt || fail "how to identify oneself"
expect 401 /v1/models -H "Authorization: Bearer anything"
expect 200 /healthz
key=$(melete key add --user ann --name app --requests-per-day 2)
expect 200 /v1/models -H "Authorization: Bearer $key"
expect 200 /v1/models -H "x-api-key: $key"
expect 403 /api/conversations -H "x-api-key: $key"
expect 200 /v1/chat/completions -H "Authorization: Bearer $key" -H "$json" -d "$ask"
expect 200 /v1/chat/completions -H "Authorization: Bearer $key" -H "$json" -d "$ask"
expect 429 /v1/chat/completions -H "Authorization: Bearer $key" -H "$json" -d "$ask"
grep -qiE '^Retry-After: [0-9]{2,5}' head.txt && grep -qF '"code":"quota_exceeded"' answer.txt || fail "$(cat head.txt answer.txt)"
melete key list --user ann | grep -q " 2/2 " || fail "usage: $(melete key list --user ann)"
few=$(melete key add --user ann --name few --tokens-per-day 30)
expect 429 /v1/chat/completions -H "x-api-key: $few" -H "$json" -d "${ask/20/200}"
grep -q "today's tokens must suffice" answer.txt || fail "$(cat answer.txt)"
melete key revoke "${key:4:12}" --user ann >/dev/null
expect 401 /v1/models -H "x-api-key: $key"

# A session: with its cookie one reads, with its token one writes.
expect 401 /api/session -H "$json" -d '{"name":"ann","password":"wrong horse"}'
expect 415 /api/session -H "Content-Type: text/plain" -d '{"name":"ann","password":"correct horse"}'
expect 200 /api/session -H "$json" -d '{"name":"ann","password":"correct horse"}'
grep -qiE '^Set-Cookie: melete_session=.*HttpOnly; SameSite=Strict' head.txt || fail "$(cat head.txt)"
cookie=$(sed -nE 's/^[Ss]et-[Cc]ookie: ([^;]*).*/\1/p' head.txt)
token=$(sed -E 's/.*"csrf_token":"([^"]*)".*/\1/' answer.txt)
expect 200 /api/conversations -b "$cookie"
expect 403 /api/conversations -b "$cookie" -d '{}'
expect 200 /api/conversations -b "$cookie" -H "x-csrf-token: $token" -d '{}'
expect 403 /api/users -b "$cookie"
expect 204 /api/session -X DELETE -b "$cookie" -H "x-csrf-token: $token"
expect 401 /api/conversations -b "$cookie"
code=$(melete invite add --uses 1)
expect 200 /api/invitations/redeem -H "$json" -d "{\"code\":\"$code\",\"name\":\"bea\"}"
expect 404 /api/invitations/redeem -H "$json" -d "{\"code\":\"$code\",\"name\":\"cid\"}"
kill -INT "$pid"
wait "$pid" || fail "Ctrl-C"

# Reachable by others: nobody gets in without, whatever the folder holds.
rm -rf data
start data --threads 1 --listen 0.0.0.0:0 --allow-remote
grep -q "nobody can use the server" data.txt || fail "it must say that there is no user"
base=${base/0.0.0.0/127.0.0.1}
expect 401 /v1/models
expect 401 /api/session -X DELETE
expect 401 /api/keys -d '{"name":"mine"}'
kill -INT "$pid"
wait "$pid" || fail "Ctrl-C"
