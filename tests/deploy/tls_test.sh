#!/usr/bin/env bash
# HTTPS through the shipped HAProxy configuration: works, refuses TLS 1.1, hands on the client's
# address, and is not stopped by a client that never finishes its handshake.
# usage: tests/deploy/tls_test.sh BIN_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "$1" && pwd)
command -v haproxy >/dev/null || { echo "SKIP: haproxy is not installed"; exit 77; }
work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
finish() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
passed=0
ok() { passed=$((passed + 1)); echo "ok   $1"; }
die() { echo "FAIL $1"; cat "$work"/*.log; echo "$passed passed, 1 failed"; exit 1; }
free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
wait_for() { for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; return 1; }

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
  -keyout "$work/key" -out "$work/cert" 2>/dev/null
cat "$work/cert" "$work/key" > "$work/server.pem"
plain=$(free_port); tls=$(free_port); operator=$(free_port)
cat > "$work/mx2.yaml" <<YAML
mx2: {address: 127.0.0.1, port: $plain, public_url: "https://localhost:$tls", trusted_proxies: ["127.0.0.1"]}
operator: {port: $operator}
store: {path: $work/mx2.sqlite}
content: $root/tests/support/two_apps.yaml
YAML
"$bin/mx2-orchestrator" --config "$work/mx2.yaml" 2> "$work/mx2.log" & pids+=($!)
MX2_TLS_PEM=$work/server.pem MX2_TLS_BIND=127.0.0.1:$tls MX2_BACKEND=127.0.0.1:$plain \
  haproxy -f "$root/deploy/tls/haproxy.cfg" > "$work/haproxy.log" 2>&1 & pids+=($!)
list=https://localhost:$tls/dev_app/v1/app_list
get() { curl -sf --cacert "$work/cert" --max-time 5 "$@"; }
wait_for get "$list" || die "no answer over HTTPS"
get "$list" | grep -q '"appList"' && ok "app_list over HTTPS" || die "app_list over HTTPS"

! curl -s --cacert "$work/cert" --tlsv1.0 --tls-max 1.1 --max-time 5 "$list" >/dev/null 2>&1 \
  && ok "TLS 1.1 is refused" || die "TLS 1.1 is refused"

body='{"associateDevAppId":"d1","appInfo":{"appName":"facedetect","appProvider":"Example","appDVersion":"1.0","userAppInstanceInfo":[{}]}}'
made=$(get -i -X POST -H 'Content-Type: application/json' -H 'X-Forwarded-For: 192.0.2.7' -d "$body" \
  "https://localhost:$tls/dev_app/v1/app_contexts")
grep -qi "^location: https://localhost:$tls/dev_app/v1/app_contexts/" <<< "$made" \
  && ok "Location says https" || die "Location says https"
curl -sf "http://127.0.0.1:$operator/operator/v1/contexts" | grep -q '"clientIp":"127.0.0.1"' \
  && ok "the proxy's word counts, not the client's" || die "the proxy's word counts, not the client's"

exec 3<> "/dev/tcp/127.0.0.1/$tls"
get "$list" >/dev/null && ok "a silent client stops nobody" || die "a silent client stops nobody"
exec 3>&-
echo "$passed passed, 0 failed"
