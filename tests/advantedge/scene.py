"""An orchestrator, an optimizer that reads a fake sandbox, device applications with callbacks."""
import json
import pathlib
import re
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from orchestrator import CONTEXTS, Orchestrator, create_request
from path_rule import best_hosts, host_names
from receiver import Receiver
from sandbox import Sandbox, read_scenario
from scenario import PHYSICAL

CITY = read_scenario(HERE / "city.json")
APP = "app"
LISTENING = re.compile(r" listening http=\S*:(\d+) ")
POLL_MS = 500
TIMEOUT_MS = 1000
ORCHESTRATOR = ('notifier: {allow: ["127.0.0.0/8"], retry_first_ms: 50, retry_max_ms: 500, '
                "timeout_ms: 2000}\n")


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=20):
    """Seconds that it took. `text` may be a function that says more."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > timeout_s:
            check(False, f"not within {timeout_s} s: {text() if callable(text) else text}")
        time.sleep(0.005)
    return time.monotonic() - begin


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Optimizer:
    """A running mx2-optimizer on the scene's sandbox. Use as a context manager."""

    def __init__(self, scene, name, subscribe, timeout_ms=TIMEOUT_MS):
        self.scene, self.port, self.killed = scene, free_port(), False
        self.log = scene.server.directory / f"{name}.log"
        self.url = f"http://127.0.0.1:{self.port}"
        config = scene.server.directory / f"{name}.yaml"
        config.write_text(
            f"orchestrator: {{url: '{scene.server.operator_url}'}}\n"
            f"server: {{address: 127.0.0.1, port: {self.port}}}\n"
            "policy: nearest\nleader: {lease_ms: 1000}\ncost: {migration_us: 0, off_tree_us: 0}\n"
            "stability: {gain_us_min: 0, gain_percent_min: 0, dwell_ms: 0, hold_ms: 0, "
            "return_wait_ms: 0, return_ms: 0}\n"
            f"advantedge:\n  url: {scene.sandbox.url}\n  poll_ms: {POLL_MS}\n"
            f"  timeout_ms: {timeout_ms}\n  header_file: '{scene.header_file}'\n"
            f"  callback_url: '{self.url if subscribe else ''}'\n")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [scene.bin / "mx2-optimizer", "--config", config], stderr=log,
                stdin=subprocess.DEVNULL)
        wait_for(lambda: LISTENING.search(self.said()) or self.ended(), "the optimizer listens")
        check(not self.ended(), self.said())

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.killed:
            return
        if kind is None:
            check(not self.ended(), f"the optimizer ended: {self.said()[-2000:]}")
            self.process.terminate()
            check(self.process.wait(timeout=10) == 0, "the optimizer did not stop cleanly")
        else:
            self.process.kill()
            self.process.wait()
            print(self.said()[-3000:], file=sys.stderr)

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s):
        """SIGTERM; the seconds until it has ended."""
        self.killed = True
        begin = time.monotonic()
        self.process.terminate()
        check(self.process.wait(timeout=timeout_s) == 0, "the optimizer did not stop cleanly")
        return time.monotonic() - begin

    def ended(self):
        return self.process.poll() is not None

    def said(self):
        return self.log.read_text(errors="replace")

    def ctl(self, *arguments):
        return subprocess.run([self.scene.bin / "mx2ctl", *arguments, "--optimizer-url", self.url],
                              check=True, capture_output=True, text=True).stdout

    def topology(self):
        return json.loads(self.ctl("topology", "show", "--output", "json"))

    def state(self):
        return self.topology()["source"]["state"]

    def subscribed(self):
        return self.topology()["source"]["subscribed"]

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


