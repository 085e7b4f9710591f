#!/usr/bin/env bash
# mx2ctl against a running mx2-orchestrator: every command, the exit statuses, import and export.
# usage: tests/ctl_test.sh BIN_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "$1" && pwd)
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
finish() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
passed=0
failed=0
ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() {
  failed=$((failed + 1))
  echo "FAIL $1"
  sed 's/^/     stdout: /' "$work/out" | head -20
  sed 's/^/     stderr: /' "$work/err" | head -20
}
quit() { echo "FAIL $1"; cat "$work"/*.log; echo "$passed passed, $((failed + 1)) failed"; exit 1; }
wait_for() { for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; return 1; }

# start NAME [OPERATOR_KEYS]: a server on free ports; its URLs go to $mx2 and $MX2_OPERATOR_URL.
start() {
  cat > "$work/$1.yaml" <<YAML
mx2: {address: 127.0.0.1, port: 0}
operator: {address: 127.0.0.1, port: 0${2:+, $2}}
store: {path: $work/$1.sqlite}
content: $root/deploy/example/content.yaml
YAML
  "$bin/mx2-orchestrator" --config "$work/$1.yaml" 2> "$work/$1.log" & pids+=($!)
  wait_for grep -q ' listening ' "$work/$1.log" || quit "the server does not start"
  mx2=http://$(sed -n 's/.* listening mx2=\([^ ]*\) .*/\1/p' "$work/$1.log")
  MX2_OPERATOR_URL=http://$(sed -n 's/.* operator=\([^ ]*\) .*/\1/p' "$work/$1.log")
  export MX2_OPERATOR_URL
}

ctl() { "$bin/mx2ctl" "$@" > "$work/out" 2> "$work/err"; }
# check TITLE STATUS TEXT ARGUMENT...: runs mx2ctl; TEXT must be part of what it prints.
check() {
  local title=$1 status=$2 text=$3 got=0
  shift 3
  ctl "$@" || got=$?
  if [[ $got == "$status" ]] && grep -qF -- "$text" "$work/out" "$work/err"; then
    ok "$title"
  else
    bad "$title (status $got, wanted $status and '$text')"
  fi
}
# is TITLE COMMAND...
is() { local title=$1; shift; if "$@" > "$work/is" 2>&1; then ok "$title"; else bad "$title"; cat "$work/is"; fi; }
is_not() { local title=$1; shift; if "$@" > "$work/is" 2>&1; then bad "$title"; else ok "$title"; fi; }
prints() { [[ $(cat "$work/out") == "$1" ]]; }
is_json() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' "$work/out" "$1"; }
is_csv() { python3 -c 'import csv,sys; d=list(csv.reader(open(sys.argv[1],newline=""))); assert eval(sys.argv[2]), d' "$work/out" "$1"; }

unset MX2_OPERATOR_TOKEN
start main

# Hosts and apps.
check "hosts list" 0 "mec-north  up     North exchange" hosts list
is_not "no spaces at line ends" grep -q ' $' "$work/out"
check "hosts list as JSON" 0 '"id":"cloud"' hosts list --output json
is "it is an array" is_json 'len(d) == 3 and d[0]["labels"] == {"tier": "cloud"}'
check "hosts list as CSV" 0 "cloud,up,Regional cloud,region,tier=cloud,2" --output csv hosts list
is "all lines have the same columns" is_csv '{len(row) for row in d} == {6}'
check "hosts list --limit" 0 "mec-north" hosts list --limit 2
is "two hosts" test "$(wc -l < "$work/out")" = 3
check "hosts show" 0 "http://10.0.2.10:9000/facedetect" hosts show mec-south
check "hosts show as JSON" 0 '"zone": "south"' hosts show mec-south --output json
check "hosts show: unknown" 1 "mx2ctl: no host 'nowhere'" hosts show nowhere

cat > "$work/hosts.yaml" <<'YAML'
- id: mec-west
  name: Büro 東京
  instances: [{appDId: facedetect-1, referenceURI: "http://10.0.3.10/fd"}]
