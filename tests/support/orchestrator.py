"""Starts an orchestrator on free ports and talks to it. Standard library only."""
import http.client
import json
import pathlib
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE_CONTENT = ROOT / "tests" / "support" / "two_apps.yaml"
LISTENING = re.compile(r" listening mx2=\S*:(\d+) operator=\S*:(\d+) ")
CONTEXTS = "/dev_app/v1/app_contexts"


class Orchestrator:
    """One store in `directory`, and the process on it. Use as a context manager. With a `token`, the
    operator API asks for it. `store`: more keys of that section, each followed by a comma."""

    def __init__(self, program, directory, content="", extra="", token="", store=""):
        self.program = pathlib.Path(program).resolve()
        self.directory = pathlib.Path(directory).resolve()
        self.config = self.directory / "config.yaml"
        self.log = self.directory / "log"
        self.process = None
        self.token = token
        self.store_keys = store
        self.token_file = self.directory / "token" if token else ""
        self.more = f'content: "{content}"\n{extra}'
        self.directory.mkdir(parents=True, exist_ok=True)
        if token:
            self.token_file.write_text(token + "\n")
            self.token_file.chmod(0o600)
        self.write_config()

    def write_config(self, mx2_port=0, operator_port=0):
        """For the next start; ports are free ones unless they are given."""
        self.config.write_text(
            f"mx2: {{address: 127.0.0.1, port: {mx2_port}}}\n"
            f'operator: {{port: {operator_port}, token_file: "{self.token_file}"}}\n'
            f'store: {{{self.store_keys}path: "{self.store}"}}\n{self.more}')

    def keep_ports(self):
        """So that it is found again after a restart."""
        self.write_config(self.mx2_port, self.operator_port)

    @property
    def store(self):
        return self.directory / "mx2.sqlite"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self, timeout_s=120):
        """Returns the seconds until it answered that it is healthy."""
        try:
            return self.start_and_wait(timeout_s)
        except BaseException:
            self.kill()
            raise

    def start_and_wait(self, timeout_s):
        begin = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while not (found := LISTENING.search(self.log.read_text(errors="replace"))):
            if self.process.poll() is not None:
                raise RuntimeError(f"did not start: {self.last_words()}")
            if time.monotonic() - begin > timeout_s:
                raise RuntimeError(f"not ready after {timeout_s} s: {self.last_words()}")
            time.sleep(0.005)
        self.mx2_port, self.operator_port = map(int, found.groups())
        with self.operator() as operator:
            operator.need(200, "GET", "/operator/v1/health")
        return time.monotonic() - begin

    def last_words(self):
        return self.log.read_text(errors="replace")[-1000:]

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise RuntimeError(f"did not stop cleanly: {self.last_words()}")

    def mx2(self):
        return Client(self.mx2_port)

    def operator(self):
        return Client(self.operator_port, self.token)

    @property
    def operator_url(self):
        return f"http://127.0.0.1:{self.operator_port}"

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


class Client:
    """One keep-alive connection."""

    def __init__(self, port, token=""):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method, path, body=None, content_type="application/json"):
        """(status, decoded body); raises OSError or HTTPException when there is no answer."""
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, str) else json.dumps(body)
            body = body.encode()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if text and is_json else text

    def need(self, expected, method, path, body=None, content_type="application/json"):
        """The decoded body; raises when the status is not (among) the expected."""
        status, answer = self.ask(method, path, body, content_type)
        if status not in (expected if isinstance(expected, tuple) else (expected,)):
            raise RuntimeError(f"{method} {path}: expected {expected}, got {status}: {answer}")
        return answer

    def patch_table(self, rows):
        lines = "\n".join(json.dumps(row) for row in rows)
        return self.need(200, "PATCH", "/operator/v1/table", lines, "application/x-ndjson")

    def pages(self, path):
        """All items of a paged list of the operator API."""
        cursor = ""
        while True:
            page = self.need(200, "GET", f"{path}?limit=10000&cursor={cursor}")
            yield from page["items"]
            cursor = page.get("next", "")
            if not cursor:
                return


def create_request(dev_app_id, app_name="facedetect", provider="Example", location=None):
    instance = {} if location is None else {"appLocation": location}
    return {"associateDevAppId": dev_app_id,
            "appInfo": {"appName": app_name, "appProvider": provider, "appDVersion": "1.0",
                        "userAppInstanceInfo": [instance]}}


def in_parallel(function, items, threads=4):
    """Calls function(part) for equal parts of the items; raises the first exception."""
    failures = []

    def guarded(part):
        try:
            function(part)
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    workers = [threading.Thread(target=guarded, args=(items[i::threads],)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
