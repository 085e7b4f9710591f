# shellcheck shell=bash disable=SC2154 # me: who sources it
# What the demonstrations share: ports that must be free, programs that come up, and come up again when
# they end. Sourced; who sources it defines start_program NAME, which calls launch, and may set essential.
readonly patience_s=60 stop_s=30 calm_s=10 restarts_max=3
declare -A pid_of=() log_of=() started_at=() restarts=()
essential=""  # names of programs without which the rest is ended
ended=""      # set when it is to end

fail() {
  echo "$me: $*" >&2
  exit 1
}

say() { echo "$me: $*" >&2; }

# "NAME, process PID" of who listens on a port, where ss says so: of another user's it says nothing.
holder_of() {
  ss -Hltnp "sport = :$1" 2>/dev/null |
    sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1
}

# port_problem PORT:[OPTION]: what is wrong with using the port; nothing if it is free, or 0.
port_problem() {
  local port="${1%%:*}" option="${1#*:}" holder
  [[ "$port" != 0 ]] || return 0
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
  holder="$(holder_of "$port")"
  echo "port $port is taken by ${holder:-another program}${option:+; choose one with $option PORT (0: any free port)}"
}

# require_ports PORT:[OPTION]...: tells all that are taken, and ends if there are any. The option is the
# one by which another port is chosen.
require_ports() {
  local each problem taken=""
  for each in "$@"; do
    problem="$(port_problem "$each")"
    [[ -z "$problem" ]] || { say "$problem" && taken=yes; }
  done
  [[ -z "$taken" ]] || fail "nothing was started"
}

# wait_until SECONDS WHAT COMMAND...: until the command succeeds; what it waits for is said after two
# seconds, and that it was in vain in the end.
wait_until() {
  local limit="$1" what="$2" begin=$SECONDS told=""
  shift 2
  until "$@"; do
    [[ $((SECONDS - begin)) -lt $limit ]] || { say "waited $limit s in vain for $what" && return 1; }
    [[ -n "$told" || $((SECONDS - begin)) -lt 2 ]] || { told=yes && say "waiting for $what ..."; }
    sleep 0.05
  done
}

is_running() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

has_settled() { grep -q 'listening ' "${log_of[$1]}" || ! is_running "$1"; }

# launch NAME LOG COMMAND...: in the background, until it listens. The log of the run before is kept.
launch() {
  local name="$1" log="$2"
  shift 2
  [[ ! -s "$log" ]] || mv -f "$log" "$log.before"
  : >"$log"
  "$@" >"$log" 2>&1 &
  pid_of[$name]=$!
  log_of[$name]="$log"
  started_at[$name]=$SECONDS
  wait_until "$patience_s" "$name to listen (log: $log)" has_settled "$name" || return 1
  is_running "$name" || { say "$name did not start: $(tail -n 3 "$log")" && return 1; }
}

how_it_ended() { if [[ $1 -gt 128 ]]; then echo "killed by signal $(($1 - 128))"; else echo "exit status $1"; fi; }

# Started again, unless it ends again and again; then the rest goes on without it, if it can.
revive() {
  local name="$1" status
  wait "${pid_of[$name]}"
  status=$?
  [[ $((SECONDS - ${started_at[$name]})) -lt $calm_s ]] || restarts[$name]=0
  restarts[$name]=$((${restarts[$name]:-0} + 1))
  if [[ ${restarts[$name]} -le $restarts_max ]]; then
    say "$name ended unexpectedly ($(how_it_ended $status)); it is started again"
    start_program "$name" && say "$name is back"
    return
  fi
  say "$name ends again and again ($(how_it_ended $status)): $(tail -n 3 "${log_of[$name]}")"
  [[ " $essential " != *" $name "* ]] || fail "nothing goes on without it"
  unset "pid_of[$name]"
  say "the rest goes on without $name"
}

# Until Ctrl-C.
supervise() {
  local name
  while true; do
    sleep 1 &
    wait $!
    for name in "${!pid_of[@]}"; do
      is_running "$name" || revive "$name"
    done
  done
}

still_running() {
  local name
  for name in "${!pid_of[@]}"; do
    if is_running "$name"; then echo "$name"; fi
  done
}

all_ended() { [[ -z "$(still_running)" ]]; }

kill_the_rest() {
  local name
  for name in $(still_running); do
    say "$name (process ${pid_of[$name]}, log: ${log_of[$name]}) does not end, and is killed"
    kill -KILL "${pid_of[$name]}" 2>/dev/null
  done
}

# The ways out: Ctrl-C, which waits for all, and any other end, which does not.
stop_programs() {
  trap '' INT TERM
  echo
  echo "Stopping ..."
  kill -TERM "${pid_of[@]}" 2>/dev/null
  wait_until "$stop_s" "$(still_running | xargs) to end" all_ended || kill_the_rest
  wait "${pid_of[@]}"
  ended=yes
}

abandon_programs() { [[ -n "$ended" || ${#pid_of[@]} -eq 0 ]] || kill "${pid_of[@]}" 2>/dev/null; }
