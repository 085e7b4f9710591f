#!/usr/bin/env bash
# The walkthrough of docs/advantedge.md, with the sandbox of the tests: see --help.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
readonly bin="$root/build/release/bin" me=deploy/advantedge/run.sh
readonly hosts=(mx2-edge1 mx2-edge2 mx2-fog1 mx2-cloud1)
source "$root/deploy/demonstration.sh"
essential="sandbox orchestrator"

usage() {
  cat <<END
usage: deploy/advantedge/run.sh

Installs what is missing with apt, builds, and starts, as the container does in AdvantEDGE, an
orchestrator, the Optimizer and four MEC hosts, beside the sandbox of the tests. All of them listen on
127.0.0.1 alone, and each instance of a λ is a user of its own if root starts this. Ports: 8080 to 8082,
8090 to 8093, 9080; of λ 21000 to 21039. The files are in a new folder below /tmp, which is told, and
gone after Ctrl-C.
END
}

stop() {
  stop_programs
  exit 0
}

leave() {
  abandon_programs
  [[ -z "${ended:-}" ]] || rm -rf "$data"
}

# Of the container's entrypoint: NAME VARIABLE=VALUE...
start_role() {
  local name="$1"
  shift
  mkdir -p "$data/$name" && chmod 755 "$data/$name"
  launch "$name" "$data/$name/log" env PATH="$bin:$PATH" TMPDIR="$data/$name" MX_ADDRESS=127.0.0.1 "$@" \
    "$root/deploy/container/entrypoint.sh"
}

start_sandbox() {
  mkdir -p "$data/sandbox"
  launch sandbox "$data/sandbox/log" python3 "$root/tests/advantedge/sandbox.py" \
    --scenario "$root/deploy/advantedge/scenario.yaml" --port 9080
}

start_host() {
  local number
  for number in "${!hosts[@]}"; do
    [[ "${hosts[number]}" == "$1" ]] && break
  done
  start_role "$1" MX_ROLE=mepm MX_HOST_ID="$1" MX_HOST_ADDRESS=127.0.0.1 MX_PORT=$((8090 + number)) \
    MX_STATE_DIR="$data/$1/state" MX_ORCHESTRATOR_URL=http://127.0.0.1:8081 MX_TRUSTED_APPS=dispatcher-1 \
    MX_INSTANCE_PORT_FIRST=$((21000 + 10 * number)) MX_INSTANCE_PORTS=10 \
    MX_INSTANCE_UID_FIRST=$((710000 + 1000 * number))
}

start_program() {
  case "$1" in
    sandbox) start_sandbox ;;
    orchestrator)
      start_role orchestrator MX_ROLE=orchestrator MX_OPERATOR_ADDRESS=127.0.0.1 \
        MX_STORE="$data/orchestrator/mx2.sqlite"
      ;;
    optimizer)
      # All hosts are this machine: its load says nothing of them.
      start_role optimizer MX_ROLE=optimizer MX_ORCHESTRATOR_URL=http://127.0.0.1:8081 \
        MX_URL=http://127.0.0.1:8082 MX_ADVANTEDGE_URL=http://127.0.0.1:9080 \
        MX_CALLBACK_URL=http://127.0.0.1:8082 MX_DWELL_MS=2000 MX_BACKGROUND_PERCENT_MIN=100
      ;;
    *) start_host "$1" ;;
  esac
}

all_are_up() { [[ $("$bin/mx2ctl" hosts list 2>/dev/null | grep -c ' up ') == "${#hosts[@]}" ]]; }

case "${1:-}" in
  "") ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac
ports=(8080 8081 8082 8090 8091 8092 8093 9080)
require_ports "${ports[@]/%/:}"
"$root/deploy/packages.sh" build test || fail "some packages are missing"
"$root/deploy/build.sh" release mx2-orchestrator mx2-optimizer mx2-mepm mx2ctl mx2 mx2_packages || exit 1
require_ports "${ports[@]/%/:}"
data="$(mktemp -d /tmp/mx2-advantedge.XXXXXX)" || fail "cannot make a folder in /tmp"
chmod 755 "$data"  # λ are users of their own, and run from there
trap stop INT TERM
trap leave EXIT
for program in sandbox orchestrator optimizer "${hosts[@]}"; do
  start_program "$program" || fail "$program did not start; the logs stay in $data"
done
wait_until 30 "the MEC hosts to be up (logs: $data)" all_are_up || fail "they are not; the logs stay in $data"
"$bin/mx2ctl" packages onboard "$root/build/release/packages/executor.zip" || fail "executor was not on-boarded"
echo "The sandbox, orchestrator, Optimizer and four MEC hosts are running; files are in $data. Ctrl-C stops them."
supervise
