#!/usr/bin/env python3
"""Destinations behind https: called over TLS, with their certificates checked, and never without.

usage: https_test.py BIN_DIR
"""
import http.client
import pathlib
import ssl
import subprocess
import sys
import time

from broker import Destination, Dispatcher, Traffic, call, check, wait_for
from scene import Scene, problem, scene

WATCH_S = 2


class Authority:
    """Certificates made by openssl."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.certificate = self.directory / "ca.pem"
        self.openssl("req", "-x509", *self.key("ca.key"), "-out", "ca.pem", "-days", "2",
                     "-subj", f"/CN={name}")

    @staticmethod
    def key(name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

    def issue(self, host, days=2):
        """A certificate of that host with its key, in one file."""
        out = self.directory / f"{host}.{days}.pem"
        self.openssl("req", *self.key("key"), "-out", "request", "-subj", "/CN=a test")
        (self.directory / "names").write_text(f"subjectAltName=DNS:{host}")
        self.openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", str(days), "-extfile", "names", "-out", "made")
        out.write_text((self.directory / "made").read_text() + (self.directory / "key").read_text())
        return out


def calls_of(destination, tls=True):
    """How often it was called."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    more = {"context": ssl._create_unverified_context()} if tls else {}
    connection = kind("127.0.0.1", destination.port, timeout=10, **more)
    connection.request("GET", "/-/calls")
    body = connection.getresponse().read()
    connection.close()
    return int(body.split(b":")[1].rstrip(b"} \n"))


def https(destination):
    return f"https://localhost:{destination.port}"


class TlsScene(Scene):
    """Besides plain λ: a good one behind https, and all kinds of bad ones."""

    def __init__(self, bin_dir, directory):
        super().__init__(bin_dir, directory)
        self.ours = Authority(directory, "ours")
        theirs = Authority(directory, "theirs")
        self.good = Destination("good", certificate=self.ours.issue("localhost"))
        self.bad = {
            "a stranger's certificate": Destination("b1", certificate=theirs.issue("localhost")),
            "another host's certificate": Destination("b2", certificate=self.ours.issue("other.example")),
            "an expired certificate": Destination("b3", certificate=self.ours.issue("localhost", -1)),
            "no TLS at all": Destination("b4")}
        self.extra = [self.good, *self.bad.values()]

    def dispatcher(self, name="d", ca_file=None):
        return Dispatcher(
            self.bin_dir, self.directory / name, self.server.operator_url,
            "dispatcher: {address: 127.0.0.1, port: 0}\nhost: {id: a}\n"
            "haproxy: {reload_interval_ms: 100}\n"
            f"tls: {{ca_file: '{self.ours.certificate if ca_file is None else ca_file}'}}\n")


def good_one(it):
    """There from the start, and added while calls are under way."""
    it.put_host("a", [("echo", https(it.good))])
    with it.dispatcher() as d:
        answer = call(d.port, "/echo/x?y")
        check(answer[0] == 200 and answer[2]["name"] == "good", f"from the start: {answer}")
        check(answer[2]["path"] == "/x?y" and answer[2]["sni"] == "localhost", f"{answer[2]}")
    it.put_host("a", [("echo", it.lambdas["a"].uri)])
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        time.sleep(0.5)
        added = time.monotonic()
        it.put_host("b", [("echo", https(it.good))])
        wait_for(lambda: traffic.since(added).share("good") > 0, "it is used")
        used = time.monotonic()
        it.put_host("a", [])
        wait_for(lambda: traffic.since(time.monotonic() - 0.3).share("good") == 1, "it alone is")
        time.sleep(WATCH_S)
    print(f"https destination added, used after {used - added:.2f} s, then alone: "
          f"{traffic.since(0)}")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")
    it.remove_hosts("b")


