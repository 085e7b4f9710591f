"""The scenario that a fake sandbox runs: a tree of dictionaries, and what events do to it."""
import copy
import uuid

LEVELS = ("domains", "zones", "networkLocations", "physicalLocations", "processes")
PHYSICAL, PROCESS = LEVELS.index("physicalLocations"), LEVELS.index("processes")
FILTERS = [name[:-1] + kind for name in LEVELS for kind in ("", "Type")]
OBJECTS_KEPT_EMPTY = ("netChar", "dataNetwork", "connectivity", "d2d", "deployment")


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


def pruned(value, minimize=False):
    """As Go's encoder leaves out what is empty: nulls, false, 0, '', lists and maps."""
    if isinstance(value, list):
        return [pruned(item, minimize) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for name, member in value.items():
        if minimize and name == "geoData":
            continue
        member = pruned(member, minimize)
        if member or (isinstance(member, dict) and name in OBJECTS_KEPT_EMPTY):
            out[name] = member
    return out


def kind_of(element):
    return element.get("type", "")


class Scenario:
    """One active scenario. Not for several threads at once; the sandbox has a lock."""

    def __init__(self, document):
        self.document = copy.deepcopy(document)
        self.sessions = {}   # (ue, id): data network name
        for _, element, _ in self.walk():
            element.setdefault("id", str(uuid.uuid4()))

    @property
    def name(self):
        return self.document["name"]

    @property
    def deployment(self):
        return self.document["deployment"]

    def walk(self, parent=None, level=0, above=()):
        """(level, element, its ancestors from the domain down), depth first."""
        for element in (parent or self.deployment).get(LEVELS[level]) or []:
            yield level, element, above
            if level + 1 < len(LEVELS):
                yield from self.walk(element, level + 1, above + (element,))

    def find(self, name, level=None):
        """(level, element, ancestors) of the last of that name, or None: the emulator knows elements
        by name, and one that is read later takes the place of one before."""
        last = None
        for found in self.walk():
            if found[1].get("name") == name and level in (None, found[0]):
                last = found
        return last

    def all(self, level, *kinds):
        return [(e, above) for at, e, above in self.walk()
                if at == level and (not kinds or kind_of(e) in kinds)]

    def selected(self, level, query):
        """The elements of a level for which the filters hold, of themselves, above and below."""
        wishes = [(FILTERS.index(name) // 2, name.endswith("Type"), values)
                  for name, values in query.items() if name in FILTERS]

        def holds(element, is_type, values):
            return element.get("type" if is_type else "name") in values

        def fits(element, above):
            line = above + (element,)
            below = list(self.walk(element, level + 1)) if level < PROCESS else []
            return all(
                holds(line[at], is_type, values) if at <= level else
                any(at == l and holds(e, is_type, values) for l, e, _ in below)
                for at, is_type, values in wishes)
        return [e for e, above in self.all(level) if fits(e, above)]

    # Events. Each raises Refused.

    def move(self, name, dest):
        found = self.find(name)
        if found is None or found[0] < PHYSICAL:
            raise Refused(500, f"Mobility: {name} not found")
        level, element, above = found
        if dest == "DISCONNECTED" and kind_of(element) == "UE":
            element["connected"] = False
            return
        target = self.destination(level, kind_of(element), dest)
        source = above[-1][LEVELS[level]]
        if target is above[-1]:
            element["connected"] = True
            return
        # The emulator looks for the index among UEs only: of others it removes the first.
        index = 0
        if kind_of(element) == "UE" or level == PROCESS:
            index = next(i for i, e in enumerate(source) if e is element)
        moved = element if source[index] is element else copy.deepcopy(element)
        del source[index]
        moved["connected"] = True
        target[LEVELS[level]] = (target.get(LEVELS[level]) or []) + [moved]

    def destination(self, level, kind, dest):
        if kind == "EDGE":
            zone = self.find(dest, LEVELS.index("zones"))
            place = [nl for nl in zone[1].get("networkLocations") or []
                     if kind_of(nl) == "DEFAULT"] if zone else []
            target = place[0] if place else None
        else:
            found = self.find(dest, level - 1)
            target = found[1] if found else None
        if target is None:
            raise Refused(500, f"Mobility: {dest} not found")
        return target

    def set_netchar(self, name, netchar):
        """The whole of it is replaced: what is not said is not there any more."""
        found = self.find(name)
        if name != self.name and found is None:
            raise Refused(500, f"Network Characteristics Update: {name} not found")
        (self.deployment if found is None else found[1])["netChar"] = dict(netchar)

    def set_poas_in_range(self, name, poas):
        found = self.find(name, PHYSICAL)
        if found is None:
            raise Refused(500, f"POAs in range: {name} not found")
        found[1]["networkLocationsInRange"] = list(poas)

    def update(self, action, node):
        union = node.get("nodeDataUnion") or {}
        level = PHYSICAL if "physicalLocation" in union else PROCESS
        element = union.get("physicalLocation") or union.get("process")
        if not isinstance(element, dict) or not element.get("name"):
            raise Refused(400, "Malformed request: missing node")
        found = self.find(element["name"], level)
        if action == "ADD":
            self.add(level, node.get("parent", ""), element, found)
        elif action not in ("REMOVE", "MODIFY"):
            raise Refused(400, "Unsupported scenario update action")
        elif found is None:
            raise Refused(500, f"Scenario update: {element['name']} not found")
        elif action == "REMOVE":
            found[2][-1][LEVELS[level]].remove(found[1])
        else:
            found[1].update(element)

    def add(self, level, parent_name, element, found):
        parent = self.find(parent_name)
        if level == PHYSICAL and kind_of(element) == "EDGE" and parent and parent[0] == 1:
            parent = (2, self.destination(PHYSICAL, "EDGE", parent_name), ())
        if found is not None:
            raise Refused(500, f"Scenario update: {element['name']} exists")
        if parent is None or parent[0] != level - 1:
            raise Refused(500, f"Scenario update: parent {parent_name} not found")
        element = copy.deepcopy(element)
        element.setdefault("id", str(uuid.uuid4()))
        netchar = {"latencyDistribution": "Normal", "throughputDl": 1000, "throughputUl": 1000}
        element["netChar"] = {**netchar, **(element.get("netChar") or {})}
        parent[1][LEVELS[level]] = (parent[1].get(LEVELS[level]) or []) + [element]

    # What the other services see of it.

    def users(self):
        """name: (zone, access point, coordinates or None) of the UEs that are connected."""
        out = {}
        for ue, above in self.all(PHYSICAL, "UE"):
            if ue.get("connected"):
                place = ((ue.get("geoData") or {}).get("location") or {}).get("coordinates")
                out[ue["name"]] = (above[1]["name"], above[2]["name"], place)
        return out

    def zones(self):
        """name: its access points (elements), of the zones that have some."""
        out = {}
        for zone, _ in self.all(1, "ZONE"):
            out[zone["name"]] = [nl for nl in zone.get("networkLocations") or []
                                 if kind_of(nl).startswith("POA")]
        return out

    def applications(self):
        """The EDGE-APPs as instances of MEC applications."""
        return [{"id": process["id"],
                 "name": (process.get("serviceConfig") or {}).get("meSvcName") or process["name"],
                 "nodeName": above[-1]["name"], "type": "USER"}
                for process, above in self.all(PROCESS, "EDGE-APP")]
