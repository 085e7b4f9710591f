#!/usr/bin/env python3
"""Clients as others have them made of our OpenAPI documents: for each of five generators and each
document one is made and compiled, and then does the main flows of Mx2 and of the operator API against an
orchestrator: app_list, create, get, put, delete; hosts, apps, PATCH of the table, explain, history, a
plan, and the context that has moved.

usage: generators.py BIN_DIR [GENERATOR...]     python, python-client, typescript, go, java; all

Generators and libraries come from Maven, PyPI, npm and Go's proxy, in pinned versions, to
build/openapi-clients, where everything that is made stays. Exit: 0 all did it, 1 one did not, 77 one
could not be tried here.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
# pylint: disable=wrong-import-position
from orchestrator import ROOT, Orchestrator

HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "build" / "openapi-clients"
OPENAPI_GENERATOR = "7.14.0"
# document -> what its package is called
DOCUMENTS = {"mx2": "device", "operator": "operator", "app_pkgm": "app_pkgm", "optimizer": "optimizer",
             "mepm": "mepm"}
SKIPPED = 77
FETCH_S, COMMAND_S = 120, 300
ONLY_CODE = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"


class NotHere(Exception):
    """What a generator needs cannot be had on this machine."""


class Failed(Exception):
    pass


def run(*command, cwd=None, timeout_s=COMMAND_S, env=None):
    """What it printed; Failed with the end of that when it does not succeed."""
    try:
        done = subprocess.run([str(each) for each in command], cwd=cwd, timeout=timeout_s, text=True, check=False,
                              env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{command[0]}: not done after {timeout_s} s") from late
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:6]))}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def fetch(program, *arguments, cwd=None, env=None):
    """A package manager's work."""
    if not shutil.which(program):
        raise NotHere(f"there is no {program}")
    try:
        return run(program, *arguments, cwd=cwd, timeout_s=FETCH_S, env=env)
    except Failed as failure:
        raise NotHere(str(failure)) from failure


def executable(name):
    if not shutil.which(name):
        raise NotHere(f"there is no {name}")
    return name


def openapi_generator():
    jar = WORK / "tools" / f"openapi-generator-cli-{OPENAPI_GENERATOR}.jar"
    executable("java")
    if not jar.exists():
        fetch("mvn", "-q", "-B", "dependency:copy", f"-DoutputDirectory={jar.parent}",
              f"-Dartifact=org.openapitools:openapi-generator-cli:{OPENAPI_GENERATOR}")
    return jar


def document(name):
    return ROOT / "api" / "openapi" / f"{name}.yaml"


def generate(jar, name, language, out, properties, *more):
    """By openapi-generator, which validates the document first."""
    run("java", "-jar", jar, "generate", "-i", document(name), "-g", language, "-o", out,
        f"--additional-properties={properties}", "--global-property", ONLY_CODE, *more)


def make_venv(requirements):
    """Its python; made again when the requirements have changed."""
    venv = WORK / "tools" / f"venv-{requirements.parent.name}"
    installed = venv / "requirements.txt"
    if not installed.exists() or installed.read_text() != requirements.read_text():
        shutil.rmtree(venv, ignore_errors=True)
        fetch(sys.executable, "-m", "venv", venv)
        fetch(str(venv / "bin" / "pip"), "install", "-q", "-r", requirements)
        shutil.copy(requirements, installed)
    return venv / "bin" / "python"


def prepare_python(work, source):
    jar, python = openapi_generator(), make_venv(source / "requirements.txt")
    for name, package in DOCUMENTS.items():
        generate(jar, name, "python", work / name, f"packageName=mx2_{package}")
        shutil.copytree(work / name / f"mx2_{package}", work / f"mx2_{package}")
    return check_python(python, work, source)


