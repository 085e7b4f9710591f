"""AdvantEDGE's path rule once more, independent of the product: what a test compares with.

A crossing list between two physical locations of a Scenario (scenario.py), one way; latencies,
jitter and losses of its elements. D2D links and PDU connectivity are not modelled.
"""
from scenario import PHYSICAL, kind_of

HOSTS = ("EDGE", "FOG", "DC")


def ends(scenario, name, process=None):
    """(element, ancestors, element of the process or None)."""
    _, element, above = scenario.find(name, PHYSICAL)
    own = [p for p in element.get("processes") or [] if p["name"] == process]
    return element, above, own[0] if own else None


def only_process(scenario, name):
    """The name of the only one of a physical location; None if there is none."""
    processes = scenario.find(name, PHYSICAL)[1].get("processes") or [{"name": None}]
    assert len(processes) == 1, f"several processes at {name}"
    return processes[0]["name"]


def crossings(scenario, source, dest):
    """The elements crossed, or None when it is not reachable."""
    (a, above_a, app_a), (b, above_b, app_b) = source, dest
    crossed = [e for e in (app_a, app_b, a, b) if e]
    if a is b:
        return crossed
    if not a.get("connected") or not b.get("connected") or not session(scenario, source, dest):
        return None
    for end, above in ((a, above_a), (b, above_b)):
        if kind_of(end) == "UE":
            crossed.append(above[2])
    if has_poa(a) and has_poa(b) and above_a[2] is above_b[2]:
        return crossed
    for level in (1, 0):
        reached = [above[level] for end, above in ((a, above_a), (b, above_b))
                   if kind_of(end) != "DC"]
        crossed += reached
        if len(reached) == 2 and reached[0] is reached[1]:
            return crossed
    return crossed + [scenario.deployment] * 2


def session(scenario, source, dest):
    """Whether connectivity lets them: with PDU, a UE needs a session to the host's data network,
    and to be in the host's zone if that is a local one."""
    if (scenario.deployment.get("connectivity") or {}).get("model") != "PDU":
        return True
    ues = [end for end in (source, dest) if kind_of(end[0]) == "UE"]
    hosts = [end for end in (source, dest) if kind_of(end[0]) != "UE"]
    if not ues or not hosts:
        return not ues
    network = hosts[0][0].get("dataNetwork") or {}
    names = {dnn for (ue, _), dnn in scenario.sessions.items() if ue == ues[0][0]["name"]}
    near = hosts[0][1][1] is ues[0][1][1]
    return network.get("dnn") in names and (near or not network.get("ladn"))


def has_poa(element):
    return kind_of(element) in ("UE", "FOG")


def one_way(scenario, source, dest):
    """(latency, jitter, loss in percent) or None."""
    crossed = crossings(scenario, source, dest)
    if crossed is None:
        return None
    nets = [e.get("netChar") or {} for e in crossed]
    kept = 1.0
    for net in nets:
        kept *= 1 - (net.get("packetLoss") or 0) / 100
    return (sum(n.get("latency") or 0 for n in nets),
            sum(n.get("latencyVariation") or 0 for n in nets), 100 * (1 - kept))


def cost_us(scenario, ue, host, jitter_percent=100, loss_us_per_percent=1000):
    """Of the round trip, as configured; None when it is not reachable."""
    a, b = (ends(scenario, name, only_process(scenario, name)) for name in (ue, host))
    ways = [one_way(scenario, a, b), one_way(scenario, b, a)]
    if None in ways or any(loss >= 100 for _, _, loss in ways):
        return None
    return sum(1000 * latency + 10 * jitter_percent * jitter + loss_us_per_percent * loss
               for latency, jitter, loss in ways)


def host_names(scenario):
    """The physical locations that are hosts, each name once, and what they are called with us."""
    return {host["name"]: (host.get("userMeta") or {}).get("mx2.hostId", host["name"])
            for host, _ in scenario.all(PHYSICAL, *HOSTS)}


def best_hosts(scenario, ue):
    """Our ids of the hosts that are best for the UE: more than one when they are equally good."""
    costs = {ours: cost_us(scenario, ue, name) for name, ours in host_names(scenario).items()}
    known = {host: cost for host, cost in costs.items() if cost is not None}
    return {h for h, cost in known.items() if cost <= min(known.values()) + 1}


def hops(scenario, ue, host):
    """How far the emulator's own services think it is: edges of the tree, COMMON and DEFAULT free."""
    lines = []
    for name in (ue, host):
        element, above, _ = ends(scenario, name)
        lines.append([e["name"] for e in above if kind_of(e) not in ("COMMON", "DEFAULT")]
                     + [element["name"]])
    shared = 0
    while shared < min(map(len, lines)) and lines[0][shared] == lines[1][shared]:
        shared += 1
    return sum(len(line) - shared for line in lines)


def fewest_hops(scenario, ue):
    counts = {ours: hops(scenario, ue, name) for name, ours in host_names(scenario).items()}
    return {host for host, count in counts.items() if count == min(counts.values())}
