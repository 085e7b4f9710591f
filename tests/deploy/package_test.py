#!/usr/bin/env python3
"""What deploy/package.sh makes of a build: its Debian packages hold what they should, and everything
that names a version names the same one. packages_test.sh installs them.

usage: tests/deploy/package_test.py BUILD_DIR
       exit status 1 when something is wrong; 77 where packages cannot be made
"""
import gzip
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

# pylint: disable=wrong-import-position
from orchestrator import Orchestrator
from support import DEPLOY, ROOT, Report, parse

PROGRAMS = {"mx2": 1, "mx2ctl": 1, "mx2-orchestrator": 8, "mx2-optimizer": 8, "mx2-notifier": 8, "mx2-mepm": 8,
            "mx2-dispatcher": 8}
UNITS = [path.name for path in (DEPLOY / "systemd").glob("*.service")]
# package -> what it holds, besides its documents
HOLDS = {
    "mx2": [f"usr/bin/{name}" for name in PROGRAMS]
           + [f"usr/share/man/man{section}/{name}.{section}.gz" for name, section in PROGRAMS.items()]
           + [f"usr/lib/systemd/system/{name}" for name in UNITS]
           + [f"etc/mx2/{name}.yaml" for name in ("orchestrator", "optimizer", "notifier", "mepm-local")]
           + ["usr/lib/sysusers.d/mx2.conf", "usr/share/bash-completion/completions/mx2ctl",
              "usr/share/mx2/demo/demo.yaml", "usr/share/mx2/packages/executor.zip"],
    "libmx2-client0": ["usr/lib/libmx2-client.so.0"],
    "libmx2-client-dev": ["usr/include/mx2/client.h", "usr/include/mx2/domains.h", "usr/lib/libmx2-client.so",
                          "usr/lib/pkgconfig/mx2-client.pc", "usr/lib/cmake/mx2-client/mx2-clientConfig.cmake"],
    "mx2-emulator": ["usr/bin/mx2-emulator", "usr/share/man/man1/mx2-emulator.1.gz"],
}
SKIPPED = 77


