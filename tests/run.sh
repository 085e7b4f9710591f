#!/usr/bin/env bash
# Installs, builds and runs every test; see --help.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root" || exit 1
source deploy/packages.sh
readonly logs="$root/build/test-logs" dev="$root/build/dev" bin="$root/build/release/bin"
readonly outcomes="$logs/outcomes" skip_code=77
fuzz_seconds="${MX2_FUZZ_SECONDS:-10}" at_once="${MX2_TEST_JOBS:-$(nproc)}" fast=""
# The first sanitizer report ends the program that caused it.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export CTEST_OUTPUT_ON_FAILURE=1
declare -A wanted=()
# Each step passes it on to the group of processes that it is.
trap 'kill -TERM $(jobs -rp) 2>/dev/null; wait; exit 130' INT TERM

usage() {
  cat <<END
usage: tests/run.sh [--fast] [STEP...]

Installs what is missing with apt, builds with sanitizers (build/dev) and as users run it
(build/release), and runs every test, one line each, as many side by side as there are cores.
The last line is "N passed, N failed, N skipped"; the exit code is 1 when something failed.

  --fast   only the unit, HTTP and client tests, with sanitizers
  STEP     only the steps with these names, after the build: tests/run.sh crash notify

MX2_FUZZ_SECONDS (10, for each fuzz target), MX2_CRASH_ROUNDS (20) and
MX2_NOTIFY_ROUNDS (50) make those steps shorter or longer; MX2_TEST_JOBS says how many run at once.
Logs are in build/test-logs. Apart are benchmarks, tests/bench/run.sh, and clients that generators
make of the OpenAPI documents in five languages, tests/openapi/generators.py build/release/bin
END
}

