#!/usr/bin/env python3
"""Writes the reference of configuration and command lines from what the programs say of themselves:
--print-config has each key, its default and what it may be, the comments of deploy/example/*.yaml
what it means, and --help the commands. Standard library only.

usage: docs/generate.py BIN           writes docs/reference-configuration.md and docs/reference-cli.md
       docs/generate.py --check BIN   exit status 1, and the differences, if they are not what they
                                      would be written as
       exit status 2 when a key has no meaning, or a program does not tell
"""
import difflib
import itertools
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
DAEMONS = ("orchestrator", "optimizer", "mepm", "dispatcher", "notifier")
PROGRAMS = ("mx2ctl", "mx2", *(f"mx2-{name}" for name in DAEMONS), "mx2-emulator", "mx2-executor",
            "mx2-facedetect")
# Where things come in lists, an example says more than a table of keys.
FILES = (
    ("The topology, which `topology.file` of mx2-optimizer names", "deploy/example/topology.yaml"),
    ("The first content of a store, which `content` of mx2-orchestrator names", "deploy/example/content.yaml"),
    ("A scenario of mx2-emulator", "tests/experiments/strategies/scenario.yaml"),
)
NOTICE = "<!-- Written by docs/generate.py; what it says is mended where the program or example says it. -->"
# Of a line of YAML: how far in, key, value, comment.
YAML_LINE = re.compile(r'( *)([\w-]+): *("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^#\s]*)(?: *# ?(.*))?$')
MORE_COMMENT = re.compile(r" +# ?(.*)$")
HELP_TITLE = re.compile(r"(Positionals|Options|Subcommands):$")
HELP_ENTRY = re.compile(r"  (\S.*?)(?:  +(\S.*))?$")
ADDRESS = re.compile(r'(https?://[^\s,;()"]*[^\s,;:.()"])')
HELP_MORE = re.compile(r" {20,}(\S.*)$")


class Problem(Exception):
    pass


def said(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                          env={"PATH": "/usr/bin:/bin"}, check=False)
    if done.returncode != 0:
        raise Problem(f"{' '.join(map(str, command))}: exit status {done.returncode}: {done.stderr}")
    return done.stdout


def code(text):
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def escaped(text):
    return text.replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


def cell(text):
    """Within a table of Markdown; addresses are no links."""
    return "".join(code(part) if at % 2 else escaped(part) for at, part in enumerate(ADDRESS.split(text))).strip()


