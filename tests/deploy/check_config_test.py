#!/usr/bin/env python3
"""--check-config of every program reads all that the program would, tells every mistake and fails.

usage: check_config_test.py BIN
"""
import pathlib
import subprocess
import sys
import tempfile

# A topology with one mistake of each kind, and what has to be said of it.
MISTAKES = [
    ("colour: blue", "'colour' is not known"),
    ("qso: []", "'qso' is not known; did you mean 'qos'?"),
    ("csv: {hosts: none.csv}", "none.csv: cannot be read"),
    ("""hosts:
  - {id: north, tier: edge, parent: up}
  - {id: south, parent: up}
  - {id: up, tier: regional}""", None),
    ("  - 7", "must be a mapping; it is left out"),
    ("  - {capacity: 7}", "id must be a text"),
    ("  - {id: north, capacity: 7}", "'north' is given already at"),
    ("  - {id: h1, capcity: 7}", "'capcity' is not known; did you mean 'capacity'?"),
    ("  - {id: h2, capacity: -1}", "capacity is -1; must be an integer from 0"),
    ("  - {id: h3, cores: many}", "cores is \"many\"; must be an integer"),
    ("  - {id: h4, tier: regionl}", "tier is 'regionl'; did you mean 'regional'?"),
    ("  - {id: h5, parent: upp}", "parent 'upp' of host 'h5' is not among them; did you mean 'up'?"),
    ("  - {id: h6, parent: h7}\n  - {id: h7, parent: h6}", "lead round in a circle"),
    ("  - {id: h8, position: [-37.8, 144.9]}", "position must be [longitude, latitude]"),
    ("  - {id: h9, cores: 2, cores: 4}", "'cores' appears twice; the first counts"),
    ("""attachments:
  - {name: cell-north, prefixes: [10.1.0.0/16], devices: [car-1]}""", None),
    ("  - {name: a1, prefixes: [10.0.0.1/8]}", "'10.0.0.1/8' is no IP prefix"),
    ("  - {name: a2, prefixes: [10.1.0.0/16]}",
     "'10.1.0.0/16' is at attachment 'cell-north' already"),
    ("  - {name: a3, devices: [car-1]}", "'car-1' is at attachment 'cell-north' already"),
    ("  - {name: a4, devices: car-2}", "devices must be a list of texts"),
    ("  - {name: a1}", "'a1' is given already at"),
    ("""latency_ms:
  cell-north: {north: 2, up: -4, suoth: 5}""", "up is -4; must be milliseconds"),
    ("", "there is no host 'suoth' under hosts; did you mean 'south'?"),
    ("  a1: {elsewhere-7: 2}", "there is no host 'elsewhere-7' under hosts"),
    ("  cell-noth: {north: 2}", "there is no attachment 'cell-noth'; did you mean 'cell-north'?"),
    ("qos:\n  - {name: gold, served_percent_min: 101}", "served_percent_min is 101"),
    ("apps:\n  - {id: p1, qos: gld}", "there is no class 'gld' under qos; did you mean 'gold'?"),
    ("  - {id: p2, policy: min-cost-flo}", "did you mean 'min-cost-flow'?"),
    ("  - {id: p3, weight: 0}", "weight is 0; must be an integer from 1"),
    ("  - {id: p4, weight_per: year}", "weight_per is 'year'; allowed: context, request"),
    ("  - {id: p5, tiers: [moon]}", "'moon' is no tier; allowed: edge, regional, cloud"),
    ("  - {id: p6, labels: [gpu]}", "labels must be a mapping of texts"),
    ("  - {id: p7, required_latency_ms: soon}", "required_latency_ms is \"soon\""),
]

CONTENT = """
apps:
  - {appDId: facedetect, appName: facedetect, appProvider: P, appSoftVersion: "1", appDVersion: "1",
     appDescription: Faces}
  - {appDId: no-name}
  - {appDId: many, appNmae: many, appProvider: 7, appSoftVersion: "1", appDVersion: "1", strategy: fast}
hosts:
  - {id: north, instances: [{appDId: facedetcet, referenceURI: "http://192.0.2.1/"}]}
  - {id: "two words"}
table:
  - {ue: "*", app: facedetect, targets: ["host:nort"]}
  - {ue: nobody, app: facedetect, targets: ["north", "host:north", "edge:south"], writer: me}
"""

SCENARIO = """
duration_s: 10
warmup_s: 20
lambdas: [{id: a}, {id: b}]
hosts: [{id: north, lambdas: [a, c]}]
ues: {number: 0, number: 3}
strategy: {kind: dispatching, selektion: predicted}
"""


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


class Folder:
    def __init__(self, bin_dir, path):
        self.bin, self.path = bin_dir, path

    def write(self, name, text):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def run(self, program, config, cwd="/"):
        """Exit code and what is said of a configuration of that text."""
        self.write("conf/program.yaml", config)
        done = subprocess.run([self.bin / program, "--config", self.path / "conf/program.yaml",
                               "--check-config"], cwd=cwd, text=True, capture_output=True,
                              timeout=30, check=False)
        return done.returncode, done.stderr

    def good(self, program, config, cwd="/"):
        code, said = self.run(program, config, cwd)
        check(code == 0, f"{program}: {config} is good, but: {said}")
        return said

    def bad(self, program, config, *parts):
        code, said = self.run(program, config)
        check(code == 1, f"{program}: {config} is bad, but exit code {code}: {said}")
        for part in parts:
            check(part in said, f"{program}: '{part}' is not in:\n{said}")


