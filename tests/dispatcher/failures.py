"""What happens to λ, hosts, HAProxy and the orchestrator while there are about 200 calls a second."""
import os
import pathlib
import signal
import time

from broker import Traffic, call, check, wait_for
from scene import WATCH_S, problem

RECOVERY_S = 10  # some times selection.stale_ms of the scene


def failure(it):
    it.hosts("a", "b", "n")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        time.sleep(WATCH_S)
        before = time.monotonic()
        it.lambdas["a"].kill()
        time.sleep(WATCH_S)
        alone = time.monotonic()
        it.lambdas["b"].kill()
        time.sleep(WATCH_S)
        back = time.monotonic()
        it.lambdas["a"].again()
        it.lambdas["b"].again()
        wait_for(lambda: traffic.since(time.monotonic() - 0.5).share("n") < 0.1, "they are back")
        returned = time.monotonic() - back
    print(f"kill -9 of one of two local λ: {traffic.since(before, alone)}")
    print(f"kill -9 of the other: {traffic.since(alone, back)}; all goes to the neighbour")
    print(f"both are back {returned:.1f} s after their start; all in all {traffic.since(0)}")
    check(traffic.since(alone + 1, back).share("n") == 1, "not all went to the neighbour")
    for calls in (traffic.since(before, alone), traffic.since(alone, back)):
        check(len(calls.failed) <= 1, f"calls failed: {calls.failed[:3]}")


def application_error(it):
    """One error expels nobody, nothing but errors lets calls go elsewhere."""
    it.hosts("a", "n")
    with it.dispatcher() as d:
        it.lambdas["a"].set(status=500)
        check(call(d.port, "/echo")[0] == 500, "the λ's own error reaches the client")
        it.lambdas["a"].set(status=200)
        names = [call(d.port, "/echo")[2]["name"] for _ in range(100)]
        check(names.count("a") >= 95, f"one error expelled it: {names.count('a')} of 100")
        it.lambdas["a"].set(status=500)
        with Traffic(d.port, "/echo") as traffic:
            time.sleep(WATCH_S)
            late = time.monotonic()
            time.sleep(WATCH_S)
        check(d.destinations("echo")["a"]["up"], "errors of the application took the server down")
        check(traffic.since(late).share("n") == 1 and
              len(traffic.since(late).failed) < 0.2 * len(traffic.since(late).calls),
              f"{len(traffic.since(late).failed)} of {len(traffic.since(late).calls)} still fail")
        it.lambdas["a"].set(status=200)
        wait_for(lambda: call(d.port, "/echo")[2]["name"] == "a" and
                 d.destinations("echo")["a"]["weight"] > 200 or
                 [call(d.port, "/echo") for _ in range(100)] is None, "it is used again", 30)
        it.lambdas["a"].set(status=503)
        check(all(call(d.port, "/echo")[0] == 200 for _ in range(50)), "503 is tried elsewhere")
        it.lambdas["a"].set(status=200)
    print(f"only errors from the local λ: after {WATCH_S} s {traffic.since(late)}")


def retried_away(it):
    """A λ that answers 503, or nothing, to every call: no client sees it, and still it is left."""
    it.hosts("a", "n")
    it.lambdas["n"].set(delay_ms=5)
    for status in (503, 0):
        it.lambdas["a"].set(status=status)
        with it.dispatcher(f"of-{status}") as d:
            with Traffic(d.port, "/echo", rate=100) as traffic:
                time.sleep(WATCH_S)
                late, asked = time.monotonic(), it.lambdas["a"].calls()
                time.sleep(WATCH_S)
            calls = traffic.since(late)
            asked = it.lambdas["a"].calls() - asked
            a, n = (d.destinations("echo")[host] for host in "an")
        print(f"{status or 'nothing'} from the local λ, called again elsewhere: after {WATCH_S} s "
              f"{asked} of {calls}")
        check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")
        check(a["errors"] > 5 and a["failures"] > 0.5, f"its failures are not counted: {a}")
        check(asked < 0.1 * len(calls.calls), f"it is asked {asked} times of {len(calls.calls)}")
        check(n["errors"] == 0 and n["responseMs"] >= 5, f"they are charged to the other: {n}")


def hung(it):
    """A λ that accepts calls and answers none, and clients that wait a second and a half."""
    it.hosts("a", "n")
    with it.dispatcher() as d:
        for _ in range(20):
            check(call(d.port, "/echo")[2]["name"] == "a", "its own host's λ first")
        it.lambdas["a"].set(delay_ms=60_000)
        begin = time.monotonic()
        with Traffic(d.port, "/echo", rate=20, timeout_s=1.5) as traffic:
            time.sleep(2 * WATCH_S)
            late = time.monotonic()
            time.sleep(WATCH_S)
        wrong = traffic.since(begin, late).failed
        calls = traffic.since(late)
    print(f"a λ hangs, clients wait 1.5 s: {len(wrong)} calls fail, after {2 * WATCH_S} s {calls}")
    check(len(calls.calls) > 20 and len(calls.failed) < 0.1 * len(calls.calls), "nobody noticed")


