#!/usr/bin/env python3
"""kill -9 or SIGTERM while packages are on-boarded, again and again on one store: each one that was
acknowledged is there after the restart and goes on to its end, and no file is left over.

usage: packages_crash_test.py BIN_DIR [--rounds N] [--seed N]

Each round: some packages are created by URI from a slow source, some uploaded; at a random moment the
process is killed, or told to stop. After the restart those by URI become ONBOARDED by themselves; those uploaded are
ONBOARDED if the upload was answered 202, or else wait for it and take it.
"""
import argparse
import hashlib
import http.client
import http.server
import io
import json
import pathlib
import random
import sys
import tempfile
import threading
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from orchestrator import Orchestrator

ROOT = "/app_pkgm/v1/app_packages"
PACKAGES = 20  # of each kind in a round
PATIENCE_S = 60
NO_ANSWER = (OSError, http.client.HTTPException)


def package(name):
    appd = {"appDId": name, "appName": name[:32], "appProvider": "Example", "appSoftVersion": "1",
            "appDVersion": "1", "appDescription": "test", "mecVersion": ["2.1.1"],
            "mx2Process": {"command": ["bin/x"], "readyPath": "/"}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("appd.json", json.dumps(appd))
        archive.writestr("bin/x", random.randbytes(200_000))
    return out.getvalue()


class Source(http.server.BaseHTTPRequestHandler):
    contents = {}

    def do_GET(self):
        body = self.contents[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for begin in range(0, len(body), 20_000):
                self.wfile.write(body[begin:begin + 20_000])
                time.sleep(0.002)
        except OSError:
            pass

    def log_message(self, *_):
        pass


def ask(server, method, path, body=None, media="application/json"):
    client = http.client.HTTPConnection("127.0.0.1", server.operator_port, timeout=30)
    try:
        headers = {"Content-Type": media} if body else {}
        client.request(method, path, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def create(server, name, content, uri=None):
    request = {"appPkgName": name, "appPkgVersion": "1",
               "checksum": {"algorithm": "SHA-256", "hash": hashlib.sha256(content).hexdigest()}}
    if uri:
        request["appPkgPath"] = uri
    status, body = ask(server, "POST", ROOT, json.dumps(request))
    if status == 503:  # it stops
        raise ConnectionError(body)
    assert status == 201, (status, body)
    return json.loads(body)["id"]


def upload(server, package_id, content):
    return ask(server, "PUT", f"{ROOT}/{package_id}/package_content", content, "application/zip")[0]


def load(server, source, contents, known, number):
    """Creates packages until the process ends; `known`: name -> (id, by URI, upload answered)."""
    try:
        for i in range(PACKAGES):
            for by_uri in (True, False):
                name = f"r{number}-{i}-{'uri' if by_uri else 'put'}"
                contents[name] = package(name)
                Source.contents["/" + name] = contents[name]
                uri = f"{source}/{name}" if by_uri else None
                known[name] = [create(server, name, contents[name], uri), by_uri, False]
                if not by_uri:
                    known[name][2] = upload(server, known[name][0], contents[name]) == 202
    except NO_ANSWER:
        pass


def check(server, contents, known):
    end = time.monotonic() + PATIENCE_S
    for name, (package_id, by_uri, stored) in known.items():
        while True:
            status, body = ask(server, "GET", f"{ROOT}/{package_id}")
            assert status == 200, f"{name}: acknowledged, and answers {status}"
            info = json.loads(body)
            if info["onboardingState"] == "ONBOARDED":
                break
            assert "onboardingFailureDetails" not in info, (name, info)
            assert time.monotonic() < end, f"{name} is still {info['onboardingState']}"
            if not by_uri and not stored and info["onboardingState"] == "CREATED":
                assert upload(server, package_id, contents[name]) == 202, name
                stored = True
            time.sleep(0.01)
        status, body = ask(server, "GET", f"{ROOT}/{package_id}/package_content")
        assert status == 200 and body == contents[name], f"{name}: another content"
        status, _ = ask(server, "GET", f"/operator/v1/apps/{name}")
        assert status == 200, f"{name} is not in the catalogue"


def remove_all(server, directory):
    for info in json.loads(ask(server, "GET", ROOT)[1]):
        path = f"{ROOT}/{info['id']}"
        end = time.monotonic() + PATIENCE_S
        while json.loads(ask(server, "GET", path)[1])["onboardingState"] != "ONBOARDED":
            # Created without an answer: nobody will upload it.
            if time.monotonic() > end or "appPkgPath" not in info["mx2"]:
                break
            time.sleep(0.01)
        ask(server, "PATCH", path, '{"operationalState":"DISABLED"}')
        status, body = ask(server, "DELETE", path)
        assert status == 204, (status, body)
    left = list(directory.iterdir())
    assert not left, f"files of no package: {left}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    source = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=source.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{source.server_port}"
    acknowledged = 0
    with tempfile.TemporaryDirectory() as directory:
        server = Orchestrator(pathlib.Path(options.bin) / "mx2-orchestrator", directory)
        with server:
            for number in range(options.rounds):
                contents, known = {}, {}
                worker = threading.Thread(target=load, args=(server, uri, contents, known, number))
                worker.start()
                time.sleep(random.uniform(0.005, 0.4))
                end = random.choice((server.kill, server.stop))
                end()
                worker.join()
                server.start()
                check(server, contents, known)
                acknowledged += len(known)
                remove_all(server, pathlib.Path(str(server.store) + ".packages"))
    print(f"{options.rounds} kills and stops, {acknowledged} packages acknowledged: none lost, none torn")
    return 0


if __name__ == "__main__":
    sys.exit(main())
