#!/usr/bin/env python3
"""Contract test: every answer that the http tests received, against ETSI's OpenAPI documents of MEC
016 V2.2.1, MEC 010-2 V2.1.1 and MEC 011 V2.1.1, and against our own documents.

usage: contract.py LOG     (NDJSON that mx2_http_tests and mx2_mepm_tests write when
                            MX2_CONTRACT_LOG names a file)

Exit: 0 all valid, 1 some are not, 77 nothing could be checked.
"""
import json
import pathlib
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-jsonschema python3-yaml)")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[3]
ETSI = ROOT.parent / "shared" / "etsi"
# Codes that MEC 009 allows everywhere and documents need not repeat for each method.
GENERIC = {405, 408, 409, 412, 413, 414, 415, 429, 431, 500, 503}
FAILURES_SHOWN = 20
# Paths of which each operation must be in a document of ours.
OURS = ("/operator/v1", "/app_pkgm/v1", "/app_lcm/v1", "/mec_app_support/v1")
SUBSCRIPTION_TYPES = {"AppInstanceStateChange", "AppLcmOpOccStateChange", "AppPackageOnBoarding"}


class Document:
    """One OpenAPI document: finds the schema of an answer."""

    def __init__(self, name, path, base, strict):
        self.name, self.base, self.strict = name, base, strict
        with open(path, encoding="utf-8") as file:
            self.tree = yaml.safe_load(file)
        self.routes = [(self._pattern(route), route, item)
                       for route, item in self.tree["paths"].items()]
        self.validators = {}
        self.checked = 0

    @staticmethod
    def _pattern(route):
        return re.compile("/?".join([re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(route)), "$"]))

    def correct(self, corrections):
        """Changes what a document says where it contradicts its own standard: (path, value)."""
        for path, value in corrections:
            node = self.tree
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = value(node[path[-1]])
        return self

    def respell(self, node=None):
        """Types of subscriptions are answered as they came: also spelt right, and as in V3.1.1."""
        node = self.tree if node is None else node
        for each in node.values() if isinstance(node, dict) else node:
            if isinstance(each, (dict, list)):
                self.respell(each)
        enum = node.get("enum") if isinstance(node, dict) else None
        if isinstance(enum, list) and set(enum) & SUBSCRIPTION_TYPES:
            right = [str(name).replace("Pacakge", "Package") for name in enum]
            node["enum"] = enum + right + [f"{name}Subscription" for name in right]
        return self

    def _resolve(self, node):
        while "$ref" in node:
            found = self.tree
            for part in node["$ref"].lstrip("#/").split("/"):
                part = part.replace("~1", "/").replace("~0", "~")
                found = found[part if part in found else int(part)]  # YAML's 400 is a number
            node = found
        return node

    def operation(self, method, path):
        """The operation, or None when the document does not speak of it."""
        if not path.startswith(self.base):
            return None
        for pattern, route, item in self.routes:
            if not pattern.fullmatch(path[len(self.base):]):
                continue
            operation = item.get(method.lower())
            return operation
        return None

    def problem(self, exchange, operation):
        """What is wrong with this answer, or None."""
        self.checked += 1
        status = exchange["status"]
        responses = {str(code): answer for code, answer in operation["responses"].items()}
        answer = responses.get(str(status), responses.get("default"))
        if answer is None:
            return None if status in GENERIC else f"status {status} is not documented"
        content = self._resolve(answer).get("content", {})
        if not content and not self.strict and status in (200, 206, 416):
            return None  # bytes, of which the document says nothing
        media = exchange["contentType"].split(";")[0]
        if not exchange["body"]:
            may_be_empty = not content or status >= 400 or "application/octet-stream" in content
            return None if may_be_empty else "the body is empty"
        if media == "application/problem+json" and media not in content:
            media = "application/json"  # MEC 010-2's documents; MEC 009 has it as we do
        if media not in content:
            documented = ", ".join(content) or "no body"
            return f"media type '{media}' is not documented ({documented})"
        if not media.endswith("json"):
            return None
        schema, body = content[media].get("schema", {}), json.loads(exchange["body"])
        return self._violation(schema, body) or unknown_problem(content[media], body)

    def _violation(self, schema, body):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = dict(schema, components=self.tree["components"])
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        worst = jsonschema.exceptions.best_match(self.validators[key].iter_errors(body))
        return worst and f"/{'/'.join(map(str, worst.absolute_path))}: {worst.message[:200]}"


