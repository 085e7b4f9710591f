"""deploy/systemd: units of known sections and keys, hardened, for programs that are installed."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from support import DEPLOY, ROOT, changed, read_all

FOLDER = DEPLOY / "systemd"
SECTIONS = {
    "Unit": {"Description", "Wants", "After", "StartLimitIntervalSec", "StartLimitBurst"},
    "Service": {
        "Type", "ExecStartPre", "ExecStart", "ExecReload", "Restart", "RestartSec", "User", "KillMode",
        "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "UMask", "LimitNOFILE",
        "CapabilityBoundingSet", "PrivateUsers", "ProcSubset", "SystemCallFilter", "NoNewPrivileges",
        "SystemCallErrorNumber", "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices",
        "ProtectProc", "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
        "ProtectKernelTunables", "ProtectControlGroups", "RestrictAddressFamilies",
        "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality",
        "MemoryDenyWriteExecute", "SystemCallArchitectures"},
    "Install": {"WantedBy"},
}
REQUIRED = {
    ("Unit", "Description"): None, ("Service", "ExecStart"): None, ("Service", "StateDirectory"): None,
    ("Service", "CapabilityBoundingSet"): None, ("Service", "SystemCallFilter"): None,
    ("Service", "Restart"): "on-failure", ("Service", "NoNewPrivileges"): "yes",
    ("Service", "ProtectSystem"): "strict", ("Service", "ProtectHome"): "yes",
    ("Service", "PrivateTmp"): "yes", ("Service", "PrivateDevices"): "yes",
    ("Service", "RestrictSUIDSGID"): "yes", ("Install", "WantedBy"): "multi-user.target",
}
EXPOSURE_MAX = {"mx2-mepm@": 40}   # tenths; it starts foreign programs as other users
EXPOSURE_STANDARD_MAX = 20


def read_unit(name, text):
    """(section, key) -> values, and what is no unit file."""
    section, values, problems = None, {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(r"\[(\w+)\]", line)
        if header:
            section = header.group(1)
            if section not in SECTIONS:
                problems.append(f"{name}:{number}: unknown section {section}")
            continue
        key, equals, value = line.partition("=")
        if not equals or key not in SECTIONS.get(section, ()):
            problems.append(f"{name}:{number}: unknown key {key} in {section}")
        values.setdefault((section, key), []).append(value)
    return values, problems


def installed_programs():
    text = "".join(path.read_text() for path in ROOT.glob("*/CMakeLists.txt"))
    targets = re.findall(r"install\(TARGETS ([^)]*?)\s+DESTINATION[^)]*COMPONENT programs\)", text)
    return {name for line in targets for name in line.split()}


def unit_problems(name, values, users):
    problems = [f"{name}: lacks {key}" for key in REQUIRED if key not in values]
    problems += [f"{name}: {key[1]} is not {value}" for key, value in REQUIRED.items()
                 if value and values.get(key, [value]) != [value]]
    (program, *arguments), = [line.split() for line in values[("Service", "ExecStart")]]
    if program not in installed_programs():
        problems.append(f"{name}: {program} is not installed")
    state = values.get(("Service", "StateDirectory"), [""])[0]
    if values.get(("Service", "WorkingDirectory")) != [f"/var/lib/{state}"]:
        problems.append(f"{name}: does not work in its StateDirectory")
    if "@" in name and "%i" not in state:
        problems.append(f"{name}: its instances share a StateDirectory")
    config = f"/etc/mx2/{program.removeprefix('mx2-')}{'-%i' if '@' in name else ''}.yaml"
    if arguments != ["--config", config]:
        problems.append(f"{name}: does not read {config}")
    if values.get(("Service", "ExecStartPre")) != [" ".join([program, *arguments, "--check-config"])]:
        problems.append(f"{name}: does not check its configuration first")
    user = values.get(("Service", "User"), [None])[0]
    if user is not None and user not in users:
        problems.append(f"{name}: nobody makes the user {user}")
    if user is None and not values.get(("Service", "CapabilityBoundingSet"), [""])[0]:
        problems.append(f"{name}: root without capabilities cannot start instances as others")
    return problems


def problems_of(texts):
    problems = []
    users = set(re.findall(r"^u (\S+) ", texts["mx2.sysusers"], re.M))
    for name, text in texts.items():
        if name.endswith(".service"):
            values, found = read_unit(name, text)
            problems += found or unit_problems(name, values, users)
            for (_, key), given in values.items():
                if key == "After":
                    problems += [f"{name}: After={u} is no unit of ours" for u in given[0].split()
                                 if u not in texts and u != "network-online.target"]
    return problems


MISTAKES = [
    ("misspelt key", "NoNewPrivileges=yes", "NoNewPriviliges=yes", "unknown key"),
    ("unknown section", "[Install]", "[Instal]", "unknown section"),
    ("line that is no assignment", "PrivateTmp=yes", "PrivateTmp", "unknown key"),
    ("no restart", "Restart=on-failure\n", "", "lacks ('Service', 'Restart')"),
    ("weaker protection", "ProtectSystem=strict", "ProtectSystem=full", "is not strict"),
    ("program that is not installed", "ExecStart=mx2-optimizer", "ExecStart=mx2-optimiser", "is not installed"),
    ("configuration of another", "/etc/mx2/optimizer.yaml", "/etc/mx2/orchestrator.yaml", "check its configuration"),
    ("user that nobody makes", "User=mx2", "User=mx", "nobody makes the user"),
    ("folder that it may not write", "WorkingDirectory=/var/lib/mx2", "WorkingDirectory=/srv/mx2", "does not work in"),
    ("unit that is not there", "mx2-orchestrator.service", "mx2.service", "no unit of ours"),
]


def analyze(report, texts, bin_dir):
    if not shutil.which("systemd-analyze"):
        report.skip("systemd-analyze", "there is none")
        return
    with tempfile.TemporaryDirectory() as folder:
        problems, exposures = [], []
        environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
        for name, text in texts.items():
            if not name.endswith(".service"):
                continue
            unit = pathlib.Path(folder) / name.replace("@", "@north")
            unit.write_text(re.sub(r"^(Exec\w+)=(mx2-)", rf"\1={bin_dir}/\2", text, flags=re.M))
            done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True,
                                  text=True, check=False, env=environment)
            problems += [line for line in (done.stdout + done.stderr).splitlines() if "mx2" in line]
            most = EXPOSURE_MAX.get(name.split(".")[0], EXPOSURE_STANDARD_MAX)
            done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={most}",
                                   str(unit)], capture_output=True, text=True, check=False)
            exposures += [done.stdout[-200:]] if done.returncode else []
        report.good("systemd-analyze verify", problems)
        report.good("systemd-analyze security", exposures)


def run(report, bin_dir):
    texts = {**read_all(FOLDER, "*.service"), **read_all(FOLDER, "*.sysusers")}
    report.good("systemd units", problems_of(texts))
    for title, old, new, expected in MISTAKES:
        report.bad(title, problems_of(changed(texts, "mx2-optimizer.service", old, new)), expected)
    report.bad("instances that share their state", problems_of(
        changed(texts, "mx2-mepm@.service", "StateDirectory=mx2-mepm-%i", "StateDirectory=mx2-mepm")),
               "share a StateDirectory")
    analyze(report, texts, bin_dir)
