"""The service as it is installed, under the real systemd, in a machine of namespaces."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from booted.machine import Machine, why_not
from booted.wheels import write_wheels
from PIL import Image

SOURCE = Path(__file__).parents[2] / "devices" / "service"
CONSOLE = "edge-tosca-console"
WATCH = "edge-tosca-watch@belt"
EDGE = "/opt/edge-tosca/bin/edge-tosca"
STORE = "/var/lib/edge-tosca/box.tosca"
FRAMES = "/srv/frames.mjpeg"

# As a technician's own changes; a hang is to be found in a test's time, not in a plant's.
HASTE = "[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\nRestartSec=100ms\n[Unit]\nStartLimitBurst=1000\n"

ASK = """
import json, sys, urllib.error, urllib.request
method, path, token, *body = sys.argv[1:]
data = open(body[0][1:], "rb").read() if body and body[0][0] == "@" else body[0].encode() if body else None
request = urllib.request.Request("http://127.0.0.1:8600" + path, data, method=method)
kind = "image/jpeg" if body and body[0][0] == "@" else "application/json"
request.add_header("Content-Type", kind)
if token:
    request.add_header("Authorization", "Bearer " + token)
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError:
    print(0, "null")
"""


class Box:
    """The machine with the service installed."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.run, self.wait_for = machine, machine.run, machine.wait_for
        self.token = self.run("cat", "/etc/edge-tosca/token").stdout.strip()

    def ask(self, method, path, body=None, token=None):
        words = [] if body is None else [body if isinstance(body, str) else json.dumps(body)]
        said = self.run(
            "python3", "/run/shared/ask.py", method, path, self.token if token is None else token, *words
        ).stdout
        code, _, text = said.partition(" ")
        return int(code), json.loads(text)

    def health(self):
        return self.ask("GET", "/api/v1/health")[1] or {"live": None, "camera": None, "generation": None}

    def wait_for_answers(self):
        """Wait for live answers that come after this moment."""

        def answering():
            live = self.health()["live"]
            return live is not None and live["error"] is None and live["answered"] > 0 and live["fps"] > 0

        self.wait_for(answering)

    def pid(self, unit=CONSOLE):
        return int(self.machine.property(unit, "MainPID"))

    def restarts(self, unit=CONSOLE):
        return int(self.machine.property(unit, "NRestarts"))

    def log(self, unit=CONSOLE):
        text = self.run("journalctl", "--unit", unit, "--output=cat", "--no-pager").stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def status(self, unit=CONSOLE):
        text = self.run("cat", f"/proc/{self.pid(unit)}/status").stdout
        return {name: rest.strip() for name, _, rest in (line.partition(":") for line in text.splitlines())}

    def verify(self):
        """Whether the store is whole, asked past the service."""
        return self.run(EDGE, "verify", STORE)

    def teach(self, label):
        for place in range(8):
            code, _ = self.ask(
                "POST", f"/api/v1/queue?label={label}&force=1", f"@/run/shared/{label}/{place}.jpg"
            )
            assert code == 200
        code, said = self.ask("POST", "/api/v1/learn", {"labels": [label], "force": True})
        assert code == 202, said
        return said["job"]

    def finish(self, job):
        def over():
            code, said = self.ask("GET", f"/api/v1/jobs?id={job}")
            return said if code == 200 and said["state"] != "running" else None

        return self.wait_for(over)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    if reason := why_not():
        pytest.skip(reason)
    booted = Machine(tmp_path_factory.mktemp("machine") / "work")
    yield booted
    booted.close()


