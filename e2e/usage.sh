#!/usr/bin/env bash
# Wrong usage and bad input of whole programs: a message on stderr, nothing on stdout, the right exit code, no crash.
set -euo pipefail
cd "$E2E_DIR"
failed=0

# refuses CODE PATTERN WORDS...: the command line must exit with CODE and say PATTERN on stderr.
refuses() {
  local expected=$1 pattern=$2 code=0
  shift 2
  timeout 20 "$MELETE" "$@" >out.txt 2>err.txt </dev/null || code=$?
  if [[ $code != "$expected" ]] || ! grep -q -- "$pattern" err.txt || [[ -s out.txt ]]; then
    echo "melete $*: expected exit $expected and '$pattern', got exit $code:"
    cat out.txt err.txt
    failed=1
  fi
}

printf 'not a picture at all, \x00\xff\xfe' >broken.png
head -c 100 /dev/urandom >noise.bin
mkdir -p empty_model
refuses 2 "did you mean 'ask'" aks "hello"
refuses 2 "did you mean '--image'" ask --imag x.png "hello"
refuses 2 "mode" ask --mode pondering "hello"
refuses 3 "no_such_folder" ask --model no_such_folder "hello"
refuses 3 "empty_model" ask --model empty_model "hello"
refuses 3 "missing.png" ask --image missing.png "hello"
refuses 2 "question" ask
refuses 2 "did you mean '--samples'" eval --sample 3
refuses 3 "config.json" eval empty_model
refuses 3 "no_such_task" eval empty_model --tasks no_such_task
refuses 2 "modes" eval --modes pondering
refuses 3 "empty_model" chat --model empty_model
refuses 2 "task" task
refuses 3 "no_such_task" task show no_such_task
refuses 2 "level" task show shapes --level 99
refuses 3 "missing.json" tokenizer encode missing.json
exit $failed
