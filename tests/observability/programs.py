"""The programs, with JSON logs and a scraper's token, for the test of observability. Standard library only."""
import json
import pathlib
import re
import signal
import subprocess
import time

PATIENCE_S = 20
OPERATOR, SCRAPER = "operators-token", "scrapers-token"


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=PATIENCE_S):
    begin = time.monotonic()
    while not (result := condition()):
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.05)
    return result


class Program:
    """One program with its configuration; `listener`: the field of its line "listening" that has the
    address of /metrics."""

    def __init__(self, bin_dir, directory, name, config, listener="http"):
        self.name, self.listener = name, listener
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(exist_ok=True)
        self.executable = pathlib.Path(bin_dir) / f"mx2-{name}"
        self.log = self.directory / "log"
        tokens = {"operator": OPERATOR, "scraper": SCRAPER}
        for file, token in tokens.items():
            (self.directory / file).write_text(token + "\n")
        self.config = self.directory / "config.yaml"
        closed = "" if name == "orchestrator" else ", open: []"
        self.config.write_text(config + f"metrics: {{token_file: scraper{closed}}}\n"
                                        "log: {format: json, level: debug}\n")
        self.port = 0
        self.start()

    def start(self):
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.executable, "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.directory)

        def listening():
            check(self.process.poll() is None, f"{self.name} did not start: {self.last_words()}")
            return re.search(r'^.*"message":"listening".*$', self.log.read_bytes()[before:].decode(), re.M)
        self.said = json.loads(wait_for(listening, f"{self.name} listens").group())
        self.port = int(self.said[self.listener].rsplit(":", 1)[1])

    def last_words(self):
        return self.log.read_text(errors="replace")[-1000:]

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            check(self.process.wait(PATIENCE_S) == 0, f"{self.name} did not stop: {self.last_words()}")


def start_all(bin_dir, directory, programs):
    """Orchestrator, notifier, Optimizer, the MEPM of host north, and a dispatcher, into `programs`."""
    def add(*what, **more):
        programs[what[0]] = Program(bin_dir, directory, *what, **more)
        return programs[what[0]]
    orchestrator = add("orchestrator", "mx2: {address: 127.0.0.1, port: 0}\n"
                       "operator: {port: 0, token_file: operator}\nstore: {path: store}\n"
                       "notifier: {enabled: false}\n", listener="operator")
    access = f'url: "http://127.0.0.1:{orchestrator.port}", token_file: operator'
    add("notifier", f"server: {{port: 0}}\nstore: {{path: {orchestrator.directory}/store}}\n"
                    "notifier: {allow: [127.0.0.0/8]}\n")
    (orchestrator.directory.parent / "topology.yaml").write_text(
        "hosts: [{id: north, tier: edge}, {id: cloud, tier: cloud}]\n")
    add("optimizer", f"server: {{port: 0}}\norchestrator: {{{access}}}\nperiod_ms: 300\n"
                     "topology: {file: ../topology.yaml}\n")
    add("mepm", f"server: {{port: 0}}\nhost: {{id: north, labels: [tier=edge]}}\nstate_dir: state\n"
                f"orchestrator: {{{access}, lease_ms: 1000, report_ms: 200}}\n"
                "process: {port_first: 25000, ports: 10}\n")
    add("dispatcher", "server: {port: 0}\ndispatcher: {address: 127.0.0.1, port: 0}\n"
                      f"orchestrator: {{{access}}}\nhost: {{id: near, zone: here}}\n", listener="api")
