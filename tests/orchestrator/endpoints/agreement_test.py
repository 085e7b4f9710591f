#!/usr/bin/env python3
"""Whether our OpenAPI documents and the server agree on what a request may be, both ways.

A full body of each operation is changed in one place at a time: a member is left out, is of another
type, one beyond a bound, exactly at it, or one that nobody knows. What the document allows must not
be refused, and what it forbids must be. Where a rule is more than a schema can say, the document
says it in words, and RULES names it.

usage: agreement_test.py BIN_DIR
Exit: 0 they agree, 1 they do not, 77 nothing could be checked.
"""
import json
import pathlib
import re
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / each) for each in ("support", "openapi")]
import orchestrator  # noqa: E402

try:
    import openapi_document
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-jsonschema python3-yaml)")
    sys.exit(77)

OPENAPI = orchestrator.ROOT / "api" / "openapi"
LONGEST_TRIED = 3000  # of texts and lists
AREA = {"type": "Polygon",
        "coordinates": [[[144.955, -37.825], [144.96, -37.825], [144.96, -37.82], [144.955, -37.825]]]}
CIVIC = [{"caType": 3, "caValue": "Melbourne"}]
CONTEXT = {
    "associateDevAppId": "car-1", "callbackReference": "http://192.0.2.7:9100/mx2",
    "appLocationUpdates": True, "appAutoInstantiation": False,
    "appInfo": {"appDId": "facedetect-1", "appName": "facedetect", "appProvider": "Example",
                "appSoftVersion": "1.0", "appDVersion": "1.0", "appDescription": "x",
                "userAppInstanceInfo": [{"appInstanceId": "i", "referenceURI": "http://x/",
                                         "appLocation": {"countryCode": "AU", "area": AREA}}]}}
APP = {
    "appDId": "new-1", "appName": "n", "appProvider": "p", "appSoftVersion": "1", "appDVersion": "1",
    "appDescription": "d", "appLocation": [{"countryCode": "AU", "civicAddressElement": CIVIC},
                                           {"area": AREA}],
    "appCharcs": {"memory": 1, "storage": 1, "latency": 1, "bandwidth": 1, "serviceCont": 1},
    "vendorSpecificExt": {"vendorId": "v"}, "enabled": True, "strategy": "notification",
    "subjects": ["s"]}
HOST = {
    "id": "h1", "name": "n", "zone": "z", "state": "up", "labels": {"a": "b"},
    "serviceArea": [{"countryCode": "AU", "civicAddressElement": CIVIC}, {"area": AREA}],
    "instances": [{"appDId": "facedetect-1", "appInstanceId": "i", "referenceURI": "http://x/",
                   "managed": False}],
    "mepmUri": "http://127.0.0.1:9/", "leaseMs": 1000, "probeUri": "http://127.0.0.1:9/"}
LOAD = {
    "cpu": 0.5, "memory": 0.5, "inFlight": 1, "requestRate": 1.5, "latencyMs": {"cell-1": 3.5},
    "apps": [{"appDId": "facedetect-1", "instances": 1, "inFlight": 1, "requestRate": 1.5,
              "p50Ms": 1.5, "p95Ms": 2.5}]}
ROW = {"ue": "dev:car-1", "app": "facedetect-1", "targets": ["host:mec-south"], "remove": False,
       "writer": "operator", "reason": "r", "version": 1, "updated": "x"}

# What the documents say in words alone: where, and how the server begins to say so.
RULES = [
    (r"^/appInfo/app", r"^/appInfo(/appDId)?: (no such application|name, provider or version)"),
    (r"/(appLocation|serviceArea)(/\d)?(/countryCode|/area)?$",
     r"countryCode (shall be present|.*two capital)|two capital"),
    (r"/coordinates/0", r"a ring has at least four positions|longitude is within"),
    (r"^/(appDId|id)$", r"differs from the identifier in the path"),
    (r"^/instances/0/appDId|^(/0)?/app$", r"is not in the catalogue"),
    (r"^(/0)?/targets/0$", r"is not known"),
    (r"^(/0)?/(targets|remove)$", r"must name at least one target"),
    (r"^/labels$", r"with those that the host has"),
    (r"^(/0)?/ue$", r"at most 256 bytes"),
    (r"^/version$", r"the table is at version"),
    (r"/appLocationUpdates$|/appAutoInstantiation$|^/callbackReference$", r"shall|needs"),
]

