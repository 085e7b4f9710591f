#!/usr/bin/env python3
"""What deploy/run.sh has started answers: a device application is offered facedetect, and what is internal
is not; it asks where to call and has faces found in the shipped picture, and again after another start on
the same store. Standard library only.

usage: tests/deploy/first_app_test.py BIN_DIR     exit status 1 when something is wrong; 77 where it cannot
       be tried, as tests/docs/commands_test.py
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docs"), str(ROOT / "tests" / "support")]

# pylint: disable=wrong-import-position
import commands_test
from city import check, uri_of, wait_for
from orchestrator import create_request

MX2 = "http://localhost:8080/dev_app/v1"
OPERATOR = "http://localhost:8081/operator/v1"
PICTURE = ROOT / "deploy" / "example" / "faces.jpg"
READY = "Ctrl-C stops them"


class City:
    """deploy/run.sh in `scratch`. Use as a context manager."""

    def __init__(self, scratch, name):
        self.scratch, self.log, self.process = scratch, scratch / name, None

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["deploy/run.sh"], cwd=self.scratch, env=commands_test.environment(self.scratch),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(lambda: READY in self.said() or self.process.poll() is not None, "the city runs", 60)
            check(self.process.poll() is None, f"it runs: {self.said()}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(timeout=60) == 0, f"it ends well: {self.said()}")

    def said(self):
        return self.log.read_text(errors="replace")


def ask(url, body=None, content_type="application/json"):
    """(status, decoded answer)"""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(url, data, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def create(device, app="facedetect", provider="Example", expect=201):
    status, answer = ask(f"{MX2}/app_contexts", create_request(device, app, provider))
    check(status == expect, f"POST app_contexts for {app}: {status}, not {expect}: {answer}")
    return answer


def finds_faces(uri):
    status, answer = ask(uri, PICTURE.read_bytes(), "image/jpeg")
    check(status == 200 and len(answer["faces"]) == 2, f"two faces: {status} {answer}")
    return True


def offers(city):
    offered = {entry["appInfo"]["appName"] for entry in ask(f"{MX2}/app_list")[1]["appList"]}
    check(offered == {"facedetect", "executor"}, f"on offer: {offered}: {city.said()}")
    known = {app["appDId"] for app in ask(f"{OPERATOR}/apps")[1]["items"]}
    check("dispatcher-1" in known, f"operators see what is internal: {known}")
    unknown = create("car-1", "nobody-knows-it", expect=400)
    check(create("car-1", "dispatcher", "Mx2", 400) == unknown, f"the dispatcher is as unknown: {unknown}")


def has_come_back(path):
    """The context of the life before is led to an instance of this one, which answers."""
    status, context = ask(path)
    check(status == 200, f"the context is kept: {context}")
    try:
        return uri_of(context) and finds_faces(uri_of(context))
    except OSError:
        return False  # its instance has ended with the city, and is being started again


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends as well
    commands_test.enter_network()
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="mx2-first-app-", ignore_cleanup_errors=True) as directory:
        scratch = pathlib.Path(directory).resolve()
        commands_test.make_scratch(scratch, bin_dir)
        begin = time.monotonic()
        with City(scratch, "first") as city:
            offers(city)
            context = create("car-1")
            finds_faces(uri_of(context))
            print(f"from deploy/run.sh to an answer: {time.monotonic() - begin:.1f} s")
        with City(scratch, "second") as city:
            check("on-boarded, app" not in city.said(), f"packages are there already: {city.said()}")
            path = f"{MX2}/app_contexts/{context['contextId']}"
            wait_for(lambda: has_come_back(path), "the context of the first start answers")
            finds_faces(uri_of(create("cam-1")))
            offers(city)
    print("OK")


if __name__ == "__main__":
    main()
