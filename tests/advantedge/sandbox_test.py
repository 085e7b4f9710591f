#!/usr/bin/env python3
"""The fake sandbox itself: that it answers as the real one was seen to, defects and all.

usage: sandbox_test.py
"""
import http.client
import json
import pathlib
import re
import time
import urllib.error
import urllib.request

from path_rule import best_hosts, cost_us, ends, fewest_hops, host_names, one_way
from sandbox import Sandbox, read_scenario
from scenario import PHYSICAL, Scenario
from web import Reply, Routes, Web

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE.parents[2] / "shared" / "advantedge"
CITY = read_scenario(HERE / "city.json")
CTRL, LOC = "/sandbox-ctrl/v1", "/location/v2"
NAME = re.compile(r"^(([a-z0-9][-a-z0-9.]*)?[a-z0-9])+$")
PLACES = {"DC": "DEFAULT", "EDGE": "DEFAULT", "FOG": "POA", "UE": "POA"}
APPS = {"DC": "CLOUD-APP", "EDGE": "EDGE-APP", "FOG": "EDGE-APP", "UE": "UE-APP"}


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def same(got, expected, text):
    check(got == expected, f"{text}: {got!r}, not {expected!r}")


def wait_for(condition, text, timeout_s=5):
    begin = time.monotonic()
    while not condition():
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.002)


class Receiver(Routes):
    def __init__(self):
        super().__init__()
        self.heard = []
        self.route("POST", "/.*", self.hear)

    def hear(self, request):
        self.heard.append((request.path, request.json()["zonalPresenceNotification"]))
        return Reply(204)

    def told(self):
        return [(n["userEventType"], n["zoneId"], n["currentAccessPointId"],
                 n.get("previousAccessPointId")) for _, n in self.heard]


