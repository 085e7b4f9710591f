#!/usr/bin/env bash
# Configures and builds a preset, shows how far it is, and keeps the compiler's words for a failure.
#   deploy/build.sh PRESET [TARGET...]
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
preset="${1:?usage: deploy/build.sh PRESET [TARGET...]}"
shift
log="$root/build/$preset/build.log"
mkdir -p "${log%/*}"
cd "$root" || exit 1

fail() {
  tail -n 40 "$log" >&2
  echo "The $preset build failed; everything it said is in $log" >&2
  exit 1
}

# Ninja's "[12/54] ..." lines: all of them over each other on a terminal, else one each tenth.
show_progress() {
  local line shown=-1 tenth
  while IFS= read -r line; do
    [[ "$line" =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    if [[ -t 1 ]]; then
      printf '\r  %s of %s ' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      continue
    fi
    tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
    [[ $tenth -gt $shown ]] && echo "  ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]}"
    shown=$tenth
  done
  [[ -t 1 ]] && printf '\r\033[K'
  return 0
}

# Each compiler needs up to 1.5 GiB; more of them than that at once would only swap.
memory_kib="$(sed -n 's/^MemAvailable: *\([0-9]*\) .*/\1/p' /proc/meminfo)"
jobs=$((memory_kib / 1572864))
[[ $jobs -gt $(nproc) ]] && jobs=$(nproc)
[[ $jobs -lt 1 ]] && jobs=1

echo "Building ($preset) ..."
cmake --preset "$preset" >"$log" 2>&1 || fail
targets=()
[[ $# -gt 0 ]] && targets=(--target "$@")
cmake --build --preset "$preset" --parallel "$jobs" ${targets[@]+"${targets[@]}"} 2>&1 \
  | tee -a "$log" | show_progress
[[ ${PIPESTATUS[0]} -eq 0 ]] || fail