def check_topology(folder):
    told = [part for _, part in MISTAKES if part]
    check(len(told) >= 21, "21 kinds")
    folder.write("conf/topology.yaml", "\n".join(text for text, _ in MISTAKES if text) + "\n")
    folder.bad("mx2-optimizer", "topology: {file: topology.yaml}\n", *told)
    folder.bad("mx2-optimizer", "topology: {file: none.yaml}\n", "none.yaml: cannot be read")
    folder.bad("mx2-optimizer", "advantedge: {scenario_file: none.yaml}\n", "none.yaml")


def check_content(folder):
    folder.write("conf/content.yaml", CONTENT)
    store = f"store: {{path: '{folder.path}/mx2.sqlite'}}\n"
    folder.bad("mx2-orchestrator", "content: content.yaml\n" + store, "content.yaml:5:",
               "content.yaml:9:", "content.yaml:12:",
               # One item with several: each has its place.
               "content.yaml:6:20: appNmae is not known; did you mean 'appName'?",
               "content.yaml:6:5: appName is missing", "appProvider must be a string",
               "strategy must be baseline, notification, multiple or dispatching",
               "'nobody' is no UE selector", "'north' is no target", "'edge:south' is no target",
               "writer must be operator or optimizer",
               "app 'facedetcet' is not in this file; did you mean 'facedetect'?",
               "host 'nort' is not in this file; did you mean 'north'?")
    folder.bad("mx2-orchestrator", "content: gone.yaml\n" + store, "gone.yaml: cannot be read")
    folder.write("mx2.sqlite", "")
    folder.good("mx2-orchestrator", "content: gone.yaml\n" + store)  # it is needed no more


def check_scenario(folder):
    def emulator(*arguments):
        done = subprocess.run([folder.bin / "mx2-emulator", *arguments], cwd="/", text=True,
                              capture_output=True, timeout=30, check=False)
        return done.returncode, done.stdout + done.stderr

    scenario = folder.path / "conf/program.yaml"
    folder.bad("mx2-emulator", SCENARIO, "program.yaml:3:1: warmup_s leaves nothing",
               "program.yaml:5:", "which is no λ of the file", "do not offer b",
               "'number' appears twice", "number is 0", "selektion is not known")
    folder.bad("mx2-emulator", "hosts: [", "malformed YAML")
    good = "lambdas: [{id: a}]\nhosts: [{id: north}]\n"
    check(folder.good("mx2-emulator", good) == "", "nothing is said of a good scenario")
    out = folder.path / "out"
    for command in ("simulate", "run"):
        code, said = emulator(command, scenario, "--out", out, "--check-config")
        check((code, said) == (0, ""), f"{command} --check-config: {said}")
        code, said = emulator(command, scenario, "--out", out, "--check-config", "--set", "ues.number=0")
        check(code == 1 and "number is 0" in said, f"{command} --check-config --set: {said}")
    check(not out.exists(), "--check-config only checks")
    code, said = emulator("run", scenario, "--out", out, "--programs", "/nowhere", "--check-config")
    check(code == 1 and "/nowhere/mx2-orchestrator: there is no such program" in said, said)
    code, said = emulator("--check-config", "--config", folder.path / "conf/none.yaml")
    check(code == 1 and "cannot be" in said, said)
    code, said = emulator()
    check(code == 2 and "a command is missing" in said, said)


def check_certificates(folder):
    folder.write("conf/no.pem", "nothing\n")
    for program, section in (("mx2-orchestrator", "notifier"), ("mx2-orchestrator", "packages"),
                             ("mx2-notifier", "notifier"), ("mx2-mepm", "orchestrator"),
                             ("mx2-optimizer", "orchestrator"), ("mx2-optimizer", "advantedge"),
                             ("mx2-dispatcher", "tls")):
        folder.bad(program, f"{section}: {{ca_file: no.pem}}\n",
                   f"{section}.ca_file names {folder.path}/conf/no.pem, which has no certificate")
        folder.bad(program, f"{section}: {{ca_file: none.pem}}\n", "none.pem, which cannot be read")


def check_relative_paths(folder):
    configuration = "server: {token_file: secret/token}\n"
    folder.bad("mx2-optimizer", configuration, "secret/token, which cannot be read")
    folder.write("elsewhere/secret/token", "here\n")
    said = folder.good("mx2-optimizer", configuration, folder.path / "elsewhere")
    check("below the working directory" in said, f"that it was found there: {said}")
    folder.write("conf/secret/token", "here\n")
    check(folder.good("mx2-optimizer", configuration, folder.path / "elsewhere") == "",
          "beside the configuration nothing is said")


def main():
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(path))
        for test in (check_topology, check_content, check_scenario, check_certificates, check_relative_paths):
            test(folder)
    print("OK")


if __name__ == "__main__":
    main()
