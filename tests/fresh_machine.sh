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

# shellcheck source=tests/support/machine.sh
source "$root/tests/support/machine.sh"

[[ $EUID -eq 0 ]] || fail "needs root, for debootstrap and chroot"
for tool in debootstrap git unshare; do
  command -v "$tool" >/dev/null || fail "$tool is not installed"
done
[[ -z "$(git -C "$root" status --porcelain)" ]] || echo "Note: HEAD is tested; there are uncommitted changes."
machine="$(mktemp -d "${1:-${TMPDIR:-/tmp}}/mx2-fresh-XXXXXX")" || exit 1
trap 'remove_machine "$machine"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$machine"
read_apt_source
use_apt_proxy
echo "Making a minimal $suite from $uri ..."
make_machine "$machine" || fail "debootstrap failed"
git clone -q --no-hardlinks "$root" "$machine/mx2" || fail "cannot clone HEAD"
while IFS= read -r command; do
  echo "== $command"
  inside "$machine" "/mx2/$command" || fail "$command failed on a fresh machine"
done <<<"$commands"
echo "Fresh machine: everything succeeded"
