"""What AdvantEDGE's validator asks of a scenario, and what our own scenario must be besides.

Rules: fixed levels and types, names unique and of one form, ids that are UUIDs, netChar in its bounds,
d2d from 1.8.2 on, processes by image or by user chart. Ours: processes on the nodes of their type, a
MEPM on every EDGE and FOG with a host's identifier, values that AdvantEDGE can carry.
"""
import re
import uuid

from support import environment_problems, parse, unknown_members

NAME = re.compile(r"([a-z0-9][-a-z0-9.]*)?[a-z0-9]")
VARIABLE = re.compile(r"[_a-z0-9A-Z]+")
PATH = re.compile(r"[\^#%&$*<>?{|} ]")
BASIC = {"id", "name", "type", "netChar", "meta", "userMeta"}
MEMBERS = {
    "scenario": {"version", "id", "name", "description", "deployment"},
    "deployment": {"netChar", "connectivity", "d2d", "domains"},
    "domain": BASIC | {"cellularDomainConfig", "zones"},
    "zone": BASIC | {"networkLocations"},
    "network location": BASIC | {"poa4GConfig", "poa5GConfig", "poaWifiConfig", "geoData",
                                 "physicalLocations"},
    "physical location": BASIC | {"connected", "wireless", "wirelessType", "macId", "geoData",
                                  "networkLocationsInRange", "dataNetwork", "processes"},
    "process": BASIC | {"image", "environment", "commandExe", "commandArguments", "serviceConfig",
                        "cpuConfig", "memoryConfig", "placementId", "userChartLocation",
                        "userChartAlternateValues", "userChartGroup"},
}
# type -> types of the network location or physical location that it may be in
PHYSICAL = {"DC": {"DEFAULT"}, "EDGE": {"DEFAULT"},
            "FOG": {"POA", "POA-4G", "POA-5G", "POA-WIFI"}, "UE": {"POA", "POA-4G", "POA-5G", "POA-WIFI"}}
PROCESS = {"CLOUD-APP": {"DC"}, "EDGE-APP": {"EDGE", "FOG"}, "UE-APP": {"UE"}}
CELL = {"POA-4G": ("poa4GConfig", "cellId", r"[0-9a-fA-F]{7}"),
        "POA-5G": ("poa5GConfig", "cellId", r"[0-9a-fA-F]{9}"),
        "POA-WIFI": ("poaWifiConfig", "macId", r"[0-9a-fA-F]{12}")}
RANGES = {"latency": (0, 250000, int), "latencyVariation": (0, 250000, int),
          "packetLoss": (0, 100, (int, float)), "throughputDl": (1, 1000000, int),
          "throughputUl": (1, 1000000, int)}
DISTRIBUTIONS = ("Normal", "Pareto", "Paretonormal", "Uniform")
META = {"EDGE": {"mx2.hostId", "mx2.capacity", "mx2.tier"}, "UE": {"mx2.device", "mx2.ip"}}
META["FOG"] = META["DC"] = META["EDGE"]


def net_char_problems(where, net_char):
    if net_char is None:
        return [f"{where}: lacks netChar"]
    problems = unknown_members(f"{where} netChar", net_char, set(RANGES) | {"latencyDistribution"})
    for name, (least, most, kind) in RANGES.items():
        value = net_char.get(name, least)
        if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:
            problems.append(f"{where}: {name} is not in {least} to {most}")
    if net_char.get("latencyDistribution", "Normal") not in DISTRIBUTIONS:
        problems.append(f"{where}: unknown latencyDistribution")
    return problems


def point_problems(where, geo):
    points = [geo["location"]["coordinates"]] + geo.get("path", {}).get("coordinates", [])
    problems = [f"{where}: [longitude, latitude] {p} is no position" for p in points
                if len(p) != 2 or not (-180 <= p[0] <= 180 and -90 <= p[1] <= 90)]
    if "path" in geo and (geo.get("eopMode") not in ("LOOP", "REVERSE") or not geo.get("velocity")):
        problems.append(f"{where}: a path needs eopMode and velocity")
    return problems


def environment_of(process):
    """Split as AdvantEDGE does: at each comma, then at each equals sign."""
    parts = [entry.split("=") for entry in process["environment"].split(",")]
    return parts, {part[0].strip(): part[-1].strip() for part in parts}


