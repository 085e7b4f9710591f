"""An orchestrator, MEPMs on some hosts, and a web server with the example packages. Standard
library only."""
import contextlib
import functools
import hashlib
import http.client
import http.server
import json
import pathlib
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

from orchestrator import Client, Orchestrator

LEASE_MS = 2000
LISTENING = re.compile(r" listening \S*?http=\S*?:(\d+)")


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=30):
    begin = time.monotonic()
    while not (result := condition()):
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.02)
    return result


class Launched:
    """A program of `self.program` that says in `self.log` on which port it listens."""
    process, port = None, 0

    def launch(self, config):
        begin = time.monotonic()
        with self.log.open("ab") as log:
            at = log.tell()
            self.process = subprocess.Popen([self.program, "--config", config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not (found := LISTENING.search(self.log.read_bytes()[at:].decode(errors="replace"))):
            check(self.process.poll() is None, f"{self.program.name} ended: {self.last_words()}")
            check(time.monotonic() - begin < 30, f"{self.program.name} not ready: {self.last_words()}")
            time.sleep(0.01)
        self.port = int(found.group(1))

    def last_words(self):
        return f"{self.log}: {self.log.read_text(errors='replace')[-2000:]}"

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)


class Mepm(Launched):
    """One mx2-mepm. What it starts outlives it."""

    def __init__(self, bin_dir, host, orchestrator, directory, first_port):
        self.program = pathlib.Path(bin_dir) / "mx2-mepm"
        self.host = host
        self.directory = pathlib.Path(directory) / host
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "log"
        self.config = self.directory / "mepm.yaml"
        self.orchestrator = orchestrator
        self.first_port = first_port

    def write_config(self):
        self.config.write_text(
            f"host: {{id: {self.host}, zone: test}}\n"
            f"server: {{port: {self.port}}}\n"
            f"orchestrator: {{url: '{self.orchestrator.operator_url}', lease_ms: {LEASE_MS}, "
            f"token_file: '{self.orchestrator.token_file}', trusted_apps: [dispatcher-1]}}\n"
            f"state_dir: '{self.directory}/data'\n"
            f"process: {{port_first: {self.first_port}, ports: 100, "
            f"uid_first: {600000 + self.first_port}, uids: 100}}\n")

    def start(self):
        self.write_config()
        self.launch(self.config)
        return self

    def client(self):
        return Client(self.port)


class PackageServer:
    """Serves a directory over HTTP, on this machine."""

    def __init__(self, directory):
        handler = functools.partial(Quiet, directory=str(directory))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class City:
    def __init__(self, bin_dir, directory, hosts=("h1", "h2", "h3"), content="", extra="",
                 token=""):
        self.bin = pathlib.Path(bin_dir)
        self.packages = self.bin.parent / "packages"
        self.server = Orchestrator(self.bin / "mx2-orchestrator", directory, content, extra, token)
        self.server.start()
        self.web = PackageServer(self.packages)
        self.directory = pathlib.Path(directory).resolve()
        first = 21000 + 1000 * random.randrange(10)  # instances of another test may still run
        self.mepms = {host: Mepm(bin_dir, host, self.server, directory, first + 100 * i)
                      for i, host in enumerate(hosts)}

    def __enter__(self):
        for mepm in self.mepms.values():
            mepm.start()
        wait_for(lambda: {h["id"] for h in self.items("hosts") if h["status"]["reachable"]} >=
                 set(self.mepms), "all hosts have registered")
        return self

    def __exit__(self, *_):
        # Not in the way of the check that nothing is left: whatever a test leaves running is ended.
        for mepm in self.mepms.values():
            mepm.stop()
        self.server.kill()
        self.web.stop()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def processes(self):
        """Of instances: their working directories are below the MEPMs' ones."""
        found = []
        for proc in pathlib.Path("/proc").iterdir():
            try:
                if proc.name.isdigit() and str(self.directory) in os.readlink(proc / "cwd"):
                    found.append(int(proc.name))
            except OSError:
                continue
        return found

    def operator(self, method, path, body=None, expect=(200, 201, 202, 204)):
        with self.server.operator() as client:
            return client.need(expect, method, path, body)

    def items(self, path):
        with self.server.operator() as client:
            return list(client.pages(f"/operator/v1/{path}"))

    def on_board(self, name):
        """By URI; answers its appDId."""
        archive = self.packages / f"{name}.zip"
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        package = self.operator("POST", "/app_pkgm/v1/app_packages", {
            "appPkgName": name, "appPkgVersion": "1.0", "appProvider": "Example",
            "checksum": {"algorithm": "SHA-256", "hash": digest},
            "appPkgPath": f"{self.web.url}/{name}.zip"}, 201)
        path = f"/app_pkgm/v1/app_packages/{package['id']}"
        info = wait_for(lambda: self.ready_package(path), f"package {name} is on-boarded")
        if info["operationalState"] != "ENABLED":
            self.operator("PATCH", path, {"operationalState": "ENABLED"})
        return info["appDId"]

    def ready_package(self, path):
        info = self.operator("GET", path)
        return info if info["onboardingState"] == "ONBOARDED" else None

    def instances(self, state=None):
        return [i for i in self.items("instances") if state in (None, i["state"])]

    def create(self, device, app, expect=201, **more):
        body = {"associateDevAppId": device, "appInfo": {
            "appName": app, "appProvider": "Example", "appDVersion": "1.0",
            "userAppInstanceInfo": [{}]}, **more}
        with self.server.mx2() as client:
            return client.need(expect, "POST", "/dev_app/v1/app_contexts", body)


@contextlib.contextmanager
def hasty_city(bin_dir, token="", hosts=("h1", "h2", "h3")):
    """A City that ends instances within seconds after their last context."""
    extra = ("capacity: {period_ms: 500, idle_ms: 2000, idle_unknown_ms: 3000, "
             "cool_down_down_ms: 1000}\n")
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory).resolve()
        # Instances run as users of their own where this runs as root.
        os.chmod(directory, 0o755)
        with City(bin_dir, directory, hosts, extra=extra, token=token) as city:
            yield city