# What the server passes over whatever it is; the documents have what the standard has there.
PASSED_OVER = r"/userAppInstanceInfo/0/(appInstanceId|referenceURI)$|^/appInfo/availableLocations$"


def mutations(document, schema, value, pointer=""):
    """(pointer, another value) of everything in `value`."""
    schema = document.resolve(schema)
    if "properties" not in schema and "allOf" in schema:
        schema = document.resolve(schema["allOf"][0])
    yield from ((pointer, other) for other in others(schema, value))
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name, member in value.items():
            rest = {key: each for key, each in value.items() if key != name}
            yield f"{pointer}/{name}", rest, pointer
            sub = known.get(name, schema.get("additionalProperties") or {})
            sub = sub if isinstance(sub, dict) else {}
            for mutation in mutations(document, sub, member, f"{pointer}/{name}"):
                yield (mutation[0], dict(value, **{name: mutation[1]}))
        yield f"{pointer}/unknown", dict(value, unknown=1)
        yield from ((f"{pointer}/{name}", dict(value, **{name: "x"})) for name in known
                    if name not in value)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            for mutation in mutations(document, schema.get("items", {}), item, f"{pointer}/{index}"):
                changed = list(value)
                changed[index] = mutation[1]
                yield mutation[0], changed


def others(schema, value):
    yield from (other for other in (None, True, 1, 1.5, "x", [], {}) if other != value)
    if isinstance(value, str):
        yield from (value[:1] + odd + value[1:] for odd in ("\n", "\u007f", "\u0085", "é", " "))
        for length in (schema.get("minLength", 1) - 1, schema.get("minLength", 0),
                       schema.get("maxLength", 0), schema.get("maxLength", -1) + 1):
            if 0 <= length <= LONGEST_TRIED:
                yield (value + "x" * length)[:length] if length else ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for bound in ("minimum", "maximum"):
            if bound in schema:
                yield from (schema[bound] - 1, schema[bound], schema[bound] + 1)
        yield from (-1, 2**31, 2**63, 2**64, 1e300)
    if isinstance(value, list):
        most = schema.get("maxItems", LONGEST_TRIED + 1)
        if value and most <= LONGEST_TRIED:
            yield value[:1] * most
            yield value[:1] * (most + 1)
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        most = schema.get("maxProperties", LONGEST_TRIED + 1)
        if value and most <= LONGEST_TRIED:
            any_value = next(iter(value.values()))
            yield {f"k{i}": any_value for i in range(most)}
            yield {f"k{i}": any_value for i in range(most + 1)}
    yield from schema.get("enum", [])


class Operation:
    def __init__(self, document, path, method, seed, listener, where=None, line=False):
        self.document, self.path, self.method, self.seed = document, path, method, seed
        self.listener, self.where, self.line = listener, where or path, line


def is_rule(pointer, detail):
    return any(re.search(where, pointer) and re.search(said, detail) for where, said in RULES)


