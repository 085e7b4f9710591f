"""deploy/container: the Dockerfile's rules, and the entrypoint, run for each role."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import container_rules
from support import DEPLOY, changed, variables

ENTRYPOINT = DEPLOY / "container" / "entrypoint.sh"
PATIENCE_S = 60
IMAGE_USER = 10001
MISTAKES = [
    ("file that is not there", "COPY deploy/packages.sh", "COPY deploy/none.sh", "there is no deploy/none.sh"),
    ("root", "USER 10001:10001", "USER root", "is root"),
    ("user by name", "USER 10001:10001", "USER mx2", "not given by numbers"),
    ("no health check", "HEALTHCHECK", "LABEL x=", "no health check"),
    ("program that is not built", " mx2-notifier ", " ", "mx2-notifier is not built"),
    ("package that is not built", " mx2_package_facedetect ", " ", "package facedetect is not built"),
    ("unknown instruction", "STOPSIGNAL", "STOPSIGNALS", "unknown instruction"),
]
MINIMAL = {
    "orchestrator": {}, "notifier": {}, "optimizer": {"MX_ORCHESTRATOR_URL": "http://mx2:8081"},
    "mepm": {"MX_ORCHESTRATOR_URL": "http://mx2:8081", "MX_HOST_ID": "it's-\"here\"", "MX_HOST_ADDRESS": "north"},
}
REFUSED = [
    ("no role", {}, "MX_ROLE must be one of"),
    ("unknown role", {"MX_ROLE": "dispatch"}, "there is no role 'dispatch'"),
    ("missing variable", {"MX_ROLE": "optimizer"}, "needs the variable MX_ORCHESTRATOR_URL"),
    ("missing identifier", {**MINIMAL["mepm"], "MX_ROLE": "mepm", "MX_HOST_ID": ""}, "needs the variable MX_HOST_ID"),
    ("unknown variable", {"MX_ROLE": "orchestrator", "MX_PROT": "80"}, "has no variable MX_PROT"),
    ("variable of another role", {"MX_ROLE": "notifier", "MX_OPERATOR_PORT": "80"}, "has no variable MX_OPERATOR_PORT"),
    ("port that is no number", {"MX_ROLE": "orchestrator", "MX_PORT": "http"}, "'http' is no number"),
    ("neither true nor false", {"MX_ROLE": "orchestrator", "MX_NOTIFIER": "yes"}, "neither true nor false"),
    ("line feed", {"MX_ROLE": "orchestrator", "MX_STRATEGY": "a\nlog: {}"}, "control character"),
    ("secret that cannot be read", {"MX_ROLE": "orchestrator", "MX_OPERATOR_TOKEN_FILE": "/none"}, "cannot be read"),
    ("configuration that is not there", {"MX_ROLE": "mepm", "MX_CONFIG": "/none"}, "cannot be read"),
    ("client without an application", {"MX_ROLE": "mx2", "MX_MX2_URL": "http://mx2"}, "needs the variable MX_APP"),
]


class Container:
    """The entrypoint with these programs and variables, and a home for its files."""

    def __init__(self, bin_dir, folder):
        self.folder = pathlib.Path(folder)
        self.base = {"PATH": f"{bin_dir}:{os.environ['PATH']}", "TMPDIR": str(folder)}
        self.user = None
        if os.geteuid() == 0 and self.can_run_as(IMAGE_USER, bin_dir):
            os.chown(folder, IMAGE_USER, IMAGE_USER)
            self.user = IMAGE_USER
        os.chmod(folder, 0o755)

    @staticmethod
    def can_run_as(user, bin_dir):
        """Not where the tests are in a home that is closed to others."""
        done = subprocess.run(["test", "-x", f"{bin_dir}/mx2", "-a", "-x", str(ENTRYPOINT)], user=user,
                              cwd="/", check=False)
        return done.returncode == 0

    def run(self, variables_, *arguments):
        return subprocess.run([str(ENTRYPOINT), *arguments], env={**self.base, **variables_},
                              user=self.user, cwd=self.folder, capture_output=True, text=True,
                              check=False, timeout=PATIENCE_S)

    def start(self, variables_):
        with open(self.folder / f"{variables_['MX_ROLE']}.log", "w", encoding="utf-8") as log:
            return subprocess.Popen([str(ENTRYPOINT)], env={**self.base, **variables_}, user=self.user,
                                    cwd=self.folder, stdout=log, stderr=log)

    def fails(self, variables_, *arguments):
        """Its words when it fails, else none."""
        done = self.run(variables_, *arguments)
        return [done.stdout + done.stderr] if done.returncode else []

    def becomes_well(self, variables_, process):
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end:
            if self.run(variables_, "--health").returncode == 0:
                return []
            time.sleep(0.1)
        return [(self.folder / f"{variables_['MX_ROLE']}.log").read_text()]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(s.getsockname()[1]) for s in sockets]
    for each in sockets:
        each.close()
    return ports


def every_variable(role, folder):
    """A value for each variable of the role, as long as it may have one beside the others."""
    values = {"text": "x", "number": "20000", "boolean": "true", "list": "10.0.0.0/8 fd00::/8"}
    known = {"MX_STRATEGY": "multiple", "MX_POLICY": "nearest", "MX_BACKGROUND_PERCENT_MIN": "50",
             "MX_LOG_LEVEL": "warn",
             "MX_LOG_FORMAT": "json", "MX_AUTH": "bearer", "MX_ADDRESS": "127.0.0.1",
             "MX_OPERATOR_ADDRESS": "::1", "MX_PATH_PREFIX": "/sandbox1/mep1"}
    one_of_many = {"MX_SCENARIO_FILE", "MX_ADVANTEDGE_URL", "MX_PLATFORM_URL"}
    files = {"token": "a-secret subject\n", "header": "Cookie: authCookie=1\n",
             "ca_file": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "file": "{}\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    given = {}
    for name, kind in variables()[role].items():
        if name in one_of_many:
            continue
        if kind == "file":
            which = next((f for f in files if f.upper() in name), "file")
            given[name] = str(folder / which)
        elif name.endswith(("_URL", "_URI")):
            given[name] = "http://10.0.0.1:1234"
        else:
            given[name] = known.get(name, values[kind])
    return given


def check_configurations(report, container):
    for role, minimal in MINIMAL.items():
        report.good(f"entrypoint: configuration of role {role}",
                    container.fails({**minimal, "MX_ROLE": role}, "--check-config"))
        given = {**every_variable(role, container.folder), "MX_ROLE": role, "MEEP_APP_ID": "app-1"}
        report.good(f"entrypoint: every variable of role {role}", container.fails(given, "--check-config"))
    for title, given, expected in REFUSED:
        done = container.run(given)
        problems = [done.stderr] if done.returncode == 2 else []
        report.bad(title, problems, expected)
    named = container.run({**MINIMAL["mepm"], "MX_ROLE": "mepm"}, "--print-config").stdout
    report.good("entrypoint: quotes stay what they are",
                [] if r"it's-\"here\"" in named else [named])


def check_platform(report, container):
    """What AdvantEDGE tells its applications, and what Kubernetes adds."""
    given = {"MX_ROLE": "orchestrator", "MX_PLATFORM_URL": "http://meep-app-enablement",
             "MX_SERVICE_URI": "http://mx2-orchestrator/dev_app/v1",
             "MX_CALLBACK_URL": "http://mx2-orchestrator", "MX_HOST_SERVICE_HOST": "10.0.0.1",
             "MX_HOST_PORT_80_TCP_ADDR": "10.0.0.1", "MEEP_POD_NAME": "mx2-orchestrator"}
    config = container.folder / "mx2-orchestrator.yaml"
    problems = container.fails(given, "--check-config")
    outside = config.read_text()
    report.good("entrypoint: outside AdvantEDGE no platform is named",
                problems + (["mec_platform is there"] if "mec_platform" in outside else []))
    problems = container.fails({**given, "MEEP_APP_ID": "0d4c3f0a"}, "--check-config")
    inside = config.read_text()
    report.good("entrypoint: inside AdvantEDGE the platform is named",
                problems + ([] if "url: 'http://meep-app-enablement'" in inside else [inside]))


def check_running(report, container, bin_dir):
    """The whole system by its entrypoints: what Compose and Kubernetes do, without them."""
    mx2, operator, optimizer, mepm, instances = free_ports(5)
    token = container.folder / "token"
    token.write_text("secret-of-this-test\n")
    common = {"MX_ADDRESS": "127.0.0.1", "MX_OPERATOR_TOKEN_FILE": str(token)}
    access = {"MX_ORCHESTRATOR_URL": f"http://127.0.0.1:{operator}", "MX_OPERATOR_TOKEN_FILE": str(token)}
    roles = [
        {**common, "MX_ROLE": "orchestrator", "MX_PORT": mx2, "MX_OPERATOR_PORT": operator,
         "MX_OPERATOR_ADDRESS": "127.0.0.1", "MX_STORE": str(container.folder / "mx2.sqlite")},
        {**common, **access, "MX_ROLE": "optimizer", "MX_PORT": optimizer},
        {**common, **access, "MX_ROLE": "mepm", "MX_PORT": mepm, "MX_HOST_ID": "edge-north",
         "MX_HOST_ADDRESS": "127.0.0.1", "MX_INSTANCE_PORT_FIRST": instances, "MX_INSTANCE_PORTS": "1",
         "MX_STATE_DIR": str(container.folder / "state")}]
    started = []
    try:
        for given in roles:
            started.append(container.start(given))
            report.good(f"entrypoint: role {given['MX_ROLE']} starts and is well",
                        container.becomes_well(given, started[-1]))
        talk(report, container, access, mx2, bin_dir)
        report.bad("health without the token",
                   container.fails({**roles[0], "MX_OPERATOR_TOKEN_FILE": ""}, "--health"), "401")
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(PATIENCE_S) for process in reversed(started)]
    report.good("entrypoint: SIGTERM ends all of them well", [f"exit codes {codes}"] if any(codes) else [])
    report.bad("health of what has ended", container.fails(roles[0], "--health"), "onnect")


def talk(report, container, access, mx2, bin_dir):
    packages = container.folder / "packages"
    packages.mkdir()
    shutil.copy(bin_dir.parent / "packages" / "executor.zip", packages)
    onboard = {**access, "MX_ROLE": "packages", "MX_PACKAGES": str(packages)}
    report.good("entrypoint: role packages on-boards", container.fails(onboard))
    report.good("entrypoint: and again does nothing", container.fails(onboard))
    listed = container.run({**access, "MX_ROLE": "mx2ctl"}, "packages", "list")
    report.good("entrypoint: role mx2ctl lists one package",
                [] if listed.stdout.count("executor-1") == 1 else [listed.stdout + listed.stderr])
    client = {"MX_ROLE": "mx2", "MX_MX2_URL": f"http://127.0.0.1:{mx2}"}
    report.good("entrypoint: role mx2 calls the λ", container.fails(
        client, "run", "executor", "--device", "ue1", "--every", "10ms", "--count", "3"))
    report.good("entrypoint: role mx2 by variables alone", follow(container, {
        **client, "MX_APP": "executor", "MX_DEVICE": "ue1", "MX_EVERY": "10ms"}))


def follow(container, given):
    process = container.start(given)
    log = container.folder / "mx2.log"
    end = time.monotonic() + PATIENCE_S
    while log.read_text().count(" 200 ") < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    code = process.wait(PATIENCE_S)
    return [] if code == 0 and " 200 " in log.read_text() else [f"{code}: {log.read_text()}"]


def check_documentation(report):
    """Each variable is in the documentation, and no other."""
    text = (DEPLOY.parent / "docs" / "deployments.md").read_text()
    names = {name for role in variables().values() for name in role} | {"MX_ROLE", "MX_CONFIG"}

    def problems_of(words):
        found = {word for word in names if f"`{word}`" in words}
        return [f"docs/deployments.md: does not say {name}" for name in sorted(names - found)]
    report.good("documentation of the variables", problems_of(text))
    report.bad("variable that is not documented", problems_of(text.replace("`MX_ZONE`", "")), "MX_ZONE")


def run(report, bin_dir):
    text = container_rules.dockerfile()
    report.good("Dockerfile", container_rules.problems_of(text))
    for title, old, new, expected in MISTAKES:
        mistaken = changed({"Dockerfile": text}, "Dockerfile", old, new)["Dockerfile"]
        report.bad(title, container_rules.problems_of(mistaken), expected)
    if "VERSION_ID=\"12\"" in pathlib.Path("/etc/os-release").read_text():
        report.good("libraries of the image", container_rules.library_problems(text, bin_dir))
        report.bad("library that is missing", container_rules.library_problems(
            text.replace(" libgeos-c1v5", ""), bin_dir), "does not install libgeos-c1v5")
        report.bad("library that nobody needs", container_rules.library_problems(
            text.replace(" libgeos-c1v5", " libgeos-c1v5 libpq5"), bin_dir), "no program needs libpq5")
    else:
        report.skip("libraries of the image", "it is of Debian 12, and this is another release")
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", str(ENTRYPOINT)], capture_output=True, text=True, check=False)
        report.good("shellcheck of the entrypoint", [done.stdout] if done.returncode else [])
    else:
        report.skip("shellcheck of the entrypoint", "there is none")
    with tempfile.TemporaryDirectory(prefix="mx2-deploy-") as folder:
        container = Container(bin_dir, folder)
        check_configurations(report, container)
        check_platform(report, container)
        check_running(report, container, bin_dir)
    check_documentation(report)
