# Machines with nothing on them: minimal Debian roots made by debootstrap from this machine's own apt
# sources, and commands in them. Needs root. Part of the scripts that source it, which have fail().
# shellcheck shell=bash

read_list() {
  local line
  line="$(grep -E '^deb .* main' "$1" | head -n 1)"
  keyring="$(sed -n 's/.*signed-by=\([^] ]*\).*/\1/p' <<<"$line")"
  read -r _ uri suite _ <<<"$(sed 's/\[[^]]*\]//' <<<"$line")"
}

read_deb822() {
  local key value
  grep -qE '^Components:.*\bmain\b' "$1" || return 0
  while IFS=': ' read -r key value; do
    case "$key" in
      URIs) [[ -n "$uri" ]] || uri="${value%% *}" ;;
      Suites) [[ -n "$suite" ]] || suite="${value%% *}" ;;
      Signed-By) [[ -n "$keyring" ]] || keyring="$value" ;;
    esac
  done <"$1"
}

# The address, suite and keyring of the first Debian or Ubuntu source, of either file format. Others'
# are usually in sources.list.d/*.list, so these come last.
read_apt_source() {
  uri="" suite="" keyring=""
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
    [[ -f "$file" && -z "$uri" ]] || continue
    if [[ "$file" == *.sources ]]; then read_deb822 "$file"; else read_list "$file"; fi
  done
  [[ -n "$uri" && -n "$suite" ]] || fail "no apt source found below /etc/apt"
}

use_apt_proxy() {
  local proxy
  proxy="$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null)"
  [[ -z "$proxy" || "$proxy" == DIRECT ]] || export http_proxy="${http_proxy:-$proxy}"
}

# make_machine DIR [SUITE]: a minimal root in DIR; of this machine's suite, with all of its apt
# sources, or of another one of the same archive. Needs read_apt_source. Returns 1 if that fails, and
# says why.
make_machine() {
  local machine="$1" of="${2:-$suite}" options=(--variant=minbase) file
  [[ -f "$keyring" ]] && options+=(--keyring="$keyring")
  debootstrap "${options[@]}" "$of" "$machine" "$uri" >"$machine.log" 2>&1 \
    || { tail -n 20 "$machine.log" >&2; rm -f "$machine.log"; return 1; }
  rm -f "$machine.log"
  # The sources, proxies and keys of this machine.
  rm -rf "$machine/etc/apt"
  cp -a /etc/apt "$machine/etc/apt"
  mkdir -p "$machine/usr/share/keyrings"
  cp -a /usr/share/keyrings/. "$machine/usr/share/keyrings/"
  if [[ "$of" != "$suite" ]]; then
    rm -f "$machine"/etc/apt/sources.list.d/*
    echo "deb${keyring:+ [signed-by=$keyring]} $uri $of main" >"$machine/etc/apt/sources.list"
  fi
  for file in resolv.conf hosts; do
    [[ -f "/etc/$file" ]] && cp -L "/etc/$file" "$machine/etc/$file"
  done
  return 0
}

# inside DIR COMMAND: with process and mount namespaces of their own: nothing started or mounted
# inside outlives this. With MX2_ALONE=yes also a network of its own, so that ports are free; with
# MX2_LIMIT_S it is all killed, with exit status 137, when that is over.
inside() {
  local machine="$1" command="$2" name more=() limit=()
  local environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    HOME=/root LANG=C.UTF-8 CI=true DEBIAN_FRONTEND=noninteractive)
  for name in http_proxy https_proxy no_proxy; do
    [[ -n "${!name:-}" ]] && environment+=("$name=${!name}")
  done
  [[ -z "${MX2_ALONE:-}" ]] || more=(--net)
  # In the foreground, so that Ctrl-C reaches all.
  [[ -z "${MX2_LIMIT_S:-}" ]] || limit=(timeout --foreground --signal=KILL "$MX2_LIMIT_S")
  # shellcheck disable=SC2016
  "${limit[@]}" unshare --mount --pid --fork --kill-child "${more[@]}" bash -c '
    mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" || exit 1
    [[ -z "${MX2_ALONE:-}" ]] || python3 -c "
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack(\"16sH22x\", b\"lo\", 1))" || exit 1
    exec chroot "$0" env -i "$@"' \
    "$machine" "${environment[@]}" bash -c "cd / && $command" </dev/null
}

# Mounts live in a mount namespace of their own and are gone with it; this is for the case that they
# are not, as rm must never walk into /dev.
remove_machine() {
  mountpoint -q "$1/dev" && umount "$1/dev"
  mountpoint -q "$1/dev" || rm -rf --one-file-system "$1"
  rm -f "$1.log"
}
