#!/usr/bin/env bash
# decode, prefill, shared prompts, memory and load time against llama.cpp on SmolLM2-135M, and shares of the roofline
#
# bench.sh engine [THREADS] [ROUNDS] [text|q8_0|q4_0|muse]...: builds both sides (llama.cpp from the llama-cpp-python source package, once), makes Q8_0,
# Q4_0 and float32 files of the catalogue's smollm2 (0.8 GB), checks that both compute the same text, then takes medians of interleaved rounds.
# Without the peer our own figures are printed. MELETE_SMOLLM2 names the model's file if it isn't in the models' folder.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
command -v python3 >/dev/null || { echo "bench engine: Python 3 is needed to drive both programs" >&2; exit 5; }
build=${MELETE_BUILD:-build/release}
[[ -n ${MELETE_BUILD:-} ]] || ./dev build release bench_engine_steps melete
peers=build/peers
smollm2=${MELETE_SMOLLM2:-${XDG_DATA_HOME:-$HOME/.local/share}/melete/models/smollm2.gguf}
if [[ ! -f $smollm2 ]]; then
  "$build/melete" models get smollm2 >&2 || { echo "bench engine: no smollm2; give its file in MELETE_SMOLLM2" >&2; exit 5; }
fi
peer=
if folder=$(bench/peers/build_llama.sh); then
  peer=$peers/llama_engine
  libraries=$(find "$folder/build" -name 'lib*.a' | grep -E '/lib(llama|ggml|ggml-cpu|ggml-base)\.a$')
  if [[ ! -e $peer || bench/peers/llama_engine.cc -nt $peer || $folder/.built -nt $peer ]]; then
    includes=("-I$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/build/CMakeCache.txt")")
    # shellcheck disable=SC2086
    g++ -O2 -std=c++17 "${includes[0]}/include" "${includes[0]}/ggml/include" bench/peers/llama_engine.cc -o "$peer" \
      -Wl,--start-group $libraries -Wl,--end-group -fopenmp -lpthread -ldl
  fi
  types=(q8_0 q4_0)
  [[ $# -gt 2 && " ${*:3} " != *" text "* ]] || types+=(f32)
  for type in "${types[@]}"; do
    file=$peers/smollm2-$type.gguf
    [[ -e $file ]] || { "$peer" quantize "$smollm2" "$file.part" $type && mv "$file.part" "$file"; }
  done
fi
for family in muse_spark muse_glimmer; do
  [[ -e $peers/random-$family/config.json ]] || { mkdir -p "$peers" && "$build/bench_engine_steps" random $family "$peers/random-$family"; }
done
exec python3 bench/peers/engine_llama.py "$build/bench_engine_steps" "$peer" "$peers" "$smollm2" "${1:-2}" "${2:-5}" "${@:3}"