- {id: mec-east, zone: east}
YAML
check "hosts put: YAML list" 0 "host mec-west: created" hosts put "$work/hosts.yaml"
check "hosts put again" 0 "host mec-east: updated" hosts put "$work/hosts.yaml"
check "wide characters" 0 "mec-west   up     Büro 東京       -" hosts list
check "hosts cordon" 0 "host mec-east: cordoned" hosts cordon mec-east
check "it is cordoned" 0 "cordoned" hosts show mec-east
check "hosts uncordon" 0 "host mec-east: uncordoned" hosts uncordon mec-east mec-west
check "hosts delete" 0 "host mec-east: deleted" hosts delete mec-east
check "hosts delete: in use" 1 "of the table point to this host" hosts delete cloud
check "hosts delete goes on" 1 "host mec-west: deleted" hosts delete nowhere mec-west
check "hosts cordon: unknown" 1 "no host 'nowhere'" hosts cordon nowhere
printf -- '- id: a\n- id: b\n  stat: up\n' > "$work/bad.yaml"
check "hosts put: the place of an error" 2 "bad.yaml:3:3: stat" hosts put "$work/bad.yaml"
check "and nothing was put" 1 "no host 'a'" hosts show a
printf 'id: a\n---\nid: b\n' > "$work/two.yaml"
check "hosts put: a second document" 2 "two.yaml:2:1: a second document" hosts put "$work/two.yaml"
printf '[{"id": "a"}, {"id": "b", "zone": 3}]' > "$work/bad.json"
check "hosts put: the pointer in JSON" 2 "bad.json: /1/zone" hosts put "$work/bad.json"
check "hosts put: no such file" 2 "cannot be opened" hosts put "$work/none.yaml"
check "hosts put: a folder" 2 "cannot be read" hosts put "$work"

check "apps list" 0 "objtrack-1    objtrack    Example" apps list
check "apps show" 0 "Follows an object" apps show objtrack-1
app='{"appDId":"odd, app","appName":"odd","appProvider":"P","appSoftVersion":"1","appDVersion":"1","appDescription":"d"}'
ctl apps put - <<< "$app" && ok "apps put: JSON on stdin" || bad "apps put: JSON on stdin"
is "app created" prints "app odd, app: created"
ctl apps put - --output json <<< "$app" && is "results as JSON" is_json 'd == [{"id": "odd, app", "result": "updated"}]'
check "apps show: an odd name" 0 "odd, app" apps show "odd, app"
check "apps delete" 0 "deleted" apps delete "odd, app"
check "apps show: unknown" 1 "no app 'odd, app'" apps show "odd, app"

# On-boarded applications of the ETSI MEC Sandbox.
cat > "$work/onboarded-demo4.json" <<'JSON'
{"appList": [
  {"appInfoList": [{"appDId": "onboarded-demo4", "appName": "onboarded-demo4", "appProvider": "ETSI",
     "appSoftVersion": "v0.1.0", "appDVersion": "v0.1.0", "appDescription": "Basic HTTP Ping Pong",
     "appLocation": [{"area": null, "civicAddressElement": null, "countryCode": "33"}],
     "appCharcs": [{"memory": 1024, "latency": 50, "serviceCont": 0}],
     "cmd": "/onboardedapp-vol/onboarded-demo4", "args": null}],
   "vendorSpecificExt": {"vendorId": "ETSI"}},
  {"appInfoList": [{"appDId": "onboarded-demo5", "appName": "demo5", "appProvider": "ETSI",
     "appSoftVersion": "1", "appDVersion": "1", "appDescription": "Another"}]}]}
