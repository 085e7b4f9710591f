"""What the checks of deploy/ share: reading files, changing one, and keeping count.

A check is a function from texts to a list of problems: [] for what we ship, and for each kind of
mistake a changed text that must give a problem, so that it is known that the check can fail.
"""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def _tell(self, fine, title, problems):
        self.passed += fine
        self.failed += not fine
        print(("ok   " if fine else "FAIL ") + title)
        if not fine:
            for problem in problems or ["no problem was found"]:
                print(f"       {problem}")

    def good(self, title, problems):
        self._tell(not problems, title, problems)

    def bad(self, title, problems, expected):
        """A mistake must be found, and be what is told."""
        self._tell(any(expected in problem for problem in problems), f"  refused: {title}", problems)

    def skip(self, title, why):
        self.skipped += 1
        print(f"SKIP {title}: {why}")


class UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error."""

    def construct_mapping(self, node, deep=False):
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{node.start_mark}: '{name}' is given twice")
        return super().construct_mapping(node, deep)


def parse(text):
    """The documents of a YAML text."""
    return [document for document in yaml.load_all(text, Loader=UniqueKeys) if document is not None]


def read_all(folder, pattern):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob(pattern))}


def changed(texts, name, old, new, count=1):
    """The texts with one of them changed; the change must be one."""
    if old not in texts[name]:
        raise AssertionError(f"{name} has no '{old}' to change")
    return {**texts, name: texts[name].replace(old, new, count)}


def unknown_members(where, document, known):
    if not isinstance(document, dict):
        return [f"{where}: is no mapping"]
    return [f"{where}: unknown member {name}" for name in document if name not in known]


def variables():
    """role -> {name: kind} of the container's entrypoint, daemons' common ones included."""
    roles, common = {}, {}
    text = (DEPLOY / "container" / "entrypoint.sh").read_text()
    for line in re.search(r'variables="\n(.*?)"', text, re.S).group(1).splitlines():
        role, name, _, kind, _ = line.split()
        (common if role == "daemons" else roles.setdefault(role, {}))[name] = kind
    for role in ("orchestrator", "optimizer", "notifier", "mepm"):
        roles[role].update(common)
    return roles


# Where a role answers that it is well, and where else probes may ask.
PATHS = {"orchestrator": {"/operator/v1/health": 8081, "/health": 8081, "/openapi.yaml": 8080},
         "optimizer": {"/health": 8082}, "notifier": {"/health": 8083}, "mepm": {"/health": 8090}}


def environment_problems(where, environment):
    """Names and values of a container's variables, against what the entrypoint knows."""
    role = environment.get("MX_ROLE")
    known = variables()
    if role not in known:
        return [f"{where}: there is no role {role}"]
    problems = [f"{where}: role {role} has no variable {name}" for name in environment
                if name.startswith("MX_") and name not in known[role] and name != "MX_ROLE"]
    for name, value in environment.items():
        if not isinstance(value, str):
            problems.append(f"{where}: the value of {name} is no string")
    return problems