def image_problems(where, process):
    problems = []
    if not process.get("image") or PATH.search(process["image"]):
        problems.append(f"{where}: neither an image nor a user chart")
    if not process.get("environment"):
        return problems
    parts, values = environment_of(process)
    for part in parts:
        name = part[0].strip()
        if len(part) != 2 or len(name) > 30 or not VARIABLE.fullmatch(name):
            problems.append(f"{where}: AdvantEDGE cannot carry '{'='.join(part)}'")
        elif re.fullmatch(r"\d+|true|false", part[1].strip()):
            problems.append(f"{where}: {name} would be no string in its chart")
    return problems + environment_problems(where, values)


def chart_problems(where, process):
    problems = []
    if process.get("image"):
        problems.append(f"{where}: an image and a user chart")
    if PATH.search(process["userChartLocation"]):
        problems.append(f"{where}: bad userChartLocation")
    group = process.get("userChartGroup", "").split(":")
    if len(group) != 4 or group[3] not in ("TCP", "UDP") or not group[2].isdigit():
        return problems + [f"{where}: userChartGroup is not service:group:port:protocol"]
    if group[1]:
        problems.append(f"{where}: in a group AdvantEDGE, not we, would choose the instance")
    return problems


class Scenario:
    def __init__(self, text):
        (self.document,) = parse(text)
        self.names, self.ids, self.problems = [], [], []
        self.physical, self.processes = [], []

    def element(self, kind, where, element, named=False):
        self.problems += unknown_members(f"{kind} {where}", element, MEMBERS[kind])
        name = str(element.get("name"))
        self.names.append(name)
        self.ids.append(str(element.get("id")))
        try:
            uuid.UUID(self.ids[-1])
        except ValueError:
            self.problems.append(f"{kind} {name}: its id is no UUID")
        if named and not (NAME.fullmatch(name) and len(name) <= 30):
            self.problems.append(f"{kind} {name}: bad name")
        self.problems += net_char_problems(f"{kind} {name}", element.get("netChar"))

    def walk(self):
        deployment = self.document["deployment"]
        for domain in deployment["domains"]:
            self.domain(domain)
            for zone in domain["zones"]:
                self.element("zone", domain["name"], zone, zone["type"] == "ZONE")
                for place in zone["networkLocations"]:
                    self.network_location(domain, zone, place)
                    for node in place.get("physicalLocations") or []:
                        self.physical_location(domain, place, node)
                        for process in node.get("processes") or []:
                            self.process(node, process)

    def domain(self, domain):
        self.element("domain", "", domain, domain["type"] != "PUBLIC")
        if domain["type"] not in ("PUBLIC", "OPERATOR", "OPERATOR-CELLULAR"):
            self.problems.append(f"domain {domain['name']}: unknown type {domain['type']}")
        common = [z["name"] for z in domain["zones"] if z["type"] == "COMMON"]
        if common != [domain["name"] + "-COMMON"]:
            self.problems.append(f"domain {domain['name']}: needs one zone {domain['name']}-COMMON")
        for zone in domain["zones"]:
            default = [n["name"] for n in zone["networkLocations"] if n["type"] == "DEFAULT"]
            if default != [zone["name"] + "-DEFAULT"]:
                self.problems.append(f"zone {zone['name']}: needs one {zone['name']}-DEFAULT")

    def network_location(self, domain, zone, place):
        self.element("network location", zone["name"], place, place["type"] != "DEFAULT")
        if place["type"] not in {"DEFAULT"} | PHYSICAL["UE"]:
            self.problems.append(f"network location {place['name']}: unknown type {place['type']}")
        if place["type"] in CELL:
            member, key, form = CELL[place["type"]]
            if not re.fullmatch(form, str(place.get(member, {}).get(key))):
                self.problems.append(f"network location {place['name']}: needs {member}.{key}")
        if place["type"] in ("POA-4G", "POA-5G") and "cellularDomainConfig" not in domain:
            self.problems.append(f"network location {place['name']}: its domain is not cellular")

    def physical_location(self, domain, place, node):
        where = f"physical location {node['name']}"
        self.element("physical location", place["name"], node, True)
        self.physical.append(node)
        if place["type"] not in PHYSICAL.get(node["type"], set()):
            self.problems.append(f"{where}: no {node['type']} may be in a {place['type']}")
        if (node["type"] == "DC") != (domain["type"] == "PUBLIC"):
            self.problems.append(f"{where}: no {node['type']} may be in a domain {domain['type']}")
        if node.get("connected") is not True:
            self.problems.append(f"{where}: is not connected unless it says so")
        if "geoData" in node:
            self.problems += point_problems(where, node["geoData"])
        meta = node.get("userMeta", {})
        self.problems += unknown_members(f"{where} userMeta", meta, META.get(node["type"], set()))
        self.problems += [f"{where}: userMeta {k} is no string" for k, v in meta.items()
                          if not isinstance(v, str)]

    def process(self, node, process):
        where = f"process {process['name']}"
        self.element("process", node["name"], process, True)
        self.processes.append((node, process))
        if node["type"] not in PROCESS.get(process["type"], set()):
            self.problems.append(f"{where}: no {process['type']} may be on a {node['type']}")
        check = chart_problems if process.get("userChartLocation") else image_problems
        self.problems += check(where, process)

    def hosts(self):
        """Each MEC host of the scenario has the identifier of the MEPM that runs on it."""
        for node in self.physical:
            charts = {p["userChartLocation"]: p["name"] for n, p in self.processes
                      if n is node and "userChartLocation" in p}
            mepm = charts.get("mx2/charts/mx2-host")
            system = "mx2/charts/mx2-orchestrator" in charts
            if node["type"] in ("EDGE", "FOG") and not mepm and not system:
                self.problems.append(f"physical location {node['name']}: has no MEPM")
            if mepm and node.get("userMeta", {}).get("mx2.hostId") != mepm:
                self.problems.append(f"physical location {node['name']}: mx2.hostId is not {mepm}")

    def devices(self):
        """A UE's application calls a Service of ours, as the device the Optimizer takes the UE for."""
        services = {f"http://{name}{'' if port == '80' else ':' + port}" for name, _, port, _ in (
            p["userChartGroup"].split(":") for _, p in self.processes
            if p.get("userChartGroup", "").count(":") == 3)}
        for node, process in self.processes:
            if node["type"] == "UE" and process.get("environment"):
                values = environment_of(process)[1]
                device, url = values.get("MX_DEVICE"), values.get("MX_MX2_URL")
                if url not in services:
                    self.problems.append(f"process {process['name']}: no Service is at {url}")
                if device != node.get("userMeta", {}).get("mx2.device", node["name"]):
                    self.problems.append(f"process {process['name']}: UE {node['name']} is not {device}")