@contextlib.contextmanager
def calling(bin_dir, mx2_port, app, every="20ms"):
    """`mx2 run` in the background; `.summary` afterwards."""
    process = subprocess.Popen(
        [pathlib.Path(bin_dir) / "mx2", "--url", f"http://127.0.0.1:{mx2_port}", "--output", "json", "run",
         app, "--provider", "Example", "--device", "caller", "--every", every],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    result = {"lines": []}
    reader = threading.Thread(target=lambda: result["lines"].extend(process.stdout), daemon=True)
    reader.start()
    try:
        yield result
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        reader.join(timeout=5)
        said = [json.loads(line) for line in result["lines"] if line.startswith("{")]
        result["summary"] = next((s for s in reversed(said) if "longestGapMs" in s), None)
        result["said"] = said


def call(uri, body=b"x"):
    request = urllib.request.Request(uri, data=body, method="POST")
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


def uri_of(context):
    return context["appInfo"]["userAppInstanceInfo"][0].get("referenceURI", "")


def nothing_left(city):
    with city.server.operator() as operator:
        for context in list(operator.pages("/operator/v1/contexts")):
            operator.need(204, "DELETE", f"/operator/v1/contexts/{context['contextId']}")
        rows = list(operator.pages("/operator/v1/table"))
        if rows:
            operator.patch_table([{"ue": r["ue"], "app": r["app"], "remove": True}
                                  for r in rows])
    seconds = wait_for_end(city)
    print(f"without contexts all instances ended after {seconds:.1f} s; nothing is left")


def wait_for_end(city):
    begin = time.monotonic()
    wait_for(lambda: not city.instances(), "no instance is left", 60)
    wait_for(lambda: not city.processes(), "no process is left", 10)
    for mepm in city.mepms.values():
        left = [p for p in (mepm.directory / "data").rglob("*") if "instances" in p.parts
                and p.is_dir() and p.name != "instances"]
        check(not left, f"{mepm.host}: directories are left: {left}")
        for port in range(mepm.first_port, mepm.first_port + 20):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            try:
                connection.connect()
                check(False, f"{mepm.host}: port {port} still answers")
            except OSError:
                pass
    return time.monotonic() - begin
