#!/usr/bin/env python3
"""A city under random trouble: nothing acknowledged is lost, nobody is left with an old address, and
nothing grows without a bound.

usage: soak.py BIN_DIR [--minutes 60] [--seed N] [--devices 300]

Orchestrator, Optimizer and three MEPMs with λ that run; device applications with callbacks that move
between cells, and some that call their λ all the time. Every other second something happens, drawn by
the seed: programs are killed, stopped, frozen, given another date (with libfaketime), λ are killed,
hosts drained, rows pinned and removed, the table rolled back, plans asked for, the store copied while
it is in use, contexts made and ended. A line a minute says what is there and how large. At the end
everything is set right, and then compared: contexts with what was acknowledged, what receivers heard
last with where their contexts are, processes with instances; after the last context nothing is left.
"""
import argparse
import http.client
import os
import pathlib
import random
import sqlite3
import sys
import tempfile
import time

from programs import FAKETIME, Guarded, Optimizer
from city import City, calling, check, wait_for
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS
from receiver import Receiver

HOSTS = ("h1", "h2", "h3")
CALLERS = 3
QUIET_S = 120            # to settle at the end
MIB_GROWTH_MAX = 48      # of any program between the first quarter and the end
DESCRIPTOR_GROWTH_MAX = 64
LOG_MIB_MAX = 96         # of the store's log
EXTRA = ("capacity: {period_ms: 500, idle_ms: 2000, idle_unknown_ms: 3000, cool_down_down_ms: 1000}\n"
         'notifier: {allow: ["127.0.0.0/8"], retry_first_ms: 50, retry_max_ms: 1000, timeout_ms: 2000}\n')
NO_ANSWER = (OSError, http.client.HTTPException, RuntimeError)


