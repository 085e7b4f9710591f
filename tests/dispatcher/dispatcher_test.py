#!/usr/bin/env python3
"""A dispatcher between clients and λ: a real orchestrator, real HAProxy, small λ in processes of their
own, and about 200 calls a second while things happen to them.

usage: dispatcher_test.py BIN_DIR [SCENARIO...]

Prints for each scenario how many calls failed and how long they took.
"""
import contextlib
import socket
import sys
import threading
import time

from broker import Traffic, call, check, wait_for
import failures
import loads
from scene import BODY_MAX, WATCH_S, problem, scene


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
        answer = call(d.port, "/echo", headers={"Mx2-Dispatched": "-1000000000"})[2]
        check(answer["hops"] == "1", f"fewer than no hops: {answer}")
        check(raw(d.port, b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400"), "nonsense")
        # Its bodies need no length. The preface and empty SETTINGS.
        h2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
        check(raw(d.port, h2).startswith(b"HTTP/1.1 400"), "HTTP/2")
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
        # Each leaves itself out when it knows that both are dispatchers, the other one too then.
        wait_for(lambda: len(one.destinations("echo")) == 1
                 and one.left_out("empty") and two.left_out("empty"), "hosts")
        wait_for(lambda: call(one.port, "/empty")[0] == 503, "both call as they know")
        problem(call(one.port, "/empty"), 503)
        problem(call(one.port, "/empty", headers={"Mx2-Dispatched": "-1000000000"}), 503)
        it.put_host("n", [("dispatcher-1", two.url), ("echo", it.lambdas["n"].uri)])
        # While `one` has not heard of all that was put, it may call the λ itself.
        wait_for(lambda: (call(one.port, "/echo/x")[2] or {}).get("hops") == "2",
                 "λ echo by the other dispatcher")
        answer = call(one.port, "/echo/x")[2]
        check(answer["hops"] == "2" and answer["path"] == "/x", f"by two dispatchers: {answer}")
        direct = call(two.port, "/echo/x", headers={"Mx2-Dispatched": "1"})[2]
        check(direct["hops"] == "2", "what comes from a dispatcher goes to a λ")
    print("second hop: a call passes two dispatchers at most")


def counted(it):
    """Calls under way, from clients and from dispatchers."""
    it.put_app("dispatcher-1")
    it.put_host("b", [("dispatcher-1", "http://127.0.0.1:9"), ("echo", "http://127.0.0.1:9/x")],
                state="down")
    it.put_host("a", [("echo", it.lambdas["a"].uri + "/x")])
    it.lambdas["a"].set(delay_ms=4000)
    with it.dispatcher() as d:
        callers = [threading.Thread(target=call, args=(d.port, "/echo", b"x", headers))
                   for headers in ({}, {}, {"Mx2-Dispatched": "1"})]
        for caller in callers:
            caller.start()
        wait_for(lambda: d.destinations("echo")["a"]["inFlight"] == 3, "all are counted", 3)
        check(d.ask("/-/stats")["in_flight"] == 3, "stats count them")
        for caller in callers:
            caller.join()
    it.lambdas["a"].set(delay_ms=0)
    print("calls of clients and of dispatchers are counted together")


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


SCENARIOS = (bad_input, bad_clients, chains, second_hop, counted, *failures.SCENARIOS, *loads.SCENARIOS, overflow,
             strategy)


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
