"""The fenced `sh` blocks of a document, and what the comment before each says of it. A comment is seen
by nobody who reads the document:

    <!-- sh: background until "TEXT", later "TEXT" -->   runs until Ctrl-C; the next block waits for the
                                                         first text, the end of the document for the second
    <!-- sh: within 20 s -->                             is tried again until it succeeds
    <!-- sh: not run: REASON -->                         one of REASONS, which the block must bear out
    <!-- sh: with deploy/run.sh -->                      anywhere: the document needs it running
    <!-- file: PATH -->                                  before any block: it is that file, whole
"""
import dataclasses
import re

CITY = "deploy/run.sh"
FENCE = re.compile(r"^```(\S*)$")
MARK = re.compile(r"^<!-- sh: (.*) -->$")
COPY = re.compile(r"^<!-- file: (.*) -->$")
BACKGROUND = re.compile(r'background until "([^"]+)"(?:, later "([^"]+)")?')
WITHIN = re.compile(r"within (\d+) s")
# A reason begins with one of these words, and is believed of a block that has what belongs to it.
REASONS = {"containers": r"\b(?:docker|podman)\b", "Kubernetes": r"\bkubectl\b", "installs": r"\bsudo\b",
           "needs the network": r"^git clone https://", "comes from package registries": r"^(?:pip|mvn)\b",
           "takes minutes": r"^tests/experiments/", "runs every test": r"^tests/run\.sh\b"}


@dataclasses.dataclass
class Block:
    where: str  # "README.md:12"
    text: str
    skipped: str = ""  # why it is not run
    background: bool = False
    until: str = ""
    later: str = ""
    within_s: int = 0


@dataclasses.dataclass
class Document:
    name: str
    blocks: list
    problems: list
    needs_city: bool = False
    copies: list = dataclasses.field(default_factory=list)  # (where, path of the file, text) of blocks


def _reason_problem(block):
    for words, pattern in REASONS.items():
        if block.skipped.startswith(words):
            fits = re.search(pattern, block.text, re.M)
            return "" if fits else f"not run as it {words}, but nothing in it says so"
    return f"'{block.skipped}' is no reason; there are {', '.join(REASONS)}"


def _apply(mark, block):
    """What is wrong with the mark; '' if nothing."""
    if mark.startswith("not run: "):
        block.skipped = mark.removeprefix("not run: ")
        return _reason_problem(block)
    if found := BACKGROUND.fullmatch(mark):
        block.background, block.until, block.later = True, found[1], found[2] or ""
        return ""
    if found := WITHIN.fullmatch(mark):
        block.within_s = int(found[1])
        return ""
    return f"'{mark}' is not understood"


def read(name, text):
    document = Document(name, [], [])
    language, begin, lines, mark, copied = None, 0, [], "", ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if language is not None and line != "```":
            lines.append(line)
        elif language is not None:
            if copied:
                document.copies.append((f"{name}:{begin}", copied, "\n".join(lines) + "\n"))
            if language == "sh":
                block = Block(f"{name}:{begin}", "\n".join(lines) + "\n")
                problem = _apply(mark, block) if mark else ""
                document.problems += [f"{block.where}: {problem}"] if problem else []
                document.blocks.append(block)
            language, mark, copied = None, "", ""
        elif fence:
            language, begin, lines = fence[1], number, []
            if mark and language != "sh":
                document.problems.append(f"{name}:{number}: a mark for sh before another block")
        elif mark:
            document.problems.append(f"{name}:{number}: a mark without a block after it")
            mark = ""
        elif found := COPY.match(line):
            copied = found[1]
        elif found := MARK.match(line):
            if found[1] == f"with {CITY}":
                document.needs_city = True
            else:
                mark = found[1]
    if language is not None or mark or copied:
        document.problems.append(f"{name}: a block is not closed, or a mark has none")
    return document
