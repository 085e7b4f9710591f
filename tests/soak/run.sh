#!/usr/bin/env bash
# Builds what users run and keeps a city busy under random trouble for an hour: see soak.py --help.
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
"$root/deploy/packages.sh" build test || exit 1
"$root/deploy/build.sh" release mx2-orchestrator mx2-optimizer mx2-mepm mx2ctl mx2 mx2_packages || exit 1
exec python3 "$root/tests/soak/soak.py" "$root/build/release/bin" "$@"
