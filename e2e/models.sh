#!/usr/bin/env bash
# models, export and run without a network: the folder of models, the shipped model as GGUF and bfloat16, errors that help.
set -euo pipefail
[[ -e models/melete-nano/config.json ]] || { echo "skipped: no weights in models/melete-nano"; exit 77; }
root=$PWD
cd "$E2E_DIR"
rm -rf data out nano-bf16
export XDG_DATA_HOME=$PWD/data
fail() { echo "$*"; cat err.txt; exit 1; }
melete() { timeout 200 "$MELETE" "$@" 2>err.txt; }
exits() {  # CODE WORDS...: the command ends with that code
  local want=$1 code=0
  shift
  melete "$@" >out.txt || code=$?
  [[ $code == "$want" ]] || fail "$* must exit with $want, got $code"
}

melete models list >list.txt || fail "models list"
grep -q "none yet" list.txt && grep -q "models get" list.txt && grep -q "smollm2 .*Apache-2.0" list.txt || fail "the first list: $(cat list.txt)"
[[ ! -e data ]] || fail "listing must not make folders"

melete models import "$root/testdata/gguf/blocks.gguf" --name blocks >out.txt || fail "models import"
melete models import "$root/models/melete-nano" --name nano >out.txt || fail "models import of a folder"
melete models list --json >list.json || fail "models list --json"
grep -q '"name": "blocks"' list.json && grep -q '"type": "BF16"\|"type": "F32"' list.json || fail "the second list"
exits 2 models import "$root/testdata/gguf/blocks.gguf" --name nano
exits 2 models import "$root/testdata/gguf/blocks.gguf" --name ../escaped
exits 3 models import no-such.gguf
melete models info blocks >info.txt || fail "models info"
grep -qE '^Q4_K +1 +1.0 k +576 B$' info.txt && grep -q "golden.text = 'Grüße'" info.txt || fail "info: $(cat info.txt)"
head -c 5000 "$root/testdata/gguf/blocks.gguf" >cut.gguf
exits 6 models info cut.gguf
exits 6 models import cut.gguf

# A run is an ask; a name, a path and a chat give the same answer.
question="What is 2 + 3?"
melete ask --quiet "$question" >ask.txt || fail "ask"
for model in nano melete-nano "$root/models/melete-nano"; do
  melete run --quiet "$model" "$question" >run.txt || fail "run $model"
  cmp ask.txt run.txt || fail "run $model must answer as ask does"
done
echo "$question" | melete run --quiet nano >run.txt || fail "run as a conversation"
cmp ask.txt run.txt
exits 3 run smollm2 "$question"
grep -q "melete models get smollm2" err.txt || fail "a model of the catalogue must be offered"
exits 3 run no-such-model "$question"
exits 3 run blocks "$question"
grep -q "tokenizer.ggml.model" err.txt || fail "what the file lacks must be named"
exits 3 models get no-such-model
grep -q "smollm2" err.txt || fail "the catalogue must be named"

# Packed weights are kept in a folder of the user's, used and removed; a damaged copy changes nothing.
export MELETE_PACKED_CACHE=$PWD/packed
rm -rf packed
melete models packed >out.txt && grep -q "^none$" out.txt || fail "no packed weights yet: $(cat out.txt)"
for start in first kept damaged; do
  melete run --quiet nano "$question" >run.txt || fail "the $start start"
  cmp ask.txt run.txt || fail "the $start start must answer as the others do"
  melete models packed >out.txt && grep -q "^nano/model.safetensors " out.txt || fail "packed weights: $(cat out.txt)"
  [[ $start != kept ]] || for file in packed/*.packed; do printf 'damaged' >"$file"; done
done
melete models packed --clear >out.txt && [[ -z $(ls packed) ]] || fail "models packed --clear: $(cat out.txt)"
MELETE_PACKED_CACHE=off exits 2 models packed
export MELETE_PACKED_CACHE=off

# Exports: the bfloat16 folder answers, the GGUF files hold the architecture and the towers.
melete export "$root/models/melete-nano" --safetensors nano-bf16 >out.txt || fail "export --safetensors"
melete run --quiet nano-bf16 "$question" >run.txt || fail "run the exported folder"
[[ -s run.txt ]]
exits 2 export "$root/models/melete-nano" --safetensors "$root/models/melete-nano"
exits 2 export "$root/models/melete-nano"
exits 2 export "$root/models/melete-nano" --gguf nano.bin
melete export "$root/models/melete-nano" --gguf out/nano.gguf --type q8_0 >out.txt || fail "export --gguf"
[[ -s out/nano.gguf && -s out/mmproj-nano.gguf ]]
melete models info out/nano.gguf >info.txt || fail "info of the export"
grep -q "muse-spark.expert_count = 1" info.txt || fail "info: $(cat info.txt)"
melete models info out/mmproj-nano.gguf >info.txt || fail "info of the towers"
grep -q "clip.vision.projector_type = 'muse-glimmer'" info.txt || fail "info: $(cat info.txt)"
[[ $(ls out) == $'mmproj-nano.gguf\nnano.gguf' ]] || fail "files were left: $(ls out)"