class Scene:
    """The sandbox runs city.json; every UE of it has one context of one application, and every host
    of it an instance."""

    def __init__(self, bin_dir, directory):
        self.bin = pathlib.Path(bin_dir)
        self.server = Orchestrator(self.bin / "mx2-orchestrator", directory, extra=ORCHESTRATOR)
        self.header_file = pathlib.Path(directory) / "header"
        self.header_file.write_text("Cookie: authCookie=abc\n")
        self.sandbox = Sandbox([CITY], prefix="/sandbox1", cookie="authCookie=abc")
        self.receiver = Receiver()
        self.contexts = {}   # device: contextId

    def __enter__(self):
        self.server.start()
        self.sandbox.__enter__()
        self.operator = self.server.operator()
        self.fill()
        return self

    def __exit__(self, *_):
        self.sandbox.__exit__()
        self.receiver.close()
        self.operator.connection.close()
        self.server.kill()

    def fill(self):
        self.operator.need(201, "PUT", f"/operator/v1/apps/{APP}", {
            "appDId": APP, "appName": APP, "appProvider": "Test", "appSoftVersion": "1",
            "appDVersion": "1.0", "appDescription": "-", "appCharcs": {}})
        for host in host_names(self.scenario).values():
            self.operator.need(201, "PUT", f"/operator/v1/hosts/{host}", {
                "state": "up", "instances": [{"appDId": APP, "referenceURI": f"http://{host}/"}]})
        self.operator.patch_table([{"ue": "*", "app": APP, "targets": ["host:cloud"]}])
        with self.server.mx2() as client:
            for device in self.devices().values():
                request = create_request(device, APP, "Test")
                request["callbackReference"] = f"{self.receiver.urls[0]}/{device}"
                made = client.need(201, "POST", CONTEXTS, request)
                self.contexts[device] = made["contextId"]

    @property
    def scenario(self):
        return self.sandbox.active

    def devices(self):
        """UE's name: what its device application calls itself."""
        return {ue["name"]: (ue.get("userMeta") or {}).get("mx2.device", ue["name"])
                for ue, _ in self.scenario.all(PHYSICAL, "UE")}

    def hosts(self):
        """device: host, as the orchestrator has it."""
        return {c["associateDevAppId"]: c["host"]
                for c in self.operator.pages("/operator/v1/contexts")}

    def rows(self):
        return {row["ue"]: row["targets"] for row in self.operator.pages("/operator/v1/table")}

    def version(self):
        return self.operator.need(200, "GET", "/operator/v1/health")["tableVersion"]

    def wrong(self):
        """[(ue, host, the hosts that are best)]: where the table, or a context, does not say what
        the scenario does. UEs that reach nobody may be anywhere."""
        with self.sandbox.control.lock:
            best = {ue: best_hosts(self.scenario, ue) for ue in self.devices()}
            devices = self.devices()
        hosts, rows = self.hosts(), self.rows()
        out = []
        for ue, good in best.items():
            host = hosts.get(devices[ue])
            row = rows.get("dev:" + devices[ue], rows["*"])[0]
            if good and not (host in good and row == f"host:{host}"):
                out.append((ue, host, row, good))
        return out

    def settle(self, text, timeout_s=20):
        return wait_for(lambda: not self.wrong(), lambda: f"{text}: {self.wrong()}", timeout_s)

    def settle_for_good(self, timeout_s=20):
        """Seconds until the table was right and changed no more, looked at for two polls. Once it is
        right it may still follow, for a moment, what was told before the last event."""
        begin = since = time.monotonic()
        version = None
        while time.monotonic() - since < 2 * POLL_MS / 1000:
            now, wrong = self.version(), self.wrong()
            if wrong or now != version:
                version, since = now, time.monotonic()
            check(time.monotonic() - begin < timeout_s, f"it drifts, version {now}: {wrong}")
            time.sleep(0.005)
        return since - begin

    def reset(self):
        """The scenario as it was in the beginning, and everybody where that is best."""
        self.sandbox.control.activate("city")
        self.settle("everybody is where the scenario as it began says")

    def follow(self, ue, dest, timeout_s=10):
        """Moves a UE so that its host changes; when it was moved, when its callback heard of it."""
        device = self.devices()[ue]
        context, before = self.contexts[device], self.receiver.heard.get(self.contexts[device])
        with self.sandbox.control.lock:
            moved = time.monotonic()
            self.sandbox.move(ue, dest)
            uris = {f"http://{host}/" for host in best_hosts(self.scenario, ue)}
        wait_for(lambda: self.receiver.heard.get(context) != before
                 and self.receiver.heard[context][1]["referenceURI"] in uris,
                 lambda: f"{ue} at {dest} hears of {uris}: {self.receiver.heard.get(context)}",
                 timeout_s)
        return moved, self.receiver.heard[context][2]

    def notified_at(self, ue, since):
        """When the first zonal notification about it after that moment was sent. It is noted when it
        has been answered, so a callback may be quicker."""
        def found():
            return [when for when, _, body in list(self.sandbox.location.sent)
                    if when >= since and body["zonalPresenceNotification"]["address"] == ue]
        wait_for(found, f"the location service tells of {ue}")
        return found()[0]

    def subscriptions(self):
        with self.sandbox.location.lock:
            return {s["zoneId"] for s in
                    self.sandbox.location.subscriptions["zonalTraffic"].values()}

    def callbacks(self):
        """Where subscriptions go to."""
        with self.sandbox.location.lock:
            return {s["callbackReference"]["notifyURL"] for s in
                    self.sandbox.location.subscriptions["zonalTraffic"].values()}

    def wait_subscribed(self):
        return wait_for(lambda: self.subscriptions() == set(self.scenario.zones()),
                        lambda: f"all zones are subscribed to: {self.subscriptions()}")
