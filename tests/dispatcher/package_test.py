#!/usr/bin/env python3
"""Dispatchers that the orchestrator starts by itself: its package and the executor's on three MEPMs,
strategy dispatching, and a client that calls every 20 ms.

usage: package_test.py BIN_DIR

The UE goes from host to host by operator rows; a dispatcher is killed; in the end nothing is left.
Prints for each how many calls failed.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from city import call, calling, check, hasty_city, nothing_left, uri_of, wait_for  # noqa: E402

DISPATCHER = "dispatcher-1"
HOSTS = ("h1", "h2", "h3")
TOKEN = "the-operators-token"
COLD_MS_MAX = 5000
KILL_GAP_MAX_MS = 3000


def put_strategy(city, app_d_id, strategy):
    path = f"/operator/v1/apps/{app_d_id}"
    app = city.operator("GET", path)
    city.operator("PUT", path, {**app, "strategy": strategy})


def put_row(city, device, host):
    with city.server.operator() as operator:
        operator.patch_table([{"ue": f"dev:{device}", "app": DISPATCHER,
                               "targets": [f"host:{host}"]}])


def ready(city, app_d_id):
    """Host -> referenceURI of an instance, as contexts can have it."""
    return {host["id"]: instance["referenceURI"] for host in city.items("hosts")
            for instance in host["instances"] if instance["appDId"] == app_d_id}


def through(city, host):
    return ready(city, DISPATCHER).get(host, "nowhere/") + "executor-1"


def addresses(result):
    """Where the client has been told to call, in order."""
    said = [json.loads(line) for line in list(result["lines"]) if line.startswith("{")]
    return [line.get("to", line.get("endpoint")) for line in said
            if line["event"] in ("open", "move")]


def program_of(pid):
    try:
        return pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name.removesuffix(" (deleted)")
    except OSError:
        return ""


def pids(city, program):
    return sorted(pid for pid in city.processes() if program_of(pid) == program)


def token_is_kept(city):
    """Dispatchers have the operators' token, in a file of their own; nobody else does."""
    name, files = b"MX2_ORCHESTRATOR_TOKEN_FILE=", set()
    for pid in city.processes():
        proc, program = pathlib.Path(f"/proc/{pid}"), program_of(pid)
        environment = (proc / "environ").read_bytes()
        check(TOKEN.encode() not in environment + (proc / "cmdline").read_bytes(),
              f"everybody can see the token of {program}")
        given = [v for v in environment.split(b"\0") if v.startswith(name)]
        check(not given or program != "mx2-executor", f"{program} was given the token")
        if program == "mx2-dispatcher":
            check(given, f"{program} was given no token")
            files.add((pathlib.Path(os.fsdecode(given[0][len(name):])), proc.stat().st_uid))
    check(files, "no dispatcher runs")
    for file, user in files:
        status = file.stat()
        check(status.st_mode & 0o077 == 0 and status.st_uid == user, f"{file}: {status}")
    print(f"the operators' token: {len(files)} dispatchers have it, each in a file of its own")


def without_haproxy(city):
    """It is said at once, in words that help."""
    config = city.directory / "no-haproxy.yaml"
    config.write_text("haproxy: {program: /nowhere/haproxy}\ndispatcher: {port: 0}\n"
                      "server: {port: 0}\n")
    ended = subprocess.run([city.bin / "mx2-dispatcher", "--config", config],
                           capture_output=True, text=True, timeout=30)
    check(ended.returncode == 1 and "apt-get install haproxy" in ended.stderr,
          f"without HAProxy: {ended.returncode} {ended.stderr}")
    print(f"without HAProxy: {ended.stderr.strip()}")


