#!/usr/bin/env python3
"""Callbacks with names and certificates: the name that is looked up is the name that is asked for
(SNI) and certified; another's certificate is refused; a name that does not exist is given up at
once, with the cause.

usage: names_test.py BIN_DIR
"""
import http.server
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Orchestrator, create_request

APP = "facedetect-1"
SOON_S = 10


def certificate(directory, name):
    """A certificate for `name` that signs itself: (certificate, key)."""
    files = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


class HttpsReceiver:
    def __init__(self, certified):
        self.heard, self.names = [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append(self.headers["Host"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certified)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def wait_for(what, condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {SOON_S} s: {what}")
        time.sleep(0.02)


def run(bin_dir, directory):
    ours, others = certificate(directory, "localhost"), certificate(directory, "other.example")
    trusted = directory / "trusted.pem"
    trusted.write_text(ours[0].read_text() + others[0].read_text())
    good, wrong = HttpsReceiver(ours), HttpsReceiver(others)
    callbacks = [good.url, wrong.url, "http://nobody.invalid"]
    config = f'notifier: {{allow: ["127.0.0.0/8", "::1"], ca_file: "{trusted}"}}\n'
    with Orchestrator(bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT, config) as server:
        with server.mx2() as client:
            for n, callback in enumerate(callbacks):
                request = create_request(f"name-{n}")
                request["callbackReference"] = f"{callback}/{n}"
                client.need(201, "POST", CONTEXTS, request)
        with server.operator() as operator:
            operator.patch_table([{"ue": f"dev:name-{n}", "app": APP,
                                   "targets": ["endpoint:10.0.0.9:80"]} for n in range(3)])

            def items(state):
                return operator.need(200, "GET", f"/operator/v1/outbox?state={state}")["items"]

            wait_for("the certified receiver hears", lambda: good.heard)
            assert good.heard[0].startswith("localhost:") and good.names == ["localhost"], good.names
            print("ok: the name that was looked up is asked for and certified")
            wait_for("another's certificate is told", lambda: any(
                "certificate" in item.get("lastError", "") for item in items("pending")))
            assert not wrong.heard, wrong.heard
            print("ok: another's certificate is refused")
            wait_for("an absent name is given up", lambda: items("dead"))
            dead = items("dead")[0]
            assert dead["attempts"] == 1, dead
            assert dead["lastError"] == "the name 'nobody.invalid' does not exist", dead
            print("ok: a name that does not exist is given up at once")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mx2-names-") as scratch:
        run(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(scratch))
