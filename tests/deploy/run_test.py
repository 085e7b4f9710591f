"""deploy/run.sh, run as somebody does who has built it: ports that are taken, programs that are killed,
and the files that it leaves, whatever the umask."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

from support import DEPLOY

PATIENCE_S = 60
READY = "Ctrl-C stops them"
FREE_PORTS = ("--mx2-port", "0", "--operator-port", "0", "--optimizer-port", "0", "--mepm-port", "0")


class Demonstration:
    """deploy/run.sh in a tree where everything is built, until the end of the scope."""

    def __init__(self, bin_dir, folder):
        self.folder = pathlib.Path(folder)
        self.bin = bin_dir
        self.data = self.folder / "data"
        self.output = self.folder / "output"
        self.process = None
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        shutil.copytree(DEPLOY, self.folder / "deploy")
        for done in ("build.sh", "packages.sh"):
            self.script(self.folder / "deploy" / done, "exit 0")
        release = self.folder / "build" / "release"
        release.mkdir(parents=True)
        for name, target in (("bin", bin_dir), ("packages", bin_dir.parent / "packages")):
            (release / name).symlink_to(target)
        self.folder.chmod(0o755)

    @staticmethod
    def script(path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def start(self, *arguments, umask=-1):
        # Ctrl-C is ignored by what a shell has started in the background, and so by all below it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(self.folder / "deploy" / "run.sh"), "--data", str(self.data), *arguments],
                cwd=self.folder, env={**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, umask=umask)

    def said(self):
        return self.output.read_text(errors="replace")

    def waits_for(self, text):
        """What is wrong: it does not say the text."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return [f"'{text}' was not said, exit status {self.process.poll()}", self.said()]
            time.sleep(0.05)
        return []

    def pid_of(self, config):
        """Of the program with this configuration file of ours; 0: none runs."""
        for proc in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (proc / "cmdline").read_bytes().split(b"\0") if proc.name.isdigit() else []
                if str(self.data / config).encode() in words and words[0].startswith(str(self.folder).encode()):
                    return int(proc.name)
        return 0

    def hosts(self):
        config = self.said().split("operator API   ")[1].split("/operator/v1")[0]
        done = subprocess.run([self.bin / "mx2ctl", "--url", config, "--output", "json", "hosts", "list"],
                              capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        return done.stdout + done.stderr

    def interrupt(self):
        """Its exit status after Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE_S)

    def clean_up(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def refusal(demonstration, port):
    """What it says of the port; nothing of it may have been started."""
    demonstration.start(*FREE_PORTS[:2], "--operator-port", str(port), *FREE_PORTS[4:])
    status = demonstration.process.wait(PATIENCE_S)
    started = demonstration.data.exists()
    return [] if status != 1 or started else [demonstration.said()]


def check_taken_port(report, demonstration):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        named = f"port {port} is taken by "
        if shutil.which("ss"):
            report.bad("run.sh: a taken port, with its holder", refusal(demonstration, port),
                       f", process {os.getpid()}; choose one with --operator-port")
        else:
            report.skip("holder of a taken port", "there is no ss")
        demonstration.script(demonstration.tools / "ss", "exit 1")
        report.bad("run.sh: a taken port, without ss", refusal(demonstration, port), f"{named}another program")
        (demonstration.tools / "ss").unlink()


def killed(demonstration, config, name):
    """What is wrong after the program with this configuration was killed."""
    pid = demonstration.pid_of(config)
    if not pid:
        return [f"{name} does not run"]
    os.kill(pid, signal.SIGKILL)
    problems = demonstration.waits_for(f"{name} ended unexpectedly (killed by signal 9)")
    problems += demonstration.waits_for(f"{name} is back")
    if demonstration.pid_of(config) in (0, pid):
        problems.append(f"{name} is not there again")
    return problems


def up_again(demonstration):
    deadline = time.monotonic() + PATIENCE_S
    while (said := demonstration.hosts()).count('"reachable":true') + said.count('"reachable": true') < 3:
        if time.monotonic() > deadline or demonstration.process.poll() is not None:
            return [said, demonstration.said()]
        time.sleep(0.2)
    return []


def open_files(folder):
    """Files of stores, packages and records that others than their owner may do something with."""
    of_stores = [*folder.glob("mx2.sqlite*"), *folder.glob("*.packages/*"), *folder.glob("*/*/*.json")]
    return [f"{path.relative_to(folder)}: {stat.filemode(path.stat().st_mode)}" for path in of_stores
            if path.is_file() and path.stat().st_mode & 0o077]


def check_running(report, demonstration):
    demonstration.start(*FREE_PORTS, umask=0)
    problems = demonstration.waits_for(READY)
    report.good("run.sh: starts", problems)
    if problems:
        return
    store = demonstration.data / "mx2.sqlite"
    report.good("run.sh: files of stores are their owner's alone, also with umask 000",
                open_files(demonstration.data) if store.exists() else ["no store"])
    for config, name in (("edge-south.yaml", "MEPM of edge-south"), ("optimizer.yaml", "optimizer"),
                         ("orchestrator.yaml", "orchestrator")):
        report.good(f"run.sh: kill -9 of the {name} ends nothing else", killed(demonstration, config, name))
    report.good("run.sh: all hosts are reachable again", up_again(demonstration))
    status = demonstration.interrupt()
    report.good("run.sh: Ctrl-C ends all", [demonstration.said()] if status or demonstration.pid_of("edge-south.yaml")
                else [])


def run(report, bin_dir):
    with tempfile.TemporaryDirectory(prefix="mx2-run-") as folder:
        demonstration = Demonstration(bin_dir, folder)
        try:
            check_taken_port(report, demonstration)
            check_running(report, demonstration)
        finally:
            demonstration.clean_up()
