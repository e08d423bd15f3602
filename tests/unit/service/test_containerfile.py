"""The Containerfile, read line by line: no container engine builds it here."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def steps():
    """(instruction, rest) of every step, continued lines joined."""
    text = (ROOT / "devices" / "service" / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split(None, 1) for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()]


def given(steps, instruction):
    return [rest for name, rest in steps if name == instruction]


def test_every_copied_source_exists_and_every_package_is_copied(steps):
    sources = [
        source for rest in given(steps, "COPY") if "--from" not in rest for source in rest.split()[:-1]
    ]
    for source in sources:
        assert (ROOT / source).exists(), source
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {folder.split("/")[0] for folder in project["tool"]["setuptools"]["package-dir"].values()}
    assert needed | {"pyproject.toml", project["project"]["readme"]} <= set(sources)


def test_the_extras_that_are_installed_exist(steps):
    (extras,) = re.findall(r"\.\[([a-z,]+)\]", " ".join(given(steps, "RUN")))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= set(known)


def test_the_last_stage_runs_without_root_and_writes_only_to_its_volume(steps):
    last = max(place for place, (name, _) in enumerate(steps) if name == "FROM")
    users = [rest for name, rest in steps[last:] if name == "USER"]
    assert users == ["10001:10001"]
    assert given(steps[last:], "VOLUME") == ["/var/lib/edge-tosca"]
    assert not [rest for name, rest in steps[last:] if name == "RUN" and "pip" in rest]


def test_the_health_check_and_the_command_are_programs_with_the_options_of_the_service(steps):
    (check,) = given(steps, "HEALTHCHECK")
    program = json.loads(check[check.index("[") :])
    assert program[0] == "/opt/edge-tosca/bin/python"
    assert "/api/v1/health" in program[2]
    compile(program[2], "health check", "exec")
    (command,) = given(steps, "CMD")
    shell, flag, line = json.loads(command)
    assert (shell, flag) == ("/bin/sh", "-c")
    words = shlex.split(line)
    assert words[words.index("serve") - 1] == "/opt/edge-tosca/bin/edge-tosca"
    assert {"--token-file", "--listen", "--camera", "--log"} <= set(words)