# step NAME SECONDS_MAX COMMAND...: begins when there is room beside the others.
step() {
  [[ ${#wanted[@]} -eq 0 || -n "${wanted[$1]:-}" ]] || return 0
  while [[ $(jobs -rp | wc -l) -ge $at_once ]]; do wait -n; done
  run_step "$@" &
}

# One line, and the end of the log when it fails; the outcome is a line of $outcomes.
run_step() {
  local name="$1" limit="$2" log="$logs/$1.log" begin=$SECONDS code
  shift 2
  timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null &
  trap 'kill -TERM $! 2>/dev/null' INT TERM
  wait $!
  code=$?
  if [[ $code -eq 0 ]]; then
    echo passed >>"$outcomes"
    printf 'ok    %-16s %4d s\n' "$name" $((SECONDS - begin))
  elif [[ $code -eq $skip_code ]]; then
    echo skipped >>"$outcomes"
    printf 'SKIP  %-16s %4d s   %s\n' "$name" $((SECONDS - begin)) "$(tail -n 1 "$log")"
  else
    echo failed >>"$outcomes"
    printf 'FAIL  %-16s %4d s   exit code %d%s\n%s\n' "$name" $((SECONDS - begin)) "$code" \
      "$([[ $code -eq 124 ]] && echo ": longer than $limit s")" \
      "$(tail -n 40 "$log" | sed 's/^/      /'; echo "      (all of it: $log)")"
  fi
}

count() { grep -cx "$1" "$outcomes"; }

# Waits for all that runs; what comes after needs it.
settle() {
  wait
  [[ $(count failed) -eq 0 ]]
}

# build NAME COMMAND...: alone, as it takes every core; nothing is tested when it fails.
build() {
  run_step "$1" 2700 "${@:2}" &
  settle || close
}

close() {
  wait
  echo "$(count passed) passed, $(count failed) failed, $(count skipped) skipped"
  settle
  exit
}

# The first interpreter that has the modules that tests need: apt's, when another is first.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import jsonschema, matplotlib, scipy, yaml' 2>/dev/null && echo "$candidate" && return
  done
  echo python3
}

test_in_dev() {
  step unit 300 ctest --test-dir "$dev" --no-tests=error -R '^unit$'
  step http 600 ctest --test-dir "$dev" --no-tests=error -R '^http$'
  step client 300 ctest --test-dir "$dev" --no-tests=error -R '^client$'
  step optimizer 300 ctest --test-dir "$dev" --no-tests=error -R '^optimizer$'
  step mepm 300 ctest --test-dir "$dev" --no-tests=error -R '^mepm$'
  step emulator 300 ctest --test-dir "$dev" --no-tests=error -R '^emulator$'
  step dispatcher 60 ctest --test-dir "$dev" --no-tests=error -R '^dispatcher$'
}

test_all() {
  local python
  python="$(find_python)"
  step fuzz $((20 * fuzz_seconds + 900)) tests/fuzz/run.sh "$fuzz_seconds"
  test_in_dev
  step agreement 120 "$python" tests/orchestrator/endpoints/agreement_test.py "$bin"
  step openapi 60 "$python" tests/openapi/documents_test.py "$bin"
  step openapi-strict 300 "$python" tests/openapi/strict_test.py
  step openapi-client 300 "$python" tests/openapi/generators.py "$bin" python-client
  step descriptors 60 "$python" tests/api/http/descriptors_test.py "$bin"
  step layers 60 tests/check_layers
  step ctl 300 tests/ctl/ctl_test.sh "$bin"
  step client-install 300 tests/mx2-client/install_test.sh build/release
  step tls 300 tests/deploy/tls_test.sh "$bin"
  step smoke 300 deploy/smoke.sh "$bin"
  step deploy 300 "$python" tests/deploy/deploy_test.py "$bin"
  step package 300 "$python" tests/deploy/package_test.py build/release
  step first-app 120 "$python" tests/deploy/first_app_test.py "$bin"
  step check-config 60 "$python" tests/deploy/check_config_test.py "$bin"
  step observability 120 "$python" tests/observability/observability_test.py "$bin"
  step docs 180 "$python" tests/docs/commands_test.py "$bin"
  step reference 60 "$python" docs/generate.py --check "$bin"
  step own-placement 60 "$python" tests/docs/own_placement_test.py "$bin"
  step eua 300 "$python" tests/eua/eua_test.py "$bin"
  step hop-count 60 "$bin/mx2_hop_count" tests/optimizer/advantedge/two_zones.yaml \
    tests/optimizer/advantedge/slow_fog.yaml deploy/advantedge/scenario.yaml
  step eua-format 60 "$python" tests/eua/format_test.py "$bin"
  step policy-table 60 "$bin/mx2_policy_table"
  step packages 60 "$python" tests/lcm/packages_test.py build/release
  step plan 300 "$python" tests/optimizer/end_to_end.py "$bin"
  step advantedge-fake 60 "$python" tests/advantedge/sandbox_test.py
  step advantedge 120 "$python" tests/advantedge/advantedge_test.py "$bin"
  step mec-platform 120 "$python" tests/advantedge/platform_test.py "$bin"
  step lifecycle 300 "$python" tests/orchestrator/lifecycle/lifecycle_test.py "$bin"
  step clock-steps 120 "$python" tests/orchestrator/lifecycle/clock_test.py "$bin"
  step dispatching 420 "$python" tests/dispatcher/dispatcher_test.py "$bin"
  step dispatcher-https 120 "$python" tests/dispatcher/https_test.py "$bin"
  step dispatcher-package 120 "$python" tests/dispatcher/package_test.py "$bin"
  step mepm-kill 120 "$python" tests/lcm/mepm/kill_test.py "$bin/mx2-mepm" "$bin/mx2_test_lambda"
  step experiment-test 60 "$python" tests/experiments/strategies/experiment_test.py
  step experiment 600 tests/experiments/strategies/run.sh --short --program "$bin/mx2-emulator" \
    --out build/experiments/strategies-short
  step crash 600 "$python" tests/orchestrator/crash/crash_test.py "$bin"
  step crash-packages 300 "$python" tests/orchestrator/crash/packages_crash_test.py "$bin"
  step backup 120 "$python" tests/orchestrator/backup/backup_test.py "$bin"
  step notify 600 "$python" tests/notifier/notify_test.py "$bin"
  step notify-names 60 "$python" tests/notifier/names_test.py "$bin"
  step notify-clock 60 "$python" tests/notifier/clock_test.py "$bin"
  # Of what the HTTP and the MEPM tests have answered.
  wait
  step contract 300 "$python" tests/orchestrator/endpoints/contract.py "$dev/tests/contract.ndjson"
  step contract-mepm 300 "$python" tests/orchestrator/endpoints/contract.py "$dev/tests/contract_mepm.ndjson"
}

for argument in "$@"; do
  case "$argument" in
    --fast) fast=yes ;;
    --help | -h) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *) grep -q "^  step $argument " "$0" || { echo "tests/run.sh: no step is named $argument" >&2; exit 2; }
      wanted[$argument]=yes ;;
  esac
done
mkdir -p "$logs"
: >"$outcomes"
mx2_install build test || { echo "tests/run.sh: some packages are missing" >&2; exit 1; }
build build-dev deploy/build.sh dev mx2_fast_tests
if [[ -n "$fast" ]]; then
  test_in_dev
  close
fi
build build-release deploy/build.sh release mx2_programs mx2_no_store_server mx2_receiver \
  mx2_bare_multi mx2_plan_bench mx2_scenario_bench mx2_move_bench mx2_test_lambda
test_all
close
