"""Configurations that HAProxy does not load, or loads often, or only if it may open enough files."""
import http.client
import pathlib
import time

from broker import Traffic, call, check, wait_for
from scene import problem

HAPROXY = "/usr/sbin/haproxy"
FILES = 1024
OLD_PROCESSES = 16


def breakable(it):
    """HAProxy, which refuses every configuration while the file `broken` is there."""
    broken, program = it.directory / "broken", it.directory / "haproxy"
    program.write_text(f'#!/bin/bash\n[ ! -e {broken} ] || echo "nonsense" >>"${{@: -1}}"\n'
                       f'exec -a "$0" {HAPROXY} "$@"\n')
    program.chmod(0o755)
    return broken, program


def load_refused(it):
    """What serves follows all changes, while a λ that is new cannot be loaded."""
    broken, program = breakable(it)
    it.hosts("a", "b")
    with it.dispatcher(haproxy=f"program: {program}") as d, Traffic(d.port, "/echo") as traffic:
        wait_for(lambda: traffic.since(0).share("b") > 0.2, "b is used")
        broken.touch()
        it.put_app("new")
        it.put_host("n", [("new", it.lambdas["n"].uri)])
        wait_for(lambda: any(p.name == "haproxy.cfg" and "nonsense" in p.read_text()
                             for p in files_of(d)), "HAProxy was to load it")
        drained = time.monotonic()
        it.operator.need((200, 204), "POST", "/operator/v1/hosts/b/drain")
        wait_for(lambda: len(traffic.since(time.monotonic() - 0.3).calls) > 20 and
                 traffic.since(time.monotonic() - 0.3).share("b") == 0, "b is not used any more", 5)
        empty = time.monotonic()
        it.hosts("cloud")
        it.remove_hosts("a")
        wait_for(lambda: traffic.since(time.monotonic() - 0.3).share("cloud") == 1,
                 "a host that was added is used", 5)
        problem(call(d.port, "/new"), 404)
        wait_for(lambda: "does not take its configuration" in d.words(), "it is noticed", 40)
        check("nonsense" in d.words().split("does not take its configuration")[1],
              f"nobody says why: {d.words()}")
        broken.unlink()
        fixed = time.monotonic()
        wait_for(lambda: call(d.port, "/new")[0] == 200, "it is tried again")
        again = time.monotonic() - fixed
        time.sleep(0.5)
        check(traffic.since(time.monotonic() - 0.3).share("cloud") == 1, "the new one knows it all")
    print(f"while HAProxy refused a configuration a drained host was unused after "
          f"{empty - drained:.2f} s; tried again {again:.1f} s later: {traffic.since(0)}")
    check(not traffic.since(0).failed, f"calls failed: {traffic.since(0).failed[:3]}")


def files_of(dispatcher):
    """In the data plane's directory, which HAProxy's arguments have."""
    for pid in dispatcher.haproxies():
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if words[-2:-1] and words[-2].endswith("haproxy.cfg"):
            return list(pathlib.Path(words[-2]).parent.iterdir())
    return []


def idle_clients(it):
    """A client that is idle keeps an old HAProxy; there are not many of them for that."""
    it.hosts("a")
    idle, most = [], 0
    with it.dispatcher(haproxy="drain_ms: 8000") as d:
        begin = time.monotonic()
        for i in range(60):
            it.put_app(f"idle-{i}")
            connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=10)
            connection.request("POST", "/echo", b"x")
            connection.getresponse().read()
            idle.append(connection)
            most = max(most, len(d.haproxies()))
            time.sleep(max(0, begin + 0.15 * (i + 1) - time.monotonic()))
        wait_for(lambda: call(d.port, "/idle-59")[0] == 503, "the last one is loaded")
        generation = d.ask("/status")["generation"]
    for connection in idle:
        connection.close()
    print(f"60 new λ in 9 s while clients are idle: {generation} configurations, {most} processes")
    check(most <= 2 + OLD_PROCESSES, f"{most} processes at once")


def many_servers(it):
    """More servers than half of the files that may be open, from the start and with a new λ."""
    it.put_app("many")
    it.put_app("more")
    for i in range(6):
        it.put_host(f"m{i}", [("many", f"http://127.0.{i}.{k}:9") for k in range(1, 101)])
    with it.dispatcher(wrapper=["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-all",
                                "prlimit", f"--nofile={FILES}"]) as d:
        wait_for(lambda: len(d.destinations("many")) == 6, "they are known")
        it.hosts("a", app="more")
        it.put_app("late")
        it.put_host("b", [("late", it.lambdas["b"].uri)])
        wait_for(lambda: call(d.port, "/late")[0] == 200, "a new λ is served", 10)
    print(f"600 servers with {FILES} files: served")


SCENARIOS = (load_refused, idle_clients, many_servers)
