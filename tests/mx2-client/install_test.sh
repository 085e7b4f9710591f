#!/usr/bin/env bash
# The client library as others find it: installed, built against with CMake and with pkg-config, and
# run against an orchestrator; and mx2 on a terminal.
# usage: tests/mx2-client/install_test.sh BUILD_DIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
prefix=$work/prefix
pids=()
# shellcheck disable=SC2317
finish() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
passed=0
failed=0
ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1"; sed 's/^/     /' "$work/out" "$work/err" | tail -20; }
quit() { echo "FAIL $1"; cat "$work"/*.log; echo "$passed passed, $((failed + 1)) failed"; exit 1; }
wait_for() { for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; return 1; }

# check TITLE STATUS TEXT COMMAND...: TEXT must be part of what it prints.
check() {
  local title=$1 status=$2 text=$3 got=0
  shift 3
  "$@" > "$work/out" 2> "$work/err" || got=$?
  if [[ $got == "$status" ]] && grep -qF -- "$text" "$work/out" "$work/err"; then
    ok "$title"
  else
    bad "$title (status $got, wanted $status and '$text')"
  fi
}
is() { local title=$1; shift; if "$@" > "$work/out" 2> "$work/err"; then ok "$title"; else bad "$title"; fi; }

# A λ on a free port that answers each POST with what it was sent, if that begins with "bytes", else with
# the media type and size of it; its address goes to $work/NAME.port.
lambda() {
  python3 - "$work/$1.port" << 'PY' & pids+=($!)
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body[:5] != b"bytes":
            body = f"{self.headers['Content-Type']} {len(body)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1] + ".new", "w").write(f"127.0.0.1:{server.server_port}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
PY
  wait_for test -s "$work/$1.port" || quit "the λ does not start"
}

start_orchestrator() {
  cat > "$work/config.yaml" << YAML
mx2: {address: 127.0.0.1, port: 0}
operator: {address: 127.0.0.1, port: 0}
store: {path: $work/mx2.sqlite}
content: $root/tests/support/two_apps.yaml
YAML
  "$prefix/bin/mx2-orchestrator" --config "$work/config.yaml" 2> "$work/server.log" & pids+=($!)
  wait_for grep -q ' listening ' "$work/server.log" || quit "the server does not start"
  MX2_URL=http://$(sed -n 's/.* listening mx2=\([^ ]*\) .*/\1/p' "$work/server.log")
  MX2_OPERATOR_URL=http://$(sed -n 's/.* operator=\([^ ]*\) .*/\1/p' "$work/server.log")
  export MX2_URL MX2_OPERATOR_URL
}

contexts() { "$prefix/bin/mx2ctl" contexts list --output json; }

is "installation" cmake --install "$build" --prefix "$prefix"
libdir=$(dirname "$(find "$prefix" -name 'libmx2-client.so')")
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
is "the programs are there" test -x "$prefix/bin/mx2" -a -x "$prefix/bin/mx2ctl"
is "there are two public headers, and no others" \
  test "$(cd "$prefix/include" && find . -type f | sort | tr '\n' ' ')" = "./mx2/client.h ./mx2/domains.h "
nm -DC --defined-only "$libdir/libmx2-client.so" | sed 's/^[^ ]* *[A-Za-z] //' > "$work/symbols"
is "the library shows its public names" grep -q 'mx2::client::Client::open' "$work/symbols"
is "and no others" test -z "$(grep -v '^mx2::client::' "$work/symbols")"

is "the example with CMake: configure" cmake -S "$root/mx2-client/example" -B "$work/example" \
  -DCMAKE_PREFIX_PATH="$prefix"
is "the example with CMake: build" cmake --build "$work/example"
# The prefix of this test is not the configured one.
flags=$(pkg-config --cflags --libs mx2-client)
is "the example with pkg-config" g++ -std=c++20 -Wall -Wextra -Wpedantic -Werror \
  "$root/mx2-client/example/follow.cpp" $flags -o "$work/follow"

lambda first
lambda second
start_orchestrator
for host in mec-north mec-south; do
  port=$(cat "$work/$([[ $host == mec-north ]] && echo first || echo second).port")
  echo "- {id: $host, instances: [{appDId: facedetect-1, referenceURI: 'http://$port/facedetect'}]}"
