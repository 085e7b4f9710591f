#!/usr/bin/env python3
"""A fake AdvantEDGE sandbox: sandbox-ctrl, location service and application enablement.

usage: sandbox.py --scenario FILE [--port 0] [--prefix /sandbox1] [--cookie authCookie=...]

Answers as AdvantEDGE 1.9.2 was seen to, with its defects; nothing is emulated, no packet is delayed.
What a test may break is below /control: POST /control/faults {"kind":"slow","path":"/active",
"seconds":2,"count":3}, DELETE /control/faults, POST /control/drop-subscriptions, POST and DELETE
/control/freeze-location.
"""
import argparse
import copy
import json
import pathlib
import threading
import uuid

from location import LocationService
from mec_platform import MecPlatform
from scenario import LEVELS, Refused, Scenario, pruned
from web import Reply, Routes, Web, document, text

BASE = "/sandbox-ctrl/v1"
HOST_URL = "http://127.0.0.1/sbx1"
NO_SCENARIO = "No scenario is active"
DONE = 200


class SandboxControl(Routes):
    """sandbox-ctrl: the scenarios that may be activated, the one that is, and events."""

    def __init__(self, scenarios, platform=None):
        super().__init__()
        self.lock = threading.RLock()
        self.scenarios = {s["name"]: copy.deepcopy(s) for s in scenarios}
        self.active = None
        self.applications = {}
        self.platform = platform
        self.location = LocationService(self.users, self.zones, HOST_URL)
        self.events = 0
        for method, path, function in (
                ("GET", "/active", self.get_active), ("DELETE", "/active", self.delete_active),
                ("POST", "/active/([^/]+)", self.post_active),
                ("GET", "/active/([^/]+)", self.get_elements),
                ("POST", "/events/([^/]+)", self.post_event),
                ("GET", "/connectivity/pdu-session", self.list_sessions),
                ("POST", "/connectivity/pdu-session/([^/]+)/([^/]+)", self.post_session),
                ("DELETE", "/connectivity/pdu-session/([^/]+)/([^/]+)", self.delete_session),
                ("GET", "/applications", self.list_applications),
                ("POST", "/applications", self.post_application),
                ("GET", "/applications/([^/]+)", self.get_application),
                ("DELETE", "/applications/([^/]+)", self.delete_application)):
            self.route(method, BASE + path, function)

    def answer(self, request):
        with self.lock:
            try:
                return super().answer(request)
            except Refused as refusal:
                return text(refusal.status, refusal.text)

    def running(self):
        if self.active is None:
            raise Refused(404, NO_SCENARIO)
        return self.active

    def users(self):
        with self.lock:
            return self.active.users() if self.active else {}

    def zones(self):
        with self.lock:
            return self.active.zones() if self.active else {}

    # The active scenario.

    def get_active(self, request):
        scenario = self.running()
        return document(200, pruned(scenario.document, request.first("minimize") == "true"))

    def get_elements(self, request, what):
        if what not in LEVELS:
            return text(404, "404 page not found")
        found = self.running().selected(LEVELS.index(what), request.query)
        elements = [pruned(e, request.first("minimize") == "true") for e in found]
        if request.first("excludeChildren") == "true":
            for element in elements:
                for children in LEVELS:
                    element.pop(children, None)
        return document(200, {what: elements} if elements else {})

    def post_active(self, _, name):
        if self.active is not None:
            raise Refused(400, "Scenario already active")
        if name not in self.scenarios:
            raise Refused(404, f"Scenario {name} not found")
        self.activate(self.scenarios[name])
        return Reply(DONE)

    def delete_active(self, _):
        self.running()
        self.terminate()
        return Reply(DONE)

    def activate(self, scenario):
        """A scenario, or its name."""
        with self.lock:
            known = self.scenarios[scenario] if isinstance(scenario, str) else scenario
            self.active = Scenario(known)
            self.synchronise_applications()
            self.location.activated()

    def terminate(self):
        with self.lock:
            self.active = None
            self.synchronise_applications()
            self.location.terminated()

    # Events.

    def post_event(self, request, kind):
        handler = {"MOBILITY": self.mobility, "NETWORK-CHARACTERISTICS-UPDATE": self.netchar,
                   "POAS-IN-RANGE": self.poas_in_range, "SCENARIO-UPDATE": self.update,
                   "PDU-SESSION": self.pdu_session}.get(kind)
        if handler is None:
            raise Refused(400, "Unsupported event type")
        scenario, event = self.running(), request.json()
        if event is None:
            raise Refused(400, "Malformed request: no JSON object")
        handler(scenario, event)
        self.changed()
        return Reply(DONE)

    def changed(self):
        self.events += 1
        self.synchronise_applications()
        self.location.changed()

    def mobility(self, scenario, event):
        body = part(event, "eventMobility")
        scenario.move(body.get("elementName"), body.get("dest"))

    def netchar(self, scenario, event):
        body = part(event, "eventNetworkCharacteristicsUpdate")
        scenario.set_netchar(body.get("elementName"), body.get("netChar") or {})

    def poas_in_range(self, scenario, event):
        body = part(event, "eventPoasInRange")
        scenario.set_poas_in_range(body.get("ue"), body.get("poasInRange") or [])

    def update(self, scenario, event):
        body = part(event, "eventScenarioUpdate")
        scenario.update(body.get("action"), part(body, "node"))

    def pdu_session(self, scenario, event):
        body = part(event, "eventPduSession")
        session = part(body, "pduSession")
        key = (session.get("ue"), session.get("id"))
        if body.get("action") == "ADD":
            scenario.sessions[key] = part(session, "info").get("dnn", "")
        elif scenario.sessions.pop(key, None) is None:
            raise Refused(500, "PDU session not found")

    # PDU sessions and applications.

    def list_sessions(self, request):
        found = [{"ue": ue, "id": number, "info": {"dnn": dnn}}
                 for (ue, number), dnn in self.running().sessions.items()
                 if ue in request.query.get("ue", [ue])
                 and number in request.query.get("id", [number])]
        return document(200, {"sessions": found} if found else {})

    def post_session(self, request, ue, number):
        dnn = (request.json() or {}).get("dnn")
        if not dnn:
            raise Refused(400, "Malformed request: missing dnn")
        self.running().sessions[(ue, number)] = dnn
        self.changed()
        return Reply(DONE)

    def delete_session(self, _, ue, number):
        if self.running().sessions.pop((ue, number), None) is None:
            raise Refused(404, "PDU session not found")
        self.changed()
        return Reply(DONE)

    def synchronise_applications(self):
        """Those of the scenario come and go with it; the platform knows and tells them."""
        listed = self.active.applications() if self.active else []
        wanted = {a["id"]: a for a in listed}
        gone = [i for i, a in self.applications.items() if i not in wanted and not a.get("own")]
        if not self.active:
            gone = list(self.applications)
        for identifier in gone:
            self.forget(identifier)
        self.applications.update(wanted)
        if self.platform:
            for application in wanted.values():
                self.platform.add_application(application["id"], application["name"],
                                              application["nodeName"])

    def forget(self, identifier):
        self.applications.pop(identifier)
        if self.platform:
            threading.Thread(target=self.platform.remove_application, args=(identifier,),
                             daemon=True).start()

    def list_applications(self, request):
        self.running()
        return document(200, [shown(a) for a in self.applications.values()
                              if a["name"] in request.query.get("app", [a["name"]])
                              and a["nodeName"] in request.query.get("nodeName", [a["nodeName"]])
                              and a["type"] in request.query.get("type", [a["type"]])])

    def post_application(self, request):
        self.running()
        body = request.json() or {}
        if not body.get("name") or not body.get("nodeName"):
            raise Refused(400, "Missing name or nodeName")
        application = {"id": body.get("id") or str(uuid.uuid4()), "name": body["name"],
                       "nodeName": body["nodeName"], "type": body.get("type", "USER"),
                       "own": True}
        self.applications[application["id"]] = application
        if self.platform:
            self.platform.add_application(application["id"], body["name"], body["nodeName"])
        return document(201, shown(application))

    def get_application(self, _, identifier):
        if identifier not in self.applications:
            raise Refused(404, "Application not found")
        return document(200, shown(self.applications[identifier]))

    def delete_application(self, _, identifier):
        if identifier not in self.applications:
            raise Refused(404, "Application not found")
        self.forget(identifier)
        return Reply(204)


