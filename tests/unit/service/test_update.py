"""The install script updates a box: the steps are real, the package, pip and systemctl are stand-ins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.torture.verbs import create, teach

from edge_tosca.store.store import Store

pytestmark = pytest.mark.slow

INSTALL = Path(__file__).parents[3] / "devices" / "service" / "install.sh"

# A wheel holds shell words: what its program does when it is asked for `doctor`, and whether it starts.
PROGRAM = """#!/bin/sh
[ "$1" = doctor ] || exec {python} -m edge_tosca "$@"
here=$(dirname "$(readlink -f "$0")")
. "$here/../wheel"
{python} -m edge_tosca store limit "$2" 98765432 >&2
exit "${{doctor:-0}}"
"""

PYTHON = """#!/bin/sh
case "$1 $2" in
"-m venv")
    for folder do :; done
    mkdir -p "$folder/bin"
    cp "$0" "$folder/bin/python" ;;
"-m pip")
    for wheel do :; done
    here=$(dirname "$0")
    cp "${{wheel%%\\[*}}" "$here/../wheel"
    . "$here/../wheel"
    [ -z "${{pip:-}}" ] || exit 1
    cp {folder}/program "$here/edge-tosca"
    sed -i "1s|.*|#!/bin/sh|" "$here/edge-tosca" ;;
*) exec {python} "$@" ;;
esac
"""

SYSTEMCTL = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in
list-units) echo "edge-tosca-watch@belt.service loaded active running a watcher" ;;
start) . "{root}/opt/edge-tosca/current/wheel"; exit "${{start:-0}}" ;;
esac
"""


class Box:
    def __init__(self, folder):
        self.folder, self.root = folder, folder / "root"
        self.prefix = self.root / "opt" / "edge-tosca"
        self.units = self.root / "etc" / "systemd" / "system"
        self.store = self.root / "var" / "lib" / "edge-tosca" / "box.tosca"
        self.store.parent.mkdir(parents=True)
        words = {"python": sys.executable, "folder": folder, "root": self.root}
        for name, text in (("python", PYTHON), ("program", PROGRAM), ("systemctl", SYSTEMCTL)):
            (folder / name).write_text(text.format(**words))
            (folder / name).chmod(0o755)

    def install(self, version, says="", *words):
        wheel = self.folder / f"edge_tosca-{version}-py3-none-any.whl"
        wheel.write_text(says)
        command = ["sh", INSTALL, "--root", self.root, "--from", wheel, "--python", self.folder / "python"]
        return subprocess.run(
            [*map(str, command), *words],
            capture_output=True,
            text=True,
            env={**os.environ, "EDGE_TOSCA_SYSTEMCTL": str(self.folder / "systemctl")},
        )

    def teach(self):
        store = create(self.store)
        teach(store, "first", {"mug": 4, "pen": 4})
        store.close()

    def limit(self):
        store = Store.open(self.store)
        assert store.state().labels == ("mug", "pen")
        limit = store.settings.get("max_bytes")
        store.close()
        return limit

    def asked(self):
        found = (self.folder / "asked").read_text().splitlines()
        (self.folder / "asked").unlink()
        return found

    def version(self):
        assert (self.prefix / "bin").resolve() == (self.prefix / "current" / "bin").resolve()
        return str((self.prefix / "current").readlink())


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    ran = made.install("0.1.0")
    assert ran.returncode == 0, ran.stderr
    made.asked()
    made.teach()
    return made


STOPPED = "stop edge-tosca-console.service edge-tosca-watch@belt.service"
STARTED = "start edge-tosca-console.service edge-tosca-watch@belt.service"