def table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def entries_of(text):
    """Dotted key to (value, comment); a comment goes on in the lines below that have no more."""
    found, path = {}, []
    for line in text.splitlines():
        if match := YAML_LINE.match(line):
            path = [*path[:len(match[1]) // 2], match[2]]
            found[".".join(path)] = (match[3], match[4] or "")
        elif found and (match := MORE_COMMENT.match(line)):
            value, comment = found[".".join(path)]
            found[".".join(path)] = (value, f"{comment} {match[1]}".strip())
    return found


def header_of(text):
    """What the comment at the top says of the file as a whole."""
    lines = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    return [line[1:].strip() for line in lines]


def sentence(text):
    first = text[:1].upper() if text[:1].isascii() else text[:1]
    return cell(first + text[1:]) + ("" if text.endswith((".", ":", "…")) else ".")


def meaning_of(key, example, name):
    """Its comment; without one it is as the key of that name that has one."""
    comment = example[key][1]
    if comment:
        return cell(comment)
    last = key.rpartition(".")[2]
    for other, (_, said_there) in example.items():
        if said_there and other.rpartition(".")[2] == last:
            return f"as `{other}`"
    raise Problem(f"{name}: {key} needs a comment that says what it means")


def daemon_chapter(bin_dir, daemon):
    program, name = f"mx2-{daemon}", f"deploy/example/{daemon}.yaml"
    text = (ROOT / name).read_text()
    example, known = entries_of(text), entries_of(said(bin_dir / program, "--print-config"))
    if example.keys() != known.keys():
        raise Problem(f"{name} and {program} --print-config differ in {sorted(example.keys() ^ known.keys())}")
    sections = {"": []}
    for key in example:
        section = key.rpartition(".")[0]
        if section or known[key][1]:
            sections.setdefault(section, []).append(key)
    lines = [f"## {program}", "", f"From [{name}](../{name}):", "", "```text", *header_of(text), "```", ""]
    for section, keys in sections.items():
        title = f"### {program}: {section or 'without a section'}"
        about = [sentence(example[section][1]), ""] if section and example[section][1] else []
        rows = [[code(key), code(known[key][0]), cell(known[key][1]), meaning_of(key, example, name)]
                for key in keys]
        if rows:
            lines += [title, "", *about, *table(["key", "default", "may be", "meaning"], rows), ""]
    return lines


def configuration(bin_dir):
    lines = [NOTICE, "", "# Configuration, key by key", "",
             "A program reads the YAML file that its `--config` names; a key that is left out keeps its default.",
             "`--check-config` tells all mistakes of a file with their places, `--print-config` what it comes to.", ""]
    for daemon in DAEMONS:
        lines += daemon_chapter(bin_dir, daemon)
    for title, name in FILES:
        lines += [f"## {title}", "", f"[{name}](../{name}):", "", "```yaml", (ROOT / name).read_text().rstrip(),
                  "```", ""]
    return "\n".join(lines)


class Help:
    """What --help of a program, or of a command of one, lists."""

    def __init__(self, text):
        self.text, self.usage, self.lists, self.last = [], "", {}, []
        entries = self.text
        for line in text.splitlines():
            if line.startswith("Usage: "):
                self.usage, entries = line.removeprefix("Usage: "), self.last
            elif match := HELP_TITLE.match(line):
                entries = self.lists.setdefault(match[1], [])
            elif entries is self.text or (line and not line.startswith(" ")):
                (self.text if entries is self.text else self.last).append(line)
            elif match := HELP_MORE.match(line):
                entries[-1][1] = f"{entries[-1][1]} {match[1]}".strip()
            elif match := HELP_ENTRY.match(line):
                entries.append([match[1].strip(), match[2] or ""])

    def commands(self):
        return [name for name, _ in self.lists.get("Subcommands", [])]

    def rows(self):
        """Of positionals and options that the usage does not say all of; not of the help itself."""
        both = [*self.lists.get("Positionals", []), *self.lists.get("Options", [])]
        return [[code(name), cell(meaning)] for name, meaning in both if meaning and not name.startswith("-h,")]


def command_chapter(bin_dir, words):
    text = said(bin_dir / words[0], *words[1:], "--help")
    told = Help(re.sub(r"=/\S*/share/", "=…/share/", text))  # where it was built
    lines = [f"{'#' * min(len(words) + 1, 3)} {' '.join(words)}", "", *map(cell, told.text), ""]
    if len(words) == 1 or not told.commands():
        lines += [code(told.usage), ""]
    if told.rows():
        lines += [*table(["option", "meaning"], told.rows()), ""]
    if len(words) == 1:
        lines += [*map(cell, told.last), ""] if told.last else []
    for command in told.commands():
        lines += command_chapter(bin_dir, [*words, command])
    return lines


def command_lines(bin_dir):
    lines = [NOTICE, "", "# Command lines", "",
             "What `--help` says of each program and command. Options of `mx2ctl` and `mx2` may follow the command.", ""]
    for program in PROGRAMS:
        lines += command_chapter(bin_dir, [program])
    return "\n".join(lines)


def main(arguments):
    checking = arguments[:1] == ["--check"]
    if len(arguments) != 1 + checking or arguments[-1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    bin_dir = pathlib.Path(arguments[-1]).resolve()
    differences = []
    for name, write in (("configuration", configuration), ("cli", command_lines)):
        file = ROOT / "docs" / f"reference-{name}.md"
        text = re.sub(r"\n{3,}", "\n\n", write(bin_dir)).rstrip() + "\n"
        if checking:
            before = file.read_text() if file.exists() else ""
            differences += difflib.unified_diff(before.splitlines(), text.splitlines(), f"docs/{file.name}",
                                                "as the programs are", n=0, lineterm="")
        else:
            file.write_text(text)
    if differences:
        print(*differences, f"Mend it with: docs/generate.py {arguments[-1]}", sep="\n")
    return 1 if differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"FAILED: {problem}", file=sys.stderr)
        sys.exit(2)
