"""deploy/advantedge: the charts by AdvantEDGE's rules, and the scenario by its validator's."""
import re
import shutil
import subprocess

import kubernetes_rules
import scenario_rules
from support import DEPLOY, changed, parse, read_all

FOLDER = DEPLOY / "advantedge"
CHARTS = FOLDER / "charts"
TEMPLATE = re.compile(r"\{\{ (?:\.Values\.(\w+)|\.Release\.(Name)) \}\}")


def render(texts, chart, values, release):
    """The chart's objects. Templates may only name flat values and the release; problems otherwise."""
    problems, used, rendered = [], set(), {}

    def value(match):
        if match.group(2):
            return release
        used.add(match.group(1))
        if match.group(1) not in values:
            problems.append(f"{chart}: there is no value {match.group(1)}")
        return str(values.get(match.group(1)))

    for name, text in texts.items():
        if name.startswith(f"{chart}/templates/"):
            rendered[name] = TEMPLATE.sub(value, text)
            problems += [f"{name}: unknown template '{left}'"
                         for left in re.findall(r"\{\{.*|.*\}\}", rendered[name])]
    problems += [f"{chart}: nothing uses the value {v}" for v in set(values) - used]
    return rendered, problems


def values_of(texts, chart, process):
    (values,) = parse(texts[f"{chart}/values.yaml"])
    return {**values, "nameOverride": process, "fullnameOverride": process}


def workload_problems(process, release, objects):
    """What makes AdvantEDGE take a workload for the process, and shape its traffic."""
    name = process["name"]
    workloads = objects.of("Deployment", "StatefulSet")
    if [d["metadata"]["name"] for _, d in workloads] != [name]:
        return [f"{name}: its workload is not called so"]
    (_, workload), = workloads
    problems = []
    template = workload["spec"]["template"]["metadata"]
    for labels in (workload["metadata"].get("labels", {}), template.get("labels", {})):
        if labels.get("release") != release:
            problems.append(f"{name}: its label release is not {release}")
    service_name, _, port, _ = process["userChartGroup"].split(":")
    if [d["metadata"]["name"] for _, d in objects.of("Service")] != [service_name]:
        problems.append(f"{name}: it needs one Service {service_name}, and no other")
    elif int(port) not in [p["port"] for _, d in objects.of("Service") for p in d["spec"]["ports"]]:
        problems.append(f"{name}: its Service has no port {port}")
    return problems


def value_problems(name, objects):
    return [f"{name}: the value of {entry['name']} has a comma or an equals sign"
            for _, _, pod, _ in objects.pods() for container in pod["containers"]
            for entry in container.get("env", []) if re.search("[,=]", str(entry["value"]))]


def chart_yaml_problems(texts, chart):
    (document,) = parse(texts[f"{chart}/Chart.yaml"])
    fine = (document.get("apiVersion") == "v2" and document.get("name") == chart
            and re.fullmatch(r"\d+\.\d+\.\d+", str(document.get("version"))))
    return [] if fine else [f"{chart}: bad Chart.yaml"]


def problems_of(texts, scenario):
    """Each process of the scenario that has a chart, rendered as AdvantEDGE would install it."""
    problems, everything = [], {}
    for process in scenario_rules.charted_processes(scenario):
        chart = process["userChartLocation"].rpartition("/")[2]
        if f"{chart}/Chart.yaml" not in texts or not process["userChartLocation"].startswith("mx2/charts/"):
            problems.append(f"{process['name']}: there is no chart {process['userChartLocation']}")
            continue
        release = f"meep-mx2-{process['name']}"
        problems += chart_yaml_problems(texts, chart)
        rendered, found = render(texts, chart, values_of(texts, chart, process["name"]), release)
        problems += found
        if found:
            continue
        objects = kubernetes_rules.Objects(rendered)
        problems += workload_problems(process, release, objects) + value_problems(chart, objects)
        everything.update({f"{process['name']}: {name}": text for name, text in rendered.items()})
    unused = {name.split("/")[0] for name in texts} - {name.split(": ")[1].split("/")[0] for name in everything}
    problems += [f"{chart}: no process of the scenario uses it" for chart in unused]
    return sorted(set(problems + ([] if problems else kubernetes_rules.problems_of(everything))))


