#!/usr/bin/env python3
"""Each example package, unpacked and started as its descriptor says, called, and ended.

usage: packages_test.py BUILD_DIR      after building mx2_packages (and mx2_draw_face)
"""
import concurrent.futures
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from handler import Handler  # noqa: E402

LISTENING = re.compile(r" listening http=\S+:(\d+)")
JPEG = {"Content-Type": "image/jpeg"}
INSTANCE = "an-instance"
SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "example" / "faces.jpg"
START_SECONDS_MAX = 5
OP_OFFSET, OP_COEFF = 1_000_000, 100  # as the executor's descriptor says
checks = 0


def check(right, text):
    global checks
    checks += 1
    if not right:
        raise SystemExit(f"FAILED: {text}")


class Lambda:
    """A package that runs, and what it answers."""

    def __init__(self, package, directory, arguments=(), **environment):
        with zipfile.ZipFile(package) as archive:
            names = archive.namelist()
            for info in archive.infolist():
                path = archive.extract(info, directory)
                os.chmod(path, info.external_attr >> 16)
        self.descriptor = json.loads((directory / "appd.json").read_text())
        command = [argument.replace("{port}", "0")
                   for argument in self.descriptor["mx2Process"]["command"]]
        check(command[0] in names, f"{package.name} holds its command")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [directory / command[0], *command[1:], *arguments, "--address", "127.0.0.1"],
            stderr=subprocess.PIPE, text=True, cwd="/", env={**os.environ, **environment})
        for line in self.process.stderr:
            if found := LISTENING.search(line):
                break
        else:
            raise SystemExit(f"FAILED: {package.name} does not start")
        self.start_ms = 1000 * (time.monotonic() - begin)
        self.port = int(found[1])
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def call(self, method, path, body=None, headers=None, status=200):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        check(answer.status == status, f"{method} {path}: {answer.status}, not {status}: {text}")
        return json.loads(text) if text else None

    def problem(self, status, cause, *call, **more):
        document = self.call(*call, status=status, **more)
        check(document["status"] == status and document["type"].endswith(cause),
              f"a problem of type {cause}: {document}")

    def end(self, code=0):
        self.process.send_signal(signal.SIGTERM)
        self.ended(code)

    def ended(self, code=0):
        begin = time.monotonic()
        check(self.process.wait(timeout=10) == code, f"ends with {code}")
        self.end_ms = 1000 * (time.monotonic() - begin)


@contextlib.contextmanager
def running(package, *arguments, **environment):
    with tempfile.TemporaryDirectory() as directory:
        instance = Lambda(package, pathlib.Path(directory), arguments, **environment)
        try:
            yield instance
        finally:
            instance.process.kill()
            instance.process.wait()


