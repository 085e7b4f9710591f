#!/usr/bin/env python3
"""README and docs as somebody reads them: every fenced `sh` block is run as it is typed, in a scratch
copy of the tree in which what `tests/run.sh` has built is the build; ports are the documented ones, of a
network namespace of this test's own. Blocks that cannot run say why (blocks.py), are printed, and what
they name must be there, as must what links lead to (names.py). Standard library only.

usage: tests/docs/commands_test.py BIN_DIR [DOCUMENT...]
       exit status 1 when something is wrong; 77 where it cannot be tried: neither may we have a network
       of our own, nor are the documented ports free
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
import blocks
import names

ROOT = names.ROOT
INSIDE = "MX2_DOCS_NETWORK"
PORTS = (8080, 8081, 8082, 8090, 8091, 8092, 8093, 9080)
PATIENCE_S = 60
SKIPPED = 77
LINES_SHOWN = 15
README_LINES_MAX = 150
ENDED = (0, -signal.SIGINT, 128 + signal.SIGINT)
# As at a terminal, but that the first failure ends a block, and an answer that is an error is one.
PRELUDE = 'set -e -o pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


class Failed(Exception):
    pass


class Running:
    """A block in a process group of its own, as a terminal gives it one."""

    def __init__(self, block, scratch, number):
        self.block = block
        self.output = scratch / f".output-{number}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["bash", "-c", PRELUDE + block.text], cwd=scratch, env=environment(scratch),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def said(self):
        return self.output.read_text(errors="replace")

    def fail(self, what):
        last = "\n".join("    " + line for line in self.said().splitlines()[-LINES_SHOWN:])
        raise Failed(f"{self.block.where}: {what}; it said\n{last}")

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.said():
            if self.process.poll() is not None:
                self.fail(f"ended before '{text}' was said")
            if time.monotonic() > deadline:
                self.fail(f"'{text}' was not said within {PATIENCE_S} s")
            time.sleep(0.05)

    def wait(self):
        """Its exit status."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return self.fail(f"not done after {PATIENCE_S} s")

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def interrupt(self):
        """Ctrl-C, which must be a good end."""
        if self.process.poll() is not None:
            self.fail("ended by itself")
        self.signal(signal.SIGINT)
        status = self.wait()
        if status not in ENDED:
            self.fail(f"exit status {status} after Ctrl-C")

    def kill(self):
        """With all that it has left in its group."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            deadline = time.monotonic() + seconds
            self.signal(number)
            while self.is_left() and time.monotonic() < deadline:
                time.sleep(0.05)

    def is_left(self):
        self.process.poll()  # or it would stay as a zombie
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


def environment(scratch):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("MX2_", "MX_", "MEEP_")) and not k.lower().endswith("_proxy")}
    return {**kept, "PATH": f"{scratch}/.tools:{kept['PATH']}"}


def executable(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def make_scratch(scratch, bin_dir):
    """The tree as somebody has it who has built it."""
    scratch.chmod(0o755)  # instances run as users of their own where this runs as root
    for path in ROOT.iterdir():
        if path.name not in ("build", "data", "deploy", ".git"):
            (scratch / path.name).symlink_to(path)
    shutil.copytree(ROOT / "deploy", scratch / "deploy")
    for done in ("build.sh", "packages.sh"):
        executable(scratch / "deploy" / done, "exit 0\n")
    release = scratch / "build" / "release"
    release.mkdir(parents=True)
    (release / "bin").symlink_to(bin_dir)
    for built in ("packages", "cmake_install.cmake"):
        (release / built).symlink_to(bin_dir.parent / built)
    (scratch / ".tools").mkdir()
    executable(scratch / ".tools" / "python3", f'exec "{sys.executable}" "$@"\n')


class Story:
    """The blocks of one document, one after the other, each in a terminal of its own."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.started = []

    def start(self, block):
        self.started.append(Running(block, self.scratch, len(self.started)))
        return self.started[-1]

    def run(self, block):
        if block.background:
            self.start(block).wait_for(block.until)
            return
        deadline = time.monotonic() + block.within_s
        while (status := (running := self.start(block)).wait()) != 0:
            if time.monotonic() > deadline:
                running.fail(f"exit status {status}")
            time.sleep(0.5)

    def end(self):
        """What was to be seen later, and then Ctrl-C everywhere, the last terminal first."""
        for running in self.started:
            if running.block.later:
                running.wait_for(running.block.later)
        for running in reversed(self.started):
            if running.block.background:
                running.interrupt()

    def clean_up(self):
        for running in reversed(self.started):
            running.kill()


def run_document(document, bin_dir):
    """What is wrong: at most one thing, as the rest of a document may need what failed."""
    shown = [block for block in document.blocks if not block.skipped]
    if not shown:
        return []
    if document.needs_city:
        shown.insert(0, blocks.Block(f"{document.name}: {blocks.CITY}", blocks.CITY + "\n", background=True,
                                     until="Ctrl-C stops them"))
    with tempfile.TemporaryDirectory(prefix="mx2-docs-", ignore_cleanup_errors=True) as directory:
        scratch = pathlib.Path(directory).resolve()
        make_scratch(scratch, bin_dir)
        story = Story(scratch)
        try:
            for block in shown:
                story.run(block)
            story.end()
        except Failed as failure:
            return [str(failure)]
        finally:
            story.clean_up()
    return []