done > "$work/hosts.yaml"
"$prefix/bin/mx2ctl" hosts put "$work/hosts.yaml" > /dev/null
first=http://$(cat "$work/first.port")/facedetect
second=http://$(cat "$work/second.port")/facedetect

picture=$root/deploy/example/faces.jpg
check "the example, built with CMake" 0 "200 by $second" "$work/example/follow" "$picture" "$MX2_URL" 1
check "the example, built with g++" 0 "200 by $second" "$work/follow" "$picture" "$MX2_URL" 1
check "the example without a picture" 2 "usage: follow PICTURE" "$work/follow"
check "its context is gone" 0 "[]" contexts

mx2=$prefix/bin/mx2
check "mx2 apps" 0 "facedetect  Example   1.0" "$mx2" apps
check "mx2 apps --name" 0 "objtrack" "$mx2" apps --name objtrack --output json
is "it lists no other" test "$(grep -c appDId "$work/out")" = 1
check "mx2 run" 0 "3 calls, 0 failed, p50" \
  "$mx2" run facedetect --payload hello --every 10ms --count 3
is "a line for each call" "$mx2" run facedetect --payload hello --every 10ms --count 3
is "with status and endpoint" test "$(grep -c "^..:..:..\....  200 .*  $second\$" "$work/out")" = 3
check "mx2 run --device" 0 "$first" \
  "$mx2" run facedetect --device car-1 --payload hello --every 10ms --count 1
for channel in events callback polling; do
  check "mx2 run --channel $channel" 0 "($channel)" "$mx2" run facedetect --channel $channel \
    --payload "@$work/hosts.yaml" --every 200ms --count 2
done
check "mx2 run --output json" 0 '"event":"summary"' "$mx2" run facedetect --every 10ms --count 1 \
  --output json
check "mx2 run --answers" 0 "$second  image/jpeg" "$mx2" run facedetect --payload "@$picture" --count 1 --answers
check "mx2 run --answers: as JSON" 0 '"answer":"text/plain 5"' "$mx2" run facedetect --payload hello --content-type \
  text/plain --count 1 --answers --output json
printf 'bytes\0\033' > "$work/bytes"
check "mx2 run --answers: what is no text" 0 "\\x00\\x1b" "$mx2" run facedetect --payload "@$work/bytes" --count 1 --answers
printf 'bytes%05000d' 7 > "$work/bytes"
check "mx2 run --answers: long ones are cut" 0 "000…" "$mx2" run facedetect --payload "@$work/bytes" --count 1 --answers
check "mx2 run: unknown application" 1 "no application 'nosuch' is on offer" "$mx2" run nosuch
check "mx2 run: payload that is not there" 2 "cannot be read" "$mx2" run facedetect --payload @/none
check "mx2: misspelt command" 2 "did you mean 'apps'?" "$mx2" app
check "mx2: bad URL" 2 "no http or https URL" "$mx2" --url localhost apps
check "mx2: nobody there" 3 "cannot connect: Connection refused" "$mx2" --url http://127.0.0.1:1 apps

# Ctrl-C ends a run with its summary and the deletion of the context.
"$mx2" run facedetect --every 20ms > "$work/run.txt" 2>&1 & run=$!
wait_for grep -q ' 200 ' "$work/run.txt" || bad "mx2 run makes no calls"
check "a context while it runs" 0 "contextId" contexts
kill -INT "$run"
is "mx2 run ends well at Ctrl-C" wait "$run"
check "with a summary" 0 "calls, 0 failed" cat "$work/run.txt"
check "and without its context" 0 "[]" contexts

"$mx2" watch facedetect > "$work/watch.txt" 2>&1 & run=$!
wait_for grep -q 'channel events' "$work/watch.txt" || bad "mx2 watch says no channel"
id=$(sed -n 's/.* context //p' "$work/watch.txt")
is "the context is deleted behind its back" curl -fsS -X DELETE \
  "$MX2_URL/dev_app/v1/app_contexts/$id"
is "mx2 watch says that it has another one" wait_for grep -q 'made again' "$work/watch.txt"
kill -TERM "$run"
is "mx2 watch ends well at SIGTERM" wait "$run"
check "no context is left" 0 "[]" contexts

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
