#!/usr/bin/env bash
# mx2ctl against a running mx2-orchestrator: every command, the exit statuses, import and export.
# usage: tests/ctl/ctl_test.sh BIN_DIR [TOPIC...]; the topics are tests/ctl/, each with a server of its own.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "$1" && pwd)
shift
[[ $# -gt 0 ]] || set -- catalogue demo table transfer optimizer upkeep usage backup
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
finish() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
# shellcheck source=tests/ctl/support.sh
source "$root/tests/ctl/support.sh"
unset MX2_OPERATOR_TOKEN

for topic in "$@"; do
  # shellcheck source=/dev/null
  source "$root/tests/ctl/$topic.sh"
done

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
