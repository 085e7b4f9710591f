# Starts what units of systemd say where no systemd runs, as in a chroot: their ExecStartPre and
# ExecStart, as their user, in their working directory. Part of the scripts that source it.
# shellcheck shell=bash

units=/usr/lib/systemd/system
declare -A unit_pid=()

# unit_value UNIT KEY: of mx2-mepm@local, say, with its instance.
unit_value() {
  local file="$units/$1.service" instance=""
  [[ "$1" != *@* ]] || { file="$units/${1%@*}@.service" instance="${1#*@}"; }
  sed -n "s/^$2=//p" "$file" | sed "s/%i/$instance/g"
}

# start_unit UNIT: as systemctl start does for Type=exec: returns when its program has been started,
# whether it listens or not. Its log is /tmp/UNIT.log.
start_unit() {
  local unit="$1" user state as=()
  user="$(unit_value "$unit" User)"
  state="/var/lib/$(unit_value "$unit" StateDirectory)"
  install -d -o "${user:-root}" -g "${user:-root}" -m "$(unit_value "$unit" StateDirectoryMode)" "$state"
  [[ -z "$user" ]] || as=(setpriv --reuid "$user" --regid "$user" --init-groups)
  # shellcheck disable=SC2046
  (cd "$(unit_value "$unit" WorkingDirectory)" \
    && "${as[@]}" $(unit_value "$unit" ExecStartPre)) || return 1
  # shellcheck disable=SC2046
  (cd "$(unit_value "$unit" WorkingDirectory)" && umask "$(unit_value "$unit" UMask | grep . || echo 0022)" \
    && exec "${as[@]}" $(unit_value "$unit" ExecStart)) >"/tmp/$unit.log" 2>&1 &
  unit_pid[$unit]=$!
}

# await_unit UNIT: until it listens.
await_unit() {
  for _ in $(seq 600); do
    grep -q ' listening ' "/tmp/$1.log" && return 0
    kill -0 "${unit_pid[$1]}" 2>/dev/null || break
    sleep 0.05
  done
  cat "/tmp/$1.log" >&2
  return 1
}

run_unit() { start_unit "$1" && await_unit "$1"; }

stop_unit() {
  kill -TERM "${unit_pid[$1]}" && wait "${unit_pid[$1]}"
}