HOST = "mx2-host/templates/deployment.yaml"
ORCHESTRATOR = "mx2-orchestrator/templates/deployment.yaml"
CHART_MISTAKES = [
    ("loop in a template", HOST, "spec:\n  replicas", "{{- range .Values.hosts }}\nspec:\n  replicas", "unknown template"),
    ("value that is not there", HOST, ".Values.memory", ".Values.memry", "there is no value memry"),
    ("value that nothing uses", "mx2-host/values.yaml", "memory:", "disk: 1\nmemory:", "nothing uses the value disk"),
    ("Deployment of another name", HOST, "  name: {{ .Values.fullnameOverride }}", "  name: mepm", "its workload is not called so"),
    ("no label release", HOST, "    release: {{ .Release.Name }}", "    chart: mx2", "its label release"),
    ("Service of another name", "mx2-host/templates/service.yaml", "name: {{ .Values.fullnameOverride }}", "name: mepm", "needs one Service"),
    ("Service with another port", "mx2-host/values.yaml", "servicePort: 8090", "servicePort: 80", "has no port 8090"),
    ("value with a comma", "mx2-orchestrator/values.yaml", "10.0.0.0/8 172", "10.0.0.0/8,172", "comma"),
    ("privileged container", HOST, "            runAsNonRoot: true", "            privileged: true\n            runAsNonRoot: true", "privileged"),
    ("path of the host", HOST, "emptyDir: {}", "hostPath: {path: /}", "hostPath"),
    ("capabilities", HOST, "drop: [ALL]", "add: [NET_ADMIN]", "NET_ADMIN"),
    ("variable that the entrypoint does not know", HOST, "MX_HOST_ID", "MX_HOST", "has no variable MX_HOST"),
    ("path of a probe", ORCHESTRATOR, "path: /operator/v1/health", "path: /healthz", "has nothing at"),
    ("orchestrator's port", "mx2-host/values.yaml", "mx2-orchestrator:8081", "mx2-orchestrator:8080", "no Service is at"),
    ("port of λ that the Service lacks a pod for", "mx2-host/templates/service.yaml", "targetPort: 20007", "targetPort: 20008", "no container has the port"),
    ("name of the chart", "mx2-host/Chart.yaml", "name: mx2-host", "name: host", "bad Chart.yaml"),
]
SCENARIO_MISTAKES = [
    ("no d2d", "  d2d: {d2dMaxDistance: 100, disableD2dViaNetwork: false}\n", "", "d2d is nil"),
    ("version", "version: 1.9.2", "version: 1.10.0", "is not 1.3.0 to 1.9.2"),
    ("connectivity", "{model: OPEN}", "{model: ANY}", "neither OPEN nor PDU"),
    ("name twice", "name: fog1", "name: edge1", "name edge1 is not unique"),
    ("name with a capital", "name: fog1", "name: Fog1", "bad name"),
    ("name that is too long", "name: fog1", "name: fog-with-a-name-of-more-than-thirty", "bad name"),
    ("id twice", "5a1e0030", "5a1e0029", "is not unique"),
    ("id that is no UUID", "0d4c3f0a-6a4e-4a57-8d0b-2c6f5a1e0022", "fog1", "is no UUID"),
    ("no netChar", "                  netChar: {latency: 30,", "                  meta: {latency: 30,", "lacks netChar"),
    ("latency that is no integer", "{latency: 30,", "{latency: 1.5,", "latency is not in"),
    ("throughput", "throughputDl: 300,", "throughputDl: 2000000,", "throughputDl is not in"),
    ("loss", "{latency: 30,", "{packetLoss: 101,", "packetLoss is not in"),
    ("distribution", "latencyDistribution: Normal", "latencyDistribution: Gauss", "latencyDistribution"),
    ("FOG that is a DC", "type: FOG", "type: DC", "no DC may be in a POA-WIFI"),
    ("EDGE at an access point", "type: FOG", "type: EDGE", "no EDGE may be in a POA-WIFI"),
    ("application of a UE on a FOG", "name: mx2-fog1\n                      type: EDGE-APP", "name: mx2-fog1\n                      type: UE-APP", "may be on a FOG"),
    ("no COMMON zone", "type: COMMON", "type: ZONE", "needs one zone"),
    ("no DEFAULT", "name: zone1-DEFAULT", "name: zone1-main", "needs one zone1-DEFAULT"),
    ("unknown type of access point", "type: POA-WIFI", "type: POA-BLUETOOTH", "unknown type"),
    ("cell without its id", "poa4GConfig: {cellId: \"1010101\"}", "poa4GConfig: {cellId: \"1\"}", "needs poa4GConfig"),
    ("UE that is not connected", "name: ue1\n                  type: UE\n                  connected: true", "name: ue1\n                  type: UE", "is not connected"),
    ("latitude first, beyond a pole", "coordinates: [7.4222, 43.7352]}\n                  processes", "coordinates: [7.4222, 143.7352]}\n                  processes", "no position"),
    ("comma in a value", "MX_APP=executor", "MX_APP=a=b", "cannot carry"),
    ("value that YAML takes for a number", "MX_EVERY=500ms", "MX_EVERY=5", "no string"),
    ("variable of no role", "MX_EVERY=500ms", "MX_EVRY=500ms", "has no variable MX_EVRY"),
    ("image and chart", "userChartLocation: mx2/charts/mx2-host\n                      userChartGroup: \"mx2-fog1", "image: mx2\n                      userChartLocation: mx2/charts/mx2-host\n                      userChartGroup: \"mx2-fog1", "an image and a user chart"),
    ("neither image nor chart", "image: meep-docker-registry:30001/mx2", "image: ''", "neither an image"),
    ("group of three fields", "mx2-fog1::8090:TCP", "mx2-fog1:8090:TCP", "userChartGroup is not"),
    ("group that AdvantEDGE routes", "mx2-fog1::8090:TCP", "mx2-fog1:mx2-host:8090:TCP", "would choose the instance"),
    ("host of another name", "mx2.hostId: mx2-fog1", "mx2.hostId: fog1", "mx2.hostId is not mx2-fog1"),
    ("FOG without a MEPM", "mx2/charts/mx2-host\n                      userChartGroup: \"mx2-fog1", "mx2/charts/mx2-optimizer\n                      userChartGroup: \"mx2-fog1", "has no MEPM"),
    ("UE that is another device", "mx2.device: camera-2", "mx2.device: camera-3", "is not camera-2"),
    ("orchestrator's address", "MX_MX2_URL=http://mx2-orchestrator,", "MX_MX2_URL=http://mx2-orchestrator:8080,", "no Service is at"),
    ("misspelt member", "networkLocationsInRange: [poa3]", "networkLocationInRange: [poa3]", "unknown member"),
]


