#!/usr/bin/env bash
# The demonstration, checked step by step on free ports and a temporary store.
#   deploy/smoke.sh BIN_DIR      exits 0 when every step did what it should, else 1
set -uo pipefail
bin="${1:?usage: deploy/smoke.sh BIN_DIR}"
content="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/example/content.yaml"
dir="$(mktemp -d)"
server=""
readonly north="http://10.0.1.10:9000/facedetect"
readonly south="http://10.0.2.10:9000/facedetect"

# Quietly: bash reports the death of a killed job otherwise.
kill_server() { { kill -KILL "$server"; wait "$server"; } 2>/dev/null; }

clean_up() {
  [[ -n "$server" ]] && kill_server
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

ok() { echo "  ✓ $*"; }

fail() {
  echo "  ✗ $*"
  echo "The orchestrator's last words:"
  tail -n 10 "$dir/log" 2>/dev/null | sed 's/^/    /'
  exit 1
}

start() {
  cat >"$dir/config.yaml" <<END
mx2: {address: 127.0.0.1, port: 0}
operator: {port: 0}
store: {path: "$dir/mx2.sqlite"}
content: "$content"
strategy: {standard: baseline}
END
  : >"$dir/log"
  "$bin/mx2-orchestrator" --config "$dir/config.yaml" >"$dir/log" 2>&1 &
  server=$!
  local deadline=$((SECONDS + 60)) ports
  until grep -q ' listening ' "$dir/log"; do
    kill -0 "$server" 2>/dev/null || fail "the orchestrator did not start"
    [[ $SECONDS -lt $deadline ]] || fail "the orchestrator is not ready after 60 s"
    sleep 0.05
  done
  ports="$(sed -n 's/.* listening mx2=[^ ]*:\([0-9]*\) operator=[^ ]*:\([0-9]*\) .*/\1 \2/p' \
    "$dir/log")"
  mx2="http://127.0.0.1:${ports% *}/dev_app/v1"
  operator="http://127.0.0.1:${ports#* }"
}

# request METHOD PATH [BODY]: sets $status, $body and the response headers in $dir/headers.
request() {
  local data=()
  [[ $# -gt 2 ]] && data=(-H 'Content-Type: application/json' -d "$3")
  status="$(curl -sS -m 20 -X "$1" -o "$dir/body" -D "$dir/headers" -w '%{http_code}' \
    ${data[@]+"${data[@]}"} "$mx2$2")" || fail "$1 $2: no answer"
  body="$(cat "$dir/body")"
}

expect() {
  [[ "$status" == "$1" ]] || fail "$2: expected $1, got $status: $body"
}

member() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' <<<"$body"; }

ctl() {
  "$bin/mx2ctl" --url "$operator" "$@" >"$dir/ctl" 2>&1 || fail "mx2ctl $*: $(cat "$dir/ctl")"
}

# create DEVICE: a context of facedetect; sets $id and $address.
create() {
  request POST /app_contexts '{"associateDevAppId": "'"$1"'", "appInfo": {
    "appName": "facedetect", "appProvider": "Example", "appDVersion": "1.0",
    "userAppInstanceInfo": [{}]}}'
  expect 201 "creating a context for $1"
  id="$(member contextId)"
  address="$(member referenceURI)"
  grep -qi "^location: .*/dev_app/v1/app_contexts/$id" "$dir/headers" || fail "no Location for $id"
}

expect_address() {
  [[ "$address" == "$1" ]] || fail "$2: expected $1, got $address"
}

expect_kept() {
  request GET "/app_contexts/$1"
  expect 200 "reading context $1"
  address="$(member referenceURI)"
  expect_address "$2" "context $1"
}

# expect_moved CONTEXT ADDRESS: soon.
expect_moved() {
  local deadline=$((SECONDS + 10))
  until request GET "/app_contexts/$1" && [[ "$(member referenceURI)" == "$2" ]]; do
    [[ $SECONDS -lt $deadline ]] || fail "context $1 has not moved to $2: $body"
    sleep 0.02
  done
}

# expect_event TYPE ADDRESS: soon, in the stream that is being read.
expect_event() {
  local deadline=$((SECONDS + 10))
  until grep -A 1 "^event: $1" "$dir/events" | grep -qF "\"referenceURI\":\"$2\""; do
    [[ $SECONDS -lt $deadline ]] || fail "no event $1 with $2: $(cat "$dir/events")"
    sleep 0.02
  done
}

echo "Smoke test"
start
ok "started: Mx2 at $mx2, operator API at $operator"

request GET /app_list
expect 200 "the application list"
[[ "$body" == *'"appDId":"facedetect-1"'* && "$body" == *'"appDId":"objtrack-1"'* ]] \
  || fail "the application list lacks an app: $body"
ok "application list: facedetect-1 and objtrack-1"

create bike-1
expect_address "$south" "the host of the row ip:127.0.0.0/8"
ok "bike-1 has no row of its own: row ip:127.0.0.0/8 sends it to mec-south"
create car-1
expect_address "$north" "the host of the row dev:car-1"
old="$id"
ok "car-1 gets the most specific row, dev:car-1: mec-north"
ctl explain dev:car-1 facedetect-1
grep -q mec-north "$dir/ctl" || fail "mx2ctl explain does not name mec-north: $(cat "$dir/ctl")"
ok "mx2ctl explain dev:car-1 facedetect-1 names mec-north"

ctl table set dev:car-1 facedetect-1 host:mec-south
create car-1
expect_address "$south" "the new host of the row dev:car-1"
new="$id"
ok "mx2ctl changed the row: a new context of car-1 goes to mec-south"
expect_kept "$old" "$north"
ok "the old context keeps mec-north"

kill_server
ok "killed the orchestrator with kill -9"
start
expect_kept "$old" "$north"
expect_kept "$new" "$south"
ok "restarted: both contexts are as they were"
create car-1
expect_address "$south" "the row dev:car-1 after the restart"
ok "and so is the table"

ctl apps strategy facedetect-1 notification
expect_moved "$old" "$south"
ok "strategy notification instead of baseline: the old context has followed its row to mec-south"
curl -sN -m 20 "$mx2/app_contexts/$old/events" >"$dir/events" &
listener=$!
expect_event ApplicationContextUpdateNotification "$south"
ctl table set dev:car-1 facedetect-1 host:mec-north
expect_event AddressChangeNotification "$north"
kill "$listener" 2>/dev/null
ok "the row goes back to mec-north: an event tells the listening client"

for context in "$old" "$new" "$id"; do
  request DELETE "/app_contexts/$context"
  expect 204 "deleting context $context"
  request DELETE "/app_contexts/$context"
  expect 404 "deleting context $context again"
done
ok "contexts deleted: 204, and 404 when asked again"

kill -TERM "$server"
wait "$server" || fail "the orchestrator did not stop cleanly on SIGTERM: exit code $?"
server=""
ok "stopped cleanly on SIGTERM"
echo "Smoke test passed"
