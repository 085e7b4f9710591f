"""A threaded HTTP server of a few lines for the fakes, and the faults a test may ask of it."""
import http.client
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

JSON = "application/json; charset=UTF-8"
REASONS = http.server.BaseHTTPRequestHandler.responses
BODY_BYTES_MAX = 64 << 20
GARBAGE = bytes(range(256)) * 8


class Reply:
    """One answer. `declared` is a Content-Length other than the body's: the rest never comes."""

    def __init__(self, status, body=b"", media=JSON, headers=None, declared=None):
        self.status, self.body, self.media = status, body, media
        self.headers = headers or {}
        self.declared = declared

    def encoded(self):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, ('-',))[0]}"]
        if self.media:
            lines.append(f"Content-Type: {self.media}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status != 204:
            length = len(self.body) if self.declared is None else self.declared
            lines.append(f"Content-Length: {length}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def document(status, value, headers=None):
    return Reply(status, compact(value), headers=headers)


def text(status, message):
    """As the emulator's own services say no: text, a line feed at its end."""
    return Reply(status, message.encode() + b"\n", "text/plain; charset=utf-8",
                 {"X-Content-Type-Options": "nosniff"})


class Request:
    def __init__(self, method, target, headers, body):
        parts = urllib.parse.urlsplit(target)
        self.method, self.path = method, urllib.parse.unquote(parts.path)
        self.query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.headers, self.body = headers, body

    def first(self, name, default=""):
        return self.query.get(name, [default])[0]

    def json(self):
        """None when the body is not an object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class Faults:
    """What goes wrong, for requests whose path matches and as often as asked.

    Kinds: `slow` (seconds), `status` (status), `truncate` (half of the answer, then the end),
    `garbage` (200 and bytes that are no JSON), `huge` (bytes of a JSON string), `close` (no answer).
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def add(self, kind, path="", count=1 << 30, **settings):
        with self.lock:
            self.rules.append({"kind": kind, "path": path, "count": count, **settings})

    def clear(self):
        with self.lock:
            self.rules.clear()

    def take(self, path):
        with self.lock:
            for rule in self.rules:
                if rule["count"] > 0 and re.search(rule["path"], path):
                    rule["count"] -= 1
                    return dict(rule)
        return None

    @staticmethod
    def apply(rule, answer):
        """The reply, or None: the connection is closed. `answer` makes the right one."""
        kind = rule["kind"]
        if kind == "slow":
            time.sleep(rule.get("seconds", 1))
            return answer()
        if kind == "status":
            return text(rule.get("status", 500), rule.get("text", "injected"))
        if kind == "garbage":
            return Reply(200, GARBAGE)
        if kind == "huge":
            return Reply(200, b'{"name":"' + b"x" * rule.get("bytes", 32 << 20) + b'"}')
        if kind == "truncate":
            right = answer()
            return Reply(right.status, right.body[:len(right.body) // 2], right.media,
                         declared=len(right.body))
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= BODY_BYTES_MAX:
            self.close_connection = True
            return
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        reply = self.server.web.answer_or_fail(request)
        if reply is None:
            self.close_connection = True
            return
        self.close_connection |= reply.declared is not None
        self.wfile.write(reply.encoded())

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, web):
        self.web = web
        self.open = set()
        super().__init__(address, Handler)

    def get_request(self):
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # a peer that went away

    def close_all(self):
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Web:
    """Routes to `services`, tried in order: objects with answer(request) -> Reply or None.

    `prefix` (for example /sbx1) is optional in requests. With a `cookie` every request needs
    it, or gets 401; with `tls`, an ssl.SSLContext, all is over TLS. The port stays the same over
    stop() and start().
    """

    def __init__(self, services, address="127.0.0.1", port=0, prefix="", cookie="", tls=None):
        self.services, self.prefix, self.cookie, self.tls = services, prefix, cookie, tls
        self.faults = Faults()
        self.address, self.port = address, port
        self.requests = 0
        self.listener = self.thread = None

    @property
    def root(self):
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}"

    @property
    def url(self):
        return self.root + self.prefix

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.listener = Listener((self.address, self.port), self)
        self.port = self.listener.server_address[1]
        if self.tls:
            self.listener.socket = self.tls.wrap_socket(self.listener.socket, server_side=True)
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.02,),
                                       daemon=True)
        self.thread.start()

    def stop(self):
        if self.listener is None:
            return
        self.listener.shutdown()
        self.listener.close_all()
        self.listener.server_close()
        self.thread.join()
        self.listener = None

    def answer_or_fail(self, request):
        self.requests += 1
        if self.prefix and request.path.startswith(self.prefix + "/"):
            request.path = request.path[len(self.prefix):]
        rule = None if request.path.startswith("/control/") else self.faults.take(request.path)
        if rule is not None:
            return Faults.apply(rule, lambda: self.answer(request))
        return self.answer(request)

    def answer(self, request):
        if self.cookie and self.cookie not in request.headers.get("Cookie", ""):
            return text(401, "Unauthorized")
        for service in self.services:
            if (reply := service.answer(request)) is not None:
                return reply
        return text(404, "404 page not found")


class Routes:
    """A service made of functions: routes are (method, pattern, function(request, *groups))."""

    def __init__(self):
        self.routes = []

    def route(self, method, pattern, function):
        self.routes.append((method, re.compile(pattern), function))

    def answer(self, request):
        known = False
        for method, pattern, function in self.routes:
            if (found := pattern.fullmatch(request.path)) is not None:
                known = True
                if method == request.method:
                    return function(request, *found.groups())
        return Reply(405, media="") if known else None


def post(url, body, timeout_s=30):
    """The status, or 0 when there is no answer: how the fakes tell a callback."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout_s)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, compact(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        connection.close()
