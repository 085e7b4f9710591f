#!/usr/bin/env python3
"""Our OpenAPI documents by a validator that others wrote, openapi-spec-validator: Debian's (from 13 on),
else PyPI's, in a pinned version, installed below build/openapi-clients.

usage: strict_test.py
Exit: 0 all are valid, 1 one is not, or a mistake made on purpose is not found, 77 there is no validator.
"""
import copy
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "build" / "openapi-clients" / "tools" / "venv-validator"
PINNED = "openapi-spec-validator==0.7.2"
SKIPPED = 77


def install():
    """A python that has it."""
    for command, timeout_s in (([sys.executable, "-m", "venv", VENV], 60),
                               ([VENV / "bin" / "pip", "install", "-q", PINNED], 120)):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            print(failure, failure.stdout or "", failure.stderr or "")
            print(f"SKIPPED: no openapi-spec-validator (Debian 13: python3-openapi-spec-validator; PyPI: {PINNED})")
            sys.exit(SKIPPED)
    return VENV / "bin" / "python"


def faults(tree):
    found = openapi_spec_validator.OpenAPIV30SpecValidator(tree).iter_errors()
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def main():
    wrong = 0
    for path in sorted((ROOT / "api" / "openapi").glob("*.yaml")):
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = faults(tree)
        spoilt = copy.deepcopy(tree)
        next(iter(next(iter(spoilt["paths"].values())).values()))["and more"] = None  # a comma in a text
        if not faults(spoilt):
            found.append("a mistake made on purpose is not found")
        wrong += len(found)
        print("\n".join(f"{path.name}: {each}" for each in found) or f"{path.name}: valid")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        import openapi_spec_validator
        import yaml
    except ImportError:
        if sys.prefix == str(VENV):
            raise
        sys.exit(subprocess.run([install(), __file__], check=False).returncode)
    sys.exit(main())