JSON
check "apps import --dry-run" 0 "onboarded-demo4: would be created" apps import --dry-run "$work/onboarded-demo4.json"
check "and nothing was done" 1 "no app" apps show onboarded-demo4
check "apps import: what is left out is told" 0 "/appList/0/appInfoList/0: not used: cmd" apps import "$work/onboarded-demo4.json"
is "every entry" prints "app onboarded-demo4: created
app onboarded-demo5: created"
check "the vendor, and appCharcs of a list" 0 '"latency": 50' apps show onboarded-demo4 --output json
is "the vendor" is_json 'd["vendorSpecificExt"] == {"vendorId": "ETSI"} and "appLocation" not in d'
check "apps strategy of one" 0 "strategy baseline" apps strategy onboarded-demo5 baseline
check "apps import again" 0 "onboarded-demo5: unchanged" apps import "$work/onboarded-demo4.json"
sed -i 's/Another/Something else/' "$work/onboarded-demo4.json"
check "apps import of a change" 0 "onboarded-demo5: updated" apps import "$work/onboarded-demo4.json"
check "what the operator decided stays" 0 '"strategy": "baseline"' apps show onboarded-demo5 --output json
check "apps import: one app twice" 2 "/appList/0/appInfoList/0/appDId: app 'onboarded-demo4' is in" apps import "$work/onboarded-demo4.json" "$work/onboarded-demo4.json"
sed 's/"memory": 1024/"memory": "much"/' "$work/onboarded-demo4.json" > "$work/bad-demo.json"
check "apps import: the place of an error" 2 "bad-demo.json: /appList/0/appInfoList/0/appCharcs/0/memory" apps import "$work/bad-demo.json"
check "apps import: another kind of file" 2 "hosts.yaml" apps import "$work/hosts.yaml"
check "apps import: clean up" 0 "deleted" apps delete onboarded-demo4 onboarded-demo5

# Packages.
cat > "$work/appd.json" <<'JSON'
{"appDId": "hello-1", "appName": "hello", "appProvider": "Example", "appSoftVersion": "1.0", "appDVersion": "1.0",
 "mecVersion": ["2.1.1"], "appDescription": "Says hello", "mx2Process": {"command": ["bin/hello"], "readyPath": "/"}}
JSON
python3 - "$work" <<'PY'
import sys, zipfile
for name, member in (("hello", "appd.json"), ("empty", "other")):
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.zip", "w") as z:
        z.write(sys.argv[1] + "/appd.json", member)
PY
check "packages list: none" 0 "PACKAGE" packages list
check "packages onboard: a file" 0 "on-boarded, app hello-1" packages onboard "$work/hello.zip"
check "packages onboard: again" 0 "on-boarded, app hello-1" packages onboard "$work/hello.zip"
check "packages list" 0 "ONBOARDED" packages list
is "one package" test "$(wc -l < "$work/out")" = 2
check "packages list as JSON" 0 '"appDId":"hello-1"' packages list --output json
check "packages show: by app" 0 "hello-1" packages show hello-1
check "it is in the catalogue" 0 "Says hello" apps show hello-1
check "packages onboard: no descriptor" 1 "the package has no appd.json" packages onboard "$work/empty.zip"
check "packages list: why not" 0 "CREATED: no-descriptor" packages list
check "packages onboard: a wrong digest" 1 "the SHA-256 of the content is" packages onboard "$work/hello.zip" --name other --sha256 "$(printf 'a%.0s' {1..64})"
check "packages onboard: no digest" 2 "64 hexadecimal digits" packages onboard "$work/hello.zip" --sha256 abc
check "packages onboard: no such file" 2 "cannot be read" packages onboard "$work/none.zip"
check "packages onboard: nobody there" 3 "mx2ctl: " packages onboard http://127.0.0.1:1/x.zip
check "packages onboard: from a source" 1 "the SHA-256 of the content is" packages onboard "$mx2/openapi.yaml" --sha256 "$(printf 'a%.0s' {1..64})"
check "packages onboard: no package there" 1 "archive" packages onboard "$mx2/openapi.yaml"
check "packages delete: enabled" 1 "disable it first" packages delete hello-1
check "packages disable" 0 "package hello-1: disabled" packages disable hello-1
check "packages disable: again" 1 "disabled already" packages disable hello-1
check "packages enable" 0 "package hello-1: enabled" packages enable hello-1
ctl packages disable hello-1
check "packages delete" 0 "package hello-1: deleted" packages delete hello-1
check "packages show: gone" 1 "no on-boarded package of app 'hello-1'" packages show hello-1
check "and its app" 1 "no app 'hello-1'" apps show hello-1

