#!/usr/bin/env bash
# Answers held to a schema or a regular expression: whatever the weights are worth, the answer is such a text, in
# every mode; what can't be held to is refused before a model is loaded.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }

schema='{"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]{1,12}$"},
  "count": {"type": "integer", "minimum": 3, "maximum": 40},
  "tags": {"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 2, "maxItems": 4}},
  "required": ["name", "count", "tags"], "additionalProperties": false}'
echo "$schema" >"$E2E_DIR/schema.json"
# The same as an expression of its text, quotes and line breaks escaped as in the JSON output.
q='\\"' space='( |\\n *)?'
document="\\{$space${q}name$q: ?$q[a-z]{1,12}$q,$space${q}count$q: ?([3-9]|[123][0-9]|40),$space"
document+="${q}tags$q: ?\\[$space$q(red|blue)$q(,$space$q(red|blue)$q){1,3}$space\\]$space\\}"

answer_of() {
  timeout 100 "$MELETE" ask --json "$@" >"$E2E_DIR/out.json" 2>"$E2E_DIR/err.txt" ||
    { echo "ask $* failed:" >&2; cat "$E2E_DIR/err.txt" >&2; exit 1; }
  sed -nE 's/^  "answer": "(.*)",?$/\1/p' "$E2E_DIR/out.json"
}

for run in "instant" "instant --temperature 3 --max-tokens 50" "thinking --effort low --temperature 1" \
  "contemplating --agents 3 --effort low"; do
  answer=$(answer_of --mode $run --schema "$E2E_DIR/schema.json" "Describe a cup.")
  grep -qxE "$document" <<<"$answer" || { echo "$run: not of the schema: $answer"; exit 1; }
done

answer=$(answer_of --regex '(yes|no), [a-z]{3,9} \d{2}' --temperature 2 --seed 3 "Is it so?")
grep -qxE '(yes|no), [a-z]{3,9} [0-9]{2}' <<<"$answer" || { echo "not a match: $answer"; exit 1; }

refused() {  # code, words, options
  local code=0
  "$MELETE" ask "${@:3}" "Hello" >"$E2E_DIR/out.txt" 2>"$E2E_DIR/err.txt" || code=$?
  [[ $code == "$1" ]] && grep -q "$2" "$E2E_DIR/err.txt" || { echo "${*:3}: exit code $code"; cat "$E2E_DIR/err.txt"; exit 1; }
}
refused 2 "not at #/properties/a" --schema '{"properties": {"a": {"not": {}}}}'
refused 2 "look-around" --regex '(?=a)'
refused 2 "max_tokens" --schema "$schema" --max-tokens 5
refused 3 "missing.json" --schema "$E2E_DIR/missing.json"
