#!/usr/bin/env python3
"""kill -9 under load, again and again on one store: nothing that was acknowledged is lost.

usage: crash_test.py BIN_DIR [--rounds N] [--seed N]     (MX2_CRASH_ROUNDS, MX2_CRASH_SEED)

Each round: threads create and delete contexts over keep-alive connections, one rewrites rows of the
table; at a random moment the process is killed; after the restart every context that was answered
201 is there with the same content, none answered 204 on DELETE is, the table is at the acknowledged
version or later with whole patches, and whatever else is listed is readable and complete.
"""
import argparse
import http.client
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Orchestrator, create_request, in_parallel

APP = "facedetect-1"
HOSTS = ("mec-north", "mec-south", "cloud")
ROWS_PER_PATCH = 20
CREATORS = 6
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


def load_until_killed(server, ledger, rng, round_number, problems):
    stop = threading.Event()
    seconds = rng.uniform(0.05, 1.0)

    def until_killed(function, *arguments):
        try:
            function(*arguments, stop)
        except NO_ANSWER as no_answer:
            if not stop.is_set():
                problems.append(f"the connection broke before the kill: {no_answer!r}")
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(str(problem))

    threads = [threading.Thread(target=until_killed, args=(
        create_and_delete, server, ledger, random.Random(rng.random()), f"r{round_number}-{i}"))
               for i in range(CREATORS)]
    threads.append(threading.Thread(target=until_killed, args=(
        rewrite_table, server, ledger, random.Random(rng.random()))))
    for thread in threads:
        thread.start()
    time.sleep(seconds)  # the random moment
    stop.set()
    server.kill()
    for thread in threads:
        thread.join()
    return seconds


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


def run_round(server, ledger, rng, number, last):
    problems = []
    before = len(ledger.contexts) + len(ledger.deleted)
    seconds = load_until_killed(server, ledger, rng, number, problems)
    acknowledged = len(ledger.contexts) + len(ledger.deleted) - before
    restart = server.start()
    check_contexts(server, ledger, problems, everything=last)
    check_table(server, ledger, problems)
    print(f"round {number:2}: killed after {seconds:.2f} s, {acknowledged} contexts acknowledged, "
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
            arguments.bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT) as server:
        for number in range(1, arguments.rounds + 1):
            passed += run_round(server, ledger, rng, number, number == arguments.rounds)
        server.stop()
    print(f"{passed} passed, {arguments.rounds - passed} failed")
    return 0 if passed == arguments.rounds else 1


if __name__ == "__main__":
    sys.exit(main())