@pytest.fixture(scope="module")
def box(machine, draw_pictures, tmp_path_factory):
    """A box on which the install script ran, with a camera that shows drawn things."""
    python = _python_of_the_system()
    shared = machine.shared
    write_wheels({"console"}, shared / "wheels")
    shutil.copytree(SOURCE, shared / "service")
    (shared / "ask.py").write_text(ASK)
    drawn = draw_pictures(tmp_path_factory.mktemp("drawn"), ("apple", "brick", "cone"), count=8)
    with (shared / "frames.mjpeg").open("wb") as file:
        for label in ("apple", "brick", "cone"):
            (shared / label).mkdir()
            for place, path in enumerate(sorted((drawn / label).iterdir())):
                shutil.copy(path, shared / label / f"{place}.jpg")
                with Image.open(path) as image:
                    image.resize((640, 480)).save(file, "JPEG")
    settings = (
        f"EDGE_TOSCA_CAMERA={FRAMES}?fps=15&loop=1\nCONSOLE_OPTIONS=--threads 1\nWATCH_OPTIONS=--threads 1\n"
    )
    (shared / "settings").write_text(settings)
    (shared / "haste.conf").write_text(HASTE)
    prepare = (
        f"cd /run/shared; mkdir -p /etc/edge-tosca /etc/systemd/system/{CONSOLE}.service.d;"
        f"cp frames.mjpeg {FRAMES}; cp haste.conf /etc/systemd/system/{CONSOLE}.service.d/;"
        "for name in console watch-belt; do cp settings /etc/edge-tosca/$name.conf; done"
    )
    machine.run("sh", "-c", prepare, check=True)
    install = ("/run/shared/service/install.sh", "--wheels", "/run/shared/wheels", "--extras", "console")
    machine.run(*install, "--python", python, check=True)
    installed = Box(machine)
    for label in ("apple", "brick"):
        assert installed.finish(installed.teach(label))["state"] == "done"
    installed.wait_for_answers()
    return installed