# Rows one by one.
check "table list" 0 "dev:car-1       facedetect-1  host:mec-north host:cloud" table list
check "table list --app" 0 "objtrack-1" table list --app objtrack-1
is "one row" test "$(wc -l < "$work/out")" = 2
check "table set" 0 "row (dev:x, facedetect-1): set" \
  table set dev:x facedetect-1 host:mec-south endpoint:http://10.9.9.9/ --reason 'a "why", perhaps'
check "table list --ue" 0 'a "why", perhaps' table list --ue dev:x
check "table set: a prefix in any spelling" 0 "row (ip:10.1.2.3, facedetect-1): set" \
  table set ip:10.1.2.3/32 facedetect-1 host:cloud --writer optimizer
check "table list --ue: likewise" 0 "ip:10.1.2.3  facedetect-1  host:cloud  optimizer" table list --ue ip:10.1.2.3/32
check "table unset" 0 "row (ip:10.1.2.3, facedetect-1): removed" table unset ip:10.1.2.3/32 facedetect-1
check "table unset: no such row" 1 "no row (ip:10.1.2.3, facedetect-1)" table unset ip:10.1.2.3 facedetect-1
check "table set: unknown host" 1 "host 'nowhere' is not known" table set '*' facedetect-1 host:nowhere
check "table set: bad target" 2 "is no target" table set '*' facedetect-1 cloud
check "table set: bad selector" 2 "is no UE selector" table set car facedetect-1 host:cloud

# Which row wins.
check "explain: the device's row" 0 "names the device itself" explain car-1 facedetect-1
check "explain: the longest prefix" 0 "longest prefix that holds 127.0.0.1" explain y facedetect-1 --ip 127.0.0.1
check "explain: ip:" 0 "mec-south" explain ip:127.0.0.1 facedetect-1
check "explain: the last resort" 0 "Row * decides" explain '*' facedetect-1
ctl hosts cordon mec-north
check "explain: every step" 0 "host:mec-north  host is cordoned" explain dev:car-1 facedetect-1
is "and the choice" grep -q "target number 2" "$work/out"
check "explain as JSON" 0 '"verdict": "chosen"' explain car-1 facedetect-1 --output json
check "explain as CSV" 0 "dev:car-1,host:cloud,chosen" explain car-1 facedetect-1 --output csv
ctl hosts cordon cloud
check "explain: nothing can" 1 "Nothing can serve facedetect-1 for device car-1" explain car-1 facedetect-1
ctl hosts uncordon cloud mec-north
check "explain: unknown app" 1 "no app 'nope'" explain car-1 nope
check "explain: no address" 1 "is no IP address" explain car-1 facedetect-1 --ip nonsense

# Contexts.
for device in car-1 car-2; do
  curl -sf -o /dev/null -H 'Content-Type: application/json' "$mx2/dev_app/v1/app_contexts" -d '{"associateDevAppId":"'$device'","appInfo":{"appName":"facedetect","appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}}'
done
check "contexts list" 0 "dev:car-1" contexts list
check "contexts list --device" 0 "mec-south" contexts list --device car-2
is "one context" test "$(wc -l < "$work/out")" = 2
check "contexts list --host" 0 "mec-north" contexts list --host mec-north --app facedetect-1 --output json
context=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[0]["contextId"])' "$work/out")
check "contexts delete" 0 "context $context: ended" contexts delete "$context"
check "contexts delete: gone" 1 "mx2ctl: context $context: " contexts delete "$context"

check "health" 0 "CONTEXTS       1" health
check "health as JSON" 0 '"status": "ok"' health --output json
check "health as CSV" 0 "status,version,tableVersion" health --output csv
check "metrics" 0 "# TYPE mx2_table_rows gauge" metrics

# Import and export.
python3 - "$work" <<'PY'
import csv, random, sys
random.seed(7)
reasons = ["", "plain", 'said "no", twice', " edges ", "two\nlines", "naïve 東京 🚗", ",,,", '"', "a\r\nb"]
rows = []
for i in range(20000):
    ue = [f"dev:ue-{i}", f"dev:odd, \"{i}\"", f"ip:10.{i >> 16}.{i >> 8 & 255}.{i & 255}"][i % 3]
    targets = random.choice(["host:cloud", "host:mec-north host:cloud", "endpoint:http://[::1]:9/a,b"])
    rows.append([ue, random.choice(["facedetect-1", "objtrack-1"]), targets,
                 random.choice(["operator", "optimizer"]), random.choice(reasons)])