class Platform(http.server.ThreadingHTTPServer):
    """The MEC platform's side of Mp1; refuses the first confirm_ready."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PlatformHandler)
        self.heard = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def bodies(self, resource):
        path = f"/mec_app_support/v1/applications/{INSTANCE}/{resource}"
        return [body for at, body in list(self.heard) if at == path]

    def wait_for(self, resource, count):
        begin = time.monotonic()
        while len(self.bodies(resource)) < count:
            check(time.monotonic() - begin < START_SECONDS_MAX, f"{count} {resource}: {self.heard}")
            time.sleep(0.005)
        return self.bodies(resource)


class PlatformHandler(Handler):
    protocol_version = "HTTP/1.0"

    def do_POST(self):
        body = json.loads(self.body())
        self.server.heard.append((self.path, body))
        early = self.path.endswith("confirm_ready") and len(self.server.bodies("confirm_ready")) == 1
        self.send_response(409 if early else 201 if self.path.endswith("subscriptions") else 204)
        if not self.path.endswith(("confirm_ready", "confirm_termination")) or early:
            self.send_header("Content-Length", "0")
        self.end_headers()


def check_common(instance, package):
    check(instance.call("GET", "/health")["status"] == "ok", "healthy")
    instance.problem(404, "not-found", "GET", "/nothing")
    instance.problem(405, "method-not-allowed", "DELETE", "/")
    for path in ("readyPath", "statsPath"):
        instance.call("GET", instance.descriptor["mx2Process"][path])
    print(f"{package.name}: {package.stat().st_size} bytes, listening after "
          f"{instance.start_ms:.0f} ms")


def test_executor(package):
    with running(package, MX2_APP_INSTANCE_ID=INSTANCE) as instance:
        check(instance.call("GET", "/mx2/stats") == {"requests": 0, "in_flight": 0},
              "unknown latencies are absent")
        check_common(instance, package)
        for size in (0, 1, 5000):
            answer = instance.call("POST", "/", b"x" * size)
            check(answer["input_bytes"] == size, "its input")
            check(answer["operations"] == OP_OFFSET + OP_COEFF * size, "the processor model")
            check(answer["app"] == "executor" and answer["instance"] == INSTANCE and answer["host"],
                  "who it is")
            check(answer["ms"] > 0, "the time")
        check(instance.call("GET", "/")["operations"] == OP_OFFSET, "GET is an empty input")
        stats = instance.call("GET", "/mx2/stats")
        check(stats["requests"] == 4 and stats["in_flight"] == 0, f"counted: {stats}")
        check(0 < stats["p50_ms"] <= stats["p95_ms"], f"percentiles: {stats}")
        check(instance.call("POST", "/", b"x" * (1 << 20))["input_bytes"] == 1 << 20, "1 MiB")
        instance.problem(413, "too-large", "POST", "/", b"x" * ((1 << 20) + 1))
        instance.end()


def test_executor_busy(package):
    """A check of health does not wait for the work; SIGTERM does; what is too much is refused."""
    with running(package, "--op-offset", "80000000", "--op-coeff", "0", "--threads", "1") as instance:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(instance.call, "POST", "/", b"x") for _ in range(3)]
            while instance.call("GET", "/mx2/stats")["in_flight"] < 3:
                time.sleep(0.005)
            begin = time.monotonic()
            instance.call("GET", "/health")
            check(time.monotonic() - begin < 0.3, "healthy while busy")
            instance.process.send_signal(signal.SIGTERM)
            answers = [call.result() for call in calls]
        check(all(answer["operations"] == 80_000_000 for answer in answers), "all are answered")
        instance.ended()
    with tempfile.TemporaryDirectory() as directory:
        program = zipfile.ZipFile(package).extract("bin/mx2-executor", directory)
        os.chmod(program, 0o755)
        for bad in (["--port", "65536"], ["--op-coeff", "1e11"], ["--threads", "0"], ["--nonsense"]):
            done = subprocess.run([program, *bad], capture_output=True, timeout=10)
            check(done.returncode not in (0, -signal.SIGSEGV), f"{bad} is refused")


def test_mp1(package):
    platform = Platform()
    with contextlib.closing(platform.socket):
        uri = f"http://127.0.0.1:{platform.server_port}/mec_app_support/v1/"
        with running(package, MX2_MP1_URI=uri, MX2_APP_INSTANCE_ID=INSTANCE) as instance:
            ready = platform.wait_for("confirm_ready", 2)
            check(ready == [{"indication": "READY"}] * 2, "confirm_ready again after 409")
            subscription = platform.bodies("subscriptions")[0]
            check(subscription["subscriptionType"] == "AppTerminationNotificationSubscription" and
                  subscription["appInstanceId"] == INSTANCE, f"subscribed: {subscription}")
            path = subscription["callbackReference"].split(f":{instance.port}")[1]
            instance.problem(404, "not-found", "POST", "/mx2/termination/guess", b"{}")
            instance.problem(400, "invalid-argument", "POST", path, b"[")
            instance.call("POST", path, json.dumps({
                "notificationType": "AppTerminationNotification", "operationAction": "STOPPING",
                "maxGracefulTimeout": 5}).encode(), status=204)
            instance.ended()
            check(platform.wait_for("confirm_termination", 1) == [{"operationAction": "STOPPING"}],
                  "termination is confirmed")
        platform.shutdown()


def drawn(build, directory, *arguments):
    path = pathlib.Path(directory) / "picture.jpg"
    subprocess.run([build / "bin/mx2_draw_face", path, *arguments], check=True)
    return path.read_bytes()


def check_faces(instance, picture, side, faces):
    answer = instance.call("POST", "/", picture, JPEG)
    check(len(answer["faces"]) == faces, f"{faces} faces: {answer}")
    check(answer["width"] == side and answer["height"] == side, f"its size: {answer}")
    found = sorted(answer["faces"], key=lambda face: face["x"])
    for i, face in enumerate(found):
        x, y = face["x"] + face["width"] / 2, face["y"] + face["height"] / 2
        check(abs(x - side * (i + 0.5) / faces) < side / 10, f"where it was drawn: {answer}")
        check(abs(y - side / 2) < side / 10, f"where it was drawn: {answer}")
    return answer["ms"]


def with_size(jpeg, width, height):
    """The same picture, but for what its frame header says."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4:]


def test_facedetect(build, package):
    with running(package, MX2_APP_INSTANCE_ID=INSTANCE) as instance:
        check_common(instance, package)
        check(instance.descriptor["appName"] == "facedetect", "one name for package and app")
        check(SHIPPED.stat().st_size < 40_000, "the shipped picture is small")
        check_faces(instance, SHIPPED.read_bytes(), 640, 2)
        check("image/jpeg" in instance.call("GET", "/")["usage"], "GET tells what to send")
        with tempfile.TemporaryDirectory() as directory:
            face = drawn(build, directory, "480", "1")
            ms = check_faces(instance, face, 480, 1)
            check_faces(instance, drawn(build, directory, "480", "0"), 480, 0)
            check_faces(instance, drawn(build, directory, "900", "2"), 900, 2)
            check_faces(instance, drawn(build, directory, "3000", "1"), 3000, 1)
        for bad in (b"", b"hello", face[:20], face[:2000], b"\x89PNG" + face, b"\xff\xd8" * 1000):
            instance.problem(400, "bad-image", "POST", "/", bad, headers=JPEG)
        instance.problem(413, "too-many-pixels", "POST", "/", with_size(face, 65500, 65500),
                         headers=JPEG)
        instance.problem(413, "too-large", "POST", "/", b"x" * ((8 << 20) + 1), headers=JPEG)
        instance.problem(415, "unsupported-media-type", "POST", "/", face)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: check_faces(instance, face, 480, 1), range(100)))
        for bad in ("/nowhere.xml", "/etc/passwd"):
            done = subprocess.run([instance.process.args[0], "--cascade", bad], text=True,
                                  capture_output=True, timeout=10)
            check(done.returncode == 1 and "is no cascade" in done.stderr, f"{bad}: {done.stderr}")
        print(f"facedetect: a face in 480 x 480 pixels in {ms:.1f} ms")
        instance.end()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    executor, facedetect = (build / "packages" / f"{name}.zip" for name in ("executor", "facedetect"))
    test_executor(executor)
    test_executor_busy(executor)
    test_mp1(executor)
    if facedetect.exists():
        test_facedetect(build, facedetect)
    else:
        print("SKIPPED: facedetect is not built; see the warning of cmake")
    print(f"packages: {checks} checks passed")


if __name__ == "__main__":
    main()
