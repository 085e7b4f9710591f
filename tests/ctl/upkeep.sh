# Draining and its pins, versions compared, a way back that is only tried, a configuration that is read
# again. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start upkeep
ask() {  # DEVICE
  curl -sf -o /dev/null -H 'Content-Type: application/json' "$mx2/dev_app/v1/app_contexts" -d '{"associateDevAppId":"'"$1"'","appInfo":{"appName":"facedetect","appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}}'
}

# Contexts and load of hosts.
ask car-1
is "a host's load is reported" curl -sf -X PUT -H 'Content-Type: application/json' "$MX2_OPERATOR_URL/operator/v1/hosts/mec-north/load" -d '{"cpu": 0.354, "inFlight": 3}'
check "hosts list: contexts and load" 0 "CONTEXTS  CPU %" hosts list
is "of each host" grep -q "^mec-north .* 1 *35 .* 3 " "$work/out"
check "hosts show: contexts of apps" 0 "CONTEXTS OF APPS  {\"facedetect-1\":1}" hosts show mec-north
check "hosts show: a slip of the pen" 1 "no host 'mec-nort'; did you mean 'mec-north'?" hosts show mec-nort

# Who stays, and why.
check "hosts drain" 0 "host mec-north: draining" hosts drain mec-north
check "drain --wait: nobody empties it" 1 "mx2ctl: not empty after 0.2 s: mec-north" hosts drain mec-north --wait --timeout 0.2
is "progress" grep -qF "host mec-north: 1 context left: facedetect-1 1" "$work/err"
is "who stays: no Optimizer leads" grep -q "facedetect-1 *1  no-optimizer *car-1" "$work/out"
ctl table set dev:car-1 facedetect-1 host:mec-north host:cloud --reason trial || quit "no pin"
check "drain --wait: a pin" 1 "row (dev:car-1, facedetect-1) of an operator leads here: trial" hosts drain mec-north --wait --timeout 0.2
check "the same as JSON" 1 '"reason":"pinned"' hosts drain mec-north --wait --timeout 0.2 --output json
is "one document" is_json 'd[0]["devices"] == ["car-1"] and d[0]["contexts"] == 1'
ctl apps strategy facedetect-1 baseline || quit "no strategy"
check "drain --wait: strategy baseline" 1 "baseline keep their address" hosts drain mec-north --wait --timeout 0.2
ctl apps strategy facedetect-1 standard || quit "no strategy"
ctl hosts cordon mec-south cloud || quit "not cordoned"
check "drain --wait: nowhere to go" 1 "cloud: host is cordoned" hosts drain mec-north --wait --timeout 0.2
ctl table set dev:car-1 facedetect-1 host:mec-north || quit "no pin"
check "drain --move-pins: nowhere to go" 0 "it stays" hosts drain mec-north --move-pins
ctl hosts uncordon mec-south cloud || quit "not uncordoned"

# Pins that are moved. What leads there by other targets keeps these; a row that would have none is
# removed, as row * serves them.
ctl table set dev:car-1 facedetect-1 host:mec-north host:cloud || quit "no pin"
ctl table set dev:car-2 facedetect-1 host:mec-north || quit "no pin"
ctl table set dev:car-3 facedetect-1 host:mec-north --writer optimizer || quit "no row"
check "drain --move-pins --wait" 0 "host mec-north: empty" hosts drain mec-north --move-pins --wait --timeout 20
is "pins that have moved" grep -q "host mec-north: draining, . pins moved" "$work/out"
check "the rest of the targets stays" 0 "dev:car-1  facedetect-1  host:cloud" table list --ue dev:car-1
check "a row without any is gone" 0 "UE" table list --ue dev:car-2
is "no row" test "$(wc -l < "$work/out")" = 1
check "rows of the Optimizer stay its own" 0 "host:mec-north  optimizer" table list --ue dev:car-3
check "drain --move-pins: none are left" 0 "host mec-north: draining, 0 pins moved" hosts drain mec-north --move-pins
check "an empty host" 0 "host mec-north: empty" hosts drain mec-north --wait
ctl hosts uncordon mec-north || quit "not uncordoned"
check "hosts drain: unknown" 1 "did you mean 'mec-south'?" hosts drain mec-soth --move-pins --wait

