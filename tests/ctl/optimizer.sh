# The optimizer, asked itself at the address that the orchestrator knows of it. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start optimized
check "optimizer: nobody leads" 1 "no optimizer leads; name one with --optimizer-url" optimizer status
cat > "$work/topology.yaml" <<'YAML'
hosts: [{id: mec-north}, {id: mec-south}, {id: cloud, tier: cloud}]
attachments: [{name: here, prefixes: [127.0.0.0/8]}]
latency_ms: {here: {mec-north: 2, mec-south: 20, cloud: 30}}
YAML
cat > "$work/optimizer.yaml" <<YAML
orchestrator: {url: "$MX2_OPERATOR_URL"}
server: {port: 0}
leader: {lease_ms: 1000}
period_ms: 3600000
stability: {dwell_ms: 0}
topology: {file: $work/topology.yaml}
YAML
start_optimizer() {
  "$bin/mx2-optimizer" --config "$work/optimizer.yaml" 2> "$work/optimizer.log" & pids+=($!)
  wait_for grep -q ' leading ' "$work/optimizer.log" || quit "the optimizer does not lead"
}
state_is() { ctl optimizer status --output json && is_json "d['status'] == '$1'"; }
ask_for_context() {
  curl -sf -o /dev/null -H 'Content-Type: application/json' "$mx2/dev_app/v1/app_contexts" \
    -d '{"associateDevAppId":"opt-1","appInfo":{"appName":"facedetect","appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}}'
}
ask_for_context
start_optimizer
placed() { ctl table list --ue dev:opt-1 && grep -q 'host:mec-north .*optimizer' "$work/out"; }
is "optimizer: it plans" wait_for placed
check "optimizer status" 0 "NEXT PLAN IN MS" optimizer status
is "optimizer status as JSON" state_is ok
check "optimizer explain" 0 "mec-north costs least" optimizer explain opt-1 facedetect-1
is "the cheapest is first, and chosen" grep -q '^\* *mec-north  *feasible' "$work/out"
check "optimizer explain as CSV" 0 "*,mec-north,feasible" optimizer explain dev:opt-1 facedetect-1 --output csv
check "optimizer explain as JSON" 0 '"latencyKnown": true' optimizer explain opt-1 facedetect-1 --output json
check "optimizer explain: unknown" 1 "dev:nobody has no context of facedetect-1" optimizer explain nobody facedetect-1
check "topology show" 0 "mec-north" topology show
is "it says where the topology is from" grep -q '^file: live' "$work/out"
check "topology show as JSON" 0 '"ue": "dev:opt-1"' topology show --ue opt-1 --output json
check "topology show as CSV" 0 "dev:opt-1,facedetect-1" topology show --app facedetect-1 --output csv
check "topology watch" 0 "dev:opt-1  facedetect-1  at" topology watch --times 2 --interval 20
is "what does not change is told once" test "$(grep -c dev:opt-1 "$work/out")" = 1
check "topology show: nobody" 0 "" topology show --ue nobody
check "topology show: no optimizer" 3 "" topology --optimizer-url http://127.0.0.1:1 show
check "optimizer pause" 0 "paused" optimizer pause
is "it is paused" state_is paused
ctl table unset dev:opt-1 facedetect-1 || quit "the row cannot be removed"
check "optimizer plan --dry-run" 0 "+ dev:opt-1 facedetect-1 -> host:mec-north" optimizer plan --dry-run
is_not "a dry run changes nothing" placed
check "optimizer plan: paused as well" 0 "CONTEXTS MOVED" optimizer plan
is "it was sent" placed
kill "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
start_optimizer
is "a pause survives a restart of the optimizer" state_is paused
check "optimizer resume" 0 "ok" optimizer resume
is "it plans again" state_is ok
tells_why() { ctl optimizer status && grep -q '^WHY .*no plan: nobody gains enough by a move' "$work/out"; }
is "optimizer status says why there is no plan" wait_for tells_why
check "optimizer: named" 1 "no resource at" optimizer status --optimizer-url "$mx2"
# One context stays at mec-north when the row leads the next one to mec-south.
ctl apps strategy facedetect-1 baseline && ctl table set dev:opt-1 facedetect-1 host:mec-south || quit "no row"
ask_for_context
check "optimizer plan: contexts count where they stay" 0 "11.00 -> 11.00" optimizer plan
check "topology watch: contexts at two hosts" 0 "host mec-north, mec-south  2.00, 20.00 ms" topology watch --times 3 --interval 20
is "they are told once, as one" test "$(grep -c dev:opt-1 "$work/out")" = 1
kill "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
check "optimizer: it has gone" 1 "no optimizer leads" optimizer status