def cold_start(city):
    """Neither dispatcher nor λ runs anywhere: both are started, and the first call is answered."""
    begin = time.monotonic()
    context = city.create("ue-1", "executor")
    created = time.monotonic()
    answer = call(uri_of(context))
    answered = time.monotonic()
    check(answer.get("app") == "executor", f"a strange answer: {answer}")
    check(uri_of(context) in [through(city, host) for host in HOSTS],
          f"{uri_of(context)} is not at a dispatcher: {ready(city, DISPATCHER)}")
    print(f"cold start of dispatcher and λ: 201 after {1000 * (created - begin):.0f} ms, first "
          f"answer {1000 * (answered - created):.1f} ms later")
    for each in wait_for(lambda: city.instances("ready"), "the instances are shown"):
        print("  " + " ".join(f"{name} {each.get(name, 0)}" for name in
                              ("appDId", "hostId", "startMs", "readyMs")))
    check(created - begin < COLD_MS_MAX / 1000, "it took too long")
    return context


def told(city, context):
    with city.server.mx2() as client:
        return uri_of(client.need(200, "GET", f"/dev_app/v1/app_contexts/{context}"))


def moves(city):
    """The UE goes round: each time a dispatcher is there before it is told."""
    with calling(city.bin, city.server.mx2_port, "executor") as result:
        opened = wait_for(lambda: addresses(result), "the client has begun")
        time.sleep(0.5)
        for host in ("h2", "h3", "h1", "h2"):
            begin = time.monotonic()
            fresh = host not in ready(city, DISPATCHER)
            put_row(city, "caller", host)
            wait_for(lambda: addresses(result)[-1] == through(city, host),
                     f"the client calls the dispatcher of {host}")
            print(f"  to {host} ({'started for it' if fresh else 'there already'}): told after "
                  f"{1000 * (time.monotonic() - begin):.0f} ms")
            wait_for(lambda: host in ready(city, "executor-1"), f"the λ comes to {host}, too")
            time.sleep(0.5)
    summary = result["summary"]
    print(f"moves: {summary['calls']} calls, {summary['failed']} failed, longest gap "
          f"{summary['longestGapMs']:.0f} ms, {summary['moves']} moves")
    check(opened and summary["moves"] >= 4, "the client was not moved")
    check(summary["failed"] == 0, f"{summary['failed']} calls failed")


def killed(city, program, gap_max_ms):
    """kill -9, and whatever it had started has ended with it."""
    with calling(city.bin, city.server.mx2_port, "executor") as result:
        wait_for(lambda: addresses(result), "the client has begun")
        time.sleep(1)
        before = city.processes()
        broker = [p for p in before if program_of(p) in ("mx2-dispatcher", "haproxy")]
        victims = pids(city, program)
        check(victims, f"no {program} runs")
        begin = time.monotonic()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        if program == "mx2-dispatcher":
            wait_for(lambda: not set(broker) & set(city.processes()), "HAProxy ends with it", 5)
            ended = time.monotonic() - begin
            wait_for(lambda: len(pids(city, program)) >= 1, "it is started again")
            print(f"  its HAProxy has ended after {1000 * ended:.0f} ms")
        time.sleep(4)
    summary = result["summary"]
    print(f"kill -9 of all {program}: {summary['calls']} calls, {summary['failed']} failed, longest "
          f"gap {summary['longestGapMs']:.0f} ms, {summary['moves']} moves")
    check(summary["longestGapMs"] <= gap_max_ms, "nobody served for too long")


def strategy_changes(city, context):
    """Back to notification: the context leads to the λ itself, and back again."""
    put_strategy(city, "executor-1", "notification")
    wait_for(lambda: told(city, context) in ready(city, "executor-1").values(), "the λ's address")
    put_strategy(city, "executor-1", "dispatching")
    wait_for(lambda: told(city, context).endswith("/executor-1"), "a dispatcher's address")
    print("strategy notification and back: the context leads to the λ, and to the dispatcher again")


def main(bin_dir):
    with hasty_city(bin_dir, TOKEN) as city:
        without_haproxy(city)
        check(city.on_board("dispatcher") == DISPATCHER, "the appDId of the package")
        put_strategy(city, city.on_board("executor"), "dispatching")
        context = cold_start(city)
        token_is_kept(city)
        moves(city)
        killed(city, "mx2-dispatcher", KILL_GAP_MAX_MS)
        killed(city, "haproxy", KILL_GAP_MAX_MS)
        strategy_changes(city, context["contextId"])
        nothing_left(city)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