def _python_of_the_system():
    """Give a Python that the wheels of this one fit and that no home folder hides."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in ("/usr/bin", "/usr/local/bin"):
        if Path(folder, version).exists() and not os.path.realpath(Path(folder, version)).startswith(
            ("/root", "/home")
        ):
            return f"{folder}/{version}"
    pytest.skip(f"no {version} outside of home folders, which the service cannot see")


def test_the_installed_service_is_ready_and_answers(box):
    assert box.machine.property(CONSOLE, "ActiveState") == "active"
    # A loop that a busy machine held up is named here until it goes on.
    box.machine.wait_for(
        lambda: "serving http://127.0.0.1:8600/" in box.machine.property(CONSOLE, "StatusText")
    )
    assert box.machine.property(CONSOLE, "NotifyAccess") == "main"


def test_without_the_token_only_health_is_told(box):
    assert box.ask("GET", "/api/v1/health", token="")[0] == 200
    assert box.ask("GET", "/api/v1/classes", token="")[0] == 401
    code, known = box.ask("GET", "/api/v1/classes")
    assert code == 200
    assert [entry["label"] for entry in known["classes"]] == ["apple", "brick"]


def test_the_service_runs_without_rights_in_its_sandbox(box):
    status = box.status()
    assert status["Uid"].split()[0] not in ("0", "65534")
    assert (status["CapEff"], status["CapBnd"]) == ("0000000000000000",) * 2
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    inside = f"nsenter --target={box.pid()} --mount --"
    for folder in ("/", "/etc", "/opt/edge-tosca", "/usr", "/home"):
        assert box.run("sh", "-c", f"{inside} touch {folder}/x").returncode != 0, folder
    assert box.run("sh", "-c", f"{inside} ls /root").stdout == ""
    assert box.run("stat", "--format=%a", "/var/lib/private/edge-tosca").stdout.strip() == "700"


def test_every_line_of_the_log_is_one_object(box):
    lines = box.log()
    assert {"at", "level", "event", "fields"} <= set(lines[-1])
    assert any(line["event"] == "serving" for line in lines)
    assert box.token not in json.dumps(lines)


@pytest.mark.long
def test_installing_again_changes_neither_token_nor_store(box):
    before = box.verify().stdout
    again = ("/run/shared/service/install.sh", "--wheels", "/run/shared/wheels", "--extras", "console")
    box.run(*again, "--python", _python_of_the_system(), "--no-start", check=True)
    assert box.run("cat", "/etc/edge-tosca/token").stdout.strip() == box.token
    assert box.verify().stdout == before
    # It was running, so it runs again.
    box.wait_for_answers()


def test_a_service_that_hangs_is_restarted_by_the_watchdog(box):
    hung, restarts = box.pid(), box.restarts()
    # Process 0 would be this test's own group.
    assert hung
    box.run("kill", "-STOP", hung, check=True)
    box.wait_for(lambda: box.restarts() > restarts and box.pid() not in (0, hung))
    box.wait_for_answers()
    assert any("watchdog" in line.lower() for line in box.machine.log.splitlines() if CONSOLE in line)


@pytest.mark.parametrize(
    "moment", [0.0, pytest.param(0.15, marks=pytest.mark.long), pytest.param(0.4, marks=pytest.mark.long)]
)
def test_killed_while_it_teaches_and_answers_it_comes_back_with_a_whole_store(box, moment):
    known = {entry["label"] for entry in box.ask("GET", "/api/v1/classes")[1]["classes"]}
    restarts, killed = box.restarts(), box.pid()
    assert killed
    box.teach("cone")
    time.sleep(moment)
    box.run("kill", "-KILL", killed, check=True)
    box.wait_for(lambda: box.restarts() > restarts and box.pid() not in (0, killed))
    box.wait_for_answers()
    told = box.verify()
    assert told.returncode == 0, told.stderr
    now = {entry["label"] for entry in box.ask("GET", "/api/v1/classes")[1]["classes"]}
    assert now in (known, known | {"cone"})


def test_a_camera_that_is_lost_and_comes_back_is_survived_without_a_restart(box):
    pid = box.pid()
    box.run("truncate", "--size=0", FRAMES, check=True)
    box.wait_for(lambda: box.health()["camera"]["connected"] is False)
    assert box.health()["status"] == "degraded"
    box.run("cp", "/run/shared/frames.mjpeg", FRAMES, check=True)
    box.wait_for(lambda: box.health()["camera"]["connected"] is True)
    box.wait_for_answers()
    assert box.pid() == pid


def test_a_store_that_is_replaced_is_opened_anew_without_a_restart(box):
    pid = box.pid()
    owner = box.run("stat", "--format=%u:%g", "/var/lib/private/edge-tosca/box.tosca").stdout.strip()
    make = f"""
        set -e
        {EDGE} init /tmp/other.tosca
        for label in cone brick; do
            {EDGE} learn /tmp/other.tosca --class $label --force /run/shared/$label/*.jpg
        done
        chown {owner} /tmp/other.tosca
        cp --preserve=all /tmp/other.tosca {STORE}.new
        rm -f {STORE}-wal {STORE}-shm
        mv {STORE}.new {STORE}
    """
    box.run("sh", "-c", make, check=True)

    def labels():
        code, said = box.ask("GET", "/api/v1/classes")
        return code == 200 and sorted(entry["label"] for entry in said["classes"])

    box.wait_for(lambda: labels() == ["brick", "cone"])
    box.wait_for_answers()
    assert box.pid() == pid


def test_a_watcher_has_no_network_and_survives_kill(box):
    box.run("systemctl", "start", WATCH, check=True)
    assert "watching" in box.machine.property(WATCH, "StatusText")
    inside = f"nsenter --target={box.pid(WATCH)} --net --"
    assert box.run("sh", "-c", f"{inside} cat /proc/net/route").stdout.count("\n") <= 1
    box.wait_for(lambda: any("label" in line for line in box.log(WATCH)))
    restarts, killed = box.restarts(WATCH), box.pid(WATCH)
    box.run("kill", "-KILL", killed, check=True)
    box.wait_for(lambda: box.restarts(WATCH) > restarts and box.pid(WATCH) not in (0, killed))
    box.run("systemctl", "stop", WATCH, check=True)
    assert box.machine.property(WATCH, "Result") == "success"


def test_stopping_is_quick_and_clean(box):
    box.run("systemctl", "stop", CONSOLE, check=True)
    assert box.machine.property(CONSOLE, "Result") == "success"
    assert box.verify().returncode == 0


def test_uninstalling_keeps_what_was_taught_unless_told_otherwise(box):
    box.run("/run/shared/service/install.sh", "--uninstall", check=True)
    assert box.run("test", "-e", "/opt/edge-tosca").returncode != 0
    assert box.run("systemctl", "cat", CONSOLE).returncode != 0
    assert box.run("test", "-s", STORE).returncode == 0
    box.run("/run/shared/service/install.sh", "--uninstall", "--purge", check=True)
    for place in (STORE, "/etc/edge-tosca", "/var/lib/private/edge-tosca"):
        assert box.run("test", "-e", place).returncode != 0
