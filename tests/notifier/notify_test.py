#!/usr/bin/env python3
"""kill -9 during rewrites of the table, again and again: every device application ends up with the
address that the table says. Then how much bad destinations cost the others, and one mx2-notifier
taking over from another.

usage: notify_test.py BIN_DIR [--rounds N] [--seed N]     (MX2_NOTIFY_ROUNDS, MX2_NOTIFY_SEED)

Each round: rows of single devices and the row of all others are rewritten, removed and put back
while notifications go out; at a random moment the process is killed, and started again. In the end
the context, the table and what its callback heard last agree for every context, and no callback
ever heard an older Mx2-Sequence after a newer one.
"""
import argparse
import http.client
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Orchestrator, create_request, in_parallel
from receiver import Receiver

APP = "facedetect-1"
DEVICES = 400
GOOD, BAD = 10000, 1000
RATIO_MAX = 3.0
TAKEOVERS = 6
BAD_MANNERS = ("silent", "closes", "500")
SETTLED_WITHIN_S = 60
NO_ANSWER = (OSError, http.client.HTTPException)
CONFIG = ('notifier: {allow: ["127.0.0.0/8"], retry_first_ms: 50, retry_max_ms: 500, '
          "timeout_ms: 2000}\n")


def create(server, devices, urls):
    """{contextId: (device, referenceURI)} of a context for each device."""
    with server.operator() as operator:  # which would come before the row *
        operator.patch_table([{"ue": "ip:127.0.0.0/8", "app": APP, "remove": True}])
    contexts = {}

    def some(part):
        with server.mx2() as client:
            for n in part:
                request = create_request(f"notify-{n}")
                request["callbackReference"] = f"{urls[n % len(urls)]}/{n}"
                made = client.need(201, "POST", CONTEXTS, request)
                uri = made["appInfo"]["userAppInstanceInfo"][0]["referenceURI"]
                contexts[made["contextId"]] = (f"notify-{n}", uri)

    in_parallel(some, list(devices))
    return contexts


def row(ue, rng):
    if ue != "*" and rng.random() < 0.2:
        return {"ue": ue, "app": APP, "remove": True}
    return {"ue": ue, "app": APP, "targets": [f"endpoint:10.0.0.{rng.randrange(1, 255)}:80"]}


def rewrite(server, rng, stop):
    with server.operator() as client:
        while not stop.is_set():
            devices = rng.sample(range(DEVICES), rng.randrange(1, 60))
            rows = [row(f"dev:notify-{n}", rng) for n in devices]
            if rng.random() < 0.3:
                rows.append(row("*", rng))
            client.patch_table(rows)


def run_round(server, rng):
    """The moment of the kill in seconds, and what went wrong before it."""
    stop, problems = threading.Event(), []
    seconds = rng.uniform(0.02, 0.35)

    def until_killed():
        try:
            rewrite(server, random.Random(rng.random()), stop)
        except NO_ANSWER as no_answer:
            if not stop.is_set():
                problems.append(f"the connection broke before the kill: {no_answer!r}")
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(repr(problem))

    writer = threading.Thread(target=until_killed)
    writer.start()
    time.sleep(seconds)  # the random moment
    stop.set()
    server.kill()
    writer.join()
    server.start()
    return seconds, problems


def table_says(server):
    """{device or "*": address}; every row of ours has one literal endpoint."""
    with server.operator() as operator:
        hosts = {host["id"]: {i["appDId"]: i["referenceURI"] for i in host["instances"]}
                 for host in operator.pages("/operator/v1/hosts")}
        says = {}
        for item in operator.pages("/operator/v1/table"):
            if item["app"] != APP:
                continue
            kind, value = item["targets"][0].split(":", 1)
            ue = item["ue"].removeprefix("dev:")
            says[ue] = value if kind == "endpoint" else hosts[value][APP]
        return says


def disagreements(server, receiver, contexts):
    says = table_says(server)
    with server.operator() as operator:
        listed = {item["contextId"]: item["referenceURI"]
                  for item in operator.pages("/operator/v1/contexts")}
    for context_id, (device, first) in contexts.items():
        expected = says.get(device, says["*"])
        heard = receiver.heard.get(context_id)
        last = heard[1]["referenceURI"] if heard else first
        if not expected == listed.get(context_id) == last:
            yield (f"{context_id} of {device}: the table says {expected}, the context "
                   f"{listed.get(context_id)}, its callback heard {last}")


def check_settled(server, receiver, contexts):
    deadline = time.monotonic() + SETTLED_WITHIN_S
    with server.operator() as operator:
        while time.monotonic() < deadline:
            outbox = operator.need(200, "GET", "/operator/v1/outbox")
            problems = list(disagreements(server, receiver, contexts))
            if not problems and outbox["pending"] == 0:
                break
            time.sleep(0.05)
    if outbox["pending"] or outbox["dead"]:
        problems.append(f"{outbox['pending']} notifications pending, {outbox['dead']} dead: "
                        f"{outbox.get('lastError')}")
    return problems + receiver.disorder


