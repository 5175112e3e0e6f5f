#!/usr/bin/env bash
# bench.sh: lists the benchmarks. bench.sh NAME [ARGUMENTS]: runs bench/NAME.sh, or builds and runs bench/NAME.cc.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
if [[ $# == 0 ]]; then
  for file in bench/*.sh bench/*.cc; do
    [[ -e $file ]] || continue
    name=${file##*/}
    printf '%-16s %s\n' "${name%.*}" "$(sed -nE '/^#!/d; s,^(#|//) ?,,p;' "$file" | head -1)"
  done
  exit 0
fi
name=$1
shift
if [[ -x bench/$name.sh ]]; then
  exec "bench/$name.sh" "$@"
elif [[ -f bench/$name.cc ]]; then
  ./dev build release "bench_$name"
  exec "build/release/bench_$name" "$@"
fi
echo "bench: no benchmark '$name'; there are:" >&2
tools/bench.sh >&2
exit 2
