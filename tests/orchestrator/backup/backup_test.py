#!/usr/bin/env python3
"""Backups of an orchestrator that works, restores, and starts on copies of all kinds: what is whole starts
with all that was acknowledged, what is not is refused and says what to do.

usage: backup_test.py BIN_DIR
"""
import http.server
import io
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from orchestrator import CONTEXTS, Orchestrator, create_request

BIN = pathlib.Path(sys.argv[1]).resolve()
CONTENT = """
apps:
  - {appDId: facedetect-1, appName: facedetect, appProvider: Example, appSoftVersion: "1", appDVersion: "1.0",
     appDescription: test}
hosts:
  - {id: north, instances: [{appDId: facedetect-1, referenceURI: "http://10.0.1.10/"}]}
table:
  - {ue: "*", app: facedetect-1, targets: ["host:north"]}
"""


def check(good, what):
    print("ok  " if good else "FAIL", what, flush=True)
    if not good:
        sys.exit(1)


def ctl(*arguments, server=None, expect=0, **more):
    """What mx2ctl says; it must end with that status."""
    url = ["--url", server.operator_url] if server else []
    done = subprocess.run([BIN / "mx2ctl", *url, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False, **more)
    said = done.stdout + done.stderr
    check(done.returncode == expect, f"mx2ctl {arguments[0]}: exit status {expect} | {said.strip()[-300:]}")
    return said


def contexts(server):
    with server.operator() as operator:
        return {item["contextId"] for item in operator.pages("/operator/v1/contexts")}


def create(server, device):
    with server.mx2() as client:
        return client.need(201, "POST", CONTEXTS, create_request(device))["contextId"]


def refused(server, *words):
    """The start, in words."""
    try:
        server.start()
    except RuntimeError as failure:
        check(all(word in str(failure) for word in words), f"refused, with {words} | {str(failure).strip()[-400:]}")
        return
    check(False, f"not refused, though it should be with {words}")


def package():
    descriptor = {"appDId": "hello", "appName": "hello", "appProvider": "Example", "appSoftVersion": "1",
                  "appDVersion": "1", "appDescription": "test", "mecVersion": ["2.1.1"],
                  "mx2Process": {"command": ["bin/x"], "readyPath": "/"}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("appd.json", json.dumps(descriptor))
        archive.writestr("bin/x", os.urandom(200_000))
    return out.getvalue()


class Load(threading.Thread):
    """Creates contexts as fast as one connection can, until it is ended."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.made, self.over = server, [], False
        self.start()

    def run(self):
        with self.server.mx2() as client:
            while not self.over:
                request = create_request(f"load-{len(self.made)}")
                self.made.append(client.need(201, "POST", CONTEXTS, request)["contextId"])

    def end(self):
        self.over = True
        self.join()


class Peer:
    """What of a MEPM a start looks at: its health. `reports` counts on, if it has another orchestrator."""

    def __init__(self, name):
        self.name, self.store, self.reports, self.busy = name, "", 1, False
        peer = self

        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"[]"
                if self.path == "/health":
                    peer.reports += peer.busy
                    body = json.dumps({"status": "ok", "store": peer.store, "reports": peer.reports,
                                       "reportAgeMs": 100}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def register(self, server):
        body = {"mepmUri": f"http://127.0.0.1:{self.server.server_address[1]}", "mepmKey": self.name}
        with server.operator() as operator:
            operator.need((200, 201), "PUT", f"/operator/v1/hosts/{self.name}/registration", body)


def store_of(server):
    with server.operator() as operator:
        return operator.need(200, "GET", "/operator/v1/health")["store"]


class Rooms:
    """Directories of orchestrators, each with an empty store."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "content.yaml").write_text(CONTENT)
        self.servers = []

    def make(self, name):
        server = Orchestrator(BIN / "mx2-orchestrator", self.directory / name,
                              content=str(self.directory / "content.yaml"))
        self.servers.append(server)
        return server

    def end(self):
        for server in self.servers:
            server.kill()


def backup_under_load(rooms):
    first = rooms.make("first")
    first.start()
    zip_file = rooms.directory / "hello.zip"
    zip_file.write_bytes(package())
    ctl("packages", "onboard", zip_file, server=first)
    load = Load(first)
    while len(load.made) < 500:
        check(load.is_alive(), "the load goes on")
        time.sleep(0.01)
    acknowledged = set(load.made)
    file = rooms.directory / "backup.tar"
    said = ctl("backup", file, server=first)
    meanwhile = len(load.made) - len(acknowledged)
    load.end()
    check(meanwhile > 0, f"creates went on during the backup: {meanwhile}")
    check(not (first.directory / "mx2.sqlite.snapshot").exists(), "the snapshot is removed")
    digest = re.search(r"sha256 ([0-9a-f]{64})", said).group(1)

    second = rooms.make("second")
    ctl("restore", file, "--store", second.store, "--sha256", digest)
    first.stop()  # of two on one machine the second is refused; see below
    second.start()
    got = contexts(second)
    check(acknowledged <= got, f"all {len(acknowledged)} that were acknowledged before are in it: {len(got)}")
    check(got <= set(load.made), "and nothing that there never was")
    with second.operator() as operator:
        infos = operator.need(200, "GET", "/app_pkgm/v1/app_packages")
        check(infos[0]["onboardingState"] == "ONBOARDED", "the package is on-boarded")
        status, content = operator.ask("GET", f"/app_pkgm/v1/app_packages/{infos[0]['id']}/package_content")
        check(status == 200 and content == zip_file.read_bytes(), "and its content is there")
    return first, second, file


def restores(rooms, server, file):
    said = ctl("restore", file, "--store", server.store, expect=1)
    check("stop it first" in said, "restore: not while it runs")
    server.stop()
    before = server.store.read_bytes()
    said = ctl("restore", file, "--store", server.store, expect=1)
    check("--overwrite" in said, "restore: not over what is there, unless told")
    cut = rooms.directory / "cut.tar"
    cut.write_bytes(file.read_bytes()[:file.stat().st_size // 2])
    ctl("restore", cut, "--store", server.store, "--overwrite", expect=1)
    check(server.store.read_bytes() == before, "a backup that is cut off: nothing is touched")
    epoch = store_of_started(server)
    ctl("restore", file, "--store", server.store, "--overwrite")
    check(list(server.directory.glob("mx2.sqlite.before-*")), "what was there has another name")
    server.start()
    now = store_of(server)
    check(now["id"] == epoch["id"] and now["epoch"] > epoch["epoch"], "restore begins a new epoch")
    server.stop()


def store_of_started(server):
    server.start()
    store = store_of(server)
    server.stop()
    return store


def backup_to_a_full_disk(rooms):
    server = rooms.make("full")
    server.start()

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    file = rooms.directory / "full.tar"
    said = ctl("backup", file, server=server, expect=1, preexec_fn=limited)
    check(str(file) in said and "cannot be written" in said, "a disk without room: said so")
    check(not list(rooms.directory.glob("full.tar*")), "and no half file is left")
    ctl("backup", rooms.directory / "no" / "folder", server=server, expect=1)
    server.stop()


def main_file_alone(rooms):
    """cp while it runs; after kill -9 without the log; an old one beside a newer log."""
    server = rooms.make("alone")
    server.start()
    first = create(server, "a")
    copy = rooms.make("copy")
    copied = copy.store
    shutil.copy(server.store, copied)
    old = rooms.directory / "old.sqlite"
    server.stop()
    shutil.copy(server.store, old)
    refused(copy, "without its log", "mx2ctl restore")
    ctl("restore", "--as-is", "--store", copied)
    copy.start()
    copy.stop()
    server.start()
    second = create(server, "b")
    server.kill()
    log = pathlib.Path(f"{server.store}-wal")
    check(log.stat().st_size > 0, "kill -9 leaves a log")
    kept = rooms.directory / "kept-wal"
    shutil.move(log, kept)
    refused(server, "without its log")
    pathlib.Path(f"{server.store}-shm").unlink(missing_ok=True)
    refused(server, "without its log")
    shutil.move(kept, log)
    now = rooms.directory / "now.sqlite"
    shutil.copy(server.store, now)
    shutil.copy(old, server.store)
    refused(server, f"{server.store}-wal", "move")
    shutil.copy(now, server.store)
    server.start()
    check({first, second} <= contexts(server), "with its log it starts, and has all")
    server.stop()
    closed = rooms.make("closed")
    shutil.copy(server.store, closed.store)
    closed.start()
    check({first, second} <= contexts(closed), "a copy of a file that was closed starts without ado")
    closed.stop()


def twice_on_one_machine(rooms):
    server = rooms.make("one")
    server.start()
    server.stop()
    other = rooms.make("other")
    shutil.copy(server.store, other.store)
    server.start()
    refused(other, f"process {server.process.pid}", "one store serves once")
    server.stop()
    other.start()
    other.stop()


def peers_that_know_better(rooms):
    server = rooms.make("peers")
    server.start()
    peers = [Peer("mec-1"), Peer("mec-2"), Peer("mec-3")]
    for peer in peers:
        peer.register(server)
    server.stop()
    old = rooms.directory / "peers-old.sqlite"
    shutil.copy(server.store, old)
    server.start()
    store = store_of(server)
    server.stop()
    newest = f"{store['id']}/{store['epoch']}"
    shutil.copy(old, server.store)
    peers[0].store = newest
    server.start()
    check("may be an old copy" in server.log.read_text(), "one peer's claim alone is a warning")
    server.stop()
    shutil.copy(old, server.store)
    peers[1].store = newest
    refused(server, "is an old copy", "mec-1, mec-2", "--as-is")
    refused(server, "is an old copy")  # no start has made it newer
    peers[2].store = f"{store['id']}/1"
    refused(server, "is an old copy")
    ctl("restore", "--as-is", "--store", server.store)
    server.start()
    check(store_of(server)["epoch"] > store["epoch"], "taken as it is, it begins a newer epoch")
    server.stop()
    # Elsewhere, while two go on reporting to the one that we do not see from here.
    newest = f"{store['id']}/{store_of_started(server)['epoch']}"
    moved = rooms.make("moved")
    shutil.copy(server.store, moved.store)
    for peer in peers:
        peer.store, peer.busy = newest, True
    refused(moved, "another orchestrator works on a copy")
    for peer in peers:
        peer.busy = False
    moved.start()  # it has moved, and nobody has the other
    moved.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="mx2-backup-") as directory:
        rooms = Rooms(directory)
        try:
            _, second, file = backup_under_load(rooms)
            restores(rooms, second, file)
            backup_to_a_full_disk(rooms)
            main_file_alone(rooms)
            twice_on_one_machine(rooms)
            peers_that_know_better(rooms)
        finally:
            rooms.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