def kill_in_rewrites(program, rounds, rng):
    receiver = Receiver(unsure=0.02, seed=rng.random())
    with tempfile.TemporaryDirectory(prefix="mx2-notify-") as directory, Orchestrator(
            program, directory, EXAMPLE_CONTENT, CONFIG) as server:
        contexts = create(server, range(DEVICES), receiver.urls)
        problems = []
        for number in range(1, rounds + 1):
            seconds, wrong = run_round(server, rng)
            problems += wrong
            print(f"round {number:2}: killed after {seconds:.2f} s, {receiver.count} heard, "
                  f"{receiver.repeated} of them twice", flush=True)
        problems += check_settled(server, receiver, contexts)
        server.stop()
    receiver.close()
    return problems


def p99_of_rewrite(server, receiver, contexts, target):
    """Milliseconds from the change until 99 of 100 contexts have heard of it."""
    with server.operator() as operator:
        changed = time.monotonic()
        operator.patch_table([{"ue": "*", "app": APP, "targets": [f"endpoint:{target}"]}])
    deadline = changed + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        took = sorted(when - changed for _, body, when in list(receiver.heard.values())
                      if body["referenceURI"] == target)
        if len(took) == len(contexts):
            return 1000 * took[len(took) * 99 // 100]
        time.sleep(0.05)
    raise RuntimeError(f"only {len(took)} of {len(contexts)} heard of it")


def cost_of_bad_ones(program):
    receiver = Receiver(ports=8, bad=BAD_MANNERS)
    with tempfile.TemporaryDirectory(prefix="mx2-notify-") as directory, Orchestrator(
            program, directory, EXAMPLE_CONTENT, CONFIG) as server:
        contexts = create(server, range(GOOD), receiver.urls)
        runs = [p99_of_rewrite(server, receiver, contexts, f"alone-{i}:1") for i in range(3)]
        create(server, range(GOOD, GOOD + BAD), receiver.bad_urls)
        beside = [p99_of_rewrite(server, receiver, contexts, f"beside-{i}:1") for i in range(3)]
        server.stop()
    receiver.close()
    ratio = sorted(beside)[1] / sorted(runs)[1]
    print(f"p99 of {GOOD} good ones: alone {', '.join(f'{ms:.0f}' for ms in runs)} ms, beside "
          f"{BAD} bad ones {', '.join(f'{ms:.0f}' for ms in beside)} ms, "
          f"ratio of the medians {ratio:.2f}", flush=True)
    problems = receiver.disorder
    if receiver.repeated:
        problems.append(f"{receiver.repeated} notifications came twice without need")
    if ratio > RATIO_MAX:
        problems.append(f"bad destinations cost the good ones: ratio {ratio:.2f}")
    return problems


class Alone:
    """mx2-notifier on the store of a server."""

    def __init__(self, bin_dir, server):
        config = server.directory / "notifier.yaml"
        config.write_text(f'server: {{port: 0}}\nstore: {{path: "{server.store}"}}\n{CONFIG}')
        self.process = subprocess.Popen([bin_dir / "mx2-notifier", "--config", config],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


def notifiers_alone(bin_dir, rng):
    """The orchestrator does not notify; two notifiers do, and the first is killed again and again."""
    receiver = Receiver(unsure=0.0, seed=rng.random())
    with tempfile.TemporaryDirectory(prefix="mx2-notify-") as directory, Orchestrator(
            bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT,
            "notifier: {enabled: false}\n") as server:
        contexts = create(server, range(DEVICES), receiver.urls)
        notifiers = [Alone(bin_dir, server), Alone(bin_dir, server)]
        try:
            stop = threading.Event()
            writer = threading.Thread(target=rewrite, args=(server, rng, stop))
            writer.start()
            for _ in range(TAKEOVERS):
                time.sleep(rng.uniform(0.2, 0.6))
                notifiers.pop(0).kill()
                notifiers.append(Alone(bin_dir, server))
            stop.set()
            writer.join()
            problems = check_settled(server, receiver, contexts)
        finally:
            for notifier in notifiers:
                notifier.kill()
        server.stop()
    receiver.close()
    print(f"{receiver.count} heard from notifiers of their own, {TAKEOVERS} of them killed")
    if receiver.count < DEVICES:
        problems.append("too few notifications came to show anything")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("MX2_NOTIFY_ROUNDS", 50)))
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("MX2_NOTIFY_SEED", random.randrange(10**6))))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    program = arguments.bin_dir / "mx2-orchestrator"
    failed = 0
    for name, problems in (
            ("kill -9 in rewrites",
             kill_in_rewrites(program, arguments.rounds, random.Random(arguments.seed))),
            ("bad destinations", cost_of_bad_ones(program)),
            ("notifiers alone", notifiers_alone(arguments.bin_dir, random.Random(arguments.seed)))):
        print(f"{name}: {'ok' if not problems else 'FAILED'}", flush=True)
        for problem in problems[:10]:
            print(f"    {problem}")
        failed += bool(problems)
    print(f"{3 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
