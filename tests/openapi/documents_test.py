#!/usr/bin/env python3
"""Our OpenAPI documents: whether each is good OpenAPI 3.0.3 of which generators make whole clients,
whether replies must be what they are to be, and whether orchestrator, Optimizer and MEPM serve their own
at the paths that say so: every route that is served is in a document, and the other way round. What the
Optimizer and a MEPM answer to reads is judged by their documents.

usage: documents_test.py BIN_DIR
Exit: 0 all is well, 1 it is not, 77 nothing could be checked.
"""
import copy
import json
import pathlib
import re
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(TESTS / "support"))
# pylint: disable=wrong-import-position
import city
import mepm
import orchestrator

try:
    import openapi_document
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-jsonschema python3-yaml)")
    sys.exit(77)

OPENAPI = orchestrator.ROOT / "api" / "openapi"
NAMES = ("mx2", "operator", "app_pkgm", "optimizer", "mepm")
# The listener's name in metrics -> the documents of what it serves, and where each is served.
LISTENERS = {"mx2": {"mx2": ""}, "operator": {"operator": "", "app_pkgm": "/app_pkgm/v1"},
             "optimizer": {"optimizer": ""}, "mepm": {"mepm": ""}}
ROUTE = re.compile(r'^mx2_http_request_seconds_count\{(?=.*route="([A-Z]+) ([^"]+)").*server="(\w+)"', re.M)
CONTEXT_ID = "01a1fb087290727f95bf5150c300efb9"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


# -- documents

def spoil_operation(tree, **changes):
    tree["paths"]["/operator/v1/hosts"]["get"].update(changes)


def spoil_schema(tree, name, **changes):
    tree["components"]["schemas"][name].update(changes)


# (what is wrong, in which document, how, what must be told of it)
MISTAKES = (
    ("a comma without quotes", "operator", lambda t: t["info"].update({"and more": None}), "a comma in a text"),
    ("a reference to nowhere", "operator",
     lambda t: spoil_schema(t, "Hosts", not_={"$ref": "#/components/schemas/None"}), "leads nowhere"),
    ("no operationId", "operator", lambda t: spoil_operation(t, operationId=""), "has no operationId"),
    ("an operationId twice", "operator", lambda t: spoil_operation(t, operationId="get_host"), "more than once"),
    ("a reply without type", "operator",
     lambda t: spoil_operation(t, responses={"200": {"description": "x", "content": {"application/json": {}}}}),
     "has no type"),
    ("a member said twice", "mx2", lambda t: spoil_schema(
        t, "AppContext.answered", properties={"appInfo": {"type": "object"}}), "generators keep one"),
    ("anyOf of parts without type", "mx2",
     lambda t: spoil_schema(t, "AppInfo", anyOf=[{"required": ["appDId"]}]), "by 'not'"),
    ("enums that share a value", "mepm", lambda t: t["components"]["schemas"].update(
        {"Other": {"type": "string", "enum": ["GRACEFUL"]}}), "Go cannot compile"),
    ("names that are one in code", "mepm",
     lambda t: spoil_schema(t, "CancelRequest", properties={"cancelMode": {"type": "string"},
                                                            "CancelMode": {"type": "string"}}), "same name in code"),
    ("a word that schemas do not have", "mx2", lambda t: spoil_schema(t, "AppInfo", requierd=[]), "requierd"),
)


def check_documents(documents):
    for name, document in documents.items():
        yield from (f"{name}.yaml: {fault}" for fault in document.faults())
    for what, name, spoil, told in MISTAKES:
        spoilt = copy.copy(documents[name])
        spoilt.tree = copy.deepcopy(documents[name].tree)
        spoil(spoilt.tree)
        if not any(told in fault for fault in spoilt.faults()):
            yield f"{what}: not found"


# -- what the words of a reply leave out, 'not' says

def context(context_id=CONTEXT_ID, instance=None, **info):
    item = {"appInstanceId": "i", "referenceURI": "http://x/"} if instance is None else instance
    return {"contextId": context_id, "associateDevAppId": "d",
            "appInfo": {"appDId": "a", "appName": "a", "appProvider": "p", "appDVersion": "1",
                        "userAppInstanceInfo": [item], **info}}


HOST = {"id": "h", "state": "up", "instances": [{"appDId": "a", "referenceURI": "x", "appInstanceId": "i"}],
        "status": {"reachable": True}}
# (document, schema, body, whether it is allowed)
REPLIES = (
    ("mx2", "AppContext.answered", context(), True),
    ("mx2", "AppContext.answered", context(instance={}), True),
    ("mx2", "AppContext.answered", context("x"), False),
    ("mx2", "AppContext.answered", context(instance={"appInstanceId": "i"}), False),
    ("mx2", "AppContext.answered", context(instance={"referenceURI": "http://x/"}), False),
    ("mx2", "AppContext.answered", context(instance={"appInstanceId": "", "referenceURI": "http://x/"}), False),
    ("mx2", "V1.AppContext.answered", {"contextId": CONTEXT_ID, "associateUeAppId": "u",
                                       "appInfo": {"appName": "a", "appProvider": "p"}}, False),
    ("operator", "Host.shown", HOST, True),
    ("operator", "Host.shown", {**HOST, "status": {}}, False),
    ("operator", "Host.shown", {**HOST, "instances": [{"appDId": "a", "referenceURI": "x"}]}, False),
    ("operator", "Host.answered", {**HOST, "instances": [{"appDId": "a", "referenceURI": "x"}]}, False),
)


