"""Benchmarks of the notifier: receivers on loopback, a rewrite, and how fast they hear of it."""
import contextlib
import statistics
import subprocess
import threading
import time

from orchestrator import Client, CONTEXTS, create_request

RECEIVERS = 4
HANDLES = 64  # of the bare loop; more are slower
FIRSTS = 50
ROW = "ip:127.0.0.0/8"  # the row that all contexts of fill.py follow
TARGETS = ("host:cloud", "host:mec-south")
PATIENCE_S = 300


class Receivers:
    """mx2_receiver: several listeners that count together."""

    def __init__(self, bin_dir):
        self.process = subprocess.Popen([bin_dir / "mx2_receiver", str(RECEIVERS)],
                                        stdout=subprocess.PIPE, text=True)
        self.ports = self.process.stdout.readline().split()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, path):
        with Client(int(self.ports[0])) as client:
            return client.need(200, "GET", path)

    def wait_for(self, count):
        """Until so many notifications have come; what was counted."""
        deadline = time.monotonic() + PATIENCE_S
        while (counted := self.ask("/count"))["received"] < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {counted['received']} of {count} notifications came")
            time.sleep(0.02)
        return counted


def now_ms():
    return time.time_ns() // 1_000_000


def rewrite(server, run):
    """Moves everybody; when it began."""
    begin_ms = now_ms()
    with server.operator() as operator:
        operator.patch_table([{"ue": ROW, "app": "facedetect-1", "targets": [TARGETS[run % 2]]}])
    return begin_ms


def settled(server):
    """Until the outbox is empty."""
    with server.operator() as operator:
        while operator.need(200, "GET", "/operator/v1/outbox?limit=1")["pending"] > 0:
            time.sleep(0.02)


def fan_out(server, receivers, count, run):
    """Deliveries per second of one rewrite."""
    receivers.ask("/reset")
    begin_ms = rewrite(server, run)
    counted = receivers.wait_for(count)
    settled(server)
    return count / (counted["last_ms"] - begin_ms) * 1000


def bare(bin_dir, receivers, count):
    """Deliveries per second of the bare loop."""
    done = subprocess.run([bin_dir / "mx2_bare_multi", str(count), str(HANDLES), *receivers.ports],
                          check=True, capture_output=True, text=True)
    return count / float(done.stdout)


def create_latencies(server, seconds, stop=None):
    """Milliseconds of creates, one after the other, for so long or until `stop` is set."""
    latencies = []
    deadline = time.monotonic() + seconds
    with server.mx2() as client:
        n = 0
        while time.monotonic() < deadline and not (stop and stop.is_set()):
            n += 1
            begin = time.perf_counter()
            client.need(201, "POST", CONTEXTS, create_request(f"idle-{n}"))
            latencies.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.002)
    return latencies


def p99(latencies):
    return statistics.quantiles(latencies, n=100)[98]


@contextlib.contextmanager
def meanwhile(function):
    """Runs function(stop) beside; its result is in the list that this gives, at the end."""
    stop, result = threading.Event(), []
    thread = threading.Thread(target=lambda: result.append(function(stop)))
    thread.start()
    try:
        yield result
    finally:
        stop.set()
        thread.join()


def first_ms(server, receivers, run):
    """Milliseconds from a rewrite that moves one context, asked for, to its notification."""
    receivers.ask("/reset")
    begin = time.time_ns() / 1e6
    with server.operator() as operator:
        operator.patch_table([{"ue": f"dev:ue-{run}", "app": "facedetect-1",
                               "targets": ["host:mec-north"]}])
    return receivers.wait_for(1)["first_ms"] - begin
