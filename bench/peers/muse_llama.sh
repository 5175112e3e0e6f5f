#!/usr/bin/env bash
# Exports melete-nano as GGUF and asks it about a picture and a sound in llama.cpp's muse-spark build, beside our own answers.
#
# usage: bench/peers/muse_llama.sh [MODEL] (default models/melete-nano). llama.cpp comes from the crate llama-cpp-sys-4 0.9.0 and is
# built once in build/peers/muse (MUSE_LLAMA names an existing build folder). Exit status 5: no cargo, no network or no build;
# 2: Python's numpy and safetensors, which compare the logits, are missing.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
model=${1:-models/melete-nano}
melete=${MELETE:-build/release/melete}
folder=build/peers/muse
python=${PYTHON:-python3}
skip() { echo "peer skipped: $*" >&2; exit 5; }
[[ -x $melete ]] || { echo "muse_llama: build first: ./dev build" >&2; exit 2; }
"$python" -c 'import numpy, safetensors' 2>/dev/null || { echo "muse_llama: PYTHON must have numpy and safetensors" >&2; exit 2; }
mkdir -p "$folder"

build() {
  local source home=${CARGO_HOME:-$HOME/.cargo}
  command -v cargo >/dev/null || skip "cargo is needed to fetch the crate llama-cpp-sys-4"
  mkdir -p "$folder/crate/src" && : >"$folder/crate/src/lib.rs"
  printf '[package]\nname = "fetch"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nllama-cpp-sys-4 = "=0.9.0"\n' >"$folder/crate/Cargo.toml"
  cargo fetch -q --manifest-path "$folder/crate/Cargo.toml" || skip "cargo couldn't fetch llama-cpp-sys-4 (no network?)"
  source=$(find "$home/registry/src" -maxdepth 3 -type d -path '*/llama-cpp-sys-4-0.9.0/llama.cpp' | head -1)
  [[ -n $source ]] || skip "the crate has no llama.cpp"
  options=(-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_MTMD=ON -DMTMD_VIDEO=OFF)
  for part in COMMON TESTS TOOLS EXAMPLES SERVER APP UI; do options+=("-DLLAMA_BUILD_$part=OFF"); done
  echo "building llama.cpp with muse-spark once (some minutes), log in $folder/build.log" >&2
  { cmake -S "$source" -B "$folder/build" -G Ninja "${options[@]}" && nice cmake --build "$folder/build" --parallel "$(nproc)"; } \
    >"$folder/build.log" 2>&1 || skip "llama.cpp didn't build; see $folder/build.log"
}

libraries=${MUSE_LLAMA:-$folder/build}
[[ -n $(find "$libraries" -name libmtmd.a 2>/dev/null) ]] || build
source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$libraries/CMakeCache.txt")
probe=$folder/mtmd_probe
if [[ ! -e $probe || bench/peers/mtmd_probe.cc -nt $probe ]]; then
  # shellcheck disable=SC2046
  g++ -O1 -std=c++17 -I"$source/include" -I"$source/ggml/include" -I"$source/tools/mtmd" bench/peers/mtmd_probe.cc ${MUSE_LLAMA_EXTRA:-} \
    -o "$probe" -Wl,--start-group $(find "$libraries" -name '*.a') -Wl,--end-group -fopenmp -lpthread -ldl
fi
for type in f32 q8_0 q4_0; do
  "$melete" export "$model" --gguf "$folder/nano-$type.gguf" --type $type >/dev/null 2>&1
done
exec "$python" bench/peers/muse_llama.py "$melete" "$model" "$probe" "$folder"