with open(sys.argv[1] + "/rows.csv", "w", newline="", encoding="utf-8") as f:
    w = csv.writer(f)
    w.writerow(["ue", "app", "targets", "writer", "reason"])
    w.writerows(rows)
PY
same_rows() { python3 - "$1" "$2" <<'PY'
import csv, sys
a, b = ([tuple(r) for r in csv.reader(open(p, newline="", encoding="utf-8"))] for p in sys.argv[1:])
assert len(b) == 20001 and a[0] == b[0] and sorted(a) == sorted(b)
PY
}
clear_table() {
  ctl table export "$work/all.ndjson" &&
    sed 's/^{/{"remove":true,/' "$work/all.ndjson" > "$work/remove.ndjson" &&
    ctl table import "$work/remove.ndjson"
}
is "clear the table" clear_table
check "import: 20000 rows of CSV" 0 "20000 rows imported in" table import "$work/rows.csv"
is "no progress without a terminal" test ! -s "$work/err"
check "export: CSV" 0 "20000 rows exported in" table export "$work/one.csv"
is "the same rows come back" same_rows "$work/rows.csv" "$work/one.csv"
check "export: NDJSON" 0 "20000 rows exported in" table export "$work/one.ndjson"
clear_table
check "the table is empty" 0 "ROWS           0" health
check "import: NDJSON, odd batches, progress" 0 "20000 rows imported" table import "$work/one.ndjson" --batch 777 --progress
check "export again" 0 "exported" table export "$work/two.csv"
is "byte for byte the same" cmp "$work/one.csv" "$work/two.csv"
clear_table
ctl table import - --format csv < "$work/two.csv" && ok "import: stdin" || bad "import: stdin"
check "export: stdout" 0 '"ue":"dev:ue-0"' table export - --format ndjson
is "byte for byte the same" cmp "$work/out" "$work/one.ndjson"
check "export --app" 0 "exported" table export "$work/some.csv" --app objtrack-1
is "only that app" test "$(grep -c objtrack-1 "$work/some.csv")" = "$(grep -c '"app":"objtrack-1"' "$work/one.ndjson")"
check "table list as CSV imports as well" 0 "updated" table list --output csv
mv "$work/out" "$work/list.csv"
check "its version and time are read over" 0 "20000 rows" table import "$work/list.csv"
check "table list as JSON" 0 '"ue":"dev:ue-0"' table list --output json
is "all pages" is_json 'len(d) == 20000'
check "table list --limit over a page" 0 "ue,app" table list --output csv --limit 1500
is "1500 rows" is_csv 'len(d) == 1501'
check "import: two lines for one row" 0 "2 rows" table import --format csv /dev/stdin < <(printf 'ue,app,targets\ndev:z,objtrack-1,host:cloud\ndev:z,objtrack-1,host:mec-north\n')
check "the later one counts" 0 "host:mec-north" table list --ue dev:z

# Bad lines.
head -n 12000 "$work/one.ndjson" > "$work/bad.ndjson"
echo '{"ue":"nobody","app":"objtrack-1","targets":["host:cloud"]}' >> "$work/bad.ndjson"
check "import: a bad line" 1 "bad.ndjson:12001: ue: 'nobody' is no UE selector" table import "$work/bad.ndjson" || true
is "how many were applied" grep -q "10000 rows were applied before" "$work/err"
printf 'ue,app,targets\n*,objtrack-1,host:cloud\n\n"dev:\nz",objtrack-1,host:cloud\n' > "$work/bad.csv"
check "import: a bad record over two lines" 1 "bad.csv:4: " table import "$work/bad.csv"
printf 'ue,app,targets\n*,objtrack-1,host:cloud\n*,facedetect-1,host:nowhere\n' > "$work/bad.csv"
check "import: what only the server knows" 1 "bad.csv:3: row (*, facedetect-1): host 'nowhere' is not known (0 rows" table import "$work/bad.csv"
printf 'ue,app,targets\n*,"objtrack-1,host:cloud\n' > "$work/bad.csv"
check "import: a quote without end" 1 "bad.csv:2: a quoted field has no end" table import "$work/bad.csv"
printf 'ue,app,target\n' > "$work/bad.csv"
check "import: a misspelt column" 1 "did you mean 'targets'?" table import "$work/bad.csv"
check "import: which format?" 2 "say --format" table import "$work/main.log"
check "import: no such file" 2 "cannot be opened" table import "$work/none.csv"
check "import: too many at once" 1 "more than 20000 rows in one patch" table import --batch 1000000 \
  <(cat "$work/one.ndjson"; echo '{"ue":"*","app":"objtrack-1","targets":["host:cloud"]}') --format ndjson