def bad_ones(it):
    """Whoever is not who it should be fails, and gets nothing; whoever is serves on."""
    for what, destination in it.bad.items():
        tls = what != "no TLS at all"
        it.put_host("a", [("echo", https(destination))])
        with it.dispatcher() as d:
            problem(call(d.port, "/echo", b"secret"), 503)
            wait_for(lambda: not d.destinations("echo")["a"]["up"], f"{what}: it is down")
            problem(call(d.port, "/echo", b"secret"), 503)
        it.put_host("b", [("echo", https(it.good))])
        with it.dispatcher() as d:
            wait_for(lambda: d.destinations("echo")["b"]["up"], "the good one is proven")
            wait_for(lambda: d.destinations("echo")["a"]["weight"] == 0, "it alone is used")
            with Traffic(d.port, "/echo") as traffic:
                time.sleep(WATCH_S)
        print(f"{what}: 503; beside a good one: {traffic.since(0)}")
        check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")
        check(traffic.since(0).share("good") == 1, f"{what}: it was called")
        check(calls_of(destination, tls) == 0, f"{what}: a call has reached it")
        it.remove_hosts("b")


def one_of_many(it):
    """The last of a thousand λ gets a destination behind https."""
    for i in range(1000):
        it.put_app(f"many-{i}")
    it.put_app("zz")
    with it.dispatcher() as d:
        begin = time.monotonic()
        it.put_host("a", [("zz", https(it.good))])
        wait_for(lambda: d.destinations("zz").get("a", {}).get("up"), "it is proven", 60)
        taken = time.monotonic() - begin
        check(call(d.port, "/zz")[0] == 200, "it is called")
    print(f"https destination of one of 1000 λ is proven after {taken:.1f} s")
    check(taken < 6, "it took too long")


def replaced(it):
    """Somebody else takes the place of a good one, at its port."""
    it.put_host("a", [("echo", https(it.good))])
    it.hosts("n")
    with it.dispatcher() as d, Traffic(d.port, "/echo") as traffic:
        wait_for(lambda: traffic.since(time.monotonic() - 0.3).share("good") > 0.9, "it is used")
        begin = time.monotonic()
        it.good.kill()
        thief = Destination("thief", it.good.port, it.ours.issue("other.example"))
        it.extra.append(thief)
        time.sleep(4)
        late = traffic.since(time.monotonic() - 1)
        time.sleep(0.1)
    print(f"another certificate at its port: {traffic.since(begin)}")
    check(not late.failed, f"calls still fail: {late.failed[:3]}")
    check(late.share("n") == 1, "not all goes to the neighbour")
    check(calls_of(thief) == 0, "a call has reached the thief")
    it.remove_hosts("n")


def nothing_trusted(it):
    it.put_host("a", [("echo", https(it.good)), ("empty", "https://127.0.0.1:1")])
    junk = it.directory / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    for name, ca_file in (("none", ""), ("missing", "/nowhere/ca.pem"), ("junk", junk)):
        with it.dispatcher(name, ca_file) as d:
            check(not ca_file or str(ca_file) in d.words(), f"{name}: the file is not named")
            it.put_app(f"new-{name}")
            it.put_host("b", [(f"new-{name}", it.lambdas["b"].uri)])
            wait_for(lambda n=name: call(d.port, f"/new-{n}")[0] == 200, f"{name}: it loads λ")
            problem(call(d.port, "/echo"), 503)
            left_out = [e.get("leftOut") for e in d.ask("/status")["lambdas"]
                        if e["appDId"] in ("echo", "empty")]
            check(all(left_out), f"{name}: nobody says why: {left_out}")
    check("needs the name of a host" in str(left_out), f"an address without a name: {left_out}")
    print("no trusted certificates, or no name: left out, and said so")


def main(bin_dir):
    with scene(bin_dir, TlsScene) as it:
        for scenario in (good_one, bad_ones, one_of_many, replaced, nothing_trusted):
            scenario(it)
            sys.stdout.flush()
    print("https: all is well")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