def shown(application):
    return {name: value for name, value in application.items() if name != "own"}


def part(event, name):
    value = event.get(name)
    if not isinstance(value, dict):
        raise Refused(400, f"Malformed request: missing {name}")
    return value


class Control(Routes):
    """What breaks the sandbox, for whoever cannot call it in the process."""

    def __init__(self, sandbox):
        super().__init__()
        self.sandbox = sandbox
        self.route("POST", "/control/faults", self.add)
        self.route("DELETE", "/control/faults", self.clear)
        self.route("POST", "/control/drop-subscriptions", self.drop)
        self.route("POST", "/control/freeze-location", self.freeze)
        self.route("DELETE", "/control/freeze-location", self.thaw)

    def add(self, request):
        self.sandbox.web.faults.add(**(request.json() or {"kind": "close", "count": 0}))
        return Reply(204)

    def clear(self, _):
        self.sandbox.web.faults.clear()
        return Reply(204)

    def drop(self, _):
        self.sandbox.location.drop_subscriptions()
        return Reply(204)

    def freeze(self, _):
        self.sandbox.location.freeze()
        return Reply(204)

    def thaw(self, _):
        self.sandbox.location.thaw()
        return Reply(204)


class Sandbox:
    """The whole of it on one port. Use as a context manager; the first scenario is active then."""

    def __init__(self, scenarios, address="127.0.0.1", port=0, prefix="", cookie="", tls=None):
        self.platform = MecPlatform(HOST_URL)
        self.control = SandboxControl(scenarios, self.platform)
        services = [self.control, self.control.location, self.platform, Control(self)]
        self.web = Web(services, address, port, prefix, cookie, tls)
        if scenarios:
            self.control.activate(scenarios[0]["name"])

    @property
    def url(self):
        return self.web.url

    @property
    def faults(self):
        return self.web.faults

    @property
    def location(self):
        return self.control.location

    @property
    def active(self):
        return self.control.active

    def __enter__(self):
        self.web.start()
        return self

    def __exit__(self, *_):
        self.web.stop()
        self.location.stop()

    def post(self, kind, **body):
        """An event from within the process, without HTTP; raises Refused."""
        with self.control.lock:
            getattr(self.control, kind)(self.control.running(), body)
            self.control.changed()

    def move(self, name, dest):
        self.post("mobility", eventMobility={"elementName": name, "dest": dest})

    def set_netchar(self, name, **netchar):
        self.post("netchar", eventNetworkCharacteristicsUpdate={
            "elementName": name, "elementType": "ANY", "netChar": netchar})