def check(operation, schema, client):
    """The disagreements about one operation, and how many bodies were tried."""
    tried, wrong, seen = 0, [], set()
    for mutation in mutations(operation.document, schema, operation.seed):
        pointer, body = mutation[0], mutation[1]
        text = json.dumps(body)
        if text in seen or "Infinity" in text:
            continue
        seen.add(text)
        tried += 1
        allowed = operation.document.allows(schema, body)
        kind = "application/x-ndjson" if operation.line else "application/json"
        status, answer = client.ask(operation.method.upper(), operation.where, text, kind)
        taken = status != 400
        detail = answer.get("detail", "") if isinstance(answer, dict) else ""
        excused = is_rule(pointer, detail) if allowed else re.search(PASSED_OVER, pointer)
        if status >= 500 or (allowed != taken and not excused):
            verdict = "allowed" if allowed else "forbidden"
            wrong.append(f"{pointer}: {text[:160]}: {verdict} by the document, {status} {detail}")
    return tried, wrong


def main(bin_dir):
    mx2, ops = (openapi_document.Document(OPENAPI / f"{name}.yaml") for name in ("mx2", "operator"))
    line = {"$ref": "#/components/schemas/TableChange"}
    disagreements = tried_all = 0
    with tempfile.TemporaryDirectory() as directory, orchestrator.Orchestrator(
            pathlib.Path(bin_dir) / "mx2-orchestrator", directory,
            orchestrator.EXAMPLE_CONTENT) as server, server.mx2() as app, server.operator() as op:
        created = app.need(201, "POST", orchestrator.CONTEXTS, CONTEXT)["contextId"]
        context = "/dev_app/v1/app_contexts/{contextId}"
        host = "/operator/v1/hosts/{id}"
        operations = [
            (Operation(mx2, "/dev_app/v1/app_contexts", "post", CONTEXT, app), None),
            (Operation(mx2, context, "put", CONTEXT, app,
                       f"{orchestrator.CONTEXTS}/{created}"), None),
            (Operation(mx2, "/dev_app/v1/obtain_app_loc_availability", "post",
                       {"associateDevAppId": "car-1",
                        "appInfo": {name: CONTEXT["appInfo"][name] for name in
                                    ("appName", "appProvider", "appSoftVersion", "appDVersion",
                                     "appDescription")}}, app), None),
            (Operation(mx2, "/mx2/v1/app_contexts", "post",
                       {"associateUeAppId": "ue-1", "callbackReference": "http://192.0.2.7:9100/u",
                        "appInfo": {"appName": "facedetect", "appProvider": "Example",
                                    "appSoftVersion": "1.0", "appDescription": "x"}}, app), None),
            (Operation(ops, "/operator/v1/apps/{appDId}", "put", APP, op,
                       "/operator/v1/apps/new-1"), None),
            (Operation(ops, host, "put", HOST, op, "/operator/v1/hosts/h1"), None),
            (Operation(ops, host + "/load", "put", LOAD, op, "/operator/v1/hosts/h1/load"), None),
            (Operation(ops, host + "/registration", "put",
                       {"id": "r1", "mepmUri": "http://127.0.0.1:9/", "leaseMs": 1000, "name": "n",
                        "zone": "z", "labels": {"a": "b"}}, op,
                       "/operator/v1/hosts/r1/registration"), None),
            (Operation(ops, "/operator/v1/table/rollback", "post", {"version": 1}, op), None),
            (Operation(ops, "/operator/v1/optimizer", "put", {"paused": False}, op), None),
            (Operation(ops, "/operator/v1/optimizer/lease", "post",
                       {"holder": "o1", "url": "http://127.0.0.1:9/", "leaseMs": 1000}, op), None),
            (Operation(ops, "/operator/v1/table", "patch", [ROW], op), None),
            (Operation(ops, "/operator/v1/table", "patch", ROW, op, line=True), line),
        ]
        for operation, schema in operations:
            schema = schema or operation.document.body_schema(operation.path, operation.method)
            tried, wrong = check(operation, schema, operation.listener)
            tried_all += tried
            disagreements += len(wrong)
            print(f"{operation.method.upper()} {operation.path}: {tried} bodies, "
                  f"{len(wrong)} disagreements")
            for each in wrong[:40]:
                print(f"    {each}")
    print(f"{tried_all} bodies, {disagreements} disagreements")
    return 1 if disagreements or tried_all == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