def documents(chosen):
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [path for path in sorted(paths) if not chosen or str(path.relative_to(ROOT)) in chosen]


def read_problems(path, document, known):
    """What is wrong with a document that nothing of is run."""
    text = path.read_text()
    problems = document.problems + [f"{document.name}: {p}" for p in names.link_problems(path, text)]
    problems += [f"{document.name}: {p}" for p in known.inline_problems(text)]
    problems += [f"{where}: is not {file}" for where, file, block in document.copies
                 if not (ROOT / file).is_file() or (ROOT / file).read_text() != block]
    for block in document.blocks:
        syntax = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        problems += [f"{block.where}: {syntax.stderr.strip()}"] if syntax.returncode else []
        problems += [f"{block.where}: {p}" for p in known.block_problems(block.text)] if block.skipped else []
    if path == ROOT / "README.md" and len(text.splitlines()) > README_LINES_MAX:
        problems.append(f"README.md: has more than {README_LINES_MAX} lines")
    return problems


def unrun(reason, *lines):
    return "\n".join([f"<!-- sh: not run: {reason} -->", "```sh", *lines, "```", ""])


# (what is wrong, the document, what must be told of it)
MISTAKES = (
    ("a reason that is none", unrun("it is slow", "true"), "is no reason"),
    ("a block that could run", unrun("containers", "true"), "says so"),
    ("a mark that is none", "<!-- sh: sometimes -->\n```sh\ntrue\n```\n", "not understood"),
    ("a mark without block", "<!-- sh: within 5 s -->\n\n```sh\ntrue\n```\n", "without a block"),
    ("bad syntax", "```sh\nif true\n```\n", "syntax error"),
    ("a block that is not its file", "<!-- file: LICENSE -->\n```\nMIT\n```\n", "is not LICENSE"),
    ("no such file", unrun("Kubernetes", "kubectl apply -k deploy/none"), "deploy/none: no such file"),
    ("no such program", unrun("Kubernetes", "kubectl x", "mx2-none"), "no program mx2-none"),
    ("no such option", unrun("Kubernetes", "kubectl x -- mx2ctl hosts list --nothing"), "no option --nothing"),
    ("no such option of a script", unrun("runs every test", "tests/run.sh --nothing"), "no option --nothing"),
    ("no such option of a program of the tests", "Say `mx2_hop_count --nothing`.\n", "no option --nothing"),
    ("no such command", "Say `mx2ctl host drain`.\n", "has no command host"),
    ("no such file, in a sentence", "See `deploy/none`.\n", "`deploy/none`: no such file"),
    ("a link to nowhere", "[x](none.md)\n", "none.md: no such file"),
    ("a link to no heading", "[x](README.md#none)\n", "no such heading"),
)


def missed_mistakes(known):
    """Those of MISTAKES that are not found."""
    missed = []
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "README.md").write_text("# X\n")
        for title, text, expected in MISTAKES:
            path = pathlib.Path(directory) / "x.md"
            path.write_text(text)
            found = read_problems(path, blocks.read("x.md", text), known)
            if not any(expected in problem for problem in found):
                missed.append(f"not noticed: {title}; found: {found}")
    return missed


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        set_flags, up = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
        fcntl.ioctl(control, set_flags, struct.pack("16sH22x", b"lo", up))


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def enter_network():
    """One of our own, so that ports are as documented whatever this machine runs."""
    if os.environ.get(INSIDE):
        return raise_loopback()
    may = os.geteuid() == 0 and shutil.which("unshare") is not None
    if may and subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0:
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    taken = [str(port) for port in PORTS if not is_free(port)]
    if taken:
        print(f"no network of our own, and these documented ports are taken: {', '.join(taken)}")
        sys.exit(SKIPPED)
    return None


def main():
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    enter_network()
    # Ctrl-C is ignored by what a shell starts in the background, and so by all that we would start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    known = names.Names(bin_dir)
    problems, ran, left_out = missed_mistakes(known), 0, []
    for path in documents(sys.argv[2:]):
        name = str(path.relative_to(ROOT))
        document = blocks.read(name, path.read_text())
        begin = time.monotonic()
        problems += read_problems(path, document, known) or run_document(document, bin_dir)
        left_out += [block for block in document.blocks if block.skipped]
        count = sum(not block.skipped for block in document.blocks)
        if count:
            ran += count
            print(f"{name}: {count} blocks, {time.monotonic() - begin:.1f} s", flush=True)
    for block in left_out:
        print(f"not run: {block.where}: {block.skipped}")
    for problem in problems:
        print(f"FAILED: {problem}")
    print(f"{ran} blocks run, {len(left_out)} not run, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
