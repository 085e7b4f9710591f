"""An orchestrator, a dispatcher, λ on some hosts, and traffic. Standard library only."""
import http.client
import json
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from orchestrator import Client  # noqa: E402

LISTENING = re.compile(r" listening dispatcher=\S*:(\d+) api=\S*:(\d+) ")


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=20):
    begin = time.monotonic()
    while not (result := condition()):
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.01)
    return result


class Destination:
    """A λ in a process of its own."""

    def __init__(self, name, port=0, certificate=None):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, HERE / "destination.py", name, str(port),
             *([certificate] if certificate else [])], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def set(self, **values):
        with Client(self.port) as client:
            client.need(200, "POST", "/-/set", values)

    def calls(self):
        with Client(self.port) as client:
            return client.need(200, "GET", "/-/calls")["calls"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def again(self):
        self.__init__(self.name, self.port)


class Dispatcher:
    """One mx2-dispatcher. Use as a context manager."""

    def __init__(self, bin_dir, directory, orchestrator_url, extra="", ready=True, wrapper=()):
        self.program = pathlib.Path(bin_dir) / "mx2-dispatcher"
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "dispatcher.yaml"
        self.log = self.directory / "log"
        self.config.write_text(f"orchestrator: {{url: '{orchestrator_url}'}}\n"
                               "server: {port: 0}\n" + extra)
        self.process = None
        self.ready = ready
        self.wrapper = wrapper  # of the program

    def __enter__(self):
        begin = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*self.wrapper, self.program, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not (found := LISTENING.search(self.log.read_text(errors="replace"))):
            check(self.process.poll() is None, f"the dispatcher did not start: {self.words()}")
            check(time.monotonic() - begin < 30, f"the dispatcher is not ready: {self.words()}")
            time.sleep(0.005)
        self.port, self.api_port = map(int, found.groups())
        if self.ready:
            wait_for(lambda: self.ask("/health")["status"] == "ok", "the dispatcher serves")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            check(self.process.wait(timeout=30) == 0, f"no clean end: {self.words()}")

    def words(self):
        return self.log.read_text(errors="replace")[-3000:]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path):
        with Client(self.api_port) as client:
            return client.need(200, "GET", path)

    def destinations(self, app):
        """By host."""
        for entry in self.ask("/status")["lambdas"]:
            if entry["appDId"] == app:
                return {d["host"]: d for d in entry["destinations"]}
        return {}

    def left_out(self, app):
        """Why it calls some of what the table names not at all."""
        return [reason for entry in self.ask("/status")["lambdas"] if entry["appDId"] == app
                for reason in entry.get("leftOut", [])]

    def haproxies(self):
        """Process ids of its HAProxy: master and workers."""
        found, fresh = set(), {self.process.pid}
        while fresh:
            children = set()
            for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
                try:
                    text = stat.read_text()
                except OSError:
                    continue
                if int(text.rsplit(")", 1)[1].split()[1]) in fresh:
                    children.add(int(stat.parent.name))
            fresh = children - found
            found |= fresh
        return sorted(found)


def call(port, path, body=b"x", headers=None, method="POST", timeout=10):
    """(status, headers, decoded body) on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        text = reply.read()
        return reply.status, reply.headers, json.loads(text) if text else None
    finally:
        connection.close()


class Traffic:
    """Calls at a steady rate on keep-alive connections, until it is stopped; a call that is not
    answered with 200 has failed. A client whose connection the server has closed in an orderly way
    (Connection: close) makes the next one, as HTTP/1.1 has it."""

    def __init__(self, port, path, rate=200, clients=10, body=b"x" * 100, timeout_s=20):
        self.port, self.path, self.body, self.timeout_s = port, path, body, timeout_s
        self.calls = []  # (when, milliseconds, status or error, name)
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i, clients, rate), daemon=True)
                        for i in range(clients)]

    def __enter__(self):
        self.begin = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, i, clients, rate):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        due = self.begin + i / rate
        while not self.stopping.wait(max(0, due - time.monotonic())):
            begin = time.monotonic()
            try:
                connection.request("POST", self.path, self.body)
                reply = connection.getresponse()
                text = reply.read()
                name = json.loads(text).get("name") if reply.status == 200 else text.decode()[:200]
                outcome = reply.status
            except (OSError, http.client.HTTPException) as failure:
                outcome, name = repr(failure), ""
                connection.close()
            now = time.monotonic()
            self.calls.append((begin, 1000 * (now - begin), outcome, name))
            due = max(due + clients / rate, now - 1)
        connection.close()

    def since(self, when, until=float("inf")):
        return Calls([c for c in self.calls if when <= c[0] < until])


class Calls:
    def __init__(self, calls):
        self.calls = calls
        self.failed = [c for c in calls if c[2] != 200]
        times = sorted(c[1] for c in calls if c[2] == 200)
        self.median = statistics.median(times) if times else 0
        self.p99 = times[min(len(times) - 1, int(0.99 * len(times)))] if times else 0
        self.most = times[-1] if times else 0

    def share(self, name):
        good = [c for c in self.calls if c[2] == 200]
        return sum(c[3] == name for c in good) / max(1, len(good))

    def __str__(self):
        rate = 100 * len(self.failed) / max(1, len(self.calls))
        return (f"{len(self.calls)} calls, {len(self.failed)} failed ({rate:.2f} %), median "
                f"{self.median:.1f} ms, p99 {self.p99:.1f} ms, longest {self.most:.0f} ms")
