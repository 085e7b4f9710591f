#!/usr/bin/env bash
# How long it takes from nothing to a λ's answer, in clean roots by debootstrap of Debian 12 and 13: from
# source, by the two commands of README, and from the packages that deploy/package.sh has made there.
#   tests/deploy/first_hour.sh [SUITE...]     default: bookworm trixie; a clone of HEAD is measured
# Needs root, a mirror, 6 GiB in TMPDIR, and the documented ports to be free. A suite that the mirror
# does not have is left out; 77 if all are. Times are printed at the end; exit status 1 on a failure.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
readonly limit_s=5400  # of one way, with two slow cores to build on
times="" failed=""

fail() {
  echo "tests/deploy/first_hour.sh: $*" >&2
  exit 1
}
# shellcheck source=tests/support/machine.sh
source "$root/tests/support/machine.sh"

# What runs inside; each prints "time SECONDS WHAT".
readonly from_source='
set -uo pipefail
cd /mx2
SECONDS=0
deploy/run.sh >/tmp/run.log 2>&1 &
until grep -q "Ctrl-C stops them" /tmp/run.log; do
  kill -0 $! 2>/dev/null || { cat /tmp/run.log; exit 1; }
  sleep 0.1
done
echo "time $SECONDS deploy/run.sh has installed, built and started the example city"
build/release/bin/mx2 run executor --device cam-1 --count 1 || exit 1
echo "time $SECONDS build/release/bin/mx2 run executor: a λ has answered"
kill -TERM $! && wait $! || exit 1   # INT is ignored by what runs in the background
deploy/packages.sh package && deploy/package.sh'

readonly from_packages='
set -uo pipefail
source /packages/units.sh
SECONDS=0
apt-get -q update >/tmp/apt.log 2>&1 && apt-get -q install -y /packages/mx2_*.deb >>/tmp/apt.log 2>&1 \
  || { tail -n 20 /tmp/apt.log; exit 1; }
echo "time $SECONDS apt-get update and install"
start_unit mx2-orchestrator || exit 1   # as systemd would have; nobody waits until it listens
mx2ctl demo load || exit 1
echo "time $SECONDS mx2ctl demo load"
start_unit mx2-mepm@local || exit 1     # sudo systemctl start mx2-mepm@local
mx2 run executor --device car-1 --count 1 || exit 1
echo "time $SECONDS mx2 run executor: a λ has answered"
stop_unit mx2-mepm@local && stop_unit mx2-orchestrator'

# new_machine SUITE: $machine.
new_machine() {
  machine="$(mktemp -d "${TMPDIR:-/tmp}/mx2-first-hour-XXXXXX")" || exit 1
  machines+=("$machine")
  chmod 755 "$machine"
  make_machine "$machine" "$1"
}

# measure SUITE WAY COMMANDS
measure() {
  local suite_and_way="$1, $2" log
  log="$(mktemp)"
  SECONDS=0
  echo "== $suite_and_way"
  if MX2_LIMIT_S=$limit_s inside "$machine" "$3" 2>&1 | tee "$log"; then
    times+="$(sed -n "s/^time \([0-9]*\) \(.*\)/$suite_and_way: \1 s  \2/p" "$log")"$'\n'
  else
    failed+=" ($suite_and_way, after $SECONDS s of at most $limit_s)"
  fi
  rm -f "$log"
}

clean_up() { for machine in "${machines[@]}"; do remove_machine "$machine"; done; }

[[ $EUID -eq 0 ]] || fail "needs root, for debootstrap and chroot"
for tool in debootstrap git unshare; do
  command -v "$tool" >/dev/null || fail "$tool is not installed: deploy/packages.sh package"
done
for port in 8080 8081 8082 8090 8091 8092; do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port is taken by another program"
done
[[ $# -gt 0 ]] || set -- bookworm trixie
machines=()
trap clean_up EXIT
trap 'exit 130' INT TERM
read_apt_source
use_apt_proxy
for of in "$@"; do
  if ! new_machine "$of"; then
    echo "SKIP $of: debootstrap could not make a root of it from $uri"
    continue
  fi
  git clone -q --no-hardlinks "$root" "$machine/mx2" || fail "cannot clone HEAD"
  built="$machine"
  measure "$of" "from source" "$from_source"
  ls "$built"/mx2/build/packages/*.deb >/dev/null 2>&1 || continue
  new_machine "$of" || fail "debootstrap failed the second time"
  mkdir "$machine/packages"
  cp "$built"/mx2/build/packages/*.deb "$root/tests/support/units.sh" "$machine/packages"
  measure "$of" "packages" "$from_packages"
done
[[ -n "$times$failed" ]] || exit 77
echo
printf '%s' "$times"
[[ -z "$failed" ]] || fail "failed:$failed"