check "export: no such folder" 2 "cannot be written" table export "$work/none/x.csv"
is "no rest of an export" test -z "$(find "$work" -name '*.part')"

# Output that cannot be written.
"$bin/mx2ctl" table list 2> "$work/err" | head -n 1 > "$work/out"
is "a closed pipe is no failure" test "${PIPESTATUS[0]}$(wc -c < "$work/err")" = 00
code=0; "$bin/mx2ctl" hosts list > /dev/full 2> "$work/err" || code=$?
is "a full disk is" test "$code" = 1 -a -s "$work/err"

# Completion.
for shell in bash zsh fish; do
  check "completion $shell" 0 "uncordon" completion "$shell"
  cp "$work/out" "$work/completion.$shell"
  command -v "$shell" > /dev/null || { echo "SKIP: $shell is not installed"; continue; }
  is "its syntax" "$shell" -n "$work/completion.$shell"
done
complete_bash() {
  bash -c 'source "$0"; COMP_WORDS=(mx2ctl "$@"); COMP_CWORD=$#; _mx2ctl; echo "${COMPREPLY[*]}"' \
    "$work/completion.bash" "$@" > "$work/out"
}
complete_bash hosts unc && is "bash completes a command" prints uncordon
complete_bash --url http://x hosts sh && is "after a global option" prints show
complete_bash table import --format "" && is "bash completes a choice" prints "csv ndjson"
complete_bash table list --ap && is "bash completes an option" prints --app
if command -v fish > /dev/null; then
  HOME=$work fish -c "source $work/completion.fish; complete -C 'mx2ctl --url x hosts unc'" > "$work/out" 2>&1
  is "fish completes a command" grep -q "^uncordon" "$work/out"
fi

# The optimizer, asked itself at the address that the orchestrator knows of it.
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
curl -sf -o /dev/null -H 'Content-Type: application/json' "$mx2/dev_app/v1/app_contexts" -d '{"associateDevAppId":"opt-1","appInfo":{"appName":"facedetect","appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}}'
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
check "optimizer: named" 1 "no resource at" optimizer status --optimizer-url "$mx2"
kill "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
check "optimizer: it has gone" 1 "no optimizer leads" optimizer status

# Usage, tokens, servers that are not there.
check "no command" 2 "a command is missing: hosts, apps" 
check "a misspelt command" 2 "did you mean 'hosts'?" hsots list
check "a missing argument" 2 "ID is required" hosts show
check "a bad choice" 2 "not in {table,json,csv}" health --output xml
check "help" 0 "Exit status" --help
check "version" 0 "." --version
check "not http" 2 "must begin with http://" health --url ftp://x
check "nobody there" 3 "Failed to connect" health --url http://127.0.0.1:1
check "no such name" 3 "resolve" health --url http://nowhere.invalid
check "another kind of server" 1 "no resource at" health --url "$mx2"

echo secret > "$work/token"
start guarded "token_file: $work/token"
check "without a token" 1 "bearer token is needed" health
check "--token-file" 0 "ok" health --token-file "$work/token"
MX2_OPERATOR_TOKEN=secret check "token in the environment" 0 "ok" health
MX2_OPERATOR_TOKEN=wrong check "the wrong token" 1 "bearer token is needed" health
check "no token file" 2 "no token can be read" health --token-file "$work/none"
kill -9 "${pids[-1]}"; wait "${pids[-1]}" 2>/dev/null || true
check "a server that has gone" 3 "mx2ctl: " table import "$work/one.csv" --token-file "$work/token"

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
