#!/usr/bin/env bash
# Users, keys, invitations, export and import from the command line, in a data folder of their own.
set -euo pipefail
data=$E2E_DIR/data
rm -rf "$data"
melete() { "$MELETE" "$@" --data "$data"; }
refused() {  # STATUS WORDS COMMAND...
  local status=$1 words=$2 got=0
  shift 2
  melete "$@" >"$E2E_DIR/out" 2>"$E2E_DIR/err" </dev/null || got=$?
  [[ $got == "$status" ]] && grep -q "$words" "$E2E_DIR/err" || { echo "$*: status $got: $(cat "$E2E_DIR/err")"; exit 1; }
}

[[ $(melete user list | wc -l) == 2 ]]
melete user add ann <<<"correct horse" | grep -q '^ann *user *yes'
melete user add bot --no-password --role admin --tokens-per-day 1000 --json | grep -q '"tokens_per_day": 1000'
refused 2 "taken" user add ANN --no-password
melete user password ann <<<"short" 2>"$E2E_DIR/err" && exit 1
grep -q "8 to 1024 bytes" "$E2E_DIR/err"
refused 2 "no line" user add cid
refused 3 "must exist" user password nobody
melete user password ann <<<"battery staple" >/dev/null
grep -rqa "battery staple" "$data" && { echo "the password is in the data folder"; exit 1; }

key=$(melete key add --user ann --name laptop --expires-days 3 --requests-per-day 5)
[[ $key == mlt_????????????_??????????????????????????????????????????? ]]
id=${key:4:12}
melete key list --user ann | grep -q "^$id *laptop *generate *valid.* 0/5 *0/none"
grep -rqaF "${key:17}" "$data" && { echo "the key is in the data folder"; exit 1; }
refused 2 "admin only" key add --user ann --scopes admin
refused 2 "one of generate,data,admin" key add --scopes everything
refused 3 "must exist" key revoke "$id"
melete key revoke "$id" --user ann
melete key list --user ann --json | grep -q '"revoked_ms": [0-9]'

code=$(melete invite add --label friends --uses 2)
[[ ${#code} == 24 ]]
[[ $(melete invite add --url http://127.0.0.1:8080/) == http://127.0.0.1:8080/#/invitation/?* ]]
refused 2 "must be an address" invite add --url melete.example
invitation=$(melete invite list | awk '/friends/ { print $1 }')
melete invite revoke "$invitation" --json | grep -q '"revoked": true'
melete invite list | grep -q revoked
refused 3 "must exist" invite revoke inv_0

melete data export "$E2E_DIR/ann.json" --user ann >/dev/null
grep -q '"format":"melete export"' "$E2E_DIR/ann.json"
melete data import "$E2E_DIR/ann.json" | grep -q "^0 conversations"
melete data export "$E2E_DIR/ann.html" --html | grep -q wrote
grep -q "Conversations of local" "$E2E_DIR/ann.html"
echo "{}" >"$E2E_DIR/wrong.json"
refused 2 "must be an export" data import "$E2E_DIR/wrong.json"

refused 130 "nothing was deleted" user remove ann
melete user remove ann --yes | grep -q "removed ann"
refused 2 "must stay" user remove local --yes
[[ $(melete user list | wc -l) == 3 ]]
"$MELETE" user list --data /proc/nowhere 2>"$E2E_DIR/err" && exit 1
grep -q "can be written" "$E2E_DIR/err"
