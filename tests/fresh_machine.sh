#!/usr/bin/env bash
# Both of the README's commands on a machine with nothing on it: a minimal Debian root made by
# debootstrap from this machine's own apt sources, with a clone of HEAD in it.
#   tests/fresh_machine.sh [DIR]    needs root; DIR (default: the temporary directory) needs 6 GiB
# MX2_FRESH_COMMANDS replaces what runs inside, one command a line.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
commands="${MX2_FRESH_COMMANDS:-deploy/run.sh --smoke
tests/run.sh}"

fail() {
  echo "tests/fresh_machine.sh: $*" >&2
  exit 1
}

clean_up() {
  # Mounts live in a mount namespace of their own and are gone with it; this is for the case that
  # they are not, as rm must never walk into /dev.
  mountpoint -q "$machine/dev" && umount "$machine/dev"
  mountpoint -q "$machine/dev" || rm -rf --one-file-system "$machine"
}

# The address, suite and keyring of the first Debian or Ubuntu source, of either file format.
read_apt_source() {
  uri="" suite="" keyring=""
  local file line key value
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f "$file" && -z "$uri" ]] || continue
    line="$(grep -E '^deb .* main' "$file" | head -n 1)"
    keyring="$(sed -n 's/.*signed-by=\([^] ]*\).*/\1/p' <<<"$line")"
    read -r _ uri suite _ <<<"$(sed 's/\[[^]]*\]//' <<<"$line")"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -f "$file" && -z "$uri" ]] || continue
    grep -qE '^Components:.*\bmain\b' "$file" || continue
    while IFS=': ' read -r key value; do
      case "$key" in
        URIs) [[ -n "$uri" ]] || uri="${value%% *}" ;;
        Suites) [[ -n "$suite" ]] || suite="${value%% *}" ;;
        Signed-By) [[ -n "$keyring" ]] || keyring="$value" ;;
      esac
    done <"$file"
  done
  [[ -n "$uri" && -n "$suite" ]] || fail "no apt source found below /etc/apt"
}

use_apt_proxy() {
  local proxy
  proxy="$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null)"
  [[ -z "$proxy" || "$proxy" == DIRECT ]] || export http_proxy="${http_proxy:-$proxy}"
}

make_machine() {
  echo "Making a minimal $suite from $uri ..."
  local options=(--variant=minbase)
  [[ -f "$keyring" ]] && options+=(--keyring="$keyring")
  debootstrap "${options[@]}" "$suite" "$machine" "$uri" >"$log" 2>&1 \
    || { tail -n 20 "$log" >&2; fail "debootstrap failed"; }
  # The sources, proxies and keys of this machine.
  rm -rf "$machine/etc/apt"
  cp -a /etc/apt "$machine/etc/apt"
  mkdir -p "$machine/usr/share/keyrings"
  cp -a /usr/share/keyrings/. "$machine/usr/share/keyrings/"
  local file
  for file in resolv.conf hosts; do
    [[ -f "/etc/$file" ]] && cp -L "/etc/$file" "$machine/etc/$file"
  done
  git clone -q --no-hardlinks "$root" "$machine/mx2" || fail "cannot clone HEAD"
}

# Process and mount namespaces of their own: nothing started or mounted inside outlives this.
inside() {
  local environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    HOME=/root LANG=C.UTF-8 CI=true) name
  for name in http_proxy https_proxy no_proxy; do
    [[ -n "${!name:-}" ]] && environment+=("$name=${!name}")
  done
  unshare --mount --pid --fork --kill-child bash -c '
    mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" || exit 1
    exec chroot "$0" env -i "$@"' \
    "$machine" "${environment[@]}" bash -c "cd / && $1" </dev/null
}

[[ $EUID -eq 0 ]] || fail "needs root, for debootstrap and chroot"
for tool in debootstrap git unshare; do
  command -v "$tool" >/dev/null || fail "$tool is not installed"
done
[[ -z "$(git -C "$root" status --porcelain)" ]] || echo "Note: HEAD is tested; there are uncommitted changes."
machine="$(mktemp -d "${1:-${TMPDIR:-/tmp}}/mx2-fresh-XXXXXX")" || exit 1
log="$machine.log"
trap 'clean_up; rm -f "$log"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$machine"
read_apt_source
use_apt_proxy
make_machine
while IFS= read -r command; do
  echo "== $command"
  inside "/mx2/$command" || fail "$command failed on a fresh machine"
done <<<"$commands"
echo "Fresh machine: everything succeeded"