class Asker:
    def __init__(self, url, cookie=""):
        self.url, self.cookie = url, cookie

    def __call__(self, method, path, body=None, timeout_s=10):
        """(status, JSON or bytes)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Cookie": self.cookie},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as reply:
                content, status = reply.read(), reply.status
        except urllib.error.HTTPError as error:
            content, status = error.read(), error.code
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def move(self, name, dest):
        return self("POST", CTRL + "/events/MOBILITY", {
            "name": "m", "type": "MOBILITY", "eventMobility": {"elementName": name, "dest": dest}})

    def names(self, query):
        answer = self("GET", f"{CTRL}/active/physicalLocations?{query}")[1]
        return [e["name"] for e in answer.get("physicalLocations", [])]


def city_is_valid():
    """What AdvantEDGE 1.9.2's validator asks of a scenario, as far as it is known to us."""
    scenario = Scenario(CITY)
    check(CITY["version"] == "1.9.2" and CITY["deployment"]["d2d"], "version or d2d")
    same(CITY["deployment"]["connectivity"], {"model": "OPEN"}, "connectivity")
    elements = list(scenario.walk())
    for key in ("id", "name"):
        values = [e[key] for _, e, _ in elements]
        same(len(values), len(set(values)), f"each {key} once")
    for level, element, above in elements:
        net = element["netChar"]
        check(1 <= net["throughputDl"] <= 10**6 and 0 <= net["latency"] <= 250000, f"{net}")
        check(above and above[0]["name"] == "PUBLIC" or element["name"].startswith("PUBLIC")
              or element["type"] in ("COMMON", "DEFAULT") or NAME.match(element["name"]),
              f"the name {element['name']}")
        if level == PHYSICAL:
            check(above[2]["type"].startswith(PLACES[element["type"]]), f"place of {element}")
            check(all(p["type"] == APPS[element["type"]] for p in element["processes"]), "apps")
    same({len(scenario.zones()), len(scenario.all(2, "POA", "POA-4G", "POA-5G", "POA-WIFI")) // 2},
         {3}, "zones and half of the POAs")
    differ = [ue["name"] for ue, _ in scenario.all(PHYSICAL, "UE") if ue["connected"]
              and not best_hosts(scenario, ue["name"]) & fewest_hops(scenario, ue["name"])]
    check(len(differ) >= 3, f"hop count is wrong only for {differ}")
    return (f"{len(elements)} elements; hop count is wrong for {len(differ)} UEs, mean round trip "
            f"{mean_ms(scenario, fewest_hops):.1f} ms by hops, {mean_ms(scenario, best_hosts):.1f} "
            "ms by latency")


def mean_ms(scenario, choose):
    names = {ours: name for name, ours in host_names(scenario).items()}
    ues = [ue["name"] for ue, _ in scenario.all(PHYSICAL, "UE") if ue["connected"]]
    return sum(cost_us(scenario, ue, names[min(choose(scenario, ue))], 0, 0)
               for ue in ues) / len(ues) / 1000


def rule_is_right():
    """The path rule against the flows that the real code computed."""
    if not RECORDED.is_dir():
        return f"SKIPPED: no {RECORDED}"
    scenario = Scenario(read_scenario(RECORDED / "golden-scenario.json"))
    compared = 0
    for line in (RECORDED / "golden-flows.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("====="):
            if "=" in (move := line[6:]):
                scenario.move(*move.split("="))
            continue
        a, b, latency, jitter, loss = re.match(
            r"(\S+)>(\S+) lat=(\S+) jit=(\S+) loss=(\S+)", line).groups()
        hosts = [p.rpartition("-")[0] for p in (a, b)]
        if not any(h.startswith("ue-") for h in hosts):
            continue   # between EDGE and DC the emulator crosses nothing, and nobody needs it here
        got = one_way(scenario, ends(scenario, hosts[0], a), ends(scenario, hosts[1], b))
        same(got[:2], (float(latency), float(jitter)), line)
        check(abs(got[2] - float(loss)) < 1e-6, f"{line}: loss {got[2]}")
        compared += 1
    return f"{compared} flows of a UE are equal"


def control(ask):
    same(ask("GET", CTRL + "/active")[1]["name"], "city", "active")
    small = json.dumps(ask("GET", CTRL + "/active?minimize=true")[1])
    check("geoData" not in small and "mx2.hostId" in small and "null" not in small, "minimized")
    check("geoData" in json.dumps(ask("GET", CTRL + "/active")[1]), "the whole has positions")
    same(ask.names("physicalLocationType=EDGE"), ["edge-old-town", "edge-harbour", "edge-campus"],
         "hosts")
    poa = ask("GET", CTRL + "/active/networkLocations?physicalLocation=tram-7&excludeChildren=true")
    same([(p["name"], "physicalLocations" in p) for p in poa[1]["networkLocations"]],
         [("old-town-4g", False)], "POA of a UE")
    same(ask.move("nosuch", "old-town-4g"), (500, b"Mobility: nosuch not found\n"), "unknown")
    same(ask("POST", CTRL + "/events/BOGUS", {}), (400, b"Unsupported event type\n"), "bogus")
    apps = ask("GET", CTRL + "/applications?nodeName=edge-harbour")[1]
    same([(a["name"], a["nodeName"], a["type"]) for a in apps],
         [("mx2-host", "edge-harbour", "USER")], "applications")
    same(ask("POST", CTRL + "/connectivity/pdu-session/tram-7/1", {"dnn": "edn"})[0], 200, "PDU")
    same(ask("GET", CTRL + "/connectivity/pdu-session")[1],
         {"sessions": [{"ue": "tram-7", "id": "1", "info": {"dnn": "edn"}}]}, "PDU sessions")
    ask("POST", CTRL + "/events/NETWORK-CHARACTERISTICS-UPDATE", {
        "name": "n", "type": "NETWORK-CHARACTERISTICS-UPDATE", "eventNetworkCharacteristicsUpdate": {
            "elementName": "harbour-poa", "elementType": "POA", "netChar": {"latency": 33}}})
    found = ask("GET", CTRL + "/active/networkLocations?networkLocation=harbour-poa")[1]
    same(found["networkLocations"][0]["netChar"], {"latency": 33}, "netChar is replaced")
    node = {"type": "UE", "parent": "harbour-5g", "nodeDataUnion": {"physicalLocation": {
        "name": "10.100.0.9", "type": "UE", "connected": True}}}
    for action, count in (("ADD", 1), ("REMOVE", 0)):
        same(ask("POST", CTRL + "/events/SCENARIO-UPDATE", {
            "eventScenarioUpdate": {"action": action, "node": node}})[0], 200, action)
        same(len(ask.names("physicalLocation=10.100.0.9")), count, action)


def corruption(ask):
    """An EDGE that moves there and back is there twice, and another one is lost."""
    same(ask.move("edge-old-town", "harbour")[0], 200, "there")
    same(ask.move("edge-old-town", "old-town")[0], 200, "back")
    same(ask.names("physicalLocationType=EDGE"), ["edge-old-town", "edge-old-town", "edge-campus"],
         "one twice, one lost")
    ask("POST", CTRL + "/events/NETWORK-CHARACTERISTICS-UPDATE", {
        "eventNetworkCharacteristicsUpdate": {"elementName": "edge-old-town",
                                              "netChar": {"latency": 77}}})
    edges = ask("GET", CTRL + "/active/physicalLocations?physicalLocation=edge-old-town")[1]
    same([e["netChar"].get("latency") for e in edges["physicalLocations"]][1:], [77],
         "it knows the last one by the name")


def location(ask, sandbox):
    users = ask("GET", LOC + "/queries/users?zoneId=harbour")[1]["userList"]
    same([u["address"] for u in users["user"]], ["tram-9", "crane-1", "10.100.0.3"], "users")
    check("scanner-1" not in str(ask("GET", LOC + "/queries/users")), "a disconnected UE")
    empty = ask("GET", LOC + "/queries/users?address=scanner-1")[1]["userList"]
    same(list(empty), ["resourceURL"], "user is absent")
    same(ask("GET", LOC + "/queries/users?bogus=1"), (400, b""), "unknown parameter")
    zones = ask("GET", LOC + "/queries/zones")[1]["zoneList"]["zone"]
    same([z["zoneId"] for z in zones], ["old-town", "harbour", "campus"], "zones")
    points = ask("GET", LOC + "/queries/zones/harbour/accessPoints")[1]["accessPointList"]
    same([a["connectionType"] for a in points["accessPoint"]], ["Smallcell", "Unknown"], "kinds")
    receiver = Receiver()
    with Web([receiver]) as callback:
        subscribe(ask, callback)
        notified(ask, receiver)
        terminated(ask, sandbox)


def subscribe(ask, callback):
    for zone in ("old-town", "harbour", "campus"):
        status, body = ask("POST", LOC + "/subscriptions/zonalTraffic", {
            "zonalTrafficSubscription": {"zoneId": zone, "duration": 1, "callbackReference": {
                "notifyURL": f"{callback.url}/{zone}", "callbackData": "tag"}}})
        same(status, 201, "subscribed")
    check(body["zonalTrafficSubscription"]["resourceURL"].endswith("/zonalTraffic/3"), f"{body}")
    listed = ask("GET", LOC + "/subscriptions/zonalTraffic")[1]["notificationSubscriptionList"]
    same(len(listed["zonalTrafficSubscription"]), 3, "listed")
    same(ask("DELETE", LOC + "/subscriptions/zonalTraffic/9")[0], 404, "unknown one")


def notified(ask, receiver):
    ask.move("10.100.0.1", "harbour-5g")
    wait_for(lambda: len(receiver.heard) == 2, "Leaving and Entering")
    ask.move("10.100.0.1", "harbour-poa")
    wait_for(lambda: len(receiver.heard) == 3, "Transferring")
    ask.move("10.100.0.1", "DISCONNECTED")
    wait_for(lambda: len(receiver.heard) == 4, "Leaving")
    ask.move("10.100.0.1", "harbour-poa")
    wait_for(lambda: len(receiver.heard) == 5, "Entering")
    same(receiver.told(), [
        ("Leaving", "old-town", "old-town-4g", None), ("Entering", "harbour", "harbour-5g", None),
        ("Transferring", "harbour", "harbour-poa", "harbour-5g"),
        ("Leaving", "harbour", "harbour-poa", None), ("Entering", "harbour", "harbour-poa", None)],
        "notifications")
    same([path for path, _ in receiver.heard], ["/old-town"] + 4 * ["/harbour"], "notifyURLs")
    same(receiver.heard[0][1]["callbackData"], "tag", "callbackData")


def terminated(ask, sandbox):
    listed = LOC + "/subscriptions/zonalTraffic"
    same(ask("DELETE", CTRL + "/active")[0], 200, "terminated")
    same(ask("GET", CTRL + "/active"), (404, b"No scenario is active\n"), "none is active")
    wait_for(lambda: list(ask("GET", listed)[1]["notificationSubscriptionList"])
             == ["resourceURL"], "subscriptions are gone")
    same(ask("POST", CTRL + "/active/city")[0], 200, "activated")
    status, body = ask("POST", listed, {"zonalTrafficSubscription": {
        "zoneId": "later", "callbackReference": {"notifyURL": "http://127.0.0.1:9/"}}})
    check(status == 201 and body["zonalTrafficSubscription"]["resourceURL"].endswith("/1"),
          "numbers begin again")
    lingers(ask, listed)
    ask("POST", "/control/drop-subscriptions", {})
    same(list(ask("GET", listed)[1]["notificationSubscriptionList"]), ["resourceURL"], "dropped")
    same(sandbox.active.name, "city", "still active")


def lingers(ask, listed):
    """A subscription stays, with all it was made with, when its receiver is gone and its time over."""
    asked = {"zoneId": "harbour", "duration": 1, "clientCorrelator": "mine", "callbackReference": {
        "notifyURL": "http://127.0.0.1:9/gone", "callbackData": "tag"}}
    ask("POST", listed, {"zonalTrafficSubscription": asked})
    for dest in ("harbour-5g", "harbour-poa", "harbour-5g"):
        ask.move("crane-1", dest)
    time.sleep(0.05)
    found = ask("GET", listed)[1]["notificationSubscriptionList"]["zonalTrafficSubscription"]
    same({k: v for k, v in found[-1].items() if k != "resourceURL"}, asked, "it lingers")
    ask("POST", "/control/freeze-location", {})
    same(ask("GET", CTRL + "/active")[0], 200, "sandbox-ctrl while the location service is frozen")
    try:
        check(False, f"frozen: {ask('GET', listed, timeout_s=0.1)}")
    except OSError:
        ask("DELETE", "/control/freeze-location")
    same(ask("GET", listed)[0], 200, "thawed")


def broken(ask, sandbox):
    """The knobs."""
    active = CTRL + "/active"
    for fault, expected in (({"kind": "status"}, (500, b"injected\n")),
                            ({"kind": "garbage"}, (200, bytes(range(256)) * 8))):
        ask("POST", "/control/faults", {"path": "/active", "count": 1, **fault})
        same(ask("GET", active), expected, fault["kind"])
    for kind in ("truncate", "close"):
        sandbox.faults.add(kind, "/active", 1)
        try:
            check(False, f"{kind}: {ask('GET', active)}")
        except (OSError, http.client.HTTPException):
            pass
    sandbox.faults.add("slow", "/active", 1, seconds=0.2)
    begin = time.monotonic()
    same(ask("GET", active)[0], 200, "slow")
    check(time.monotonic() - begin >= 0.2, "not slow")
    same(ask("GET", active)[0], 200, "whole again")


def enabled(ask, sandbox):
    """EDGE-APPs of the scenario are applications of the platform, with their process's id."""
    identifier = ask("GET", CTRL + "/applications")[1][0]["id"]
    support = f"/mec_app_support/v1/applications/{identifier}"
    same(ask("GET", support + "/subscriptions"), (403, {
        "status": 403, "detail": "App Instance not ready. Waiting for AppReadyConfirmation."}), "-")
    same(ask("POST", support + "/confirm_ready", {"indication": "READY"})[0], 204, "ready")
    same(ask("GET", support + "/dns_rules")[0], 501, "DNS rules")
    same(ask("GET", "/mec_app_support/v1/applications/nosuch/subscriptions")[1],
         {"status": 404, "detail": "App Instance not found"}, "unknown application")
    sandbox.control.terminate()
    wait_for(lambda: not sandbox.platform.applications, "they go with the scenario")


def main():
    print(f"city.json: {city_is_valid()}")
    print(f"path rule: {rule_is_right()}")
    for prefix, cookie in (("", ""), ("/sbx1", "authCookie=abc")):
        with Sandbox([CITY], prefix=prefix, cookie=cookie) as sandbox:
            ask = Asker(sandbox.url, cookie)
            same(Asker(sandbox.url)("GET", CTRL + "/active")[0], 401 if cookie else 200, "cookie")
            location(ask, sandbox)
            control(ask)
            corruption(ask)
            broken(ask, sandbox)
            enabled(ask, sandbox)
    print("the fake sandbox answers as recorded, with and without prefix and cookie")


if __name__ == "__main__":
    main()
