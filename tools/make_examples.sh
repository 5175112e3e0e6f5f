#!/usr/bin/env bash
# Writes examples/: one file of each modality, from test-split episodes of the tasks, which no training run sees.
# Usage: tools/make_examples.sh [MELETE]; needs espeak-ng and ffmpeg.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
melete=${1:-./melete}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# example FILE TASK LEVEL SEED PATTERN: fails if the episode isn't of the test split or shows something else.
example() {
  local file=$1 task=$2 level=$3 seed=$4 pattern=$5 shown
  shown=$("$melete" task show "$task" --level "$level" --seed "$seed" --questions 1 --out "$scratch")
  grep -q ': test split' <<<"$shown" && tr '\n' '~' <<<"$shown" | grep -qE "$pattern" || {
    echo "make_examples: $task level $level seed $seed must be of the test split and hold '$pattern'; choose another seed" >&2
    exit 1
  }
  case $file in
    *.csv) sed -n '2,/^$/p' <<<"$shown" | sed '/^$/d' >"examples/$file" ;;
    *) cp "$scratch/$task-$level-$seed.${file##*.}" "examples/$file" ;;
  esac
  echo "examples/$file"
}

mkdir -p examples
example shapes.png shapes 3 2200 'transcript:~[^~]*red [^~]*red '
example digits.wav spoken_digits 0 2413 'five nine three~'
example clip.mp4 moving_shapes 1 209 'blue square.*yellow triangle'
example prices.csv csv_lookup 0 22724 '~item,price~'
example label.png nutrition 0 141 'Energy.* 230~'
ffmpeg -v error -y -i examples/digits.wav -map_metadata -1 -fflags +bitexact -flags:a +bitexact examples/digits.mp3
echo examples/digits.mp3