def read_scenario(path):
    content = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        return json.loads(content)
    except ValueError:
        import yaml  # pylint: disable=import-outside-toplevel
        return yaml.safe_load(content)


def introduce(sandbox):
    """What can be tried, ready to be pasted."""
    scenario = sandbox.active
    ue, above = scenario.all(LEVELS.index("physicalLocations"), "UE")[0]
    poas = [p["name"] for points in scenario.zones().values() for p in points]
    dest = next(p for p in reversed(poas) if p != above[2]["name"])
    event = {"name": "m", "type": "MOBILITY", "eventMobility": {"elementName": ue["name"],
                                                               "dest": dest}}
    print(f"listening {sandbox.url} scenario {scenario.name}\n"
          f"UEs: {' '.join(scenario.users())}\nPOAs: {' '.join(poas)}\n"
          f"Move a UE:\n  curl -X POST -H 'Content-Type: application/json' "
          f"{sandbox.url}{BASE}/events/MOBILITY \\\n    -d '{json.dumps(event)}'", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", required=True, help="JSON, or YAML where PyYAML is there")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--prefix", default="", help="for example /sandbox1")
    parser.add_argument("--cookie", default="", help="asked of every request, 401 otherwise")
    options = parser.parse_args()
    with Sandbox([read_scenario(options.scenario)], options.address, options.port, options.prefix,
                 options.cookie) as sandbox:
        introduce(sandbox)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
