#!/usr/bin/env bash
# Makes Debian packages and a tarball of the release build: see --help.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
build="$root/build/release"
out=""
prebuilt=""

usage() {
  cat <<END
usage: deploy/package.sh [--out DIR] [--prebuilt BUILD_DIR]

Installs what is missing with apt, builds, and makes of that mx2, libmx2-client0, libmx2-client-dev
and mx2-emulator as .deb, for this release of Debian or Ubuntu, and a tarball of all of it. lintian
must find no errors in them, where it is installed.

  --out DIR             where they go, instead of earlier ones (default build/packages)
  --prebuilt BUILD_DIR  of this build, in which all is built already; nothing is installed
END
}

fail() {
  echo "deploy/package.sh: $*" >&2
  exit 1
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) usage && exit 0 ;;
    --out | --prebuilt) [[ $# -gt 1 ]] || fail "$1 needs a value" ;;
    *) usage >&2 && exit 2 ;;
  esac
  [[ "$1" == --out ]] && out="$2"
  [[ "$1" == --prebuilt ]] && prebuilt="$2"
  shift 2
done
out="$(realpath -m "${out:-$root/build/packages}")"
if [[ -n "$prebuilt" ]]; then
  build="$(realpath -e "$prebuilt")" || fail "there is no $prebuilt"
else
  "$root/deploy/packages.sh" build package || fail "some packages are missing"
  "$root/deploy/build.sh" release mx2_programs || exit 1
fi
[[ -f "$build/CPackConfig.cmake" ]] || fail "nothing is configured in $build"
for tool in cpack dpkg-shlibdeps; do
  command -v "$tool" >/dev/null || fail "$tool is missing: deploy/packages.sh build package"
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Libraries that only the programs within application packages load, so that these run on this host.
libraries_of_examples() {
  local programs=()
  mkdir -p "$work/debian" && touch "$work/debian/control"
  for name in mx2-executor mx2-facedetect; do
    [[ ! -x "$build/bin/$name" ]] || programs+=("$build/bin/$name")
  done
  (cd "$work" && dpkg-shlibdeps -O -dDepends -e"$build/bin/mx2-orchestrator" -e"$build/bin/mx2-mepm" \
    -e"$build/bin/mx2-dispatcher" -e"$build/bin/mx2-optimizer" -dRecommends "${programs[@]/#/-e}") \
    2>"$work/shlibdeps" | sed -n 's/^shlibs:Recommends=//p'
}

recommended="$(libraries_of_examples)" || fail "dpkg-shlibdeps: $(cat "$work/shlibdeps")"
umask 022
(cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work/cpack" \
  -D CPACK_DEBIAN_MX2_PACKAGE_RECOMMENDS="haproxy${recommended:+, $recommended}") >"$work/log" 2>&1 \
  || { tail -n 30 "$work/log" >&2; fail "cpack failed"; }
mkdir -p "$out" && rm -f "$out"/{mx2,mx2-emulator,libmx2-client0,libmx2-client-dev}_*.deb "$out"/mx2-*.tar.gz \
  && mv "$work"/cpack/*.deb "$work"/cpack/*.tar.gz "$out" || fail "cannot write to $out"
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error "$out"/*.deb \
    || fail "lintian found errors"
else
  echo "lintian is not installed: deploy/packages.sh package"
fi
echo "In $out:"
(cd "$out" && du -h --apparent-size -- * | sed 's/^/  /')
