"""A running mx2-mepm for tests and benchmarks, and an orchestrator of a few lines for it to talk to."""
import hashlib
import http.client
import http.server
import io
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import zipfile

from handler import Handler

PATIENCE_S = 20


def package(app, executable, mode="serve", **process):
    """A zip with the executable as a λ."""
    descriptor = {
        "appDId": app, "appName": app, "appProvider": "Test", "appSoftVersion": "1",
        "appDVersion": "1", "mecVersion": ["2.1.1"], "appDescription": "a test",
        "mx2Process": {"command": ["bin/lambda", "{port}", mode], "readyPath": "/health",
                       "statsPath": "/mx2/stats", **process}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("appd.json", json.dumps(descriptor))
        archive.writestr("bin/lambda", pathlib.Path(executable).read_bytes())
    return out.getvalue()


class Meo:
    """Serves packages and takes registrations and loads."""

    def __init__(self, packages):
        self.packages, self.registrations, self.loads = packages, [], []
        self.directory = tempfile.TemporaryDirectory(prefix="mx2-meo-")
        self.known = set()
        meo = self

        class Operator(Handler):
            def do_GET(self):
                parts = self.path.split("/")
                content = meo.packages.get(parts[4])
                if content is None:
                    return self.answer(404, b"{}")
                if parts[-1] == "package_content":
                    return self.answer(200, content, "application/zip")
                info = {"id": "pkg-" + parts[4], "appDId": parts[4], "appName": parts[4],
                        "appProvider": "Test", "appSoftwareVersion": "1", "appDVersion": "1",
                        "checksum": {"algorithm": "SHA-256",
                                     "hash": hashlib.sha256(content).hexdigest()},
                        "onboardingState": "ONBOARDED", "operationalState": "ENABLED"}
                return self.answer(200, info)

            def do_PUT(self):
                body = json.loads(self.body())
                host, what = self.path.split("/")[4:6]
                if what == "registration":
                    meo.known.add(host)
                    meo.registrations.append(body)
                elif host not in meo.known:
                    return self.answer(404, b"{}")
                else:
                    meo.loads.append(body)
                return self.answer(200, b"{}")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Operator)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.directory.cleanup()


class Mepm:
    """mx2-mepm in a directory of its own; it may be killed and started again."""

    def __init__(self, executable, meo, port_first=23000, uid_first=210000, prefix=(), environment=None):
        self.command = [*prefix, executable]
        self.environment = {**os.environ, **(environment or {})}
        self.directory = tempfile.TemporaryDirectory(prefix="mx2-mepm-")
        os.chmod(self.directory.name, 0o755)
        self.port = 0
        self.settings = (meo.port, port_first, uid_first)
        self.start()

    def start(self):
        meo_port, port_first, uid_first = self.settings
        config = pathlib.Path(self.directory.name) / "mepm.yaml"
        config.write_text(f"""
server: {{port: {self.port}}}
host: {{id: north}}
state_dir: {self.directory.name}/state
orchestrator: {{url: "http://127.0.0.1:{meo_port}", report_ms: 100}}
process: {{port_first: {port_first}, uid_first: {uid_first}, stats_ms: 100}}
""")
        self.log = open(f"{self.directory.name}/log", "a+", encoding="utf-8")
        before = os.path.getsize(self.log.name)
        self.process = subprocess.Popen([*self.command, "--config", str(config)], stderr=self.log,
                                        stdin=subprocess.DEVNULL, env=self.environment)
        self.wait_for_log(before)

    def wait_for_log(self, before):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            with open(self.log.name, encoding="utf-8") as log:
                log.seek(before)
                for line in log:
                    if " listening " in line:
                        address = line.split("http=")[1].split()[0]
                        self.port = int(address.strip('"').rsplit(":", 1)[1])
                        return
            time.sleep(0.005)
        raise RuntimeError("mx2-mepm did not start: " + open(self.log.name).read())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
        self.log.close()
        self.directory.cleanup()

    def ask(self, method, path, body=None, connection=None, **headers):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        own.request(method, path, json.dumps(body) if body is not None else None,
                    {**({"Content-Type": "application/json"} if body is not None else {}), **headers})
        response = own.getresponse()
        text = response.read()
        location = response.getheader("Location")
        if connection is None:
            own.close()
        return response.status, json.loads(text) if text else None, location

    def create(self, app, name):
        """The same instance whenever it is asked for under the same name."""
        status, body, _ = self.ask("POST", "/app_lcm/v1/app_instances",
                                   {"appDId": app, "appInstanceName": name},
                                   **{"Idempotency-Key": f'"{name}"'})
        if status != 201:
            raise RuntimeError(f"create: {status} {body}")
        return body["id"]

    def instance(self, identifier):
        return self.ask("GET", f"/app_lcm/v1/app_instances/{identifier}")[1]

    def run(self, identifier, task, body):
        """The operation occurrence when it is over."""
        status, answer, location = self.ask(
            "POST", f"/app_lcm/v1/app_instances/{identifier}/{task}", body)
        if status != 202:
            raise RuntimeError(f"{task}: {status} {answer}")
        path = "/" + location.split("/", 3)[3]
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            operation = self.ask("GET", path)[1]
            if operation["operationState"] not in ("STARTING", "PROCESSING"):
                return operation
            time.sleep(0.001)
        raise RuntimeError(f"{task} does not end")

    def instantiate(self, identifier):
        return self.run(identifier, "instantiate",
                        {"selectedMECHostInfo": [{"hostId": {"hostId": "north"}}]})

    def terminate(self, identifier):
        return self.run(identifier, "terminate", {"terminationType": "FORCEFUL"})
