# An example that is loaded and taken away. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start demo
mkdir -p "$work/demo"
python3 - "$work/demo" <<'PY'
import json, sys, zipfile
for name in ("first", "second"):
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.zip", "w") as z:
        z.writestr("appd.json", json.dumps({
            "appDId": f"{name}-1", "appName": name, "appProvider": "Example", "appSoftVersion": "1.0",
            "appDVersion": "1.0", "mecVersion": ["2.2.1"], "appDescription": "Says hello",
            "mx2Process": {"command": ["bin/hello"], "readyPath": "/"}}))
PY
cat > "$work/demo/demo.yaml" <<'YAML'
packages: [{file: first.zip, app: first-1}, {file: second.zip, app: second-1}]
apps:
  - {appDId: plain-1, appName: plain, appProvider: P, appSoftVersion: "1", appDVersion: "1", appDescription: d}
hosts:
  - {id: here, name: This machine, instances: [{appDId: plain-1, referenceURI: "http://127.0.0.1:9/plain"}]}
table:
  - {ue: "*", app: first-1, targets: ["host:here"], writer: optimizer}
  - {ue: "dev:car-1", app: plain-1, targets: ["host:here"], writer: operator}
next: |
  Now look at it.
YAML
for list in hosts apps packages table; do "$bin/mx2ctl" $list list --output csv > "$work/$list.before"; done

check "demo load" 0 "demo package first-1: on-boarded" demo load "$work/demo/demo.yaml"
is "each thing" test "$(grep -c '^demo ' "$work/out")" = 6
is "and what to do next" grep -qx "Now look at it." "$work/out"
check "the host is there" 0 "This machine" hosts list
check "so is the row" 0 "dev:car-1" table list --app plain-1
code=$(curl -s -o "$work/answer" -w '%{http_code}' "$mx2/dev_app/v1/app_contexts" -H 'Content-Type: application/json' -d '{
  "associateDevAppId": "car-1", "appInfo": {"appName": "plain", "appProvider": "P", "appDVersion": "1",
  "userAppInstanceInfo": [{}]}}')
is "Mx2 answers with it" test "$code" = 201
ctl table set dev:car-1 plain-1 endpoint:http://127.0.0.1:10/other
check "demo load again changes nothing" 0 "demo row (dev:car-1, plain-1): is there already" demo load "$work/demo/demo.yaml"
check "what the operator has set stays" 0 "127.0.0.1:10/other" table list --app plain-1
check "demo load as JSON" 0 '"id":"host here"' demo load "$work/demo/demo.yaml" --output json
is "one list, and nothing else" is_json 'len(d) == 6 and {e["result"] for e in d} == {"is there already"}'

check "demo remove" 0 "demo package second-1: deleted" demo remove "$work/demo/demo.yaml"
for list in hosts apps packages table; do
  "$bin/mx2ctl" $list list --output csv > "$work/$list.after"
  is "$list are as before" cmp "$work/$list.before" "$work/$list.after"
done
check "its contexts have ended" 0 "[]" contexts list --output json
check "demo remove again" 0 "demo app plain-1: is not there" demo remove "$work/demo/demo.yaml"

# What holds it is waited for, and then told.
ctl demo load "$work/demo/demo.yaml"
printf '{"id": "other", "instances": [{"appDId": "first-1", "referenceURI": "http://127.0.0.1:9/first"}]}' > "$work/other.json"
ctl hosts put "$work/other.json"
check "demo remove: an instance elsewhere" 1 "there are instances of its app" demo remove "$work/demo/demo.yaml" --wait 0.3
is "the rest is gone" test "$(grep -c ': deleted' "$work/out")" = 3
ctl hosts delete other
check "demo remove: the rest of it" 0 "demo package first-1: deleted" demo remove "$work/demo/demo.yaml"

# Files that are wrong.
sed 's/app: second-1}/app: third-1}/' "$work/demo/demo.yaml" > "$work/demo/other.yaml"
check "demo load: a package of another app" 1 "is of app 'second-1' and not of 'third-1'" demo load "$work/demo/other.yaml"
ctl packages disable second-1 && ctl packages delete second-1
ctl demo remove "$work/demo/demo.yaml"
sed 's/second.zip/none.zip/' "$work/demo/demo.yaml" > "$work/demo/other.yaml"
check "demo load: no such package" 2 "none.zip" demo load "$work/demo/other.yaml"
ctl demo remove "$work/demo/demo.yaml"
sed 's/targets:/target:/' "$work/demo/demo.yaml" > "$work/demo/other.yaml"
check "demo load: the place of an error" 2 "other.yaml:7:" demo load "$work/demo/other.yaml"
echo "hsots: []" > "$work/demo/other.yaml"
check "demo load: no such section" 2 "did you mean 'hosts'?" demo load "$work/demo/other.yaml"
check "demo load: no such file" 2 "none.yaml" demo load "$work/demo/none.yaml"
check "demo load: nobody there" 3 "Connection refused" demo load "$work/demo/demo.yaml" --url http://127.0.0.1:1 --wait 0.3
is "it waited, and said so once" test "$(grep -c '^waiting: ' "$work/err")" = 1

# What has just been started: an orchestrator that does not listen, a host without a MEPM.
# run_first TITLE STATUS ARGUMENT...: mx2 run of the first application, one call.
run_first() {
  local title=$1 status=$2 got=0
  shift 2
  "$bin/mx2" --url "$mx2" run first --count 1 "$@" > "$work/out" 2> "$work/err" || got=$?
  is "$title" test "$got" = "$status"
}
later=http://127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$bin/mx2ctl" demo load "$work/demo/demo.yaml" --url "$later" > "$work/loaded" 2> "$work/loading" & loader=$!
is "demo load waits" wait_for grep -q '^waiting: ' "$work/loading"
start later "" "${later##*:}"
is "for an orchestrator that comes up" wait "$loader"
is "and loads" grep -q "demo host here: created" "$work/loaded"
run_first "mx2 run: no host can serve it" 1 --wait 0
is "it says so" grep -qx "mx2: no MEC host can serve this application for this UE now" "$work/err"
is "at once" test "$(wc -l < "$work/err")" = 1
run_first "mx2 run waits for one, but not for ever" 1 --wait 0.3
is "it says so once" test "$(grep -c '^waiting: ' "$work/err")" = 1
"$bin/mx2" --url "$mx2" run first --count 1 > "$work/called" 2> "$work/calling" & caller=$!
is "mx2 run waits" wait_for grep -q '^waiting: no MEC host' "$work/calling"
printf '{"id": "here", "instances": [{"appDId": "first-1", "referenceURI": "http://127.0.0.1:9/first"}]}' > "$work/here.json"
ctl hosts put "$work/here.json"
wait "$caller" || true  # nobody listens at port 9
is "for a host that comes up" grep -q "open .*first at http://127.0.0.1:9/first" "$work/called"
