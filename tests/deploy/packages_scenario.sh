#!/usr/bin/env bash
# The life of the packages within a clean Debian root: part of tests/deploy/packages_test.sh, which puts
# an older version of them below /packages/old, the newest below /packages/new, and a store of the first
# schema at /packages/first.sqlite.
#   packages_scenario.sh install       with a network, for what the packages depend on
#   packages_scenario.sh live          without
set -uo pipefail
# shellcheck source=tests/support/units.sh
source /packages/units.sh
passed=0 failed=0
out=/tmp/out
wants=/etc/systemd/system/multi-user.target.wants

is() {
  local title="$1"
  shift
  if "$@" >"$out" 2>&1; then
    passed=$((passed + 1)) && echo "ok   $title"
  else
    failed=$((failed + 1)) && echo "FAIL $title" && sed 's/^/     /' "$out" | tail -n 20
  fi
}
not() { ! "$@"; }
is_not() { local title="$1"; shift; is "$title" not "$@"; }
# prints TEXT COMMAND...: which succeeds, too.
prints() {
  local text="$1" said
  shift
  said="$("$@" 2>&1)" || { echo "$said"; return 1; }
  echo "$said"
  grep -qF -- "$text" <<<"$said"
}
says() { local title="$1"; shift; is "$title" prints "$@"; }
owner_is() { [[ "$(stat -c '%U:%G %a' "$2")" == "$1" ]] || { stat -c '%U:%G %a' "$2"; return 1; }; }
apt_install() { apt-get -q install -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@"; }
no_access_for_others() { [[ "$(stat -c %a "$1")" == *0 ]]; }
version_is() { [[ "$(dpkg-query -W -f '${Version}' mx2)" == "$1"* ]]; }
list_of() { mx2ctl "$@" --output json; }
runs() { mx2 run executor --device car-1 --count 2 --every 20ms; }
# with_systemd UNITS COMMAND...: where systemd seems to run, and these units do. What it is asked goes
# to /tmp/asked.
with_systemd() {
  local active="$1" status=0
  shift
  mkdir -p /run/systemd/system /usr/local/sbin
  tr ' ' '\n' <<<"$active" >/tmp/running
  : >/tmp/asked
  echo 'DPkg::Path "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";' >/etc/apt/apt.conf.d/99stubs
  printf '#!/bin/sh\necho "$@" >>/tmp/asked\n' >/usr/local/sbin/deb-systemd-invoke
  cat >/usr/local/sbin/systemctl <<'STUB'
#!/bin/sh
case " $* " in *" list-units "*) ;; *) exit 0 ;; esac
while [ "$1" != list-units ]; do shift; done
shift
while read -r unit; do
  for pattern; do case "$unit" in $pattern) echo "$unit loaded active running" ;; esac; done
done </tmp/running
STUB
  chmod 755 /usr/local/sbin/deb-systemd-invoke /usr/local/sbin/systemctl
  "$@" || status=$?
  rm -r /etc/apt/apt.conf.d/99stubs /run/systemd/system /usr/local/sbin/deb-systemd-invoke /usr/local/sbin/systemctl
  return $status
}
# asked LINE...: of systemd, and nothing else.
asked() { diff <(printf '%s\n' "$@") /tmp/asked; }
stop_all() { is "mx2-mepm ends well" stop_unit mx2-mepm@local; is "mx2-orchestrator ends well" stop_unit mx2-orchestrator; }

step_install() {
  apt-get -q update >/dev/null 2>&1
  says "installation prints the next step" "mx2ctl demo load" apt_install /packages/old/*.deb
  is "what example λ load" apt-get -q install -y --no-install-recommends \
    $(dpkg-query -W -f '${Recommends}' mx2 | tr ',' '\n' | sed 's/ *(.*//' | xargs)
}

looks_right() {
  is "its user" getent passwd mx2
  is "state is its user's alone" owner_is "mx2:mx2 750" /var/lib/mx2
  is "configuration is root's" owner_is "root:root 644" /etc/mx2/orchestrator.yaml
  is "the orchestrator is enabled" test -L /etc/systemd/system/multi-user.target.wants/mx2-orchestrator.service
  is_not "nobody else is" test -e /etc/systemd/system/multi-user.target.wants/mx2-optimizer.service
  for program in mx2-orchestrator mx2-optimizer mx2-notifier mx2-mepm mx2-dispatcher mx2ctl mx2 mx2-emulator; do
    says "$program" "." "$program" --version
    is "  has a man page" test -s "$(ls /usr/share/man/man?/"$program".?.gz)"
  done
  for name in orchestrator optimizer notifier mepm-local; do
    [[ $name == notifier ]] || is "/etc/mx2/$name.yaml" "mx2-${name%-local}" --config "/etc/mx2/$name.yaml" --check-config
  done
  is "bash completes" bash -n /usr/share/bash-completion/completions/mx2ctl
  says "the library is found" libmx2-client.so.0 /sbin/ldconfig -p
}