def unknown_problem(media, body):
    """What is wrong with the `type` of a problem, if the document says which there are."""
    known = media.get("x-problem-types")
    if known is None or body["type"].rsplit(":", 1)[-1] in known:
        return None
    return f"problem type '{body['type']}' is not documented ({', '.join(known)})"


def problem_details(exchange):
    """RFC 7807 as MEC 009 profiles it: application/problem+json, status and detail always there."""
    body = json.loads(exchange["body"])
    if exchange["contentType"] != "application/problem+json":
        return f"an error in '{exchange['contentType']}'"
    if not isinstance(body, dict) or body.get("status") != exchange["status"]:
        return "status is missing or differs from the status line"
    return None if body.get("detail") else "detail is missing"


# What is served, by whose document, below which path, and what is wrong with that document:
# - POST app_instances answers JSON, not a zip;
# - FAILED_TEMP is of V3.1.1, as are the operations that need it;
# - a body that is none is 400 for the two confirmations as well (MEC 009).
STANDARDS = [
    ("ETSI MEC 016 V2.2.1", "mec016-v2.2.1-openapi.yaml", "/dev_app/v1", []),
    ("ETSI MEC 010-2 V2.1.1", "mec010-2-app-lcm-openapi.yaml", "/app_lcm/v1",
     [(("paths", "/app_instances", "post", "responses", "201", "content"),
       lambda content: {"application/json": content["application/zip"]}),
      (("components", "schemas", "OperationState", "enum"),
       lambda states: states + ["FAILED_TEMP"])]),
    # A list of one; clause 7.3.1.3.1 and ETSI's conformance suite have the object.
    ("ETSI MEC 010-2 V2.1.1 app_pkgm", "mec010-2-app-pkgm-openapi.yaml", "/app_pkgm/v1",
     [(("paths", "/app_packages", "post", "responses", "201", "content", "application/json",
        "schema"), lambda schema: schema["items"])]),
    ("ETSI MEC 011 V2.1.1", "mec011-app-support-openapi.yaml", "/mec_app_support/v1",
     [(("paths", f"/applications/{{appInstanceId}}/{task}", "post", "responses"),
       lambda responses: {**responses, "400": responses["404"]})
      for task in ("confirm_ready", "confirm_termination")]),
]


def documents():
    found = []
    for name, file, base, corrections in STANDARDS:
        if (ETSI / file).exists():
            found.append(Document(name, ETSI / file, base, strict=False)
                         .correct(corrections).respell())
        else:
            print(f"SKIPPED: ETSI's OpenAPI document is not at {ETSI / file}")
    for name in ("mx2", "operator", "app_pkgm", "mepm"):
        path = ROOT / "api" / "openapi" / f"{name}.yaml"
        document = Document(f"our {name}.yaml", path, "", strict=True)
        found.append(document)
    return found


def check(exchange, known):
    """All that is wrong with an answer, each with the document that says so."""
    if exchange["status"] == 0:
        return  # no answer: the test that got it knows what to make of it
    path = exchange["target"].split("?")[0]
    if path.startswith("http://"):
        path = "/" + path.split("/", 3)[3]
    legacy = path.startswith("/mx2/v1")
    if exchange["status"] >= 400 and exchange["method"] != "HEAD" and not legacy:
        wrong = problem_details(exchange)
        if wrong:
            yield "RFC 7807", wrong
    if path.startswith(OURS) and exchange["method"] != "HEAD" and exchange["status"] not in (
            404, 405) and not any(document.operation(exchange["method"], path)
                                  for document in known if document.strict):
        yield "our documents", "they have no such operation"
    ours = []
    for document in known:
        operation = document.operation(exchange["method"], path)
        if operation is None:
            continue
        wrong = document.problem(exchange, operation)
        if document.strict:
            ours.append((document.name, wrong))
        elif wrong:
            yield document.name, wrong
    if all(wrong for _, wrong in ours):  # /health and its like are of several programs
        yield from ours


def main(log):
    if not log.exists():
        print(f"SKIPPED: no log at {log}; run mx2_http_tests with MX2_CONTRACT_LOG={log}")
        return 77
    known = documents()
    failures = {}
    answers = 0
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            answers += 1
            for source, wrong in check(exchange, known):
                where = f"{exchange['method']} {exchange['target'][:100]} -> {exchange['status']}"
                failures.setdefault((source, wrong), where)
    for (source, wrong), where in list(failures.items())[:FAILURES_SHOWN]:
        print(f"{source}: {wrong}\n    first at {where}")
    print(f"{answers} answers; " + ", ".join(f"{d.checked} against {d.name}" for d in known) +
          f"; {len(failures)} kinds of violations")
    return 1 if failures or answers == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
