"""Benchmarks of the dispatcher: wrk, HAProxy and a λ that does nothing, all on this machine."""
import contextlib
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "dispatcher"))
from broker import Destination, Dispatcher
from orchestrator import Orchestrator

CALLS = pathlib.Path(__file__).with_name("dispatch.lua")
PORTS = 10
CHANGES = 30


class Responder:
    """mx2_responder: λ that do nothing, on some ports of every loopback address."""

    def __init__(self, bin_dir):
        self.process = subprocess.Popen([bin_dir / "mx2_responder", str(PORTS)],
                                        stdout=subprocess.PIPE, text=True)
        self.ports = [int(port) for port in self.process.stdout.readline().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def content(lambdas, hosts, uri_of):
    apps = [{"appDId": f"app-{i}", "appName": f"app-{i}", "appProvider": "Bench",
             "appSoftVersion": "1", "appDVersion": "1", "appDescription": "none"}
            for i in range(lambdas)]
    return {"apps": apps, "hosts": [
        {"id": f"host-{h}", "zone": "here",
         "instances": [{"appDId": f"app-{i}", "referenceURI": uri_of(h, i)}
                       for i in range(lambdas)]} for h in range(hosts)]}


@contextlib.contextmanager
def dispatcher(bin_dir, directory, lambdas, hosts, uri_of, extra=""):
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "content.yaml"
    file.write_text(json.dumps(content(lambdas, hosts, uri_of)))  # JSON is YAML
    with Orchestrator(bin_dir / "mx2-orchestrator", directory / "orchestrator", file) as server:
        with Dispatcher(bin_dir, directory / "dispatcher", server.operator_url,
                        "dispatcher: {address: 127.0.0.1, port: 0}\n" + extra) as it:
            it.orchestrator = server
            yield it


def calls(port, lambdas, connections, seconds):
    """What wrk measured; raises when a call failed."""
    threads = min(2, connections, os.cpu_count())
    done = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--latency",
                           "-s", CALLS, f"http://127.0.0.1:{port}", "--", str(lambdas)],
                          check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    if measured["failed"]:
        raise RuntimeError(f"{measured['failed']} of {measured['requests']} calls failed")
    measured["rate"] = measured["requests"] / measured["seconds"]
    return measured


def compare(runs, first, second):
    """first() and second() in turn: pairs of what they give."""
    first(), second()  # warms up
    pairs = []
    for run in range(runs):
        if run % 2:
            theirs = second()
            pairs.append((first(), theirs))
        else:
            pairs.append((first(), second()))
    return pairs


def against_direct(bin_dir, directory, connections, runs, seconds):
    """Pairs of measurements, through the dispatcher and without it."""
    with Responder(bin_dir) as responder:
        uri = f"http://127.0.0.1:{responder.ports[0]}"
        with dispatcher(bin_dir, directory, 1, 1, lambda h, i: uri) as it:
            return compare(runs, lambda: calls(it.port, 1, connections, seconds),
                           lambda: calls(responder.ports[0], 0, connections, seconds))


def many_entries(bin_dir, directory, runs, seconds):
    """(pairs of measurements with 1000 λ of ten destinations each and with one, the same calls;
    one with calls to all λ)."""
    with Responder(bin_dir) as responder:
        def uri(host, i):
            return f"http://127.0.{i // 250}.{i % 250 + 1}:{responder.ports[host]}"
        with dispatcher(bin_dir, directory / "many", 1000, PORTS, uri) as many, \
                dispatcher(bin_dir, directory / "few", 1, PORTS, uri) as few:
            pairs = compare(runs, lambda: calls(many.port, 1, 32, seconds),
                            lambda: calls(few.port, 1, 32, seconds))
            return pairs, calls(many.port, 1000, 32, seconds)


def weight_effects(bin_dir, directory):
    """Milliseconds from asking the orchestrator to drain a host, or to use it again, until the
    last call that reaches it, or the first, under 1000 calls a second."""
    both = [Destination("a"), Destination("b")]
    try:
        with dispatcher(bin_dir, directory, 1, 2, lambda h, i: both[h].uri,
                        "selection: {policy: random-proportional}\n") as it:
            return watch_changes(it)
    finally:
        for destination in both:
            destination.kill()


def watch_changes(it):
    seen = []  # (when, who), one connection
    stopping = threading.Event()

    def call():
        connection = http.client.HTTPConnection("127.0.0.1", it.port)
        while not stopping.is_set():
            connection.request("POST", "/app-0/call", b"x")
            seen.append((time.monotonic(), json.loads(connection.getresponse().read())["name"]))

    thread = threading.Thread(target=call)
    thread.start()
    effects = []
    try:
        with it.orchestrator.operator() as operator:
            for change in range(CHANGES):
                time.sleep(0.3)
                drain = change % 2 == 0
                begin = time.monotonic()
                operator.need((200, 204), "POST",
                              f"/operator/v1/hosts/host-1/{'drain' if drain else 'uncordon'}")
                time.sleep(0.3)
                times = [when for when, who in seen if when >= begin and who == "b"]
                last_or_first = (times[-1] if times else begin) if drain else times[0]
                effects.append(1000 * (last_or_first - begin))
    finally:
        stopping.set()
        thread.join()
    return effects


def median_ratio(pairs, key):
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)


def median(measured, key):
    return statistics.median(each[key] for each in measured)