class Soak:
    def __init__(self, city, rng, devices, directory):
        self.city, self.rng, self.directory = city, rng, pathlib.Path(directory)
        self.receiver = Receiver(ports=4, unsure=0.02)
        self.devices = [f"ue-{n}" for n in range(devices)]
        self.contexts, self.unsure, self.ended = {}, set(), set()   # contextId: device
        self.optimizer = Optimizer(city.bin, directory, city.server, HOSTS, self.devices)
        self.guarded = [Guarded("orchestrator", city.server, directory),
                        Guarded("optimizer", self.optimizer, directory),
                        *(Guarded(h, m, directory) for h, m in city.mepms.items())]
        self.done, self.sizes = {}, []

    def start(self):
        """All of them anew, on clocks of their own."""
        self.city.server.keep_ports()
        for program in self.guarded:
            if program.alive():
                program.end(hard=False)
            program.start()
        self.app = self.city.on_board("executor")
        self.operator("PATCH", "/operator/v1/table", [{"ue": "*", "app": self.app,
                                                       "targets": [f"host:{h}" for h in HOSTS]}])
        for device in self.devices:
            self.create(device)

    def operator(self, method, path, body=None):
        with self.city.server.operator() as client:
            if isinstance(body, list):
                return client.patch_table(body)
            return client.need((200, 201, 202, 204), method, path, body)

    def create(self, device):
        url = self.rng.choice(self.receiver.urls)
        self.unsure.add(device)
        made = self.city.create(device, "executor", callbackReference=f"{url}/{device}")
        self.contexts[made["contextId"]] = device
        self.unsure.discard(device)

    def end_context(self):
        context = self.rng.choice(sorted(self.contexts))
        self.ended.add(context)     # even if no answer comes, it may be gone
        device = self.contexts.pop(context)
        with self.city.server.mx2() as client:
            client.need(204, "DELETE", f"{CONTEXTS}/{context}")
        self.create(device)

    # -- what may happen -----------------------------------------------------------------------
    def end_program(self):
        program = self.rng.choice(self.guarded)
        program.end(hard=self.rng.random() < 0.6)
        time.sleep(self.rng.uniform(0, 2))
        program.start()

    def freeze_program(self):
        self.rng.choice(self.guarded).freeze(self.rng.uniform(0.5, 6))

    def step_clock(self):
        program = self.rng.choice(self.guarded)
        program.clock.set(self.rng.choice((-3600, -60, 0, 60, 3600)))

    def kill_lambda(self):
        processes = self.city.processes()
        if processes:
            os.kill(self.rng.choice(processes), 9)

    def drain(self):
        host = self.rng.choice(HOSTS)
        self.operator("POST", f"/operator/v1/hosts/{host}/drain")
        time.sleep(self.rng.uniform(1, 4))
        self.operator("POST", f"/operator/v1/hosts/{host}/uncordon")

    def pin(self):
        devices = self.rng.sample(self.devices, 20)
        self.operator("PATCH", "/operator/v1/table", [
            {"ue": f"dev:{d}", "app": self.app, "targets": [f"host:{self.rng.choice(HOSTS)}"]}
            for d in devices])
        time.sleep(self.rng.uniform(0, 2))
        self.operator("PATCH", "/operator/v1/table", [
            {"ue": f"dev:{d}", "app": self.app, "remove": True} for d in devices])

    def roll_back(self):
        history = self.operator("GET", "/operator/v1/table/history?limit=10")["items"]
        if history:
            version = self.rng.choice(history)["version"]
            self.operator("POST", "/operator/v1/table/rollback", {"version": version})

    def move(self):
        self.optimizer.move(self.rng, len(self.devices) // 10)

    def copy_store(self):
        source = sqlite3.connect(f"file:{self.city.server.store}?mode=ro", uri=True)
        copy = sqlite3.connect(self.directory / "copy.sqlite")
        with source, copy:
            source.backup(copy, pages=16, sleep=0.01)
        check(copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "a copy is damaged")
        source.close()
        copy.close()

    def disturb(self):
        what = self.rng.choices(
            (self.end_program, self.freeze_program, self.step_clock, self.kill_lambda, self.drain,
             self.pin, self.roll_back, self.move, self.copy_store, self.end_context),
            (3, 1, 2, 2, 2, 3, 1, 4, 1, 6))[0]
        name = what.__name__
        try:
            what()
        except NO_ANSWER as refused:
            name += f" refused ({str(refused)[:60]})" if "expected" in str(refused) else " unanswered"
        self.done[name] = self.done.get(name, 0) + 1
        self.revive()

    def revive(self):
        for program in self.guarded:
            if not program.alive():
                check(program.program.process.returncode in (0, -9),
                      f"{program.name} ended by itself: {program.program.process.returncode}")
                program.start()

    # -- what is seen --------------------------------------------------------------------------
    def look(self, begin):
        store = self.city.server.store
        log = pathlib.Path(f"{store}-wal")
        outbox = self.operator("GET", "/operator/v1/outbox")
        line = {"minute": round((time.monotonic() - begin) / 60, 1),
                "contexts": self.operator("GET", "/operator/v1/health")["contexts"],
                "processes": len(self.city.processes()), "heard": self.receiver.count,
                "owed": outbox["pending"], "dead": outbox["dead"],
                "store_mib": store.stat().st_size >> 20,
                "log_mib": (log.stat().st_size >> 20) if log.exists() else 0}
        for program in self.guarded:
            kib, descriptors, threads, cpu = program.measured()
            line[program.name] = {"mib": kib >> 10, "fds": descriptors, "threads": threads,
                                  "cpu_s": round(cpu, 1)}
        self.sizes.append(line)
        print(" ".join(f"{k}={v}" if not isinstance(v, dict) else
                       f"{k}={v['mib']}MiB/{v['fds']}fd/{v['threads']}th/{v['cpu_s']}s"
                       for k, v in line.items()), flush=True)

    def run(self, seconds):
        begin, looked = time.monotonic(), 0
        while (now := time.monotonic() - begin) < seconds:
            self.disturb()
            if now - looked >= 60:
                looked = now
                self.look(begin)
            time.sleep(self.rng.uniform(0.2, 2))

    # -- the end -------------------------------------------------------------------------------
    def set_right(self):
        for program in self.guarded:
            program.clock.set(0)
        self.revive()
        for host in HOSTS:
            self.operator("POST", f"/operator/v1/hosts/{host}/uncordon")
        wait_for(lambda: all(h["status"]["reachable"] for h in self.city.items("hosts")),
                 "all hosts are reachable again", QUIET_S)
        rows = {row["ue"] for row in self.city.items("table")}
        self.operator("PATCH", "/operator/v1/table", [
            {"ue": "*", "app": self.app, "targets": [f"host:{h}" for h in HOSTS]},
            *({"ue": ue, "app": self.app, "remove": True} for ue in rows if ue != "*")])
        wait_for(lambda: self.operator("GET", "/operator/v1/outbox")["pending"] == 0,
                 "nothing is owed any more", QUIET_S)

    def listed(self):
        return {c["contextId"]: c for c in self.city.items("contexts")}

    def agreement(self):
        """What is wrong; nothing, once everybody has settled."""
        wrong = []
        listed = self.listed()
        for context, device in self.contexts.items():
            if context not in listed:
                wrong.append(f"{context} of {device} was acknowledged and is lost")
                continue
            heard = self.receiver.heard.get(context)
            if heard and listed[context]["referenceURI"] not in str(heard[1]):
                wrong.append(f"{context}: is at {listed[context]['referenceURI']}, heard {heard[1]}")
        ours = {c for c, item in listed.items() if item["associateDevAppId"] in self.unsure}
        strangers = set(listed) - set(self.contexts) - self.ended - ours - self.of_callers(listed)
        return wrong + [f"{c} was never acknowledged" for c in strangers]

    def of_callers(self, listed):
        return {c for c, item in listed.items() if item["associateDevAppId"] == "caller"}

    def compare(self):
        begin = time.monotonic()
        while (wrong := self.agreement()) and time.monotonic() - begin < QUIET_S:
            time.sleep(0.5)
        check(not wrong, f"{len(wrong)} disagreements, the first: {wrong[:5]}")
        check(not self.receiver.disorder, f"older after newer: {self.receiver.disorder[:5]}")
        instances = self.city.instances()
        print(f"settled: {len(self.listed())} contexts, {len(instances)} instances, "
              f"{self.receiver.count} notifications heard ({self.receiver.repeated} twice), 0 out of order")

    def bounds(self):
        early = self.sizes[len(self.sizes) // 4] if self.sizes else {}
        late = self.sizes[-1]
        for program in self.guarded:
            before, after = early[program.name], late[program.name]
            check(after["mib"] - before["mib"] <= MIB_GROWTH_MAX, f"{program.name} grows: {before} to {after}")
            check(after["fds"] - before["fds"] <= DESCRIPTOR_GROWTH_MAX,
                  f"{program.name} keeps descriptors: {before} to {after}")
        worst = max(s["log_mib"] for s in self.sizes)
        check(worst <= LOG_MIB_MAX, f"the store's log was {worst} MiB")

    def nothing_left(self):
        for context in self.listed():
            self.operator("DELETE", f"/operator/v1/contexts/{context}")
        self.operator("PATCH", "/operator/v1/table", [
            {"ue": r["ue"], "app": r["app"], "remove": True} for r in self.city.items("table")])
        wait_for(lambda: not self.city.items("instances"), "no instance is left", QUIET_S)
        wait_for(lambda: not self.city.processes(), "no process is left", QUIET_S)
        print("without contexts: no instance and no process is left")


def main(arguments):
    rng = random.Random(arguments.seed)
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes, {arguments.devices} devices"
          + ("" if FAKETIME else "; libfaketime is missing: no clock steps"), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory).resolve()
        os.chmod(directory, 0o755)
        with City(arguments.bin, directory, hosts=HOSTS, extra=EXTRA) as city:
            soak = Soak(city, rng, arguments.devices, directory)
            try:
                soak.start()
                with calling(city.bin, city.server.mx2_port, "executor", every="50ms") as caller:
                    soak.run(60 * arguments.minutes)
                    soak.set_right()
                    soak.look(time.monotonic() - 60 * arguments.minutes)
                    soak.compare()
                said = caller["summary"]
                print(f"a caller every 50 ms: {said['calls']} calls, {said['failed']} failed, "
                      f"longest gap {said['longestGapMs']:.0f} ms, {said['moves']} moves")
                print("what happened:", ", ".join(f"{n} {c}" for n, c in sorted(soak.done.items())))
                soak.bounds()
                soak.nothing_left()
            finally:
                soak.optimizer.kill()
                soak.receiver.close()
    print("soak: passed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--devices", type=int, default=300)
    main(parser.parse_args())
