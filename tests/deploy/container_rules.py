"""The Dockerfile, and the libraries that its image installs."""
import json
import os
import pathlib
import re
import shlex
import subprocess

from support import DEPLOY, ROOT

IN_EVERY_IMAGE = {"libc6", "libgcc-s1"}           # of Debian: essential, or needed by apt
NOT_FOR_LIBRARIES = {"ca-certificates", "curl", "haproxy"}   # HTTPS, health check, dispatchers
PROGRAMS = ["mx2-orchestrator", "mx2-optimizer", "mx2-notifier", "mx2-mepm", "mx2ctl", "mx2"]
PACKAGES = ["facedetect", "executor", "dispatcher"]  # of programs mx2-…, whose libraries must be there, too


def instructions(text):
    """[(instruction, arguments)], continued lines joined, by stage."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.M))
    found = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    stages = [[]]
    for name, arguments in found:
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, arguments))
    return stages


def runtime_packages(text):
    installs = [a for n, a in instructions(text)[-1] if n == "RUN" and "apt-get install" in a]
    words = re.search(r"apt-get install (.*?)\s*&&", installs[0]).group(1).split()
    return {word for word in words if not word.startswith("-")}


def copy_problems(stages):
    problems = []
    for stage in stages:
        for name, arguments in stage:
            words = [w for w in arguments.split() if not w.startswith("--")]
            if name == "COPY" and "--from=" not in arguments:
                problems += [f"Dockerfile: there is no {w}" for w in words[:-1] if not (ROOT / w).exists()]
    return problems


def exec_form(stage, name):
    given = [re.sub(r"^.*?CMD ", "", a) for n, a in stage if n == name]
    return json.loads(given[-1]) if given else None


def problems_of(text):
    stages = instructions(text)
    last = stages[-1]
    problems = copy_problems(stages)
    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL",
             "HEALTHCHECK", "ENTRYPOINT"}
    problems += [f"Dockerfile: unknown instruction {n}" for s in stages for n, _ in s if n not in known]
    users = [a for n, a in last if n == "USER"]
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        problems.append("Dockerfile: the user is not given by numbers, or is root")
    if exec_form(last, "ENTRYPOINT") != ["mx2-entrypoint"]:
        problems.append("Dockerfile: the entrypoint is not ours")
    if exec_form(last, "HEALTHCHECK") != ["mx2-entrypoint", "--health"]:
        problems.append("Dockerfile: no health check")
    builds = " ".join(a for n, a in stages[1] if n == "RUN")
    problems += [f"Dockerfile: {p} is not built" for p in PROGRAMS if f" {p} " not in builds + " "]
    problems += [f"Dockerfile: package {p} is not built" for p in PACKAGES
                 if f"mx2_package_{p}" not in builds or f"/{p}.zip" not in builds]
    scripts = [a for s in stages for n, a in s if n == "RUN"]
    for script in scripts:
        shlex.split(script)
    return problems


def needed_libraries(program):
    done = subprocess.run(["objdump", "-p", str(program)], capture_output=True, text=True, check=True)
    return set(re.findall(r"NEEDED\s+(\S+)", done.stdout))


def loaded_libraries(program):
    """name -> path, of the library and of what libraries need in turn."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True)
    return dict(re.findall(r"(\S+) => (/\S+)", done.stdout))


def owner(path):
    for candidate in (path, path.replace("/lib/", "/usr/lib/", 1), path.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return path


def is_alternative(path):
    """Chosen on this machine, among packages of which dependencies name any (BLAS, for OpenCV)."""
    path = pathlib.Path(path)
    return path.is_symlink() and os.readlink(path).startswith("/etc/alternatives/")


def with_dependencies(packages):
    """These packages and all that apt would install for them, as far as they are here."""
    done, waiting = set(), set(packages)
    while waiting:
        said = subprocess.run(["dpkg-query", "-W", "-f", "${Depends} ${Pre-Depends},", *waiting],
                              capture_output=True, text=True, check=False).stdout
        done |= waiting
        waiting = set(re.findall(r"(?:^|[,|])\s*([a-z0-9][-+.a-z0-9]+)", said)) - done
    return done


def library_problems(text, bin_dir):
    """What the image installs is what the programs name, and brings all that they load."""
    named, loaded = set(), set()
    for program in [*PROGRAMS, *(f"mx2-{package}" for package in PACKAGES)]:
        paths = loaded_libraries(bin_dir / program)
        named |= {paths[name] for name in needed_libraries(bin_dir / program) if name in paths}
        loaded |= {path for path in paths.values() if not is_alternative(path)}
    needed = {owner(path) for path in named} - IN_EVERY_IMAGE
    given = runtime_packages(text) - NOT_FOR_LIBRARIES
    problems = [f"Dockerfile: does not install {p}" for p in sorted(needed - given)]
    problems += [f"Dockerfile: no program needs {p}" for p in sorted(given - needed)]
    missing = {owner(path) for path in loaded} - with_dependencies(given) - IN_EVERY_IMAGE
    return problems + [f"Dockerfile: nothing brings {p}" for p in sorted(missing)]


def dockerfile():
    return (DEPLOY / "container" / "Dockerfile").read_text()
