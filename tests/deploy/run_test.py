"""deploy/run.sh and deploy/advantedge/run.sh, run as somebody does who has built it: ports that are taken,
programs that are killed, the files that they leave, whatever the umask, and what others can reach."""
import contextlib
import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

from support import DEPLOY

PATIENCE_S = 60
READY = "Ctrl-C stops them"
# The walkthrough has documented ports: it gets a network of its own.
IN_A_NETWORK = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execv(sys.argv[1], sys.argv[1:])
"""
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
        self.launch([str(self.folder / "deploy" / "run.sh"), "--data", str(self.data), *arguments], umask)

    def launch(self, command, umask=-1):
        # Ctrl-C is ignored by what a shell has started in the background, and so by all below it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"},
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


def first_call(demonstration):
    """What is wrong with a call; its instance leaves a record at its host."""
    url = demonstration.said().split("Mx2            ")[1].split("/dev_app")[0]
    run = subprocess.run([demonstration.bin / "mx2", "--url", url, "run", "executor", "--device", "car-1", "--count",
                          "1"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return [run.stdout + run.stderr] if run.returncode or " 200 " not in run.stdout else []


def open_files(folder):
    """Files of stores, packages and records that others than their owner may do something with, and
    which of them there are none of."""
    problems = []
    for pattern in ("mx2.sqlite*", "*.packages/*", "*/*/*.json"):
        files = [path for path in folder.glob(pattern) if path.is_file()]
        problems += [] if files else [f"no {pattern}"]
        problems += [f"{path.relative_to(folder)}: {stat.filemode(path.stat().st_mode)}" for path in files
                     if path.stat().st_mode & 0o077]
    return problems


def check_running(report, demonstration):
    demonstration.start(*FREE_PORTS, umask=0)
    problems = demonstration.waits_for(READY)
    report.good("run.sh: starts", problems)
    if problems:
        return
    report.good("run.sh: a λ answers", first_call(demonstration))
    report.good("run.sh: files of stores are their owner's alone, also with umask 000",
                open_files(demonstration.data))
    for config, name in (("edge-south.yaml", "MEPM of edge-south"), ("optimizer.yaml", "optimizer"),
                         ("orchestrator.yaml", "orchestrator")):
        report.good(f"run.sh: kill -9 of the {name} ends nothing else", killed(demonstration, config, name))
    report.good("run.sh: all hosts are reachable again", up_again(demonstration))
    written = (demonstration.data / "optimizer.yaml").read_text()
    report.good("run.sh: the machine's load takes no room from its hosts", [] if
                "background_percent_min: 100, memory_percent_max: 100" in written else [written])
    status = demonstration.interrupt()
    report.good("run.sh: Ctrl-C ends all", [demonstration.said()] if status or demonstration.pid_of("edge-south.yaml")
                else [])


# A program that does not end when it is asked to; it is given one second, instead of half a minute.
STUBBORN = """
set -uo pipefail
me=demonstration
source <(sed 's/stop_s=30/stop_s=1/' deploy/demonstration.sh)
launch stubborn log bash -c 'trap "" TERM; echo "listening "; exec sleep 60'
launch good other bash -c 'echo "listening "; exec sleep 60'
stop_programs
! kill -0 "${pid_of[stubborn]}" 2>/dev/null
"""


def check_stubborn(report, demonstration):
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(["bash", "-c", STUBBORN], cwd=demonstration.folder, capture_output=True, text=True,
                              check=False, timeout=PATIENCE_S / 2)
        named = "stubborn (process" in done.stderr and "good (process" not in done.stderr
        report.good("Ctrl-C: who does not end is told, and killed", [] if done.returncode == 0 and named
                    else [f"exit status {done.returncode}", done.stderr])
        return
    report.good("Ctrl-C: who does not end is told, and killed", ["it is waited for"])


def reachable_by_others(pid):
    """Addresses but loopback that anything in the network of this process listens at."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            raw, port = words[1].split(":")
            swapped = b"".join(bytes.fromhex(raw[i:i + 8])[::-1] for i in range(0, len(raw), 8))
            address = ipaddress.ip_address(swapped)
            if words[3] == "0A" and not address.is_loopback:
                found.append(f"{address}, port {int(port, 16)}")
    return found


def with_rights(folder):
    """What runs from the instances' folders: (how many, those that are root)."""
    count, as_root = 0, []
    for proc in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if proc.name.isdigit() and "/state/instances/" in os.readlink(proc / "cwd").removeprefix(folder):
                count += 1
                as_root += [proc.name] if proc.stat().st_uid == 0 else []
    return count, as_root


def check_walkthrough(report, demonstration):
    title = "advantedge/run.sh"
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        report.skip(title, "no network of its own can be made")
        return
    (demonstration.folder / "tests").symlink_to(DEPLOY.parent / "tests")
    demonstration.launch(["unshare", "--net", sys.executable, "-c", IN_A_NETWORK,
                          str(demonstration.folder / "deploy" / "advantedge" / "run.sh")])
    problems = demonstration.waits_for(READY)
    report.good(f"{title}: starts", problems)
    if problems:
        return
    pid = str(demonstration.process.pid)
    report.good(f"{title}: nothing is reached from elsewhere", reachable_by_others(pid))
    run = subprocess.run(["nsenter", "-t", pid, "-n", demonstration.bin / "mx2", "run", "executor", "--device",
                          "ue1", "--count", "1"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    report.good(f"{title}: a λ answers", [run.stdout + run.stderr] if run.returncode or " 200 " not in run.stdout
                else [])
    report.good(f"{title}: nor is its λ", reachable_by_others(pid))
    folder = demonstration.said().split("files are in ")[1].split(". Ctrl-C")[0]
    count, as_root = with_rights(folder)
    report.good(f"{title}: λ are not root", [f"{count} processes, root: {as_root}"] if as_root or not count else [])
    report.good(f"{title}: Ctrl-C ends it, and nothing is left",
                [demonstration.said()] if demonstration.interrupt() or pathlib.Path(folder).exists() else [])


def run(report, bin_dir):
    for check in (check_taken_port, check_stubborn, check_running, check_walkthrough):
        with tempfile.TemporaryDirectory(prefix="mx2-run-") as folder:
            demonstration = Demonstration(bin_dir, folder)
            try:
                check(report, demonstration)
            finally:
                demonstration.clean_up()
