#!/usr/bin/env bash
# Compiles the base and kernels rooms for arm64 and runs the kernels' tests under an emulator: the scalar path gives the
# same bits there. Rooms that link Debian's libraries need an arm64 machine.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
./dev setup test arm64
out=build/arm64
mkdir -p $out
# base's log, config and plot link libraries; the kernels use none of them.
sources=$(ls src/base/*.cc src/kernels/*.cc | grep -vE 'src/base/(log|config|config_output|plot|process).*\.cc|src/base/.*_test\.cc|_avx[0-9a-z_]*\.cc')
compile() {  # SOURCE OBJECT [OPTIONS]
  aarch64-linux-gnu-g++ -std=c++20 -O2 -ffp-contract=off -fno-math-errno -Isrc -idirafter /usr/include "${@:3}" -c "$1" -o "$2"
}
for source in $sources; do
  object=$out/$(tr / _ <<<"$source").o
  [[ $object -nt $source ]] || compile "$source" "$object"
done
gtest=/usr/src/googletest/googletest
for part in gtest-all gtest_main; do
  [[ -e $out/$part.o ]] || compile $gtest/src/$part.cc $out/$part.o -I$gtest -I$gtest/include
done
aarch64-linux-gnu-g++ -static -pthread $out/*.o -o $out/kernels_test 2>/dev/null
exec qemu-aarch64-static $out/kernels_test
