#!/usr/bin/env python3
"""Every program that listens, when it runs out of descriptors: new clients wait, one that is connected
is served, no core is burnt, one line in the log says why, and all are served when there are
descriptors again.

usage: descriptors_test.py BIN_DIR
"""
import http.client
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from orchestrator import EXAMPLE_CONTENT, Orchestrator  # noqa: E402

CLIENTS = 200
WATCH_S = 2
PATIENCE_S = 20
SHARE_MAX = 0.04  # of a core, for what else it does; on a busy machine a loop gets little more
PAUSED, AGAIN = "new connections wait", "new connections are taken again"


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


class Program:
    """One that is running, with one of its listeners."""

    def __init__(self, name, pid, port, path, log):
        self.name, self.pid, self.port, self.path, self.log = name, pid, port, path, log
        self.clients = []
        self.earlier = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def said(self, words):
        return self.log.read_text(errors="replace").count(words)

    def check_connected(self):
        self.earlier.request("GET", self.path)
        answer = self.earlier.getresponse()
        answer.read()
        check(answer.status in (200, 503), f"{self.name} answers {answer.status}")

    def run_out(self):
        self.check_connected()
        self.before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        open_now = [int(each) for each in os.listdir(f"/proc/{self.pid}/fd")]
        free = next(n for n in range(3, 1 << 20) if n not in open_now)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (free, self.before[1]))
        request = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        for _ in range(CLIENTS):
            client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
            client.sendall(request)
            self.clients.append(client)
        self.used = self.cpu_s()

    def check_paused(self):
        share = (self.cpu_s() - self.used) / WATCH_S
        print(f"{self.name}: {share:.1%} of a core, {self.said(PAUSED)} lines")
        check(share < SHARE_MAX, f"{self.name} burns {share:.0%} of a core")
        check(self.said(PAUSED) == 1, f"{self.name} says it {self.said(PAUSED)} times")
        self.earlier.auto_open = False
        self.check_connected()

    def check_served_again(self):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self.before)
        for client in self.clients:
            answer = client.recv(20)
            check(re.match(rb"HTTP/1.1 (200|503)", answer), f"{self.name} answers {answer!r}")
            client.close()
        check(self.said(AGAIN) == 1, f"{self.name} does not say that it goes on")


class Started:
    def __init__(self, directory, bin_dir, name, config):
        file = directory / f"{name}.yaml"
        file.write_text(config)
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([bin_dir / name, "--config", file], stderr=log,
                                            stdin=subprocess.DEVNULL)

    def port(self, key):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(rf" listening .*{key}=\"?[^ ]*:(\d+)", self.log.read_text(errors="replace"))
            if found:
                return int(found.group(1))
            time.sleep(0.02)
        raise SystemExit(f"FAILED: {self.log} says no port: {self.log.read_text()[-500:]}")


def configurations(server, directory):
    """name, configuration, what the log calls the port"""
    url = f'orchestrator: {{url: "{server.operator_url}"}}\n'
    (directory / "topology.yaml").write_text("attachments: []\nlatency: {}\n")
    yield "mx2-notifier", f'server: {{port: 0}}\nstore: {{path: "{server.store}"}}\n', "http"
    yield "mx2-optimizer", f"{url}server: {{port: 0}}\n", "http"
    yield ("mx2-mepm", f"{url}server: {{port: 0}}\nhost: {{id: north}}\n"
           f"state_dir: {directory}/state\n", "http")
    yield ("mx2-dispatcher", f"{url}server: {{port: 0}}\n"
           "dispatcher: {address: 127.0.0.1, port: 0}\nhost: {id: north}\n", "api")


def main(bin_dir):
    started = []
    with tempfile.TemporaryDirectory(prefix="mx2-descriptors-") as path, Orchestrator(
            bin_dir / "mx2-orchestrator", f"{path}/orchestrator", EXAMPLE_CONTENT,
            "notifier: {enabled: false}\n") as server:
        directory = pathlib.Path(path)
        directory.chmod(0o755)
        try:
            programs = []
            for name, config, key in configurations(server, directory):
                started.append(Started(directory, bin_dir, name, config))
                programs.append(Program(name, started[-1].process.pid, started[-1].port(key),
                                        "/health", started[-1].log))
            programs.append(Program("mx2-orchestrator", server.process.pid, server.mx2_port,
                                    "/dev_app/v1/app_list", server.log))
            for program in programs:
                program.run_out()
            time.sleep(WATCH_S)
            for program in programs:
                program.check_paused()
            for program in programs:
                program.check_served_again()
        finally:
            for each in started:
                each.process.send_signal(signal.SIGTERM)
            for each in started:
                each.process.wait(PATIENCE_S)
    print(f"{len(programs)} programs wait, and go on")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
