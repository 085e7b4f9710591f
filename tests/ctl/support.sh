# What the topics share: servers, and checks of what mx2ctl prints. Part of tests/ctl/ctl_test.sh.
# shellcheck shell=bash disable=SC2034,SC2154

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

# start NAME [OPERATOR_KEYS [OPERATOR_PORT]]: a server, else on free ports; its URLs go to $mx2 and $MX2_OPERATOR_URL.
start() {
  cat > "$work/$1.yaml" <<YAML
mx2: {address: 127.0.0.1, port: 0}
operator: {address: 127.0.0.1, port: ${3:-0}${2:+, $2}}
store: {path: $work/$1.sqlite}
content: $root/tests/support/two_apps.yaml
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
