"""What documents name is there: files, programs, their commands and options, and what links lead to."""
import functools
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
INLINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.M)
# A file of the tree, where it is not the end of another path.
FILE = re.compile(r"(?<![\w./~-])(?:\./)?((?:deploy|tests|docs|build/release)/[\w./@-]*\w)")
OURS = re.compile(r"^(?:build/release/bin/)?(mx2[\w-]*)$")
ENDS_COMMAND = {"|", "||", "&&", ";", "&"}
# Of the words that begin a command, those that no test can ask.
ELSEWHERE = {"docker", "java", "kubectl", "mvn", "openapi-python-client", "pip", "sudo", "systemctl",
             "systemd-sysusers"}
BUILT_IN = {"cd", "export", "kill"}


class Names:
    def __init__(self, bin_dir):
        self.bin = bin_dir

    def file_exists(self, path):
        if path.startswith("build/release/bin/"):
            return (self.bin / path.removeprefix("build/release/bin/")).exists()
        return path.startswith("build/release") or (ROOT / path).exists()

    @functools.lru_cache(maxsize=None)
    def help(self, *command):
        done = subprocess.run([self.bin / command[0], *command[1:], "--help"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def commands(self, *command):
        """The commands that a program, or a command of it, has."""
        listed = re.search(r"^subcommands:\n(.*)", self.help(*command), re.I | re.M | re.S)
        return set(re.findall(r"^ {1,4}([a-z][a-z-]*)\b", listed[1], re.M)) if listed else set()

    def use_problems(self, program, words):
        """Of one use of a program of ours."""
        if not (self.bin / program).exists():
            return [f"there is no program {program}"]
        path, options = [program], {w.partition("=")[0] for w in words if re.match(r"--\w", w)}
        texts = [self.help(program)]
        for word in (w for w in words if re.fullmatch(r"[a-z][a-z-]*", w)):
            if word in self.commands(*path):
                path.append(word)
                texts.append(self.help(*path))
            elif len(path) == 1 and self.commands(program) and not options:
                return [f"{program} has no command {word}"]
        known = " ".join(texts)
        return [f"{' '.join(path)} has no option {o}" for o in sorted(options)
                if not re.search(rf"{re.escape(o)}\b", known)]

    def script_problems(self, script, words):
        """Of one use of a script: its options are in it, or in what lies beside it."""
        beside = [p for p in (ROOT / script).parent.iterdir() if p.suffix in (".sh", ".py")]
        text = "".join(p.read_text() for p in beside)
        return [f"{script} has no option {w}" for w in words if w.startswith("--") and w not in text]

    def block_problems(self, text):
        """Of a block that is not run."""
        ours = re.sub(r"(exec|logs -f) deploy/", "", text)  # a kind of resource of Kubernetes
        problems = [f"{p}: no such file" for p in FILE.findall(ours) if not self.file_exists(p)]
        for line in re.sub(r"\\\n", " ", text).splitlines():
            words = re.sub(r"(^|\s)#.*", "", line).split()
            problems += self.line_problems(words)
        return problems

    def line_problems(self, words):
        problems, first = [], True
        for at, word in enumerate(words):
            rest = words[at + 1:]
            if ours := OURS.match(word):
                if first or words[at - 1] == "--":
                    problems += self.use_problems(ours[1], self.until_end(rest))
            elif first and FILE.match(word) and (ROOT / word).is_file():
                problems += self.script_problems(word, self.until_end(rest))
            elif first and not self.can_begin(word):
                problems.append(f"there is no program {word}")
            first = word in ENDS_COMMAND
            if word.startswith("#"):
                break
        return problems

    @staticmethod
    def until_end(words):
        return words[:next((i for i, w in enumerate(words) if w in ENDS_COMMAND), len(words))]

    @staticmethod
    def can_begin(word):
        return (not re.match(r"[a-z]", word) or "=" in word or word in ELSEWHERE | BUILT_IN
                or shutil.which(word) is not None or (ROOT / word).is_file())

    def inline_problems(self, text):
        """Of the files, and of the commands of ours, within sentences."""
        problems = []
        for span in INLINE.findall(FENCED.sub("", text)):
            words = span.split()
            if FILE.fullmatch(span) and not self.file_exists(span):
                problems.append(f"`{span}`: no such file")
            if words and OURS.match(words[0]) and len(words) > 1:
                problems += [f"`{span}`: {p}" for p in self.line_problems(words)]
        return problems


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)).lower().replace(" ", "-")


def link_problems(path, text):
    problems = []
    for target in LINK.findall(INLINE.sub("", FENCED.sub("", text))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            problems.append(f"link to {target}: no such file")
        elif part and part not in map(anchor, HEADING.findall(FENCED.sub("", file.read_text()))):
            problems.append(f"link to {target}: no such heading")
    return problems
