#!/usr/bin/env python3
"""A λ for tests: says who it is, as fast or slowly as it is told. Standard library only.

usage: destination.py NAME PORT [CERTIFICATE]     PEM with its key: it serves HTTPS

POST /-/set {"delay_ms": n, "status": n}   from now on; status 0: it closes the connection
POST /chain {"calls": [url, …]}            calls those in turn, with the hops it was told of
anything else                              {"name", "path", "host", "hops", "forwarded", "bytes", "sni"}
GET /-/calls                               {"calls"}: how often it was called, but for /-/…
"""
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from handler import Handler  # noqa: E402


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    name = ""
    delay_ms = 0
    status = 200
    calls = 0
    sni = None

    def handle_error(self, *_):  # callers that go away
        pass


class Lambda(Handler):
    disable_nagle_algorithm = True
    wbufsize = 65536  # head and body in one segment

    def do_POST(self):
        body = self.body()
        if self.path == "/-/set":
            for name, value in json.loads(body).items():
                setattr(self.server, name, value)
            return self.answer(200, {})
        if self.path == "/-/calls":
            return self.answer(200, {"calls": self.server.calls})
        self.server.calls += 1
        if self.path == "/chain":
            return self.chain(json.loads(body)["calls"])
        if self.server.delay_ms:
            time.sleep(self.server.delay_ms / 1000)
        if not self.server.status:
            self.close_connection = True
            return None
        return self.answer(self.server.status, {
            "name": self.server.name, "path": self.path, "bytes": len(body),
            "host": self.headers.get("Host"), "hops": self.headers.get("Mx2-Dispatched"),
            "forwarded": self.headers.get("X-Forwarded-For"), "sni": self.server.sni})

    do_GET = do_POST
    do_PUT = do_POST

    def chain(self, calls):
        answers = []
        for url in calls:
            parts = urllib.parse.urlsplit(url)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
            connection.request("POST", parts.path, json.dumps({"calls": calls}),
                               {"Mx2-Dispatched": self.headers.get("Mx2-Dispatched", "0")})
            reply = connection.getresponse()
            answers.append([reply.status, json.loads(reply.read())])
            connection.close()
        self.answer(200, {"name": self.server.name, "answers": answers})


def use_tls(server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda connection, name, _: setattr(server, "sni", name)
    # The handshake is the connection's own thread's.
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)


def main(name, port, certificate=None):
    server = Server(("127.0.0.1", int(port)), Lambda)
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if certificate:
        use_tls(server, certificate)
    server.name = name
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
