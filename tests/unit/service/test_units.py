"""The units, as far as systemd judges them without running them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_tosca.cli.event_options import SECRET_CREDENTIAL

SERVICE = Path(__file__).parents[3] / "devices" / "service"
UNITS = sorted((SERVICE / "units").glob("*.service"))

MOST_EXPOSED = {
    "edge-tosca-backup.service": 1.0,
    "edge-tosca-console.service": 2.0,
    "edge-tosca-watch@.service": 1.0,
}
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
    backup, console, watch = (unit.read_text() for unit in UNITS)
    assert "PrivateNetwork=yes\n" in backup
    assert "IPAddressDeny=any\nIPAddressAllow=localhost\n" in console
    assert "PrivateNetwork=yes\n" in watch
    assert "IPAddressAllow" not in watch


def test_the_drop_in_of_the_webhook_opens_the_addresses_that_it_names_and_no_others():
    lines = (SERVICE / "drop-ins/webhook.conf").read_text().splitlines()
    (allowed,) = [line for line in lines if line.startswith("IPAddress")]
    name, _, addresses = allowed.partition("=")
    assert name == "IPAddressAllow"
    # Those of RFC 5737, for documentation: without a change nothing outside can be reached.
    assert addresses.split() == ["localhost", "192.0.2.10", "192.0.2.53"]
    assert f"LoadCredential={SECRET_CREDENTIAL}:/etc/edge-tosca/webhook-secret" in lines


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_option_that_a_unit_gives_exists(unit):
    (line,) = re.findall(r"^ExecStart=\S+ (.*)$", unit.read_text(), re.M)
    # The backup's command is in a shell, for the day of the week.
    _, _, in_shell = line.partition("bin/edge-tosca ")
    words = (in_shell or line).split()
    verb = words[:2] if words[0] == "store" else words[:1]
    told = subprocess.run(
        [sys.executable, "-m", "edge_tosca", *verb, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb"},
    ).stdout
    for option in re.findall(r"--[a-z-]+", line):
        assert option in told


def test_the_backup_is_made_every_night_and_after_a_night_without_power(analyze, tmp_path):
    timer = SERVICE / "units" / "edge-tosca-backup.timer"
    text = UNITS[0].read_text().replace("/opt/edge-tosca/bin/edge-tosca", sys.executable)
    (tmp_path / UNITS[0].name).write_text(text)
    shutil.copy(timer, tmp_path)
    ran = analyze("verify", "--man=no", tmp_path / timer.name)
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if "edge-tosca" in line]
    assert (ran.returncode, said) == (0, [])
    assert "Persistent=yes" in timer.read_text()


def test_the_backups_command_copies_the_store_to_the_file_of_the_day(tmp_path):
    (command,) = re.findall(r"^ExecStart=/bin/sh -c '(.*)'$", UNITS[0].read_text(), re.M)
    said = (
        command.replace("$$", "$").replace("%%", "%").replace("exec /opt/edge-tosca/bin/edge-tosca", "echo")
    )
    environment = {
        **os.environ,
        "STATE_DIRECTORY": "/state",
        "BACKUPS": "/disk",
        "BACKUP_OPTIONS": "--pictures",
    }
    ran = subprocess.run(["sh", "-c", said], capture_output=True, text=True, env=environment)
    assert re.fullmatch(
        r"store backup /state/box\.tosca /disk/box-[1-7]\.tosca --force --pictures\n", ran.stdout
    )


def test_a_drop_in_keeps_the_options_of_its_unit():
    (unit,) = re.findall(r"^ExecStart=(.+)$", UNITS[1].read_text(), re.M)
    (opened,) = re.findall(r"^ExecStart=(.+)$", (SERVICE / "drop-ins/console-network.conf").read_text(), re.M)
    assert set(unit.split()) <= set(opened.split())