def said(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


class Package:
    """A .deb, unpacked."""

    def __init__(self, file, directory):
        self.name = said("dpkg-deb", "-f", file, "Package").strip()
        self.version = said("dpkg-deb", "-f", file, "Version").strip()
        self.depends = said("dpkg-deb", "-f", file, "Depends").strip()
        self.root = directory / self.name
        self.control = directory / f"{self.name}.control"
        said("dpkg-deb", "-x", file, self.root)
        said("dpkg-deb", "-e", file, self.control)
        self.listing = said("dpkg-deb", "-c", file).splitlines()

    def has(self, path):
        return (self.root / path).exists() or (self.root / path).is_symlink()

    def problems(self):
        wanted = HOLDS[self.name] + [f"usr/share/doc/{self.name}/{name}"
                                     for name in ("copyright", "changelog.gz", "changelog.Debian.gz")]
        found = [f"{self.name} lacks {path}" for path in wanted if not self.has(path)]
        for line in self.listing:
            mode, owner = line.split()[:2]
            if owner != "root/root" or (mode[8] == "w" and mode[0] != "l"):
                found.append(f"{self.name}: {line}")
            if line.split()[5].startswith(("./var", "./usr/local", "./lib", "./bin")):
                found.append(f"{self.name}: nothing of ours belongs there: {line}")
        return found


def package_problems(packages):
    missing = [f"there is no package {name}" for name in HOLDS if name not in packages]
    return missing + [problem for package in packages.values() for problem in package.problems()]


def link_problems(tree):
    """What README.md links, and is not there."""
    readme = min(tree.rglob("README.md"), key=lambda path: len(path.parts))
    links = re.findall(r"\]\(([\w./-]+)\)", readme.read_text())
    return [f"README.md: there is no {link}" for link in sorted(set(links)) if not (readme.parent / link).exists()]


def tarball_problems(out, tree):
    found = list(out.glob("mx2-*.tar.gz"))
    if len(found) != 1:
        return [f"there are {len(found)}"]
    with tarfile.open(found[0]) as archive:
        archive.extractall(tree)
    return link_problems(tree)


def script_problems(package):
    """Maintainer scripts are there, and are good shell; configuration is left to administrators."""
    problems = []
    for name in ("postinst", "prerm", "postrm"):
        checker = ["shellcheck", "-s", "sh"] if shutil.which("shellcheck") else ["sh", "-n"]
        done = subprocess.run([*checker, package.control / name], capture_output=True, text=True, check=False)
        problems += [f"{name}: {done.stdout}{done.stderr}"] if done.returncode else []
    files = {f"/{path.relative_to(package.root)}" for path in (package.root / "etc").rglob("*") if path.is_file()}
    listed = set((package.control / "conffiles").read_text().split())
    return problems + [f"conffiles: {path}" for path in sorted(files ^ listed)]


def configuration_problems(package):
    """Whatever is installed and started must be for this machine only, and be what the program takes."""
    problems = []
    for name in ("orchestrator", "optimizer", "mepm-local"):
        config = package.root / "etc" / "mx2" / f"{name}.yaml"
        program = package.root / "usr" / "bin" / f"mx2-{name.removesuffix('-local')}"
        done = subprocess.run([program, "--config", config, "--check-config"], capture_output=True, text=True,
                              cwd=package.root, check=False)
        problems += [f"{name}.yaml: {done.stderr}"] if done.returncode else []
        for section, values in parse(config.read_text())[0].items():
            address = values.get("address", "127.0.0.1") if isinstance(values, dict) else "127.0.0.1"
            problems += [f"{name}.yaml: {section} listens at {address}"] if address != "127.0.0.1" else []
    return problems


def demo_problems(package):
    """The example names the apps that its packages are of."""
    demo = package.root / "usr/share/mx2/demo/demo.yaml"
    content, problems = parse(demo.read_text())[0], []
    for entry in content["packages"]:
        archive = demo.parent / entry["file"]
        if not archive.exists():
            problems.append(f"demo.yaml: there is no {entry['file']}")
            continue
        with zipfile.ZipFile(archive) as opened:
            app = json.loads(opened.read("appd.json"))["appDId"]
        problems += [f"demo.yaml: {entry['file']} is of {app}, not {entry['app']}"] if app != entry["app"] else []
    return problems


def man_problems(package):
    """Of mx2ctl: each command is in it."""
    page = gzip.decompress((package.root / "usr/share/man/man1/mx2ctl.1.gz").read_bytes()).decode()
    wanted = ("table rollback", "demo load", "hosts drain", "EXIT STATUS", "MX2_OPERATOR_URL")
    return [f"mx2ctl.1 says nothing of {words}" for words in wanted if words not in page]


def file_problems(package):
    """Of the daemons' pages: configuration that a package brings, or the administrator writes for a unit."""
    problems = []
    for name in (name for name, section in PROGRAMS.items() if section == 8):
        page = gzip.decompress((package.root / f"usr/share/man/man8/{name}.8.gz").read_bytes()).decode()
        named, has_unit = "/etc/mx2/" in page, any(unit.startswith(name) for unit in UNITS)
        problems += [f"{name}.8: /etc/mx2 named: {named}, a unit: {has_unit}"] if named != has_unit else []
    return problems


def versions(build, packages, work):
    """Where a version is named -> the version."""
    named = {"CHANGELOG.md": re.search(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1]}
    for name in [*PROGRAMS, "mx2-emulator"]:
        named[f"{name} --version"] = said(build / "bin" / name, "--version").strip()
    for path in (ROOT / "api/openapi").glob("*.yaml"):
        named[path.name] = str(parse(path.read_text())[0]["info"]["version"])
    for path in (DEPLOY / "advantedge/charts").glob("*/Chart.yaml"):
        chart = parse(path.read_text())[0]
        named[f"{path.parent.name}, version"] = chart["version"]
        named[f"{path.parent.name}, appVersion"] = chart["appVersion"]
    for package in packages.values():
        named[f"{package.name}.deb"] = package.version.partition("-")[0]
    dev, library = packages["libmx2-client-dev"], packages["libmx2-client0"]
    named["mx2-client.pc"] = re.search(r"^Version: (\S+)", (dev.root / "usr/lib/pkgconfig/mx2-client.pc").read_text(),
                                       re.M)[1]
    named["libmx2-client.so"] = (library.root / "usr/lib/libmx2-client.so.0").resolve().name.partition(".so.")[2]
    with Orchestrator(build / "bin" / "mx2-orchestrator", work / "store") as server:
        with server.operator() as operator:
            named["/health"] = operator.need(200, "GET", "/operator/v1/health")["version"]
    return named


def version_problems(named):
    wanted = re.search(r"^project\(mx2 VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    return [f"{where}: {version}, and the project has {wanted}" for where, version in named.items() if version != wanted]


def make(build, out):
    for tool in ("cpack", "dpkg-shlibdeps", "dpkg-deb"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            sys.exit(SKIPPED)
    done = subprocess.run([DEPLOY / "package.sh", "--prebuilt", build, "--out", out], capture_output=True, text=True,
                          check=False)
    print(done.stdout)
    return [f"deploy/package.sh: {done.stderr[-2000:]}"] if done.returncode else []


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    report = Report()
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        report.good("deploy/package.sh", make(build, work / "out"))
        if report.failed:
            return 1
        if not shutil.which("lintian"):
            report.skip("lintian finds no errors", "it is not installed: deploy/packages.sh package")
        packages = {package.name: package for package in
                    (Package(file, work) for file in sorted((work / "out").glob("*.deb")))}
        report.good("four packages hold what they should", package_problems(packages))
        report.good("a tarball, too", tarball_problems(work / "out", work / "tarball"))
        if report.failed:
            return 1
        next((work / "tarball").rglob("quick-start.md")).unlink()
        report.bad("a page that README links", link_problems(work / "tarball"), "there is no docs/quick-start.md")
        (packages["mx2"].root / "usr/bin/mx2ctl").unlink()
        report.bad("a program that is missing", package_problems(packages), "mx2 lacks usr/bin/mx2ctl")
        report.good("maintainer scripts and conffiles", script_problems(packages["mx2"]))
        (packages["mx2"].root / "etc/mx2/other.yaml").touch()
        report.bad("a file in /etc that upgrades replace", script_problems(packages["mx2"]), "/etc/mx2/other.yaml")
        report.good("configuration is for this machine only", configuration_problems(packages["mx2"]))
        report.good("the example fits its packages", demo_problems(packages["mx2"]))
        report.good("man pages", man_problems(packages["mx2"]))
        report.good("man pages name files that are there", file_problems(packages["mx2"]))
        dev = packages["libmx2-client-dev"]
        report.good("headers fit their library", [] if f"(= {dev.version})" in dev.depends else [dev.depends])
        named = versions(build, packages, work)
        report.good(f"one version in {len(named)} places", version_problems(named))
        report.bad("a place that was forgotten", version_problems({**named, "other": "0.0.9"}), "other: 0.0.9")
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
