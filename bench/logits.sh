#!/usr/bin/env bash
# logits of every family against transformers: real GGUF files, the shipped model and small random checkpoints
#
# bench.sh logits [MODEL]...: a MODEL is a folder or a .gguf file; without any, smollm2 and gemma3-270m of the models' folder
# (those that are there), models/melete-nano, and testdata's random llama, llama3, qwen2, qwen3, gemma3, muse_spark and
# muse_glimmer. MELETE_PYTHON names a Python that has torch, transformers and gguf.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
build=${MELETE_BUILD:-build/release}
[[ -n ${MELETE_BUILD:-} ]] || ./dev build release melete
models=("$@")
if [[ $# == 0 ]]; then
  folder=${XDG_DATA_HOME:-$HOME/.local/share}/melete/models
  for name in smollm2 gemma3-270m; do
    if [[ -f $folder/$name.gguf ]]; then
      models+=("$folder/$name.gguf")
    else
      echo "$name isn't on this machine: skipped; \`melete models get $name\` fetches it" >&2
    fi
  done
  models+=(models/melete-nano testdata/families/{llama,llama3,qwen2,qwen3,gemma3} testdata/oracle/{dense,sparse,glimmer})
fi
exec "${MELETE_PYTHON:-python3}" bench/peers/logits_transformers.py "$build/melete" "${models[@]}"
