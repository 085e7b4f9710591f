"""Rules for plain Kubernetes objects, ours and those that our charts give."""
import re

from support import PATHS, environment_problems, parse, unknown_members

SECRETS = {"mx2-tokens": {"operator-token", "lcm-token"}}   # docs/deployments.md makes it

KINDS = {
    ("v1", "Namespace"): {"metadata"}, ("v1", "ConfigMap"): {"metadata", "data"},
    ("v1", "Service"): {"metadata", "spec"}, ("apps/v1", "StatefulSet"): {"metadata", "spec"},
    ("apps/v1", "Deployment"): {"metadata", "spec"}, ("apps/v1", "DaemonSet"): {"metadata", "spec"},
    ("batch/v1", "Job"): {"metadata", "spec"},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"metadata", "spec"},
}
SPECS = {
    "Service": {"type", "externalTrafficPolicy", "selector", "ports"},
    "StatefulSet": {"serviceName", "replicas", "selector", "template", "volumeClaimTemplates"},
    "Deployment": {"replicas", "strategy", "selector", "template"},
    "DaemonSet": {"selector", "template"},
    "Job": {"backoffLimit", "activeDeadlineSeconds", "template"},
    "NetworkPolicy": {"podSelector", "policyTypes", "ingress"},
}
POD = {"automountServiceAccountToken", "enableServiceLinks", "terminationGracePeriodSeconds",
       "securityContext", "containers", "volumes", "nodeSelector", "restartPolicy"}
CONTAINER = {"name", "image", "imagePullPolicy", "envFrom", "env", "ports", "startupProbe",
             "readinessProbe", "livenessProbe", "resources", "securityContext", "volumeMounts"}
PROBE = {"exec", "httpGet", "periodSeconds", "timeoutSeconds", "failureThreshold"}
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
RUNNING = ("StatefulSet", "Deployment", "DaemonSet")


class Objects:
    """All documents, by kind and name."""

    def __init__(self, texts):
        self.documents = [(f"{name} {d.get('kind')} {d.get('metadata', {}).get('name')}", d)
                          for name, text in texts.items() for d in parse(text)]

    def of(self, *kinds):
        return [(where, d) for where, d in self.documents if d.get("kind") in kinds]

    def named(self, kind, name):
        return next((d for _, d in self.of(kind) if d["metadata"]["name"] == name), None)

    def pods(self):
        """(where, labels, pod spec, owner) of everything that runs."""
        for where, owner in self.of(*RUNNING, "Job"):
            template = owner["spec"]["template"]
            yield where, template.get("metadata", {}).get("labels", {}), template["spec"], owner

    def selected(self, labels):
        return [(w, spec) for w, l, spec, _ in self.pods() if labels.items() <= l.items()]


def shape_problems(where, document):
    kind = (document.get("apiVersion"), document.get("kind"))
    if kind not in KINDS:
        return [f"{where}: unknown apiVersion and kind {kind}"]
    problems = unknown_members(where, document, {"apiVersion", "kind"} | KINDS[kind])
    problems += [f"{where}: lacks {member}" for member in KINDS[kind] if member not in document]
    if not NAME.fullmatch(str(document.get("metadata", {}).get("name"))):
        problems.append(f"{where}: bad name")
    if kind[1] in SPECS:
        problems += unknown_members(f"{where} spec", document.get("spec"), SPECS[kind[1]])
    return problems


def named_ports(spec):
    return {p.get("name", p["containerPort"]): p["containerPort"]
            for container in spec["containers"] for p in container.get("ports", [])}


def environment(objects, where, container):
    """The container's variables; what is known only in the cluster is "?"."""
    values, problems = {}, []
    for source in container.get("envFrom", []):
        found = objects.named("ConfigMap", source["configMapRef"]["name"])
        if found is None:
            problems.append(f"{where}: there is no ConfigMap {source['configMapRef']['name']}")
        else:
            values.update(found["data"])
    for entry in container.get("env", []):
        values[entry["name"]] = "?" if "valueFrom" in entry else entry.get("value")
    return values, problems


def probe_problems(where, probe, role, ports):
    problems = unknown_members(where, probe, PROBE)
    if "exec" in probe:
        if probe["exec"]["command"] != ["mx2-entrypoint", "--health"]:
            problems.append(f"{where}: the command is not the entrypoint's --health")
        return problems
    path, port = probe["httpGet"]["path"], ports.get(probe["httpGet"]["port"])
    if path not in PATHS.get(role, {}):
        problems.append(f"{where}: role {role} has nothing at {path}")
    elif PATHS[role][path] != port:
        problems.append(f"{where}: {path} is not on port {port}")
    return problems


def security_problems(where, pod, container):
    problems = []
    text = repr(pod)
    for word in ("'privileged': True", "hostPath", "hostNetwork", "hostPID", "hostPort", "NET_ADMIN"):
        if word in text:
            problems.append(f"{where}: asks for {word}")
    own = container.get("securityContext", {})
    merged = {**pod.get("securityContext", {}), **own}
    if merged.get("runAsNonRoot") is not True or not merged.get("runAsUser"):
        problems.append(f"{where}: may run as root")
    if own.get("allowPrivilegeEscalation") is not False:
        problems.append(f"{where}: privileges may escalate")
    if own.get("capabilities") != {"drop": ["ALL"]}:
        problems.append(f"{where}: keeps capabilities")
    return problems