demo_answers() {
  says "mx2ctl demo load, just started" "demo host local: created" mx2ctl demo load
  says "it may be done again" "is there already" mx2ctl demo load
  for list in "hosts list" "apps list" "packages list" "table list"; do
    # shellcheck disable=SC2086
    says "mx2ctl $list is not empty" '{"' list_of $list
  done
  says "a device application sees them" "executor " mx2 apps
  is "a MEC host: mx2-mepm@local" start_unit mx2-mepm@local
  says "a λ answers" "2 calls, 0 failed" runs
}

upgrade() {
  echo "# by the administrator" >>/etc/mx2/orchestrator.yaml
  is "upgrade" with_systemd "mx2-mepm@local.service mx2-orchestrator.service" apt_install /packages/new/*.deb
  is "  restarts what ran" asked "restart mx2-orchestrator.service" "restart mx2-mepm@local.service"
  is_not "to a newer version" version_is 0.0.9
  is "the administrator's configuration stays" grep -q "by the administrator" /etc/mx2/orchestrator.yaml
  is_not "that of nobody is the new one" grep -q "of an older package" /etc/mx2/optimizer.yaml
  is "state is its user's alone, still" owner_is "mx2:mx2 750" /var/lib/mx2
  is "starts" run_unit mx2-orchestrator
  says "with its rows" '"ue":"dev:car-1"' list_of table list
  is "its MEC host" start_unit mx2-mepm@local
  says "and its λ" "2 calls, 0 failed" runs
  says "mx2ctl demo remove" "demo package executor-1: deleted" mx2ctl demo remove
  says "it leaves nothing" "[]" list_of packages list
  stop_all
}

migrates() {
  rm -rf /var/lib/mx2/mx2.sqlite*
  is "a store of the first schema" install -o mx2 -g mx2 -m 600 /packages/first.sqlite /var/lib/mx2/mx2.sqlite
  is "is opened by the new release" run_unit mx2-orchestrator
  says "with all it has" '"ue":"dev:old"' list_of table list
  says "and nothing set aside" '"status": "ok"' mx2ctl health --output json
  is "ends well" stop_unit mx2-orchestrator
}

leaves() {
  is "removal" with_systemd "mx2-orchestrator.service" apt-get -q remove -y mx2
  is "  stops the orchestrator" grep -qx "stop mx2-orchestrator.service" /tmp/asked
  is_not "the programs are gone" test -e /usr/bin/mx2-orchestrator
  is "the store stays" test -s /var/lib/mx2/mx2.sqlite
  is "the configuration stays" test -s /etc/mx2/orchestrator.yaml
  says "installed again, it prints the next step" "mx2ctl demo load" with_systemd "" apt_install /packages/new/mx2_*.deb
  is "  and starts" asked "start mx2-orchestrator.service"
  is "  and is enabled" test -L "$wants/mx2-orchestrator.service"
  is "it finds its store" run_unit mx2-orchestrator
  says "with its rows, again" '"ue":"dev:old"' list_of table list
  is "ends well, again" stop_unit mx2-orchestrator
  touch /etc/mx2/token
  for unit in mx2-optimizer mx2-notifier mx2-mepm@; do ln -s "$units/$unit.service" "$wants/${unit/@/@local}.service"; done
  is "purge" apt-get -q purge -y mx2 libmx2-client0 libmx2-client-dev mx2-emulator
  for path in /var/lib/mx2 /var/lib/mx2-mepm-local /etc/mx2 /usr/share/mx2 /usr/share/doc/mx2 \
    "$wants"/mx2-{orchestrator,optimizer,notifier,mepm@local}.service \
    /etc/systemd/system/mx2-orchestrator.service /usr/lib/libmx2-client.so.0; do
    is_not "  no $path is left" test -e "$path" -o -L "$path"
  done
  is_not "  dpkg knows none of them" grep -qE '^Package: (lib)?mx2' /var/lib/dpkg/status
}

case "${1:-}" in
  install) step_install ;;
  live)
    looks_right
    is "mx2-orchestrator starts as its unit says" start_unit mx2-orchestrator
    demo_answers
    is "its store is nobody else's" no_access_for_others /var/lib/mx2/mx2.sqlite
    stop_all
    upgrade
    migrates
    leaves
    ;;
  *) exit 2 ;;
esac
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
