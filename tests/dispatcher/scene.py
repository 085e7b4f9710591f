"""An orchestrator, λ at four hosts and dispatchers, for scenarios. Standard library only."""
import contextlib
import pathlib
import tempfile
import urllib.parse

from broker import Destination, Dispatcher, check
from orchestrator import Orchestrator

REQUEST_MS = 1000
BODY_MAX = 100_000
BUFFER = 32768
WATCH_S = 3


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

    def dispatcher(self, name="d", host="a", limits="", ready=True, haproxy="", wrapper=()):
        return Dispatcher(
            self.bin_dir, self.directory / name, self.server.operator_url,
            "dispatcher: {address: 127.0.0.1, port: 0}\n"
            f"host: {{id: {host}}}\n"
            f"limits: {{body_bytes_max: {BODY_MAX}, buffer_bytes: {BUFFER}, {limits}}}\n"
            f"timeouts: {{request_ms: {REQUEST_MS}}}\n"
            f"haproxy: {{reload_interval_ms: 100, {haproxy}}}\n"
            "selection: {stale_ms: 2000}\n", ready, wrapper)


@contextlib.contextmanager
def scene(bin_dir, kind=Scene):
    with tempfile.TemporaryDirectory() as directory:
        it = kind(bin_dir, directory)
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
