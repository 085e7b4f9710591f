#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for a bounded time.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]     SECONDS for each target, 30 unless told
#
# MX2_FUZZ_BUILD names another build directory than build/fuzz.
# Exit: 0 nothing found, 1 a target crashed (its input is in found/ there), 77 no clang.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds="${1:-30}"
shift || true
build="${MX2_FUZZ_BUILD:-build/fuzz}"
command -v clang++ >/dev/null || { echo "SKIPPED: clang++ is not installed"; exit 77; }

cmake -G Ninja -S . -B "$build" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DMX2_FUZZ=ON >"$build.log" 2>&1 ||
  { cat "$build.log"; exit 1; }
cmake --build "$build" --target mx2_fuzz

mkdir -p "$build/found"
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls tests/fuzz/corpus)
failed=0
for target in "${targets[@]}"; do
  grown="$build/corpus/$target" # what this and earlier runs have added
  mkdir -p "$grown"
  if "$build/bin/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=8192 -print_final_stats=1 -artifact_prefix="$build/found/$target-" \
    "$grown" "tests/fuzz/corpus/$target" >"$build/$target.log" 2>&1; then
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    echo "fuzz $target: nothing found in $executed inputs"
  else
    failed=1
    tail -n 40 "$build/$target.log"
    echo "fuzz $target: FOUND something, see $build/found and $build/$target.log"
  fi
done
exit "$failed"
