#!/usr/bin/env bash
# Builds what users run and measures it: one JSON object a line.
#   tests/bench/run.sh [NAME...]     create_durable create_durable_8 create_1m_rows app_list
#                                    put_context delete_context connections_1000 startup_1m
#                                    notify_fanout_100k create_during_fanout notify_first_ms
#                                    apply_100k_moves create_during_apply capacity_loop_ms
#                                    scenario_matrix_ms ue_move_to_row_ms simulated_invocations
#                                    create_join_warm instantiate_ready_ms dispatch_throughput
#                                    dispatch_added_latency_ms dispatch_10k_entries weight_effect_ms
set -uo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# What is not a result goes to standard error.
"$root/deploy/packages.sh" build test >&2 || exit 1
"$root/deploy/build.sh" release mx2-orchestrator mx2_no_store_server mx2_receiver mx2_bare_multi \
  mx2_capacity_bench mx2-mepm mx2_packages mx2_test_lambda mx2-dispatcher mx2_responder mx2_scenario_bench mx2_move_bench \
  mx2_emulator_bench >&2 || exit 1
ulimit -Sn "$(ulimit -Hn)"
exec python3 "$root/tests/bench/bench.py" "$root/build/release/bin" "$@"
