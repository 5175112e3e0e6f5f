#!/usr/bin/env bash
# Builds llama.cpp, the peer of the engine's benchmarks, with native flags from the llama-cpp-python source package, once,
# into build/peers/llama. Prints nothing but that folder. Exit status 5: it can't be had here (the reason is on stderr).
#
# LLAMA_CPP names an existing source tree to build instead of fetching one.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
package=llama-cpp-python==0.3.36
folder=build/peers/llama
log=$folder/build.log

skip() { echo "peer skipped: $*" >&2; exit 5; }

fetch() {  # the source tree into $folder/source
  command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 || skip "Python 3 with pip is needed to fetch llama.cpp"
  rm -rf "$folder/fetch" && mkdir -p "$folder/fetch"
  python3 -m pip download -q --no-deps --no-binary llama-cpp-python -d "$folder/fetch" "$package" >"$log" 2>&1 ||
    skip "pip couldn't fetch $package; see $log (no network?)"
  tar -xzf "$folder"/fetch/*.tar.gz -C "$folder/fetch"
  mv "$folder"/fetch/*/vendor/llama.cpp "$folder/source"
  rm -rf "$folder/fetch"
}

mkdir -p "$folder"
if [[ ! -e $folder/.built ]]; then
  source=${LLAMA_CPP:-$folder/source}
  [[ -d $source ]] || fetch
  echo "building llama.cpp once (some minutes), log in $log" >&2
  options=(-DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_IS_DEV=OFF)
  for part in COMMON TESTS TOOLS EXAMPLES SERVER APP; do options+=("-DLLAMA_BUILD_$part=OFF"); done
  { cmake -S "$source" -B "$folder/build" -G Ninja "${options[@]}" && nice cmake --build "$folder/build" --parallel "${JOBS:-$(nproc)}"; } >>"$log" 2>&1 ||
    skip "llama.cpp didn't build; see $log"
  touch "$folder/.built"
fi
echo "$folder"
