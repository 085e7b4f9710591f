# Hosts, apps and packages. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start catalogue

# Hosts and apps.
check "hosts list" 0 "mec-north  up     North exchange" hosts list
is_not "no spaces at line ends" grep -q ' $' "$work/out"
check "hosts list as JSON" 0 '"id":"cloud"' hosts list --output json
is "it is an array" is_json 'len(d) == 3 and d[0]["labels"] == {"tier": "cloud"}'
check "hosts list as CSV" 0 "cloud,up,Regional cloud,region,tier=cloud,2,0," --output csv hosts list
is "all lines have the same columns" is_csv '{len(row) for row in d} == {12} and d[0][6] == "status.contexts"'
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
