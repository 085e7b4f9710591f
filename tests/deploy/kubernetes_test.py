"""deploy/kubernetes: the rules on what we ship, and mistakes that they must find."""
import shutil
import subprocess

import kubernetes_rules
from support import DEPLOY, changed, parse, read_all

FOLDER = DEPLOY / "kubernetes"


def problems_of(texts):
    plain = {n: t for n, t in texts.items() if n not in ("kustomization.yaml", "topology.yaml")}
    (kustomization,) = parse(texts["kustomization.yaml"])
    generated = {g["name"] for g in kustomization["configMapGenerator"]}
    return (kubernetes_rules.kustomization_problems(texts)
            + kubernetes_rules.problems_of(plain, generated))


MISTAKES = [
    ("kind that is none", "mepm.yaml", "kind: DaemonSet", "kind: Daemonset", "unknown apiVersion"),
    ("apiVersion of another kind", "optimizer.yaml", "apps/v1", "v1", "unknown apiVersion"),
    ("misspelt member of a container", "mepm.yaml", "readinessProbe:", "readynessProbe:", "unknown member"),
    ("no probe", "mepm.yaml", "livenessProbe:", "startupProbe:", "has no livenessProbe"),
    ("member of a spec", "orchestrator.yaml", "  replicas: 1", "  replica: 1", "unknown member replica"),
    ("selector without such a label", "mepm.yaml", "matchLabels: {app.kubernetes.io/name: mx2-mepm}",
     "matchLabels: {app.kubernetes.io/name: mepm}", "does not match its labels"),
    ("Service that selects nothing", "orchestrator.yaml",
     "  selector: {app.kubernetes.io/name: mx2-orchestrator}", "  selector: {app: mx2}", "selects nothing"),
    ("Service with a port that is none", "orchestrator.yaml", "targetPort: operator", "targetPort: ops",
     "no container has the port"),
    ("StatefulSet without its Service", "orchestrator.yaml", "serviceName: mx2-operator",
     "serviceName: mx2", "there is no Service mx2"),
    ("ConfigMap that is not there", "mepm.yaml", "configMapRef: {name: mx2-mepm}",
     "configMapRef: {name: mx2-mpem}", "there is no ConfigMap"),
    ("generated ConfigMap that is not there", "optimizer.yaml", "configMap: {name: mx2-topology}",
     "configMap: {name: topology}", "there is no ConfigMap"),
    ("volume that is not there", "orchestrator.yaml", "{name: store, mountPath", "{name: data, mountPath",
     "there is no volume data"),
    ("Secret without such a key", "optimizer.yaml", "key: operator-token", "key: token", "no such key"),
    ("path of a probe", "optimizer.yaml", "path: /health", "path: /healthz", "has nothing at"),
    ("port of a probe", "orchestrator.yaml", "path: /openapi.yaml, port: mx2",
     "path: /openapi.yaml, port: operator", "is not on port"),
    ("variable of another role", "mepm.yaml", "MX_INSTANCE_PORTS:", "MX_POLICY: nearest\n  MX_INSTANCE_PORTS:",
     "has no variable MX_POLICY"),
    ("number as a value", "mepm.yaml", 'MX_INSTANCE_PORTS: "1000"', "MX_INSTANCE_PORTS: 1000", "is no string"),
    ("URL that leads nowhere", "optimizer.yaml", "mx2-operator:8081", "mx2-operator:8080", "no Service is at"),
    ("root", "mepm.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"),
    ("host network", "mepm.yaml", "      automountServiceAccountToken",
     "      hostNetwork: true\n      automountServiceAccountToken", "hostNetwork"),
    ("capabilities", "mepm.yaml", "drop: [ALL]", "add: [NET_ADMIN]", "keeps capabilities"),
    ("policy for ports that nobody has", "network-policy.yaml", "endPort: 20999", "endPort: 29999",
     "no container has the ports"),
    ("file that is no resource", "kustomization.yaml", "  - mepm.yaml\n", "", "resources"),
    ("image that is not set", "kustomization.yaml", "{name: mx2, newName", "{name: mx, newName", "images"),
]


def run(report):
    texts = read_all(FOLDER, "*.yaml")
    report.good("Kubernetes manifests", problems_of(texts))
    for title, name, old, new, expected in MISTAKES:
        report.bad(title, problems_of(changed(texts, name, old, new)), expected)
    if not shutil.which("kubectl"):
        return report.skip("kubectl kustomize", "there is no kubectl")
    done = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        return report.good("kubectl kustomize", [done.stderr])
    return report.good("what kubectl kustomize makes of them",
                       kubernetes_rules.problems_of({"kustomized": done.stdout}))

