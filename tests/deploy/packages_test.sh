#!/usr/bin/env bash
# Debian packages in a clean root of their release, by debootstrap: installed, started as the units say,
# upgraded from an older version, removed and purged (packages_scenario.sh).
#   tests/deploy/packages_test.sh [DIR]    DIR: of the packages, default build/packages
# Needs root and a mirror; 77 where it cannot be tried.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
packages="${1:-$root/build/packages}"

fail() {
  echo "tests/deploy/packages_test.sh: $*" >&2
  exit 1
}
skip() {
  echo "$*"
  exit 77
}
# shellcheck source=tests/support/machine.sh
source "$root/tests/support/machine.sh"

# The packages as an older release would have them: a lower version, and a file of configuration that
# has changed since.
make_older() {
  local package="$1" tree
  tree="$(mktemp -d)"
  dpkg-deb -R "$package" "$tree/package" || return
  sed -i -e 's/^Version: [0-9.]*/Version: 0.0.9/' -e "s/(= [0-9.]*-/(= 0.0.9-/" "$tree/package/DEBIAN/control"
  [[ ! -f "$tree/package/etc/mx2/optimizer.yaml" ]] ||
    echo "# of an older package" >>"$tree/package/etc/mx2/optimizer.yaml"
  dpkg-deb --root-owner-group -b "$tree/package" "$machine/packages/old" >/dev/null
  rm -rf "$tree"
}

# What the program before the outbox wrote: the first migration, as it was released.
make_first_store() {
  python3 - "$1" <<'PY'
import json, re, sqlite3, sys
source = open("orchestrator/store/schema.cpp").read()
first = re.search(r'kMigrations\{R"\((.*?)\)"', source, re.S).group(1)
app = {"appDId": "old-1", "appName": "old", "appProvider": "P", "appSoftVersion": "1", "appDVersion": "1",
       "appDescription": "Of an older release"}
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
db.executescript(first)
db.execute("INSERT INTO meta VALUES ('schema', '1')")
db.execute("UPDATE meta SET value = '7' WHERE name = 'table_version'")
db.execute("INSERT INTO apps VALUES ('old-1', ?)", [json.dumps(app)])
db.execute("INSERT INTO hosts VALUES ('north', ?)", [json.dumps({"id": "north"})])
db.execute("INSERT INTO associations VALUES ('old-1', 'dev:old', 'host:north', 0, '', 7, 5)")
db.commit()
PY
}

[[ $EUID -eq 0 ]] || skip "needs root, for debootstrap and chroot"
for tool in debootstrap unshare dpkg-deb python3; do
  command -v "$tool" >/dev/null || skip "$tool is not installed: deploy/packages.sh package"
done
newest="$(ls "$packages"/mx2_*.deb 2>/dev/null)" || fail "no packages in $packages: deploy/package.sh"
case "$newest" in
  *~debian12_*) of=bookworm ;;
  *~debian13_*) of=trixie ;;
  *) of="" ;;
esac
cd "$root" || exit 1
machine="$(mktemp -d "${TMPDIR:-/tmp}/mx2-packages-XXXXXX")" || exit 1
trap 'remove_machine "$machine"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$machine"
read_apt_source
use_apt_proxy
echo "Making a minimal ${of:-$suite} from $uri ..."
make_machine "$machine" "$of" || skip "debootstrap could not make a root of ${of:-$suite} from $uri"
mkdir -p "$machine/packages/old" "$machine/packages/new"
cp "$packages"/*.deb "$machine/packages/new"
for package in "$packages"/*.deb; do
  make_older "$package" || fail "cannot make an older version of $package"
done
make_first_store "$machine/packages/first.sqlite" || fail "cannot make a store of the first schema"
cp tests/support/units.sh tests/deploy/packages_scenario.sh "$machine/packages"
inside "$machine" "bash /packages/packages_scenario.sh install" || exit 1
MX2_ALONE=yes inside "$machine" "bash /packages/packages_scenario.sh live"
