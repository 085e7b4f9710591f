#!/usr/bin/env python3
"""What deploy/observability ships, with Debian's Prometheus, against the real programs: their metrics
are well-formed, only who may is told, every metric that rules and dashboard name exists, and alerts
fire when a MEPM dies. And each line of the programs' JSON logs has values of the right type.

usage: observability_test.py BIN_DIR
"""
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
from handler import Handler  # noqa: E402
from orchestrator import Client  # noqa: E402
from programs import OPERATOR, SCRAPER, check, start_all, wait_for  # noqa: E402

try:
    import yaml
except ImportError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-yaml)")
    sys.exit(77)
if not all(shutil.which(tool) for tool in ("prometheus", "promtool")):
    print("SKIPPED: prometheus and promtool are not here (Debian: prometheus)")
    sys.exit(77)

SHIPPED = HERE.parents[1] / "deploy" / "observability"
CALLS = 20
METRIC = re.compile(r"(?<![\w:\"])((?:mx2|process)_\w+|up)(?=[{\[\s)]|$)")
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$", re.M)
ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def promtool(*words, text=None):
    done = subprocess.run(["promtool", *words], input=text, text=True, capture_output=True)
    said = done.stdout + done.stderr
    check(done.returncode == 0 and not (text and said.strip()), f"promtool {' '.join(words)}: {said}")


def expressions():
    """All of the rules and of the dashboard."""
    rules = [rule for group in yaml.safe_load((SHIPPED / "alerts.yaml").read_text())["groups"]
             for rule in group["rules"]]
    panels = json.loads((SHIPPED / "dashboard.json").read_text())["panels"]
    check(len({panel["id"] for panel in panels}) == len(panels), "two panels have the same id")
    shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    check(len(shown) > 30 and len(rules) > 10, "the dashboard or the rules have become empty")
    return [rule["expr"] for rule in rules], [expr.replace("$__rate_interval", "10s") for expr in shown]


