"""The programs of the soak: each with a wall clock of its own that can be set (libfaketime), started
again on the ports it had, and measured."""
import contextlib
import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from city import Launched, check

FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
KIB = 1024


class WallClock:
    """Of one program; its steady clock is left alone. Without libfaketime it cannot be set."""

    def __init__(self, file):
        self.file = pathlib.Path(file)
        self.set(0)

    def set(self, seconds):
        """So many seconds beside the real time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.file)

    def environment(self):
        if FAKETIME is None:
            return {}
        return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextlib.contextmanager
def environment(more):
    """What is started meanwhile inherits it."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Guarded:
    """A program of the city (Orchestrator, Mepm, Optimizer): `name`, its clock, start and end."""

    def __init__(self, name, program, directory):
        self.name, self.program = name, program
        self.clock = WallClock(pathlib.Path(directory) / f"{name}.clock")

    def start(self):
        with environment(self.clock.environment()):
            self.program.start()

    def alive(self):
        return self.program.process is not None and self.program.process.poll() is None

    def end(self, hard):
        """kill -9, or SIGTERM and a clean exit."""
        if hard:
            self.program.kill()
        else:
            self.program.stop()
            check(self.program.process.returncode == 0, f"{self.name} did not stop cleanly")

    def freeze(self, seconds):
        self.program.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self.program.process.send_signal(signal.SIGCONT)

    def measured(self):
        """(resident KiB, descriptors, threads, seconds of CPU)."""
        proc = pathlib.Path(f"/proc/{self.program.process.pid}")
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        ticks = (proc / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(status["VmRSS"].split()[0]), len(list((proc / "fd").iterdir())),
                int(status["Threads"]), (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"))


class Optimizer(Launched):
    """On a topology file that says in which cell each device is."""

    def __init__(self, bin_dir, directory, orchestrator, hosts, devices):
        self.program = pathlib.Path(bin_dir) / "mx2-optimizer"
        self.directory = pathlib.Path(directory)
        self.orchestrator, self.hosts = orchestrator, hosts
        self.cell_of = {device: i % len(hosts) for i, device in enumerate(devices)}
        self.log = self.directory / "optimizer.log"
        self.write_topology()

    def write_topology(self):
        latency = {f"cell-{i}": {h: 2 if i == n else 8 for n, h in enumerate(self.hosts)}
                   for i in range(len(self.hosts))}
        lines = ["hosts:"] + [f"  - {{id: {h}, tier: edge, capacity: 10000}}" for h in self.hosts]
        lines.append("attachments:")
        for i in range(len(self.hosts)):
            devices = ", ".join(d for d, cell in self.cell_of.items() if cell == i)
            lines.append(f"  - {{name: cell-{i}, devices: [{devices}]}}")
        lines.append(f"latency_ms: {latency}".replace("'", ""))
        new = self.directory / "topology.new"
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.directory / "topology.yaml")

    def move(self, rng, count):
        for device in rng.sample(sorted(self.cell_of), count):
            self.cell_of[device] = rng.randrange(len(self.hosts))
        self.write_topology()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGHUP)

    def start(self):
        config = self.directory / "optimizer.yaml"
        config.write_text(
            f"orchestrator: {{url: '{self.orchestrator.operator_url}'}}\n"
            f"server: {{address: 127.0.0.1, port: {self.port}}}\n"
            "period_ms: 1000\nleader: {lease_ms: 3000}\n"
            "stability: {dwell_ms: 2000, return_wait_ms: 1000, return_ms: 3000}\n"
            f"topology: {{file: '{self.directory}/topology.yaml'}}\n")
        self.launch(config)
