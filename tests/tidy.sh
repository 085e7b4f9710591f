#!/usr/bin/env bash
# clang-tidy over the sources, all of them or those given; needs build/release (deploy/build.sh).
#   tests/tidy.sh           the checks of .clang-tidy but for the analyzer, which is half of the time
#   tests/tidy.sh --deep    all of them
set -euo pipefail
cd "$(dirname "$0")/.."

checks=(--checks=-clang-analyzer-*)
if [[ "${1:-}" == --deep ]]; then
  checks=()
  shift
fi
# What is compiled as one file is checked as one: a fifth of the time. Declarations with using that nobody
# uses are found only in files that are given.
files=("$@")
if [[ ${#files[@]} -eq 0 ]]; then
  mapfile -t files < <(jq -r '.[].file' build/release/compile_commands.json |
    grep -E "^$PWD/(build/release/)?(api|ctl|dispatcher|emulator|lcm|mx2-client|notifier|optimizer|orchestrator)/" |
    grep -v /openapi.cpp)
fi
# -Wno-unknown-warning-option: GCC's names for some of its warnings.
# -n 1: clang-tidy 14 keeps the analyzer's tables of functions from the first file of a process, so in
# later files it finds less, and a va_list that was never started.
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet "${checks[@]}" \
    --extra-arg=-Wno-unknown-warning-option 2> >(grep -v 'warnings generated' >&2)