def volume_problems(objects, where, pod, owner, generated):
    problems = []
    claimed = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for volume in volumes.values():
        config_map = volume.get("configMap", {}).get("name")
        if config_map and config_map not in generated and not objects.named("ConfigMap", config_map):
            problems.append(f"{where}: there is no ConfigMap {config_map}")
        if "secret" in volume:
            keys = SECRETS.get(volume["secret"]["secretName"])
            if keys is None:
                problems.append(f"{where}: there is no Secret {volume['secret']['secretName']}")
            elif not {i["key"] for i in volume["secret"].get("items", [])} <= keys:
                problems.append(f"{where}: the Secret has no such key")
    mounted = {m["name"] for c in pod["containers"] for m in c.get("volumeMounts", [])}
    problems += [f"{where}: there is no volume {name}" for name in mounted - claimed - set(volumes)]
    problems += [f"{where}: volume {name} is not mounted" for name in (claimed | set(volumes)) - mounted]
    return problems


def pod_problems(objects, where, labels, pod, owner, generated):
    problems = unknown_members(f"{where} pod", pod, POD)
    selector = owner["spec"].get("selector", {}).get("matchLabels", {})
    if owner["kind"] in RUNNING and not (selector and selector.items() <= labels.items()):
        problems.append(f"{where}: its selector does not match its labels")
    problems += volume_problems(objects, where, pod, owner, generated)
    for container in pod["containers"]:
        place = f"{where} container {container.get('name')}"
        problems += unknown_members(place, container, CONTAINER)
        values, missing = environment(objects, place, container)
        problems += missing + environment_problems(place, values)
        problems += security_problems(place, pod, container)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe in container:
                problems += probe_problems(f"{place} {probe}", container[probe], values.get("MX_ROLE"),
                                           named_ports(pod))
            elif owner["kind"] in RUNNING and probe != "startupProbe":
                problems.append(f"{place}: has no {probe}")
    return problems


def service_problems(objects, where, service):
    selected = objects.selected(service["spec"]["selector"])
    if not selected:
        return [f"{where}: selects nothing"]
    problems = []
    for port in service["spec"]["ports"]:
        target = port["targetPort"]
        for _, pod in selected:
            served = instance_ports(objects, pod)
            if target not in named_ports(pod) and target not in served:
                problems.append(f"{where}: no container has the port {target}")
    return problems


def instance_ports(objects, pod):
    """The ports of the λ of a MEPM."""
    for container in pod["containers"]:
        values, _ = environment(objects, "", container)
        if values.get("MX_ROLE") == "mepm":
            first = int(values["MX_INSTANCE_PORT_FIRST"])
            return range(first, first + int(values["MX_INSTANCE_PORTS"]))
    return range(0)


def policy_problems(objects, where, policy):
    selected = objects.selected(policy["spec"]["podSelector"]["matchLabels"])
    if not selected:
        return [f"{where}: selects nothing"]
    problems = []
    for rule in policy["spec"]["ingress"]:
        for source in rule.get("from", []):
            if not objects.selected(source["podSelector"]["matchLabels"]):
                problems.append(f"{where}: nobody may come from {source}")
        for port in rule["ports"]:
            first, last = port["port"], port.get("endPort", port["port"])
            for _, pod in selected:
                served = instance_ports(objects, pod)
                if first not in named_ports(pod).values() and (first, last) != (
                        served.start, served.stop - 1):
                    problems.append(f"{where}: no container has the ports {first} to {last}")
    return problems


def problems_of(texts, generated=()):
    """texts: file -> YAML. generated: names of ConfigMaps that come from elsewhere."""
    objects = Objects(texts)
    problems = [p for where, d in objects.documents for p in shape_problems(where, d)]
    if problems:
        return problems
    for where, labels, pod, owner in objects.pods():
        problems += pod_problems(objects, where, labels, pod, owner, generated)
        service = owner["spec"].get("serviceName")
        if service and not objects.named("Service", service):
            problems.append(f"{where}: there is no Service {service}")
    for where, service in objects.of("Service"):
        problems += service_problems(objects, where, service)
    for where, policy in objects.of("NetworkPolicy"):
        problems += policy_problems(objects, where, policy)
    return problems + address_problems(objects)


def address_problems(objects):
    """URLs among the variables must lead to a Service of ours and a port that it has."""
    problems = []
    for where, _, pod, _ in objects.pods():
        for container in pod["containers"]:
            values, _ = environment(objects, where, container)
            url = re.fullmatch(r"http://([-a-z0-9]+):(\d+)", str(values.get("MX_ORCHESTRATOR_URL", "")))
            if "MX_ORCHESTRATOR_URL" not in values:
                continue
            service = objects.named("Service", url.group(1)) if url else None
            if not service or int(url.group(2)) not in [p["port"] for p in service["spec"]["ports"]]:
                problems.append(f"{where}: no Service is at {values['MX_ORCHESTRATOR_URL']}")
    return problems


def kustomization_problems(texts):
    """Every file is a resource, and every resource a file."""
    (document,) = parse(texts["kustomization.yaml"])
    problems = unknown_members("kustomization", document, {
        "apiVersion", "kind", "namespace", "resources", "configMapGenerator", "labels", "images"})
    generated = {f for g in document["configMapGenerator"] for f in g["files"]}
    expected = set(texts) - {"kustomization.yaml"} - generated
    if set(document["resources"]) != expected:
        problems.append(f"kustomization: resources {set(document['resources']) ^ expected}")
    problems += [f"kustomization: there is no {name}" for name in generated - set(texts)]
    images = {i["name"] for i in document["images"]}
    used = set(re.findall(r"^ +image: (\S+)$", "\n".join(texts.values()), re.M))
    if images != used:
        problems.append(f"kustomization: images {images ^ used}")
    return problems
