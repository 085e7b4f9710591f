#!/usr/bin/env bash
# The demonstration, checked step by step on free ports and a temporary store: λ that really run on two
# MEC hosts.
#   deploy/smoke.sh BIN_DIR      exits 0 when every step did what it should, else 1
set -uo pipefail
bin="${1:?usage: deploy/smoke.sh BIN_DIR}"
example="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/example"
dir="$(mktemp -d /var/tmp/mx2-smoke.XXXXXX)" || exit 1
chmod 755 "$dir"   # started by root, λ are users of their own
server=""
mepms=()
mx2_port=0
operator_port=0

# Quietly: bash reports the death of a killed job otherwise.
kill_server() { { kill -KILL "$server"; wait "$server"; } 2>/dev/null; }

clean_up() {
  [[ -n "$server" ]] && kill_server
  [[ ${#mepms[@]} -eq 0 ]] || { kill "${mepms[@]}"; wait "${mepms[@]}"; } 2>/dev/null
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
mx2: {address: 127.0.0.1, port: $mx2_port}
operator: {port: $operator_port}
store: {path: "$dir/mx2.sqlite"}
content: "$example/content.yaml"
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
  mx2_port="${ports% *}" operator_port="${ports#* }"   # kept when it is started again
  mx2="http://127.0.0.1:$mx2_port/dev_app/v1"
  operator="http://127.0.0.1:$operator_port"
}

# start_mepm HOST PORT: its λ are reached at that port and the next ones.
start_mepm() {
  cat >"$dir/$1.yaml" <<END
host: {id: $1}
server: {port: 0}
orchestrator: {url: "$operator"}
state_dir: "$dir/$1"
end_on_stop: true
process: {port_first: $2, ports: 50, uid_first: $((700000 + $2)), uids: 50}
END
  "$bin/mx2-mepm" --config "$dir/$1.yaml" >"$dir/$1.log" 2>&1 &
  mepms+=($!)
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

# expect_host HOST WHY: the context that was created is there, or moves there when an instance is ready.
expect_host() {
  local deadline=$((SECONDS + 20))
  until ctl hosts show "$1" --output json && grep -qF "\"$address\"" "$dir/ctl"; do
    [[ $SECONDS -lt $deadline ]] || fail "$2: $address is not at $1"
    sleep 0.05
    request GET "/app_contexts/$id"
    address="$(member referenceURI)"
  done
}

# expect_faces URI: a picture that is sent there has two.
expect_faces() {
  curl -sS -m 20 -o "$dir/body" -H 'Content-Type: image/jpeg' --data-binary "@$example/faces.jpg" "$1" ||
    fail "$1: no answer"
  [[ "$(grep -o '"width":[0-9]*,"x"' "$dir/body" | wc -l)" == 2 ]] || fail "two faces at $1: $(cat "$dir/body")"
}

expect_kept() {
  request GET "/app_contexts/$1"
  expect 200 "reading context $1"
  address="$(member referenceURI)"
  expect_address "$2" "context $1"
}

# expect_up HOST: soon, its MEPM has registered.
expect_up() {
  local deadline=$((SECONDS + 20))
  until "$bin/mx2ctl" --url "$operator" hosts show "$1" --output json 2>/dev/null >"$dir/ctl" \
    && grep -q mepmUri "$dir/ctl" && ! grep -q '"reachable": *false' "$dir/ctl"; do
    [[ $SECONDS -lt $deadline ]] || fail "the MEPM of $1 has not registered: $(tail -n 3 "$dir/$1.log")"
    sleep 0.05
  done
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
first=$((25000 + RANDOM % 50 * 100))
start_mepm edge-north "$first"
start_mepm edge-south "$((first + 50))"
expect_up edge-north
expect_up edge-south
for package in facedetect dispatcher; do
  ctl packages onboard "$bin/../packages/$package.zip"
done
ok "two MEC hosts; packages facedetect and dispatcher on-boarded"

request GET /app_list
expect 200 "the application list"
[[ "$body" == *'"appDId":"facedetect-1"'* ]] || fail "the application list lacks facedetect-1: $body"
[[ "$body" != *dispatcher* ]] || fail "the dispatcher is internal, but on offer: $body"
ctl apps show dispatcher-1
ok "application list: facedetect-1, and dispatcher-1 for operators alone"

create bike-1
expect_host edge-south "the host of the row *"
south="$address"
ok "bike-1 has no row of its own: row * sends it to edge-south, where an instance is started"
expect_faces "$south"
ok "it finds two faces in a picture"
create car-1
expect_host edge-north "the host of the row dev:car-1"
north="$address"
old="$id"
expect_faces "$north"
ok "car-1 gets the most specific row, dev:car-1: edge-north, and an answer there"
ctl explain dev:car-1 facedetect-1
grep -q edge-north "$dir/ctl" || fail "mx2ctl explain does not name edge-north: $(cat "$dir/ctl")"
ok "mx2ctl explain dev:car-1 facedetect-1 names edge-north"

ctl apps strategy facedetect-1 baseline
ctl table set dev:car-1 facedetect-1 host:edge-south
create car-1
expect_address "$south" "the new host of the row dev:car-1"
new="$id"
ok "strategy baseline, and mx2ctl changed the row: a new context of car-1 goes to edge-south"
expect_kept "$old" "$north"
ok "the old context keeps edge-north"

kill_server
ok "killed the orchestrator with kill -9"
start
expect_kept "$old" "$north"
expect_kept "$new" "$south"
expect_faces "$north"
ok "restarted: both contexts are as they were, and λ have gone on"
create car-1
expect_address "$south" "the row dev:car-1 after the restart"
ok "and so is the table"

ctl apps strategy facedetect-1 notification
expect_moved "$old" "$south"
ok "strategy notification instead of baseline: the old context has followed its row to edge-south"
curl -sN -m 20 "$mx2/app_contexts/$old/events" >"$dir/events" &
listener=$!
expect_event ApplicationContextUpdateNotification "$south"
ctl table set dev:car-1 facedetect-1 host:edge-north
expect_event AddressChangeNotification "$north"
kill "$listener" 2>/dev/null
expect_faces "$north"
ok "the row goes back to edge-north: an event tells the listening client"

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
