#!/usr/bin/env python3
"""A dispatcher between clients and λ: a real orchestrator, real HAProxy, small λ in processes of their
own, and about 200 calls a second while things happen to them.

usage: dispatcher_test.py BIN_DIR [SCENARIO...]

Prints for each scenario how many calls failed and how long they took.
"""
import contextlib
import http.client
import os
import pathlib
import signal
import socket
import sys
import tempfile
import time
import urllib.parse

from broker import Destination, Dispatcher, Traffic, call, check, wait_for
from orchestrator import Orchestrator

REQUEST_MS = 1000
BODY_MAX = 100_000
BUFFER = 32768
WATCH_S = 3


def keep_ports(server):
    """So that the orchestrator is found again after a restart."""
    text = server.config.read_text()
    server.config.write_text(
        text.replace("mx2: {address: 127.0.0.1, port: 0}",
                     f"mx2: {{address: 127.0.0.1, port: {server.mx2_port}}}")
        .replace("operator: {port: 0}", f"operator: {{port: {server.operator_port}}}"))


class Scene:
    """λ "echo" at host `a`, `b` (local zone), `n` (a neighbour) and `cloud`."""

    ZONES = {"a": "here", "b": "here", "n": "there", "cloud": "far"}

    def __init__(self, bin_dir, directory):
        self.bin_dir, self.directory = bin_dir, pathlib.Path(directory)
        self.server = Orchestrator(pathlib.Path(bin_dir) / "mx2-orchestrator",
                                   self.directory / "orchestrator")
        self.server.start()
        self.operator = self.server.operator()
        self.lambdas = {host: Destination(host) for host in self.ZONES}
        self.extra = []

    def close(self):
        self.server.kill()
        for each in [*self.lambdas.values(), *self.extra]:
            each.kill()

    def put_app(self, name):
        self.operator.need((200, 201, 204), "PUT",
                           f"/operator/v1/apps/{urllib.parse.quote(name, safe='')}", {
            "appDId": name, "appName": name, "appProvider": "Test", "appDVersion": "1",
            "appSoftVersion": "1", "appDescription": "a test"})

    def put_host(self, host, instances, zone=None, **more):
        zone = zone or self.ZONES.get(host, "here")
        labels = {"tier": "cloud"} if zone == "far" else {}
        self.operator.need((200, 201, 204), "PUT", f"/operator/v1/hosts/{host}", {
            "id": host, "zone": zone, "labels": labels, **more,
            "instances": [{"appDId": app, "referenceURI": uri} for app, uri in instances]})

    def hosts(self, *names, app="echo"):
        for name in names:
            self.put_host(name, [(app, self.lambdas[name].uri)])

    def remove_hosts(self, *names):
        for name in names:
            self.operator.need((200, 204), "DELETE", f"/operator/v1/hosts/{name}")

    def dispatcher(self, name="d", host="a", limits="", ready=True):
        return Dispatcher(
            self.bin_dir, self.directory / name, self.server.operator_url,
            "dispatcher: {address: 127.0.0.1, port: 0}\n"
            f"host: {{id: {host}}}\n"
            f"limits: {{body_bytes_max: {BODY_MAX}, buffer_bytes: {BUFFER}, {limits}}}\n"
            f"timeouts: {{request_ms: {REQUEST_MS}}}\n"
            "haproxy: {reload_interval_ms: 100}\n"
            "selection: {stale_ms: 2000}\n", ready)


@contextlib.contextmanager
def scene(bin_dir):
    with tempfile.TemporaryDirectory() as directory:
        it = Scene(bin_dir, directory)
        try:
            it.put_app("echo")
            it.put_app("empty")
            yield it
        finally:
            it.close()


def problem(answer, status):
    check(answer[0] == status, f"{answer[0]} instead of {status}: {answer[2]}")
    check(answer[1]["Content-Type"] == "application/problem+json", f"{status}: no problem document")
    check(answer[2]["status"] == status and answer[2]["detail"], f"a strange problem {answer[2]}")
    return answer