def helm_problems(texts, scenario):
    """Helm renders what our own renderer does."""
    problems = []
    for process in scenario_rules.charted_processes(scenario):
        name, chart = process["name"], process["userChartLocation"].rpartition("/")[2]
        lint = subprocess.run(["helm", "lint", "--strict", str(CHARTS / chart)], capture_output=True,
                              text=True, check=False)
        done = subprocess.run(["helm", "template", f"meep-mx2-{name}", str(CHARTS / chart), "--set",
                               f"nameOverride={name},fullnameOverride={name}"],
                              capture_output=True, text=True, check=False)
        if lint.returncode or done.returncode:
            problems.append(lint.stdout + done.stderr)
            continue
        rendered, _ = render(texts, chart, values_of(texts, chart, name), f"meep-mx2-{name}")
        ours = [d for text in rendered.values() for d in parse(text)]
        theirs = parse(done.stdout)
        if sorted(map(repr, ours)) != sorted(map(repr, theirs)):
            problems.append(f"{name}: helm renders something else")
    return problems


def run(report):
    texts = read_charts()
    scenario = (FOLDER / "scenario.yaml").read_text()
    report.good("AdvantEDGE scenario", scenario_rules.problems_of(scenario))
    for title, old, new, expected in SCENARIO_MISTAKES:
        mistaken = changed({"scenario": scenario}, "scenario", old, new)["scenario"]
        report.bad(title, scenario_rules.problems_of(mistaken), expected)
    report.good("AdvantEDGE charts", problems_of(texts, scenario))
    for title, name, old, new, expected in CHART_MISTAKES:
        report.bad(title, problems_of(changed(texts, name, old, new), scenario), expected)
    report.bad("chart that is not there", problems_of(texts, scenario.replace("mx2-host\n", "mx2-hosts\n")),
               "there is no chart")
    if shutil.which("helm"):
        report.good("helm lint and helm template", helm_problems(texts, scenario))
    else:
        report.skip("helm lint and helm template", "there is no helm")


def read_charts():
    return {**read_all(CHARTS, "*/*.yaml"), **read_all(CHARTS, "*/templates/*.yaml")}