def test_an_update_keeps_the_store_and_the_version_before(box):
    ran = box.install("0.2.0")
    assert ran.returncode == 0, ran.stderr
    assert box.version() == "versions/0.2.0"
    assert (box.prefix / "versions" / "0.1.0" / "bin" / "edge-tosca").exists()
    asked = box.asked()
    assert asked.index(STOPPED) < asked.index("daemon-reload") < asked.index(STARTED)
    copy = box.store.parent / "backups" / "before-0.2.0.tosca"
    assert box.limit() == "98765432"
    assert Store.open(copy).settings.get("max_bytes") is None
    assert f"updated from 0.1.0 to 0.2.0; the store from before is {copy}" in ran.stdout


@pytest.mark.parametrize("fault", ["doctor=1", "start=1"])
def test_a_version_that_does_not_run_is_taken_back_with_its_store(box, fault):
    unit = box.units / "edge-tosca-console.service"
    for place in (unit, box.prefix / "versions" / "0.1.0" / "units" / unit.name):
        place.write_text("# as 0.1.0 had it\n")
    ran = box.install("0.2.0", fault)
    assert ran.returncode == 1
    assert "edge-tosca 0.1.0 is back, with the store that it had" in ran.stderr
    assert box.version() == "versions/0.1.0"
    assert not (box.prefix / "versions" / "0.2.0").exists()
    assert unit.read_text() == "# as 0.1.0 had it\n"
    assert box.asked()[-1] == STARTED
    assert box.limit() is None


def test_a_doctor_that_is_not_asked_takes_nothing_back(box):
    assert box.install("0.2.0", "doctor=1", "--no-doctor").returncode == 0
    assert box.version() == "versions/0.2.0"


def test_a_version_that_cannot_be_installed_stops_nothing(box):
    ran = box.install("0.2.0", "pip=1")
    assert ran.returncode == 1
    assert "what was there before runs on" in ran.stderr
    assert box.version() == "versions/0.1.0"
    assert not (box.folder / "asked").exists()


def test_a_store_that_cannot_be_backed_up_is_not_touched(box):
    box.store.write_bytes(b"no store")
    ran = box.install("0.2.0")
    assert ran.returncode == 1
    assert "the store could not be backed up" in ran.stderr
    assert box.version() == "versions/0.1.0"
    assert box.asked()[-1] == STARTED
    assert box.store.read_bytes() == b"no store"


def test_the_same_version_can_be_installed_again_and_only_two_stay(box):
    for _ in range(2):
        assert box.install("0.1.0").returncode == 0
    assert sorted(path.name for path in (box.prefix / "versions").iterdir()) == ["0.1.0-2", "0.1.0-3"]
    assert box.version() == "versions/0.1.0-3"
    copies = [path.name for path in (box.store.parent / "backups").iterdir() if path.suffix == ".tosca"]
    assert sorted(copies) == ["before-0.1.0-2.tosca", "before-0.1.0-3.tosca"]


@pytest.mark.parametrize("fault", ["", "doctor=1"])
def test_a_box_from_before_there_were_versions_is_updated(box, fault):
    current = box.prefix / "versions" / "0.1.0"
    (box.prefix / "bin").unlink()
    (box.prefix / "current").unlink()
    for part in ("bin", "wheel"):
        (current / part).rename(box.prefix / part)
    (box.prefix / "bin" / "tool").write_text(f"#!{box.prefix}/bin/python\n")
    (current / "units" / "edge-tosca-console.service").unlink()
    (box.prefix / "bin" / "python").chmod(0o755)
    # What is started is found by the link, which an old box gets with its first update.
    (box.prefix / "wheel").rename(box.prefix / "share")
    ran = box.install("0.2.0", fault)
    assert ran.returncode == (1 if fault else 0), ran.stderr
    before = box.prefix / "versions" / "before"
    assert (before / "bin" / "tool").read_text() == f"#!{before}/bin/python\n"
    assert box.version() == ("versions/before" if fault else "versions/0.2.0")
    assert box.limit() == (None if fault else "98765432")


def test_a_nightly_backup_is_enabled_if_it_is_asked_for(box):
    assert box.install("0.2.0", "", "--nightly-backup").returncode == 0
    assert "enable --now edge-tosca-backup.timer" in box.asked()
