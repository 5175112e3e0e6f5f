#!/usr/bin/env bash
# the server against its figures: streams, requests a second (and llama-server's), first token, cancels
#
# bench.sh server [SECONDS]: exit status 1 if a line doesn't hold. Wants a quiet machine. LLAMA_SERVER names llama-server's
# program (else the one on PATH) and MELETE_SMOLLM2 a model for it; without either that line is skipped.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
command -v python3 >/dev/null || { echo "bench server: Python 3 is needed to drive the programs" >&2; exit 5; }
build=${MELETE_BUILD:-build/release}
[[ -n ${MELETE_BUILD:-} ]] || ./dev build release bench_server_load melete
smollm2=${MELETE_SMOLLM2:-${XDG_DATA_HOME:-$HOME/.local/share}/melete/models/smollm2.gguf}
llama=${LLAMA_SERVER:-$(command -v llama-server || true)}
exec python3 bench/peers/server_lines.py "$build" "${1:-60}" "$llama" "$smollm2"