def shipped_files_are_good(directory):
    promtool("check", "rules", str(SHIPPED / "alerts.yaml"))
    promtool("test", "rules", str(HERE / "alerts_test.yaml"))
    promtool("check", "config", str(SHIPPED / "prometheus.yaml"))
    # As it is, it needs no file that no step makes, and alerts of no program that few have.
    jobs = scrape_example(commented=False)["scrape_configs"]
    check([job["job_name"] for job in jobs] == ["mx2-orchestrator", "mx2-optimizer", "mx2-mepm"]
          and not any("authorization" in job for job in jobs), f"the example as it is: {jobs}")
    tests = [test for case in yaml.safe_load((HERE / "alerts_test.yaml").read_text())["tests"]
             for test in case["alert_rule_test"]]
    for group in yaml.safe_load((SHIPPED / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            fires = {bool(test["exp_alerts"]) for test in tests if test["alertname"] == rule["alert"]}
            check(fires == {True, False}, f"{rule['alert']} is not tested both quiet and firing")
            check(rule["labels"]["severity"] in ("critical", "warning", "info"), f"{rule['alert']}: severity")
    # A rule that is wrong is found, or this test would be none.
    broken = directory / "broken.yaml"
    broken.write_text((HERE / "alerts_test.yaml").read_text().replace(
        "../../deploy/observability/alerts.yaml", str(directory / "rules.yaml")))
    rules = (SHIPPED / "alerts.yaml").read_text()
    (directory / "rules.yaml").write_text(rules.replace("mx2_host_up == 0", "mx2_host_up == 1"))
    done = subprocess.run(["promtool", "test", "rules", str(broken)], capture_output=True)
    check(done.returncode != 0, "the tests of the rules do not notice a wrong rule")


def metrics_of(program):
    with Client(program.port, SCRAPER) as client:
        return client.need(200, "GET", "/metrics").decode()


def value(program, series):
    found = [float(number) for name, labels, number in SAMPLE.findall(metrics_of(program))
             if name + labels == series]
    check(len(found) == 1, f"{program.name} has no {series}, or several")
    return found[0]


def who_is_told(programs):
    others = {"orchestrator": "/operator/v1/hosts", "optimizer": None, "dispatcher": None,
              "notifier": None, "mepm": None}
    for name, other in others.items():
        paths = ["/health", "/metrics"]
        if name == "orchestrator":
            paths += ["/operator/v1/health", "/operator/v1/metrics"]
        for path in paths:
            for token, status in ((SCRAPER, 200), ("", 401), ("another", 401)):
                with Client(programs[name].port, token) as client:
                    got = client.ask("GET", path)[0]
                check(got == status, f"{name} {path} with token '{token}': {got}, not {status}")
        if other:
            with Client(programs[name].port, SCRAPER) as client:
                check(client.ask("GET", other)[0] == 401, f"a scraper's token opens {other}")
        promtool("check", "metrics", text=metrics_of(programs[name]))


class Lambda(Handler):
    """Answers calls, and takes notifications."""

    def do_GET(self):
        self.answer(200, {})

    def do_POST(self):
        self.body()
        self.answer(200, {})


def live(programs):
    """Hosts, contexts, calls, a plan and reports: what there are metrics of. Gives a context."""
    operator = Client(programs["orchestrator"].port, OPERATOR)
    put = lambda path, body: operator.need((200, 201, 204), "PUT", f"/operator/v1/{path}", body)  # noqa: E731
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    served.handle_error = lambda *_: None  # who calls may go
    threading.Thread(target=served.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{served.server_address[1]}"
    for app in ("echo", "moving"):
        put(f"apps/{app}", {"appDId": app, "appName": app, "appProvider": "Test", "appDVersion": "1",
                            "appSoftVersion": "1", "appDescription": "a test"})
    put("hosts/near", {"labels": {"tier": "edge"}, "zone": "here", "state": "down",
                       "instances": [{"appDId": "echo", "referenceURI": "http://127.0.0.1:9/"}]})
    put("hosts/cloud", {"labels": {"tier": "cloud"}, "zone": "far",
                        "instances": [{"appDId": app, "referenceURI": uri} for app in ("echo", "moving")]})
    north = operator.need(200, "GET", "/operator/v1/hosts/north")
    north.pop("status", None)
    put("hosts/north", {**north, "instances": [{"appDId": "moving", "referenceURI": "http://north.test/"}]})
    # A pin, which no plan changes.
    row = {"ue": "dev:ue-1", "app": "moving", "targets": ["host:north", "host:cloud"]}
    operator.need(200, "PATCH", "/operator/v1/table", json.dumps(row) + "\n", "application/x-ndjson")
    with Client(int(programs["orchestrator"].said["mx2"].rsplit(":", 1)[1])) as devices:
        context = devices.need(201, "POST", "/dev_app/v1/app_contexts", {
            "associateDevAppId": "ue-1", "callbackReference": uri,
            "appInfo": {"appName": "moving", "appProvider": "Test", "appDVersion": "1",
                        "userAppInstanceInfo": [{}]}})
    for _ in range(2):
        operator.need((200, 204), "PUT", "/operator/v1/hosts/cloud/load", {"requestRate": 1000})
    calls(programs)
    return context, operator


def calls(programs):
    """Through the dispatcher, whose nearest tier cannot be called."""
    dispatcher = programs["dispatcher"]
    port = int(dispatcher.said["dispatcher"].rsplit(":", 1)[1])

    def answers():
        with Client(port) as client:
            return client.ask("GET", "/moving/")[0] == 200
    wait_for(answers, "a call is dispatched")  # by the configuration that has all, "moving" came last
    with Client(port) as client:
        for _ in range(CALLS):
            client.need(200, "GET", "/echo/")
    wait_for(lambda: value(dispatcher, 'mx2_dispatcher_calls_total{tier="cloud"}') == CALLS + 1,
             "all dispatched calls are counted, in their tier")
    check(value(dispatcher, 'mx2_dispatcher_calls_total{tier="local"}') == 0, "calls of another tier")
    check(value(dispatcher, 'mx2_dispatcher_escalations_total{cause="unavailable"}') == CALLS,
          "calls went beyond their tier without their cause")


def scrape_example(commented):
    """The example as it is, or with all that is commented out in it."""
    text = (SHIPPED / "prometheus.yaml").read_text()
    return yaml.safe_load(re.sub(r"^( *)#(?=\S)", r"\1", text, flags=re.M) if commented else text)


class Prometheus:
    """The shipped scrape example and rules, hurried, on the ports that there are."""

    def __init__(self, directory, programs):
        self.log = directory / "prometheus.log"
        config = scrape_example(commented=True)
        del config["alerting"]
        config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms",
                            "evaluation_interval": "500ms"}
        (directory / "mx2-scraper-token").write_text(SCRAPER)
        jobs = {job["job_name"]: job for job in config["scrape_configs"]}
        check(jobs.keys() == {f"mx2-{name}" for name in programs}, f"the example scrapes {list(jobs)}")
        for name, program in programs.items():
            job = jobs[f"mx2-{name}"]
            job["static_configs"] = [{"targets": [f"127.0.0.1:{program.port}"]}]
        rules = yaml.safe_load((SHIPPED / "alerts.yaml").read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        (directory / "alerts.yaml").write_text(yaml.safe_dump(rules))
        (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
        promtool("check", "config", str(directory / "prometheus.yaml"))
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={directory}/prometheus.yaml",
                 f"--storage.tsdb.path={directory}/data", "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        found = wait_for(self.listening, "prometheus listens")
        self.client = Client(int(found.group(1)))
        wait_for(lambda: self.client.ask("GET", "/-/ready")[0] == 200, "prometheus is ready")

    def listening(self):
        check(self.process.poll() is None, f"prometheus did not start: {self.log.read_text()}")
        return re.search(r'msg="?Listening on"? address=\S*?:(\d+)', self.log.read_text())

    def get(self, path):
        return self.client.need(200, "GET", f"/api/v1/{path}")["data"]

    def ask(self, expression):
        return self.get("query?query=" + urllib.parse.quote(expression))["result"]

    def firing(self):
        return [alert["labels"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"]

    def stop(self):
        self.process.kill()
        self.process.wait()


def is_firing(prometheus, name, **labels):
    return any(alert["alertname"] == name and labels.items() <= alert.items()
               for alert in prometheus.firing())


def names_exist(prometheus, programs):
    rules, shown = expressions()
    served = {name for program in programs.values() for name, _, _ in SAMPLE.findall(metrics_of(program))}
    used = {name for expression in rules + shown for name in METRIC.findall(expression)}
    check(len(used) > 35, f"few metrics were found in the expressions: {sorted(used)}")
    check(used - served == {"up"}, f"no program serves {sorted(used - served - {'up'})}")
    wait_for(lambda: used <= set(prometheus.get("label/__name__/values")), "Prometheus has all of them")
    for expression in shown:
        prometheus.ask(expression)  # or it is an error
    wait_for(lambda: [result for result in prometheus.ask('sum(up{job=~"mx2-.*"})')
                      if result["value"][1] == str(len(programs))], "all programs are scraped")


def a_mepm_dies(prometheus, programs, context, operator):
    wait_for(lambda: prometheus.ask('mx2_host_up{host="north"} == 1'), "Prometheus sees host north")
    check(not is_firing(prometheus, "Mx2HostDown", host="north"), "an alert fires while all is well")
    here = [item for item in operator.need(200, "GET", "/operator/v1/contexts")["items"]
            if item["contextId"] == context["contextId"]]
    check(here[0].get("host") == "north", f"the context is not at north: {here}")
    programs["mepm"].kill()
    wait_for(lambda: is_firing(prometheus, "Mx2HostDown", host="north", tier="edge",
                               severity="critical"), "the alert of a host that is down fires")
    wait_for(lambda: is_firing(prometheus, "Mx2ProgramDown", job="mx2-mepm"),
             "the alert of a program that is down fires")
    orchestrator = programs["orchestrator"]
    wait_for(lambda: value(orchestrator, 'mx2_escalations_total{cause="unreachable"}') == 1,
             "the context's way to the cloud is counted, with its cause")
    check(value(orchestrator, 'mx2_contexts_by_tier{tier="cloud"}') == 1, "the context is not in the cloud")
    check(value(orchestrator, 'mx2_requests_served_total{tier="cloud"}') > 0, "no requests in the cloud")
    wait_for(lambda: value(programs["notifier"], 'mx2_notifications_total{outcome="delivered"}') >= 1,
             "its device application was told")
    programs["mepm"].config.write_text(programs["mepm"].config.read_text().replace(
        "server: {port: 0}", f"server: {{port: {programs['mepm'].port}}}"))
    programs["mepm"].start()
    wait_for(lambda: not is_firing(prometheus, "Mx2HostDown", host="north")
             and not is_firing(prometheus, "Mx2ProgramDown"), "the alerts end when it is back")


def no_key_twice(pairs):
    check(len(dict(pairs)) == len(pairs), f"a key twice: {pairs}")
    return dict(pairs)


def logs_are_typed(programs):
    numbers = set()
    for name, program in programs.items():
        lines = program.log.read_text().splitlines()
        check(len(lines) > 1, f"{name} logged nothing")
        for line in lines:
            try:
                entry = json.loads(line, object_pairs_hook=no_key_twice)
            except ValueError as error:
                check(False, f"{name}: no JSON: {line} ({error})")
            check(list(entry)[:4] == ["time", "level", "program", "message"], f"{name}: {line}")
            check(ISO_UTC.fullmatch(entry["time"]), f"{name}: no time in UTC: {line}")
            check(entry["level"] in ("debug", "info", "warn", "error"), f"{name}: {line}")
            check(entry["program"] == f"mx2-{name}", f"{name}: {line}")
            for key, held in list(entry.items())[4:]:
                check(not isinstance(held, (dict, list)), f"{name}: {key} is nested: {line}")
                is_text = isinstance(held, str)
                looks_else = is_text and re.fullmatch(r"-?\d+(\.\d+)?|true|false", held)
                check(not looks_else, f"{name}: {key} is a text, not its type: {line}")
                if not is_text:
                    numbers.add(key)
    check({"status", "seconds", "rows", "table_version", "generation"} <= numbers,
          f"the logs had few numbers: {sorted(numbers)}")


def starts_that_fail_are_json_too(program):
    done = subprocess.run([program.executable, "--config", program.config], cwd=program.directory,
                          capture_output=True, text=True)
    check(done.returncode == 1, "a second orchestrator started on the same store")
    last = json.loads(done.stderr.splitlines()[-1])
    check(last["level"] == "error" and last["reason"], f"no error in JSON: {done.stderr}")


def run(bin_dir, directory):
    shipped_files_are_good(directory)
    programs, prometheus = {}, None
    try:
        start_all(bin_dir, directory, programs)
        who_is_told(programs)
        context, operator = live(programs)
        prometheus = Prometheus(directory, programs)
        names_exist(prometheus, programs)
        a_mepm_dies(prometheus, programs, context, operator)
        for program in programs.values():
            promtool("check", "metrics", text=metrics_of(program))
        starts_that_fail_are_json_too(programs["orchestrator"])
        for program in reversed(programs.values()):
            program.stop()
        logs_are_typed(programs)
    finally:
        if prometheus:
            prometheus.stop()
        for program in programs.values():
            program.kill()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="mx2-observability-") as scratch:
        run(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(scratch))
    print("ok")
