#!/usr/bin/env bash
# training tokens a second against eager PyTorch on the same model, batch and threads
#
# PYTHON names an interpreter with torch and transformers (default python3; the peer is skipped if it has none).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
threads=${1:-$(nproc)}
./dev build test bench_train_steps
exec "${PYTHON:-python3}" bench/peers/train_torch.py build/test/bench_train_steps "$threads"
