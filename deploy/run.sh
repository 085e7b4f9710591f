#!/usr/bin/env bash
# Builds and starts the orchestrator, the Optimizer and three MEC hosts: see --help.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bin="$root/build/release/bin"
data="$PWD/data"
mx2_port=8080
operator_port=8081
optimizer_port=8082
mepm_port=8090
smoke=""
optimizer=yes
readonly hosts=(edge-north edge-south edge-west) me=deploy/run.sh
source "$root/deploy/demonstration.sh"
essential=orchestrator

usage() {
  cat <<END
usage: deploy/run.sh [--data DIR] [--mx2-port PORT] [--operator-port PORT] [--optimizer-port PORT]
                     [--mepm-port PORT] [--no-optimizer] [--smoke]

Installs what is missing with apt, builds, and starts mx2-orchestrator on an SQLite store that
begins with the example app, hosts and table of deploy/example/content.yaml, and mx2-optimizer with
the topology of deploy/example/city.yaml. Three MEC hosts of this machine, edge-north, edge-south
and edge-west, are served by a mx2-mepm each; the packages of the examples and of the dispatcher are
on-boarded. What ends unexpectedly is started again. Ctrl-C stops all.

  --data DIR            where the store, the configuration and the log are   (default ./data)
  --mx2-port PORT       interface of device applications; 0: any free port   (default 8080)
  --operator-port PORT  operator API, on 127.0.0.1; 0: any free port         (default 8081)
  --optimizer-port PORT health and metrics of the Optimizer; 0: any      (default 8082)
  --mepm-port PORT      of the first MEC host, the next two follow; 0: any   (default 8090)
  --no-optimizer        without mx2-optimizer, for a placement of one's own
  --smoke               runs the scripted demonstration on free ports and a temporary store
                        instead, and exits 0 or 1
END
}

read_arguments() {
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --help | -h) usage && exit 0 ;;
      --smoke) smoke=yes && shift && continue ;;
      --no-optimizer) optimizer="" && shift && continue ;;
      --data | --mx2-port | --operator-port | --optimizer-port | --mepm-port) [[ $# -gt 1 ]] || fail "$1 needs a value" ;;
      *) usage >&2 && exit 2 ;;
    esac
    case "$1" in
      --data) data="$2" ;;
      --mx2-port) mx2_port="$2" ;;
      --operator-port) operator_port="$2" ;;
      --optimizer-port) optimizer_port="$2" ;;
      --mepm-port) mepm_port="$2" ;;
    esac
    shift 2
  done
  local port
  for port in "$mx2_port" "$operator_port" "$optimizer_port" "$mepm_port"; do
    [[ "$port" =~ ^[0-9]{1,5}$ && 10#$port -le 65535 ]] || fail "'$port' is no port number"
  done
}

check_ports() {
  local number ports=("$mx2_port:--mx2-port" "$operator_port:--operator-port")
  [[ -z "$optimizer" ]] || ports+=("$optimizer_port:--optimizer-port")
  for number in "${!hosts[@]}"; do
    ports+=("$((mepm_port == 0 ? 0 : mepm_port + number)):--mepm-port")
  done
  require_ports "${ports[@]}"
}

write_config() {
  cat >"$data/orchestrator.yaml" <<END
# Written by deploy/run.sh at each start. All keys: deploy/example/orchestrator.yaml
mx2: {port: $mx2_port}
operator: {port: $operator_port}
store: {path: "$data/mx2.sqlite"}
content: "$root/deploy/example/content.yaml"
capacity: {idle_unknown_ms: 15000}        # a λ without statsPath can be replaced in seconds, not in ten minutes
notifier: {allow: [127.0.0.0/8, "::1"]}   # callbacks to this machine, to try them
END
}

stop() {
  stop_programs
  echo "Stopped; the store stays in $data"
  exit 0
}

leave() {
  abandon_programs
  [[ "$hosts_dir" == "$data" ]] || rm -rf "$hosts_dir"
}

start_orchestrator() {
  write_config
  launch orchestrator "$log" "$bin/mx2-orchestrator" --config "$data/orchestrator.yaml"
}

# Which ports it has got; it keeps them if it is started again.
learn_ports() {
  local ports
  ports="$(sed -n 's/.* listening mx2=[^ ]*:\([0-9]*\) operator=[^ ]*:\([0-9]*\) .*/\1 \2/p' "$log")"
  mx2_port="${ports% *}"
  operator_port="${ports#* }"
  mx2_url="http://localhost:$mx2_port"
  operator_url="http://127.0.0.1:$operator_port"
  curl -fsS --retry 5 "$operator_url/operator/v1/health" >/dev/null || fail "not healthy: see $log"
}

start() {
  trap stop INT TERM
  trap leave EXIT
  start_orchestrator || fail "the orchestrator did not start"
  learn_ports
  [[ -z "$optimizer" ]] || start_optimizer || fail "the Optimizer did not start"
  local host
  for host in "${hosts[@]}"; do
    start_mepm "$host" || fail "the MEPM of $host did not start"
  done
}

# As supervise wants it.
start_program() {
  case "$1" in
    orchestrator) start_orchestrator ;;
    optimizer) start_optimizer ;;
    *) start_mepm "${1#MEPM of }" ;;
  esac
}

