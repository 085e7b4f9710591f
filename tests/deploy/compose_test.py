"""deploy/compose: services, health checks, volumes, ports and variables fit together."""
import re

from support import DEPLOY, changed, environment_problems, parse, read_all, unknown_members

FOLDER = DEPLOY / "compose"
SERVICE = {"image", "build", "restart", "init", "read_only", "tmpfs", "cap_drop", "security_opt",
           "environment", "ports", "volumes", "healthcheck", "depends_on"}
PORTS = {"orchestrator": {8080, 8081}, "optimizer": {8082}, "mepm": {8090}, "packages": set()}
HEALTH = ["CMD", "mx2-entrypoint", "--health"]


def expand(text):
    """${NAME:-default} as it is when nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def published(entry):
    """(address, host ports, container ports) of "[ADDRESS:]FIRST[-LAST]:FIRST[-LAST]"."""
    *address, outside, inside = entry.split(":")

    def ports(text):
        first, _, last = text.partition("-")
        return list(range(int(first), int(last or first) + 1))
    return (address or ["0.0.0.0"])[0], ports(outside), ports(inside)


def hardening_problems(where, service):
    problems = []
    if service.get("cap_drop") != ["ALL"] or service.get("read_only") is not True:
        problems.append(f"{where}: keeps capabilities, or may write to its image")
    if service.get("security_opt") != ["no-new-privileges:true"]:
        problems.append(f"{where}: may gain privileges")
    return problems


def health_problems(where, service, role):
    check = service.get("healthcheck", {})
    if role == "packages":
        return [] if check.get("disable") is True else [f"{where}: ends, and has a health check"]
    return [] if check.get("test") == HEALTH else [f"{where}: has no health check"]


def volume_problems(where, service, declared):
    problems = []
    for entry in service.get("volumes", []):
        source, target = entry.split(":")[:2]
        if source.startswith("."):
            if not (FOLDER / source).is_file():
                problems.append(f"{where}: there is no file {source}")
            elif target not in service["environment"].values():
                problems.append(f"{where}: no variable names {target}")
        elif source not in declared:
            problems.append(f"{where}: there is no volume {source}")
        elif target != "/var/lib/mx2":
            problems.append(f"{where}: the volume is not where the state is")
    return problems


def dependency_problems(where, service, services):
    problems = []
    for name, how in service.get("depends_on", {}).items():
        if name not in services:
            problems.append(f"{where}: there is no service {name}")
        elif how != {"condition": "service_healthy"} or "test" not in services[name].get("healthcheck", {}):
            problems.append(f"{where}: does not wait until {name} is well")
    return problems


def port_problems(where, service, role):
    environment, problems = service["environment"], []
    served = set(PORTS[role])
    if role == "mepm":
        first = int(environment["MX_INSTANCE_PORT_FIRST"])
        served |= set(range(first, first + int(environment["MX_INSTANCE_PORTS"])))
    for entry in service.get("ports", []):
        address, outside, inside = published(entry)
        if len(outside) != len(inside) or not set(inside) <= served:
            problems.append(f"{where}: does not serve the ports {entry}")
        elif 8081 in inside and address != "127.0.0.1":
            problems.append(f"{where}: the operator API is published to everybody")
        elif role == "mepm" and (outside != inside or set(inside) != served - PORTS[role]):
            problems.append(f"{where}: λ are called at the ports they serve, all of them")
    return problems


def url_problems(where, service, role, services):
    problems = []
    for name, value in service["environment"].items():
        if not name.endswith("_URL"):
            continue
        url = re.fullmatch(r"http://([-a-z]+):(\d+)", value)
        served = {8081} if name == "MX_ORCHESTRATOR_URL" else PORTS[role]
        if not url or url.group(1) not in services or int(url.group(2)) not in served:
            problems.append(f"{where}: {name} leads to nobody")
    return problems


def problems_of(text):
    (document,) = parse(expand(text))
    problems = unknown_members("compose.yaml", document, {"name", "x-program", "services", "volumes"})
    services = document["services"]
    for name, service in services.items():
        role = service["environment"].get("MX_ROLE")
        problems += unknown_members(name, service, SERVICE)
        problems += environment_problems(name, service["environment"]) + hardening_problems(name, service)
        if role not in PORTS:
            continue
        problems += health_problems(name, service, role)
        problems += volume_problems(name, service, document["volumes"])
        problems += dependency_problems(name, service, services)
        problems += port_problems(name, service, role) + url_problems(name, service, role, services)
    outside = [p for s in services.values() for e in s.get("ports", []) for p in published(e)[1]]
    problems += [f"port {p} is published twice" for p in sorted(set(outside)) if outside.count(p) > 1]
    used = {e.split(":")[0] for s in services.values() for e in s.get("volumes", [])}
    problems += [f"volume {v} is not used" for v in document["volumes"] if v not in used]
    built = document["services"]["orchestrator"]["build"]
    if not (FOLDER / built["context"] / built["dockerfile"]).is_file():
        problems.append("orchestrator: there is no such Dockerfile")
    return problems


MISTAKES = [
    ("key that is given twice", "  init: true", "  init: true\n  init: true", None),
    ("misspelt key", "healthcheck: &healthcheck", "healthchek: &healthcheck", "unknown member healthchek"),
    ("no health check", "    healthcheck: *healthcheck\n\n  edge-south", "\n  edge-south", "has no health check"),
    ("waiting for nobody", "depends_on: {orchestrator:", "depends_on: {orchestrater:", "there is no service"),
    ("not waiting", "condition: service_healthy", "condition: service_started", "does not wait"),
    ("volume that is not declared", "\n  store:\n", "\n", "there is no volume store"),
    ("volume that is not used", "\n  store:\n", "\n  store:\n  stores:\n", "is not used"),
    ("file that is not there", "./topology.yaml", "./topologie.yaml", "there is no file"),
    ("operator API for everybody", "127.0.0.1:8081:8081", "8081:8081", "published to everybody"),
    ("port twice", "20100-20119:20100-20119", "20019-20038:20100-20119", "published twice"),
    ("ports that λ do not have", "20100-20119:20100-20119", "20100-20129:20100-20129", "does not serve"),
    ("URL to nobody", "MX_URL: http://edge-west:8090", "MX_URL: http://edge-east:8090", "leads to nobody"),
    ("wrong port", "MX_ORCHESTRATOR_URL: http://orchestrator:8081", "MX_ORCHESTRATOR_URL: http://orchestrator:8080", "leads to nobody"),
    ("unknown variable", "MX_ZONE: west", "MX_ZONES: west", "has no variable MX_ZONES"),
    ("number as a value", 'MX_INSTANCE_PORTS: "20"', "MX_INSTANCE_PORTS: 20", "is no string"),
    ("capabilities", "cap_drop: [ALL]", "cap_drop: []", "keeps capabilities"),
    ("no Dockerfile", "container/Dockerfile}", "Dockerfile}", "no such Dockerfile"),
]


def run(report):
    texts = read_all(FOLDER, "*.yaml")
    report.good("Compose file", problems_of(texts["compose.yaml"]))
    for title, old, new, expected in MISTAKES:
        text = changed(texts, "compose.yaml", old, new)["compose.yaml"]
        if expected:
            report.bad(title, problems_of(text), expected)
            continue
        try:
            parse(text)
            report.bad(title, [], "twice")
        except Exception as error:  # pylint: disable=broad-except
            report.bad(title, [str(error)], "given twice")