def prepare_python_client(work, source):
    python = make_venv(source / "requirements.txt")
    for name, package in DOCUMENTS.items():
        config = work / f"{name}.yaml"
        config.write_text((source / "config.yaml").read_text() + f"package_name_override: mx2_{package}\n")
        run(python.parent / "openapi-python-client", "generate", "--meta", "none", "--path", document(name),
            "--config", config, "--output-path", work / f"mx2_{package}")
    return check_python(python, work, source)


def check_python(python, work, source):
    """Every module is compiled, and every package with all its models imported."""
    shutil.copy(source / "flows.py", work)
    packages = [f"mx2_{package}" for package in DOCUMENTS.values()]
    run(python, "-W", "error", "-m", "compileall", "-q", *packages, cwd=work)
    run(python, "-c", "; ".join(f"import {each}.models" for each in packages), cwd=work)
    return [python, "flows.py"]


def prepare_typescript(work, source):
    jar, node = openapi_generator(), executable("node")
    for file in ("package.json", "tsconfig.json"):
        shutil.copy(source / file, work)
    fetch("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=work)
    for name, package in DOCUMENTS.items():
        generate(jar, name, "typescript-fetch", work / "src" / package, "stringEnums=true")
    shutil.copy(source / "flows.ts", work / "src")
    run(node, "node_modules/typescript/bin/tsc", cwd=work)
    return [node, "out/flows.js"]


def prepare_go(work, source):
    jar, go = openapi_generator(), executable("go")
    for name, package in DOCUMENTS.items():
        generate(jar, name, "go", work / package, f"packageName={package},withGoMod=false")
    for file in ("go.mod", "main.go"):
        shutil.copy(source / file, work)
    fetch("go", "mod", "tidy", cwd=work, env={"GOFLAGS": "-mod=mod"})
    run(go, "vet", "./...", cwd=work)
    run(go, "build", "-o", "flows", ".", cwd=work)
    return [work / "flows"]


def prepare_java(work, source):
    jar, javac = openapi_generator(), executable("javac")
    shutil.copy(source / "pom.xml", work)
    fetch("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", cwd=work)
    for name, package in DOCUMENTS.items():
        root = f"mx2.{package}"
        generate(jar, name, "java", work / name,
                 f"invokerPackage={root},apiPackage={root}.api,modelPackage={root}.model,openApiNullable=false",
                 "--library", "native")
    sources = [*work.glob("*/src/main/java/mx2/**/*.java"), source / "Flows.java"]
    (work / "sources").write_text("\n".join(map(str, sources)))
    run(javac, "-nowarn", "-cp", "lib/*", "-d", "classes", "@sources", cwd=work)
    return ["java", "-cp", "lib/*:classes", "Flows"]


GENERATORS = {"python": prepare_python, "python-client": prepare_python_client, "typescript": prepare_typescript,
              "go": prepare_go, "java": prepare_java}


def check(name, bin_dir):
    """Makes, compiles and runs the client; an orchestrator of its own, as each moves its context."""
    work = WORK / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    begin = time.monotonic()
    command = GENERATORS[name](work, HERE / "clients" / name)
    print(f"{name}: made and compiled in {time.monotonic() - begin:.0f} s")
    with tempfile.TemporaryDirectory() as directory, Orchestrator(
            bin_dir / "mx2-orchestrator", directory, HERE / "content.yaml") as server:
        print(run(*command, f"http://127.0.0.1:{server.mx2_port}", server.operator_url, cwd=work), end="")


def main(bin_dir, chosen):
    not_here, failed = [], []
    for name in chosen or GENERATORS:
        try:
            check(name, bin_dir)
        except NotHere as reason:
            print(f"{name}: SKIPPED: {reason}")
            not_here.append(name)
        except Failed as reason:
            print(f"{name}: FAILED: {reason}")
            failed.append(name)
        sys.stdout.flush()
    if failed:
        print(f"failed: {', '.join(failed)}")
        return 1
    if not_here:
        print(f"SKIPPED: what they need cannot be had here: {', '.join(not_here)}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or set(sys.argv[2:]) - GENERATORS.keys():
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]))
