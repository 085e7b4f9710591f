#!/usr/bin/env bash
# Compares the orchestrator's strategies under moving UEs and moving traffic.
#   tests/experiments/strategies/run.sh              the whole protocol in simulated time: some hundred
#                                                    cells of 30 runs, five minutes of one core
#   tests/experiments/strategies/run.sh --short      what the tests of the expectations need, and some
#                                                    cells in real time as well: about a minute
#   tests/experiments/strategies/run.sh --mode both  all of it in real time as well, with real programs;
#                                                    it says how long that takes (days: --cells, --only,
#                                                    --hosts, --seeds and --seconds choose less of it)
# Other options: --help. Results go to build/experiments/strategies (or --out), a directory for each
# mode: runs.csv, cdf.csv, links.csv, left_out.csv (cells this machine was too busy for), summary.csv,
# summary.json, expectations.txt (claims.py says what is claimed, check.py how it is tested), and plots
# as PNG and SVG; for real time comparison.txt, modes.png and modes.svg as well: by how much the same
# runs differ in simulated time. The exit code is 1 when an expectation does not come out as it was
# recorded (verdicts.json), a call failed in simulated time, or the two modes do not agree (modes.py).
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$here/../../.." || exit 1
case " $* " in *" --program "* | *" --help "* | *" --again "*) ;; *)
  deploy/packages.sh build test >&2 || exit 1
  deploy/build.sh release mx2-emulator mx2-orchestrator mx2-optimizer mx2-dispatcher >&2 || exit 1 ;;
esac
# The first interpreter that has what is needed: apt's, when another is first.
for python in python3 /usr/bin/python3; do
  "$python" -c 'import matplotlib, scipy' 2>/dev/null && exec "$python" "$here/run.py" "$@"
done
echo "$0: no python3 has matplotlib and scipy" >&2
exit 77
