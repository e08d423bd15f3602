"""The units, as far as systemd judges them without running them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[3] / "devices" / "service"
UNITS = sorted((SERVICE / "units").glob("*.service"))

MOST_EXPOSED = {"edge-tosca-console.service": 2.0, "edge-tosca-watch@.service": 1.0}
"""systemd's own measure, 0 (safe) to 10. What remains is the camera, and loopback for the console."""


@pytest.fixture(scope="module")
def analyze():
    if shutil.which("systemd-analyze") is None:
        reason = "systemd-analyze is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must have it")
        pytest.skip(reason)

    def run(*words):
        return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True)

    return run


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_no_fault_in_a_unit(analyze, unit, tmp_path):
    # The program is at home in /opt of a box; here any that can be run stands for it.
    name = unit.name.replace("@", "@belt")
    text = unit.read_text().replace("/opt/edge-tosca/bin/edge-tosca", sys.executable)
    (tmp_path / name).write_text(text)
    ran = analyze("verify", "--man=no", tmp_path / name)
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if "edge-tosca" in line]
    assert (ran.returncode, said) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_no_more_exposed_than_stated(analyze, unit):
    most = MOST_EXPOSED[unit.name]
    ran = analyze("security", "--offline=true", f"--threshold={10 * most:.0f}", "--json=short", unit)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)


def test_the_console_speaks_to_this_box_only_and_the_watcher_to_nobody():
    console, watch = (unit.read_text() for unit in UNITS)
    assert "IPAddressDeny=any\nIPAddressAllow=localhost\n" in console
    assert "PrivateNetwork=yes\n" in watch
    assert "IPAddressAllow" not in watch


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_option_that_a_unit_gives_exists(unit):
    (line,) = re.findall(r"^ExecStart=\S+ (.*)$", unit.read_text(), re.M)
    verb = line.split()[0]
    told = subprocess.run(
        [sys.executable, "-m", "edge_tosca", verb, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb"},
    ).stdout
    for option in re.findall(r"--[a-z-]+", line):
        assert option in told


def test_a_drop_in_keeps_the_options_of_its_unit():
    (unit,) = re.findall(r"^ExecStart=(.+)$", UNITS[0].read_text(), re.M)
    (opened,) = re.findall(r"^ExecStart=(.+)$", (SERVICE / "drop-ins/console-network.conf").read_text(), re.M)
    assert set(unit.split()) <= set(opened.split())