def slow(it):
    it.hosts("a", "b", "n")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        time.sleep(WATCH_S)
        fine = time.monotonic()
        it.lambdas["a"].set(delay_ms=200)
        time.sleep(WATCH_S)
        late = time.monotonic()
        time.sleep(2 * WATCH_S)
        end = time.monotonic()
        it.lambdas["a"].set(delay_ms=0)
        time.sleep(2 * RECOVERY_S)  # a call now and then has told that it is well
        it.lambdas["b"].set(delay_ms=20)
        wait_for(lambda: traffic.since(time.monotonic() - 0.5).share("a") > 0.9, "a is used again",
                 RECOVERY_S)
        it.lambdas["b"].set(delay_ms=0)
    print(f"a λ takes 200 ms, first {WATCH_S} s: {traffic.since(fine, late)}; then "
          f"{traffic.since(late, end)}, {100 * traffic.since(late, end).share('a'):.1f} % to it")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")
    check(traffic.since(late, end).share("a") < 0.02, "the slow λ is still used")
    check(traffic.since(late, end).p99 < 100, "p99 is that of the slow λ")


def added_and_drained(it):
    it.hosts("a")
    for host in ("a", "b", "n"):
        it.lambdas[host].set(delay_ms=20)  # so that calls are under way
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        time.sleep(1)
        added = time.monotonic()
        it.hosts("b")
        wait_for(lambda: traffic.since(time.monotonic() - 0.5).share("b") > 0.2, "b is used")
        used = time.monotonic()
        time.sleep(1)
        drained = time.monotonic()
        it.operator.need((200, 204), "POST", "/operator/v1/hosts/b/drain")
        wait_for(lambda: len(traffic.since(time.monotonic() - 0.3).calls) > 20 and
                 traffic.since(time.monotonic() - 0.3).share("b") == 0, "b is not used any more")
        empty = time.monotonic()
        time.sleep(1)
        last = time.monotonic()
        it.operator.need((200, 204), "POST", "/operator/v1/hosts/a/drain")
        time.sleep(1)  # nobody else is there
        removed = time.monotonic()
        it.hosts("n")
        it.remove_hosts("b")
        wait_for(lambda: traffic.since(time.monotonic() - 0.3).share("n") == 1, "n is used")
        it.remove_hosts("a")
        time.sleep(WATCH_S)
        end = time.monotonic()
    print(f"host added: {traffic.since(added, drained)}; used after {used - added:.2f} s")
    print(f"host drained: {traffic.since(drained, last)}; unused after {empty - drained:.2f} s")
    print(f"the last one drained: {traffic.since(last, removed)}; then another is added and it is "
          f"removed: {traffic.since(removed, end)}")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")


def reloads(it):
    """λ that the running configuration does not know."""
    it.hosts("a", "b")
    with it.dispatcher(haproxy="drain_ms: 8000") as d, \
            Traffic(d.port, "/echo", clients=20) as traffic:
        time.sleep(0.5)
        taken = []
        for i in range(10):
            name = f"new-{i}"
            begin = time.monotonic()
            it.put_app(name)
            it.put_host("n", [(name, it.lambdas["n"].uri)])
            wait_for(lambda n=name: call(d.port, f"/{n}")[0] == 200, f"λ {name} is served")
            taken.append(time.monotonic() - begin)
        generation = d.ask("/status")["generation"]
        it.put_host("n", [])
        for i in range(10):
            it.operator.need((200, 204), "DELETE", f"/operator/v1/apps/new-{i}")
        wait_for(lambda: call(d.port, "/new-9")[0] == 404, "a λ that is gone is unknown")
        time.sleep(0.5)
    check(generation > 5, f"only {generation} configurations")
    print(f"{generation - 1} reloads for new λ: {traffic.since(0)}; "
          f"served after {1000 * sorted(taken)[5]:.0f} ms (median)")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")


def haproxy_killed(it):
    it.hosts("a", "b")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        time.sleep(1)
        for name, victim in (("worker", -1), ("master", 0)):
            begin = time.monotonic()
            os.kill(d.haproxies()[victim], signal.SIGKILL)
            time.sleep(WATCH_S)
            calls = traffic.since(begin)
            print(f"kill -9 of HAProxy's {name}: {calls}")
            check(len(calls.failed) <= 2 * 10, f"too many failed: {calls.failed[:3]}")
            check(not traffic.since(begin + 2).failed, "it does not serve again")
        pids = d.haproxies()
    check(not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "HAProxy is left behind")


def orchestrator_restarted(it):
    it.hosts("a", "b")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        it.server.keep_ports()
        it.server.kill()
        time.sleep(1.5)
        check(d.ask("/health")["status"] == "stale", "nobody noticed")
        it.server.operator_port = d.port  # nobody's: it starts without an orchestrator
        with it.dispatcher("alone", ready=False) as alone:
            check(problem(call(alone.port, "/echo"), 503)[1]["Retry-After"], "no Retry-After")
        it.server.start()
        it.operator = it.server.operator()
        it.hosts("n", app="empty")
        wait_for(lambda: call(d.port, "/empty")[0] == 200, "it follows again")
    print(f"orchestrator killed and started: {traffic.since(0)}")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")


SCENARIOS = (failure, application_error, retried_away, hung, slow, added_and_drained, reloads,
             haproxy_killed, orchestrator_restarted)
