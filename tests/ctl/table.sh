# Rows one by one, which of them wins, contexts, health. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

start table

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