def head_problems(document):
    problems = unknown_members("scenario", document, MEMBERS["scenario"])
    deployment = document["deployment"]
    problems += unknown_members("deployment", deployment, MEMBERS["deployment"])
    problems += net_char_problems("deployment", deployment.get("netChar"))
    version = tuple(int(part) for part in str(document.get("version", "1.9.2")).split("."))
    if not (1, 3, 0) <= version <= (1, 9, 2):
        problems.append(f"scenario: version {document['version']} is not 1.3.0 to 1.9.2")
    if version >= (1, 8, 2) and not isinstance(deployment.get("d2d"), dict):
        problems.append("deployment: d2d is nil")
    if deployment.get("connectivity", {}).get("model") not in ("OPEN", "PDU"):
        problems.append("deployment: connectivity model is neither OPEN nor PDU")
    if not NAME.fullmatch(document["name"]) or len(document["name"]) > 30:
        problems.append("scenario: bad name")
    return problems


def problems_of(text):
    scenario = Scenario(text)
    scenario.problems += head_problems(scenario.document)
    scenario.walk()
    scenario.hosts()
    scenario.devices()
    names = scenario.names + [scenario.document["name"]]
    scenario.problems += [f"name {n} is not unique" for n in sorted(set(names)) if names.count(n) > 1]
    ids = scenario.ids
    scenario.problems += [f"id {i} is not unique" for i in sorted(set(ids)) if ids.count(i) > 1]
    return scenario.problems


def charted_processes(text):
    scenario = Scenario(text)
    scenario.walk()
    return [process for _, process in scenario.processes if "userChartLocation" in process]