def check_replies(documents):
    for name, schema, body, allowed in REPLIES:
        if documents[name].allows({"$ref": f"#/components/schemas/{schema}"}, body) != allowed:
            yield f"{name}.yaml: {schema} {'forbids' if allowed else 'allows'} {body}"


# -- what is served

def differences(routes, operations):
    yield from (f"{method} {path} is served, but in no document" for method, path in sorted(routes - operations))
    yield from (f"{method} {path} is in a document, but not served" for method, path in sorted(operations - routes))


def check_listener(name, url, metrics, documents):
    routes = {(method, path) for method, path, server in ROUTE.findall(metrics) if server == name}
    mine = {each: documents[each] for each in LISTENERS[name]}
    operations = set().union(*(document.operations() for document in mine.values()))
    yield from (f"{name}: {each}" for each in differences(routes, operations))
    if len(list(differences(routes - {min(routes)}, operations | {("GET", "/none")}))) < 2:
        yield f"{name}: a route too few and one too many are not found"
    for each, prefix in LISTENERS[name].items():
        if get(f"{url}{prefix}/openapi.yaml") != (OPENAPI / f"{each}.yaml").read_text(encoding="utf-8"):
            yield f"{name}: {each}.yaml is not what is served at {prefix}/openapi.yaml"


def answer_faults(name, document, path, body):
    """Of an answer to GET, which has all that is required, and nothing that the document does not name."""
    answer = document.resolve(document.tree["paths"][path.split("?")[0]]["get"]["responses"]["200"])
    schema = {**answer["content"]["application/json"]["schema"], "unevaluatedProperties": False}
    if not document.allows(schema, body):
        yield f"{name}: GET {path} is not as in {name}.yaml: {body}"
    if document.allows(schema, {}) or document.allows(schema, {**body, "unknown": 1}):
        yield f"{name}.yaml: GET {path} may be anything"


def check_answers(name, url, document, *paths):
    for path in paths:
        yield from answer_faults(name, document, path, json.loads(get(f"{url}{path}")))


class Optimizer(city.Launched):
    """With a UE at a cell, for which it plans as soon as it leads."""

    def __init__(self, bin_dir, server):
        self.program, self.log = bin_dir / "mx2-optimizer", server.directory / "optimizer.log"
        config = server.directory / "optimizer.yaml"
        config.write_text(f"orchestrator: {{url: '{server.operator_url}'}}\nserver: {{port: 0}}\n"
                          "period_ms: 200\ntopology: {file: topology.yaml}\n")
        (server.directory / "topology.yaml").write_text(
            "hosts: [{id: here}, {id: there}]\nattachments: [{name: cell, devices: [car-1]}]\n"
            "latency_ms: {cell: {here: 2, there: 5}}\n")
        self.launch(config)
        self.url = f"http://127.0.0.1:{self.port}"


def check_programs(bin_dir, documents):
    with tempfile.TemporaryDirectory() as directory, orchestrator.Orchestrator(
            bin_dir / "mx2-orchestrator", directory, HERE / "content.yaml") as server, server.mx2() as device:
        device.need(201, "POST", orchestrator.CONTEXTS, orchestrator.create_request("car-1", "lambda"))
        metrics = get(f"{server.operator_url}/operator/v1/metrics")
        yield from check_listener("mx2", f"http://127.0.0.1:{server.mx2_port}", metrics, documents)
        yield from check_listener("operator", server.operator_url, metrics, documents)
        optimizer = Optimizer(bin_dir, server)
        try:
            url = optimizer.url
            city.wait_for(lambda: "lastPlan" in get(f"{url}/status"), "a plan")
            yield from check_listener("optimizer", url, get(f"{url}/metrics"), documents)
            yield from check_answers("optimizer", url, documents["optimizer"], "/health", "/status", "/topology",
                                     "/explain?ue=car-1&app=lambda-1")
        finally:
            optimizer.stop()
    meo = mepm.Meo({})
    try:
        manager = mepm.Mepm(bin_dir / "mx2-mepm", meo)
        try:
            url = f"http://127.0.0.1:{manager.port}"
            yield from check_listener("mepm", url, get(f"{url}/metrics"), documents)
            yield from check_answers("mepm", url, documents["mepm"], "/health")
        finally:
            manager.stop()
    finally:
        meo.stop()


def main(bin_dir):
    documents = {name: openapi_document.Document(OPENAPI / f"{name}.yaml") for name in NAMES}
    served = {path.stem for path in OPENAPI.glob("*.yaml")} ^ set(NAMES)
    faults = [f"api/openapi/{name}.yaml is not looked at here, or not there" for name in sorted(served)]
    faults += [*check_documents(documents), *check_replies(documents), *check_programs(bin_dir, documents)]
    print("\n".join(faults))
    print(f"{len(documents)} documents, {sum(len(each.operations()) for each in documents.values())} operations, "
          f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
