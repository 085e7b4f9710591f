#!/usr/bin/env python3
"""kill -9 or SIGTERM under load, again and again on one store: nothing that was acknowledged is
lost, and what was owed is made good.

usage: crash_test.py BIN_DIR [--rounds N] [--seed N]     (MX2_CRASH_ROUNDS, MX2_CRASH_SEED)

Each round: threads create and delete contexts over keep-alive connections, another one patches the
table, or has plans carried out that move everybody of a kind, or goes back to older versions, while
the history is kept short; at a random moment the process is killed or told to stop, with
notifications on their way to receivers that fail now and then or never answer. After the restart
every context that was answered 201 is there with the same content, none answered 204 on DELETE is,
the table is at the acknowledged version or later with whole patches, all contexts are where their
rows lead, whoever has moved is told, and whatever else is listed is readable and complete.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "support"))
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Orchestrator, create_request, in_parallel
from receiver import Receiver

APP = "facedetect-1"
HOSTS = ("mec-north", "mec-south", "cloud")
ROWS_PER_PATCH = 20
CREATORS = 6
MOVERS = 400         # contexts that plans move
TOLD_MOVERS = 60     # of these, with a callback
SILENT = 3           # of these, at a receiver that never answers
PATIENCE_S = 30
CONFIG = 'notifier: {allow: ["127.0.0.0/8"], retry_first_ms: 50, retry_max_ms: 300}\n'
HISTORY = "history_versions_max: 6, history_rows_max: 3000, "
NO_ANSWER = (OSError, http.client.HTTPException)


class Ledger:
    """What the server has acknowledged, and what it was asked without an answer."""

    def __init__(self):
        self.lock = threading.Lock()
        self.contexts = {}      # contextId: the document of the 201
        self.deleted = set()    # answered 204
        self.uncertain = set()  # DELETE sent, no answer
        self.verified = set()   # read back in a former round
        self.table_version = 0
        self.targets = [None]   # of our rows: acknowledged last, then attempted without an answer
        self.movers = []        # contextIds of those that are told, and answer

    def created(self, document):
        with self.lock:
            self.contexts[document["contextId"]] = document

    def take_for_deletion(self, context_id):
        with self.lock:
            self.uncertain.add(context_id)

    def removed(self, context_id):
        with self.lock:
            self.uncertain.discard(context_id)
            self.deleted.add(context_id)
            del self.contexts[context_id]


def create_and_delete(server, ledger, rng, name, stop):
    mine = []
    with server.mx2() as client:
        for n in range(10**9):
            if stop.is_set():
                return
            if mine and rng.random() < 0.2:
                victim = mine.pop(rng.randrange(len(mine)))
                ledger.take_for_deletion(victim)
                client.need(204, "DELETE", f"{CONTEXTS}/{victim}")
                ledger.removed(victim)
            document = client.need(201, "POST", CONTEXTS, create_request(f"{name}-{n}"))
            ledger.created(document)
            mine.append(document["contextId"])


def rewrite_table(server, ledger, rng, stop):
    with server.operator() as client:
        while not stop.is_set():
            target = f"host:{rng.choice(HOSTS)}"
            ledger.targets.append(target)
            patched = client.patch_table({"ue": f"dev:crash-{i}", "app": APP, "targets": [target]}
                                         for i in range(ROWS_PER_PATCH))
            ledger.table_version = patched["tableVersion"]
            ledger.targets = [target]


def plan_moves(server, ledger, rng, stop):
    with server.operator() as client:
        while not stop.is_set():
            version = client.need(200, "GET", "/operator/v1/health")["tableVersion"]
            if version > 1 and rng.random() < 0.3:  # the history may have become too short: 410
                client.need((200, 409, 410, 412), "POST", "/operator/v1/table/rollback",
                            {"version": max(1, version - rng.randrange(1, 5))})
                continue
            client.headers["If-Match"] = f'"{version}"'
            target = f"host:{rng.choice(HOSTS)}"
            rows = "\n".join(json.dumps({"ue": f"dev:mover-{i}", "app": APP, "targets": [target]})
                             for i in range(MOVERS))
            client.need((200, 409, 412), "POST", "/operator/v1/plans", rows,
                        "application/x-ndjson")
            del client.headers["If-Match"]


def going_back(server, ledger, rng, stop):
    """Plans, and ways back that take the rows of the patches with them."""
    ledger.targets = [None] + [f"host:{host}" for host in HOSTS]
    plan_moves(server, ledger, rng, stop)


def end(server, rng):
    if rng.random() < 0.5:
        server.kill()
        return "killed"
    server.stop()
    return "stopped"


def load_until_ended(server, ledger, rng, round_number, problems):
    stop = threading.Event()
    seconds = rng.uniform(0.05, 1.0)
    on_table = rng.choice((rewrite_table, going_back))

    def until_ended(function, *arguments):
        try:
            function(*arguments, stop)
        except NO_ANSWER as no_answer:
            if not stop.is_set():
                problems.append(f"the connection broke before the end: {no_answer!r}")
        except Exception as problem:  # pylint: disable=broad-except
            if not stop.is_set() or "got 503" not in str(problem):
                problems.append(str(problem))

    threads = [threading.Thread(target=until_ended, args=(
        create_and_delete, server, ledger, random.Random(rng.random()), f"r{round_number}-{i}"))
               for i in range(CREATORS)]
    threads.append(threading.Thread(target=until_ended, args=(
        on_table, server, ledger, random.Random(rng.random()))))
    for thread in threads:
        thread.start()
    time.sleep(seconds)  # the random moment
    stop.set()
    how = end(server, rng)
    for thread in threads:
        thread.join()
    return f"{how} after {seconds:.2f} s"


def check_whole(summary, document):
    """A context nobody was told of: it may exist, but not by halves."""
    instance = document["appInfo"]["userAppInstanceInfo"][0]
    whole = (document["contextId"] == summary["contextId"]
             and document["associateDevAppId"] == summary["associateDevAppId"]
             and document["appInfo"]["appDId"] == summary["app"]
             and instance["referenceURI"] == summary["referenceURI"]
             and instance["appInstanceId"])
    return [] if whole else [f"context {summary['contextId']} is half there: {document}"]


def check_contexts(server, ledger, problems, everything):
    with server.operator() as operator:
        listed = {item["contextId"]: item for item in operator.pages("/operator/v1/contexts")}
        counted = operator.need(200, "GET", "/operator/v1/health")["contexts"]
    if counted != len(listed):
        problems.append(f"{len(listed)} contexts are listed, {counted} counted")
    for context_id in ledger.contexts.keys() - ledger.uncertain - listed.keys():
        problems.append(f"context {context_id} was answered 201 and is lost")
    for context_id in ledger.deleted & listed.keys():
        problems.append(f"context {context_id} was answered 204 on DELETE and is back")

    def read(context_ids):
        with server.mx2() as client:
            for context_id in context_ids:
                document = client.need(200, "GET", f"{CONTEXTS}/{context_id}")
                known = ledger.contexts.get(context_id)
                if known is not None and known != document:
                    problems.append(f"context {context_id} was {known}, is {document}")
                problems.extend(check_whole(listed[context_id], document))

    in_parallel(read, sorted(listed.keys() - (set() if everything else ledger.verified)))
    for context_id in ledger.uncertain:
        if context_id in listed:
            continue
        ledger.contexts.pop(context_id, None)
        ledger.deleted.add(context_id)
    ledger.uncertain.clear()
    ledger.verified = set(listed)


def check_table(server, ledger, problems):
    with server.operator() as operator:
        version = operator.need(200, "GET", "/operator/v1/health")["tableVersion"]
        rows = [row for row in operator.pages("/operator/v1/table")
                if row["ue"].startswith("dev:crash-")]
    if version < ledger.table_version:
        problems.append(f"table version {version}, but {ledger.table_version} was acknowledged")
    found = {(tuple(row["targets"]), row["version"]) for row in rows}
    if len(found) > 1 or len(rows) not in (0, ROWS_PER_PATCH):
        problems.append(f"half a patch: {len(rows)} rows, {found}")
    target = rows[0]["targets"][0] if rows else None
    if target not in ledger.targets:
        problems.append(f"the rows point to {target}, expected one of {ledger.targets}")
    ledger.targets = [target]


def create_movers(server, ledger, receiver):
    with server.mx2() as client:
        for i in range(MOVERS):
            request = create_request(f"mover-{i}")
            if i < TOLD_MOVERS:
                silent = i < SILENT
                url = receiver.bad_urls[0] if silent else receiver.urls[i % len(receiver.urls)]
                request["callbackReference"] = f"{url}/{i}"
            context_id = client.need(201, "POST", CONTEXTS, request)["contextId"]
            if SILENT <= i < TOLD_MOVERS:
                ledger.movers.append(context_id)


def lagging(server):
    """Contexts of movers that are not where their row, or the one for everybody, leads."""
    with server.operator() as operator:
        history = operator.need(200, "GET", "/operator/v1/table/history?limit=100")["items"]
        if any(version["state"] != "done" for version in history):
            return ["a rewrite goes on"]
        rows = {row["ue"]: row["targets"][0] for row in operator.pages("/operator/v1/table")
                if row["app"] == APP}
        contexts = list(operator.pages("/operator/v1/contexts"))
    return [f"context {context['contextId']} is at {context['host']}, not at {target}"
            for context in contexts if context["associateDevAppId"].startswith("mover-")
            and (target := rows.get("dev:" + context["associateDevAppId"],
                                    rows["ip:127.0.0.0/8"])) != f"host:{context['host']}"]


def untold(server, ledger, receiver):
    """Movers whose receiver has heard of another address than they have."""
    found = []
    with server.mx2() as client:
        for context_id in ledger.movers:
            document = client.need(200, "GET", f"{CONTEXTS}/{context_id}")
            address = document["appInfo"]["userAppInstanceInfo"][0]["referenceURI"]
            heard = receiver.heard.get(context_id)
            if heard and f'"{address}"' not in json.dumps(heard[1]):
                found.append(f"context {context_id} is at {address}, told was {heard[1]}")
    return found


def check_owed(server, ledger, receiver, problems):
    deadline = time.monotonic() + PATIENCE_S
    for what in (lambda: lagging(server), lambda: untold(server, ledger, receiver)):
        while (left := what()) and time.monotonic() < deadline:
            time.sleep(0.02)
        problems.extend(left)
    problems.extend(receiver.disorder)


def run_round(server, ledger, receiver, rng, number, last):
    problems = []
    before = len(ledger.contexts) + len(ledger.deleted)
    how = load_until_ended(server, ledger, rng, number, problems)
    acknowledged = len(ledger.contexts) + len(ledger.deleted) - before
    restart = server.start()
    check_owed(server, ledger, receiver, problems)  # first: then they stay as they are
    check_contexts(server, ledger, problems, everything=last)
    check_table(server, ledger, problems)
    print(f"round {number:2}: {how}, {acknowledged} contexts acknowledged, "
          f"{len(ledger.verified)} there, table version {ledger.table_version}, "
          f"restart {restart:.2f} s: {'ok' if not problems else 'FAILED'}", flush=True)
    for problem in problems[:10]:
        print(f"    {problem}")
    return not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("MX2_CRASH_ROUNDS", 20)))
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("MX2_CRASH_SEED", random.randrange(10**6))))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    rng = random.Random(arguments.seed)
    ledger = Ledger()
    passed = 0
    with tempfile.TemporaryDirectory(prefix="mx2-crash-") as directory, Orchestrator(
            arguments.bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT, CONFIG,
            store=HISTORY) as server:
        receiver = Receiver(ports=2, bad=("silent",), unsure=0.2, seed=arguments.seed)
        create_movers(server, ledger, receiver)
        for number in range(1, arguments.rounds + 1):
            passed += run_round(server, ledger, receiver, rng, number, number == arguments.rounds)
        server.stop()
        receiver.close()
    print(f"{passed} passed, {arguments.rounds - passed} failed")
    return 0 if passed == arguments.rounds else 1


if __name__ == "__main__":
    sys.exit(main())