# The file is written once: it is there to be edited, and is read again when it changes.
start_optimizer() {
  local config="$data/optimizer.yaml"
  [[ -f "$config" ]] || cat >"$config" <<END
# Written by deploy/run.sh, and yours to edit: it is read again when it changes, but for the two
# lines that deploy/run.sh sets at each start. All keys: deploy/example/optimizer.yaml
orchestrator: {url: ""}
server: {port: 0}
topology: {file: "$root/deploy/example/city.yaml"}
# All hosts are this machine: what else it does says nothing of the room that each has.
measurement: {background_percent_min: 100, memory_percent_max: 100}
END
  sed -i -e "s|^orchestrator: {url: .*}|orchestrator: {url: \"$operator_url\"}|" \
    -e "s|^server: {port: .*}|server: {port: $optimizer_port}|" "$config"
  launch optimizer "$data/optimizer.log" "$bin/mx2-optimizer" --config "$config"
}

# Started by root, λ are users of their own, who must be able to reach their folders.
choose_hosts_dir() {
  hosts_dir="$data"
  [[ $EUID -ne 0 ]] || setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$data" || {
    hosts_dir="$(mktemp -d /var/tmp/mx2-hosts.XXXXXX)" || fail "cannot make a folder for the MEC hosts"
    chmod 755 "$hosts_dir"
    echo "Others than root cannot reach $data: the MEC hosts keep their files in $hosts_dir meanwhile"
  }
}

number_of() {
  local number
  for number in "${!hosts[@]}"; do
    [[ "${hosts[number]}" != "$1" ]] || echo "$number"
  done
}

# A MEC host is a mx2-mepm; here all of them are this machine.
start_mepm() {
  local host="$1" number port=0 config="$data/$1.yaml"
  number="$(number_of "$host")"
  [[ "$mepm_port" == 0 ]] || port=$((mepm_port + number))
  cat >"$config" <<END
# Written by deploy/run.sh at each start. All keys: deploy/example/mepm.yaml
host: {id: $host, zone: ${host#edge-}}
server: {port: $port}
orchestrator: {url: "$operator_url", trusted_apps: [dispatcher-1]}
state_dir: "$hosts_dir/$host"
end_on_stop: true
process: {port_first: $((20000 + 1000 * number)), ports: 1000, uid_first: $((700000 + 1000 * number)), files_max: 8192}
END
  launch "MEPM of $host" "$data/$host.log" "$bin/mx2-mepm" --config "$config"
}

# Once; the store keeps them.
on_board_packages() {
  local package known
  known="$("$bin/mx2ctl" --url "$operator_url" packages list)"
  for package in "$root"/build/release/packages/*.zip; do
    grep -q " ${package##*/} \| $(basename "$package" .zip) " <<<"$known" && continue
    "$bin/mx2ctl" --url "$operator_url" packages onboard "$package" ||
      echo "deploy/run.sh: $package was not on-boarded" >&2
  done
}

print_invitation() {
  local mx2ctl="${bin/#$PWD\//}/mx2ctl --url $operator_url" picture="$root/deploy/example/faces.jpg"
  cat <<END

mx2-orchestrator${optimizer:+, mx2-optimizer} and three mx2-mepm are running; Ctrl-C stops them.
  Mx2            $mx2_url/dev_app/v1     (V1.1.1 dialect: /mx2/v1, OpenAPI: /openapi.yaml)
  operator API   $operator_url/operator/v1   (metrics: ${operator_url}/metrics)
${optimizer:+  Optimizer      $data/optimizer.yaml, read again when it changes
}  store and logs $data

Ask for an application context, as the device application car-1 would. The first instance of a λ is
started for it:

  curl -i $mx2_url/dev_app/v1/app_contexts -H 'Content-Type: application/json' -d '{
    "associateDevAppId": "car-1",
    "appInfo": {"appName": "facedetect", "appProvider": "Example", "appDVersion": "1.0",
                "userAppInstanceInfo": [{}]}}'

Its referenceURI is where to send a picture to:

  curl -H 'Content-Type: image/jpeg' --data-binary @${picture/#$PWD\//} REFERENCE_URI

Look at the table, ask why car-1 is sent where it is, and send it elsewhere:

  $mx2ctl table list
  $mx2ctl explain dev:car-1 facedetect-1
  $mx2ctl table set dev:car-1 facedetect-1 host:edge-west

${optimizer:+See what the Optimizer thinks of it:

  $mx2ctl optimizer status
  $mx2ctl optimizer explain car-1 facedetect-1
  $mx2ctl table history

}Call it once a second. In another terminal send it elsewhere, and see the calls follow:

  ${bin/#$PWD\//}/mx2 --url $mx2_url run facedetect --device cam-1 --payload @${picture/#$PWD\//} --answers
  $mx2ctl table set dev:cam-1 facedetect-1 host:edge-west
  $mx2ctl instances
  $mx2ctl packages list
  $mx2ctl hosts list

Have its calls dispatched, by dispatchers that are started where the UEs are; the client follows:

  $mx2ctl apps strategy facedetect-1 dispatching
END
}

read_arguments "$@"
[[ -n "$smoke" ]] || check_ports  # before the minutes that a build may take, and after it
"$root/deploy/packages.sh" build || fail "some packages are missing"
"$root/deploy/build.sh" release mx2_programs || exit 1
if [[ -n "$smoke" ]]; then
  exec "$root/deploy/smoke.sh" "$bin"
fi
check_ports
mkdir -p "$data" || fail "cannot make the directory $data"
data="$(cd "$data" && pwd)"
log="$data/orchestrator.log"
choose_hosts_dir
start
on_board_packages
print_invitation
supervise