# Who changed how many rows, and what.
check "table history: who" 0 "operator $(id -un)@" table history --limit 1
is "as JSON" eval 'ctl table history --output json && is_json "d[-1][\"summary\"] == \"first content\" and all(v[\"rows\"] for v in d)"'
version=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[0]["version"])' "$work/out")
ctl table set dev:car-9 facedetect-1 host:mec-south && ctl table set dev:car-1 facedetect-1 host:mec-south || quit "no rows"
check "table diff" 0 "dev:car-1  facedetect-1  host:cloud (operator)" table diff "$version" "$((version + 2))"
is "a row that has come" grep -q "^dev:car-9 *facedetect-1 *- *host:mec-south (operator)$" "$work/out"
check "table diff: to now" 0 "dev:car-9" table diff "$version"
check "table diff: the other way round" 0 "host:mec-south (operator)  -" table diff "$((version + 2))" "$version"
check "table diff --limit" 0 "UE" table diff "$version" --limit 1
is "one row" test "$(wc -l < "$work/out")" = 2
check "table diff: a version that is not there yet" 1 "'from'" table diff 999
moved() { ctl contexts list --device car-1 && grep -q mec-south "$work/out"; }
is "car-1 has followed its row" wait_for moved
check "rollback --dry-run" 0 "would change 2 rows, and move 1 of 1 contexts" table rollback "$version" --dry-run
is "which rows" grep -q "^dev:car-1 *facedetect-1 *host:mec-south (operator) *host:cloud (operator)$" "$work/out"
check "as JSON" 0 '"lookedAt": 1' table rollback "$version" --dry-run --output json
check "nothing was changed" 0 "TABLE VERSION  $((version + 2))" health
check "rollback" 0 "2 rows changed" table rollback "$version"
check "rollback --dry-run: no such version" 1 "the table is at version" table rollback 999 --dry-run

# Identifiers, as completion asks for them.
check "identifiers: hosts" 0 "mec-south" identifiers HOST
check "identifiers: targets" 0 "host:cloud" identifiers TARGET
check "identifiers: rows" 0 "dev:car-1" identifiers UE
check "identifiers: devices" 0 "car-1" identifiers DEVICE
check "identifiers: versions" 0 "1" identifiers VERSION
ctl completion bash && cp "$work/out" "$work/completion.bash"
complete_with() {
  PATH="$bin:$PATH" bash -c 'source "$0"; COMP_WORDS=(mx2ctl "$@"); COMP_CWORD=$#; _mx2ctl; echo "${COMPREPLY[*]}"' \
    "$work/completion.bash" "$@" > "$work/out"
}
complete_with hosts drain mec-s && is "bash completes a host" prints mec-south
complete_with hosts drain mec-south clo && is "and another" prints cloud
complete_with apps show face && is "an app" prints facedetect-1
complete_with table set dev:car-1 obj && is "an app behind a UE" prints objtrack-1
complete_with table unset dev : car && is "a UE, of which bash makes three words" prints "car-1 car-3"
complete_with table set dev : car-1 facedetect-1 host : mec-n && is "a target" prints mec-north
complete_with contexts list --host clo && is "the value of an option" prints cloud
complete_with contexts list --host=x --app obj && is "and of another" prints objtrack-1
complete_with hosts drain --wa && is "options all the same" prints --wait
complete_with --url http://127.0.0.1:1 hosts drain mec && is "nothing from a server that is away" prints ""
is "identifiers: nobody there" ctl identifiers HOST --url http://127.0.0.1:1
is_not "it says nothing" test -s "$work/err" -o -s "$work/out"

# SIGHUP.
echo first > "$work/reload.token"
start reloaded "token_file: $work/reload.token"
reload() { kill -HUP "${pids[-1]}"; wait_for grep -q "$1" "$work/reloaded.log"; }
check "the first token" 0 "ok" health --token-file "$work/reload.token"
cp "$work/reload.token" "$work/old.token"
echo second > "$work/reload.token"
is "SIGHUP: a token is changed" reload 'taken_over=operator.token_file'
check "the old one is refused" 1 "bearer token is needed" health --token-file "$work/old.token"
check "the new one is not" 0 "ok" health --token-file "$work/reload.token"
printf 'limits: {contexts_max: 1}\nhosts: {probe_period_ms: 3000}\nnotifier: {allow: [127.0.0.1]}\n' >> "$work/reloaded.yaml"
is "SIGHUP: a key that needs a restart is told" reload 'needs a restart.*key=hosts.probe_period_ms'
is "and what was taken over" grep -q 'taken_over="limits.contexts_max notifier.allow"' "$work/reloaded.log"
is "the limit holds" eval 'ask one && ! ask two'
sed -i 's/contexts_max: 1/contexts_max: 1000/; s/probe_period_ms: 3000/probe_perod_ms: 3000/' "$work/reloaded.yaml"
is "SIGHUP: a bad file says what is wrong and where" reload 'problem=.*reloaded.yaml:6:9.*did you mean .*hosts.probe_period_ms'
is_not "and nothing of it is taken over" ask two
"$bin/mx2-orchestrator" --config "$work/reloaded.yaml" --check-config > "$work/out" 2> "$work/err" && bad "--check-config judges alike" || ok "--check-config judges alike"
sed -i 's/probe_perod_ms/probe_period_ms/' "$work/reloaded.yaml"
is "SIGHUP: mended" reload 'taken_over=limits.contexts_max$'
is "what was changed counts" ask two
