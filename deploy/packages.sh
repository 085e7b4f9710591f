#!/usr/bin/env bash
# Installs the Debian packages that are missing, with sudo when not root.
#   deploy/packages.sh build        what deploy/run.sh needs
#   deploy/packages.sh build test   and what tests/run.sh needs
#   deploy/packages.sh package      and what deploy/package.sh needs, and tests of its packages
# "a|b" is whichever exists on this release; "|-" marks what we can do without.

MX2_PACKAGES_build="g++ cmake ninja-build pkg-config ccache|- curl ca-certificates
  libpistache-dev libcurl4-openssl-dev libc-ares-dev libssl-dev nlohmann-json3-dev libspdlog-dev libsqlitecpp-dev
  libsqlite3-dev libcli11-dev libyaml-cpp-dev prometheus-cpp-dev libgeos-dev libjwt-dev libcsv-dev
  liblemon-dev libfmt-dev libarchive-dev zip haproxy
  libopencv-objdetect-dev opencv-data libturbojpeg0-dev"
MX2_PACKAGES_test="dpkg-dev file catch2 wrk faketime python3 python3-venv python3-jsonschema python3-yaml
  python3-openapi-spec-validator|- python3-matplotlib python3-scipy iproute2 git openssl jq sqlite3 shellcheck
  prometheus libglpk-dev clang clang-format clang-tidy libclang-rt-dev|libclang-rt-14-dev|-"
MX2_PACKAGES_package="dpkg-dev file lintian man-db debootstrap"

mx2_is_installed() {
  [[ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]
}

mx2_is_available() {
  # Not piped: grep -q leaves early, and under pipefail apt-cache would seem to have failed.
  grep -q 'Candidate: [^(]' <<<"$(apt-cache policy "$1" 2>/dev/null)"
}

# Entries of which no alternative is installed.
mx2_missing() {
  local entry name
  for entry in "$@"; do
    for name in ${entry//|/ }; do mx2_is_installed "$name" && continue 2; done
    echo "$entry"
  done
}

# The first alternative of an entry that apt knows; nothing when it is optional and unknown.
mx2_choose() {
  local name
  for name in ${1//|/ }; do
    [[ "$name" != - ]] || return 0
    mx2_is_available "$name" && echo "$name" && return 0
  done
  echo "This release has no package ${1//|/ or }." >&2
  return 1
}

mx2_apt() {
  local sudo=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "Run as root, or install sudo." >&2; return 1; }
    sudo=(sudo)
  fi
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" \
    </dev/null
}

# Runs apt quietly; its words are shown when it fails.
mx2_apt_quiet() {
  local log
  log="$(mktemp)"
  if mx2_apt "$@" >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  echo "apt-get $1 failed." >&2
  return 1
}

# mx2_disable SERVICE: of a package that was installed for its programs alone. It would listen.
mx2_disable() {
  local sudo=()
  [[ $EUID -eq 0 ]] || sudo=(sudo)
  if [[ -d /run/systemd/system ]]; then
    "${sudo[@]}" systemctl disable --now "$1"
  else
    "${sudo[@]}" update-rc.d "$1" disable
    "${sudo[@]}" service "$1" stop
  fi >/dev/null 2>&1 </dev/null
  return 0
}

# mx2_install SET...
mx2_install() {
  local set entry name missing chosen="" entries=""
  for set in "$@"; do
    name="MX2_PACKAGES_$set"
    entries+=" ${!name}"
  done
  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: install these yourself, if the build asks for them:$entries" >&2
    return 0
  fi
  missing="$(mx2_missing $entries)"
  # Optional packages alone are no reason to bother apt.
  grep -qv -e '|-$' -e '^$' <<<"$missing" || return 0
  echo "Reading the package lists ..."
  mx2_apt_quiet update || echo "Going on with the package lists as they are." >&2
  for entry in $missing; do
    name="$(mx2_choose "$entry")" || return 1
    chosen+=" $name"
  done
  echo "Installing $(wc -w <<<"$chosen") packages (once; a few minutes on a fresh machine):"
  echo $chosen | fold -s -w 90 | sed 's/^/  /'
  mx2_apt_quiet install -y --no-install-recommends $chosen || return 1
  [[ " $chosen " != *" prometheus "* ]] || mx2_disable prometheus  # port 9090 of all addresses
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
  set -uo pipefail
  [[ $# -gt 0 ]] || set -- build
  for given in "$@"; do
    [[ "$given" =~ ^(build|test|package)$ ]] || { echo "usage: $0 [build] [test] [package]" >&2; exit 2; }
  done
  mx2_install "$@"
fi