def bad_input(it):
    """Paths, and everything that is not a proper call."""
    it.hosts("a")
    it.put_app("an odd/näme")
    it.put_host("b", [("an odd/näme", it.lambdas["b"].uri + "/base")])
    with it.dispatcher() as d:
        check(call(d.port, "/echo/x/y?z=1")[2]["path"] == "/x/y?z=1", "the path is not as called")
        check(call(d.port, "/echo")[2]["path"] == "/", "no path is /")
        wait_for(lambda: call(d.port, "/an%20odd%2Fn%C3%A4me")[0] == 200, "an odd name")
        odd = call(d.port, "/an%20odd%2fn%c3%a4me/x")[2]
        check(odd["path"] == "/base/x" and odd["name"] == "b", f"the destination's path: {odd}")
        check(call(d.port, "/an%20odd%2Fn%C3%A4me")[2]["path"] == "/base", "the path alone")
        answer = call(d.port, "/echo")[2]
        check(answer["hops"] == "1" and answer["forwarded"] == "127.0.0.1", f"headers: {answer}")
        for path in ("/nobody/x", "/", "/%zz", "/echo%00", "/..%2f", "/'\"%22<>"):
            problem(call(d.port, path), 404)
        check(problem(call(d.port, "/empty"), 503)[1]["Retry-After"], "503 without Retry-After")
        problem(call(d.port, "/echo", b"x" * (BODY_MAX + 1)), 413)
        check(call(d.port, "/echo", b"x" * BODY_MAX)[2]["bytes"] == BODY_MAX, "a large body")
        chunks = [b"x" * 1000] * 3
        check(call(d.port, "/echo", iter(chunks))[2]["bytes"] == 3000, "a body in chunks")
        with contextlib.suppress(OSError):  # it need not read to the end what it refuses
            problem(call(d.port, "/echo", iter([b"x" * 1000] * 60)), 413)
        problem(call(d.port, "/echo", headers={"Mx2-Dispatched": "8"}), 508)
        problem(call(d.port, "/echo", headers={"Mx2-Dispatched": "99999999999"}), 508)
        check(call(d.port, "/echo", headers={"Mx2-Dispatched": "junk"})[0] == 200, "junk hops")
        check(raw(d.port, b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400"), "nonsense")
        check(call(d.port, "/-/health")[2] == {"status": "ok"}, "health")
    print("bad input: 404, 503 with Retry-After, 413, 508, 400; paths are as called")


def raw(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        return connection.recv(65536)


def bad_clients(it):
    """Clients that go away, and clients that are slow, beside traffic."""
    it.hosts("a")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        begin = time.monotonic()
        slow = [socket.create_connection(("127.0.0.1", d.port)) for _ in range(100)]
        for connection in slow[:50]:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for connection in slow[50:]:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
        # Their λ answers in a second: nobody waits for that.
        it.lambdas["n"].set(delay_ms=1000)
        it.hosts("n", app="empty")
        wait_for(lambda: d.destinations("empty"), "λ empty has a destination")
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", d.port)) as connection:
                connection.sendall(b"POST /empty HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
                time.sleep(0.002)
        answers = []
        for connection in slow:
            connection.settimeout(5)
            answers.append(connection.recv(1000))
            connection.close()
        check(all(a.startswith(b"HTTP/1.1 408") for a in answers),
              f"slow clients were told {set(a[:20] for a in answers)}")
        wait_for(lambda: d.destinations("empty")["n"]["inFlight"] == 0, "nobody calls any more")
        time.sleep(1)
    calls = traffic.since(begin)
    check(not calls.failed, f"calls failed: {calls.failed[:3]}")
    print(f"100 slow clients were told 408, 50 went away: {calls}")


def chains(it):
    """A λ that calls two others through the dispatcher; one that calls itself."""
    it.put_app("second")
    it.put_app("third")
    it.hosts("a")
    it.put_host("b", [("second", it.lambdas["b"].uri), ("third", it.lambdas["n"].uri)])
    with it.dispatcher() as d:
        wait_for(lambda: call(d.port, "/second")[0] == call(d.port, "/third")[0] == 200, "both λ")
        body = '{"calls": ["%s/second/x", "%s/third/y"]}' % (d.url, d.url)
        answers = call(d.port, "/echo/chain", body.encode())[2]["answers"]
        check([(s, a["name"], a["hops"]) for s, a in answers] == [(200, "b", "2"), (200, "n", "2")],
              f"the chain answered {answers}")
        body = '{"calls": ["%s/echo/chain"]}' % d.url
        status, _, answer = call(d.port, "/echo/chain", body.encode())
        depth = 0
        while "answers" in answer:
            depth, (status, answer) = depth + 1, answer["answers"][0]
        check(status == 508 and answer["status"] == 508, f"the loop ended with {status}: {answer}")
    print(f"chains: a λ calls two others; a loop is stopped after {depth} calls")


def second_hop(it):
    """λ at a host that is reached by its dispatcher only, and two that send each other in circles."""
    it.put_app("dispatcher-1")
    with it.dispatcher("one", "a") as one, it.dispatcher("two", "n") as two:
        it.put_host("a", [("dispatcher-1", one.url), ("empty", two.url + "/empty")])
        it.put_host("n", [("dispatcher-1", two.url), ("echo", it.lambdas["n"].uri),
                          ("empty", one.url + "/empty")])
        it.put_host("b", [("echo", two.url + "/echo")])
        wait_for(lambda: len(one.destinations("echo")) == 1 and two.destinations("empty"), "hosts")
        problem(call(one.port, "/empty"), 503)
        it.put_host("n", [("dispatcher-1", two.url), ("echo", it.lambdas["n"].uri)])
        wait_for(lambda: call(one.port, "/echo/x")[0] == 200, "λ echo by the other dispatcher")
        answer = call(one.port, "/echo/x")[2]
        check(answer["hops"] == "2" and answer["path"] == "/x", f"by two dispatchers: {answer}")
        direct = call(two.port, "/echo/x", headers={"Mx2-Dispatched": "1"})[2]
        check(direct["hops"] == "2", "what comes from a dispatcher goes to a λ")
    print("second hop: a call passes two dispatchers at most")


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
        wait_for(lambda: traffic.since(time.monotonic() - 0.5).share("a") > 0.2, "a is used again",
                 60)
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
    with it.dispatcher() as d, Traffic(d.port, "/echo", clients=20) as traffic:
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
        keep_ports(it.server)
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


def overflow(it):
    """The local λ can do four calls at once: what is more goes to the neighbour."""
    it.hosts("a", "n")
    for host in ("a", "n"):
        it.lambdas[host].set(delay_ms=50)
    with it.dispatcher(limits="in_flight_max: 4") as d, \
            Traffic(d.port, "/echo", rate=120, clients=40) as traffic:
        time.sleep(2 * WATCH_S)
        late = traffic.since(time.monotonic() - WATCH_S)
    print(f"120 calls/s of 50 ms, 4 at once at the local λ: {late}, "
          f"{100 * late.share('a'):.0f} % local")
    check(not late.failed, f"calls failed: {late.failed[:3]}")
    check(0.4 < late.share("a") < 0.7, "the local λ is not used as far as it goes")


def strategy(it):
    """Strategy dispatching: a context leads to a dispatcher, and follows the dispatchers' rows."""
    it.hosts("n")
    it.put_app("dispatcher-1")
    path = "/operator/v1/apps/echo"
    app = it.operator.need(200, "GET", path)
    it.operator.need((200, 204), "PUT", path, {**app, "strategy": "dispatching"})
    with it.dispatcher("d1", "a") as d1, it.dispatcher("d2", "n") as d2:
        it.put_host("a", [("echo", it.lambdas["a"].uri), ("dispatcher-1", d1.url)])
        it.put_host("n", [("echo", it.lambdas["n"].uri), ("dispatcher-1", d2.url)])
        row(it, "*", "host:a")
        with it.server.mx2() as client:
            made = client.need(201, "POST", "/dev_app/v1/app_contexts", {
                "associateDevAppId": "car-1",
                "appInfo": {"appName": "echo", "appProvider": "Test", "appDVersion": "1",
                            "userAppInstanceInfo": [{}]}})
            address = lambda: client.need(  # noqa: E731
                200, "GET", f"/dev_app/v1/app_contexts/{made['contextId']}")[
                    "appInfo"]["userAppInstanceInfo"][0]["referenceURI"]
            check(address() == d1.url + "/echo", f"{address()} is not the dispatcher at a")
            wait_for(lambda: call(d1.port, "/echo")[2]["name"] == "a", "its own host's λ first")
            row(it, "dev:car-1", "host:n")
            begin = time.monotonic()
            wait_for(lambda: address() == d2.url + "/echo", "the context follows its dispatcher")
            moved_ms = 1000 * (time.monotonic() - begin)
            wait_for(lambda: call(d2.port, "/echo")[2]["name"] == "n", "the λ at the other host")
    print(f"strategy: a context leads to its dispatcher, and to another one after {moved_ms:.0f} ms")


def row(it, ue, target):
    it.operator.patch_table([{"ue": ue, "app": "dispatcher-1", "targets": [target]}])


SCENARIOS = (bad_input, bad_clients, chains, second_hop, failure, application_error, slow,
             added_and_drained, reloads, haproxy_killed, orchestrator_restarted, overflow, strategy)


def main(bin_dir, *names):
    for scenario in SCENARIOS:
        if names and scenario.__name__ not in names:
            continue
        with scene(bin_dir) as it:
            scenario(it)
        sys.stdout.flush()
    print("dispatcher: all is well")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
