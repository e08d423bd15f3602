import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_tosca import Learner
from edge_tosca.devices import Finding, bundle_choice, detect, examine
from edge_tosca.devices.host_check import MEMORY_NEEDED, examine_disk, examine_memory
from edge_tosca.devices.report import format_findings
from edge_tosca.runtime import DEFAULT_BUNDLE, GOLDEN_FLOOR
from edge_tosca.store.encryption import encrypt

pytestmark = pytest.mark.slow


def by_name(findings):
    assert all(finding.remedy for finding in findings if not finding.ok)
    assert all(finding.what and finding.detail and "\n" not in finding.detail for finding in findings)
    return {finding.what: finding for finding in findings}


def changed(path, where):
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")


def test_a_healthy_box_with_a_healthy_store_has_nothing_to_remedy(store):
    found = by_name(examine(store, threads=1))
    # How fast and how busy the machine of the tests is says nothing about the doctor.
    sick = [name for name, finding in found.items() if not finding.ok and name not in ("speed", "memory")]
    assert sick == []
    assert {"python", "packages", "processor", "memory", "disk space", "disk writable"} <= set(found)
    assert {"bundle", "golden pictures", "speed", "store pages", "store content", "store origin"} <= set(
        found
    )


def test_a_box_without_a_store_is_examined_too():
    found = by_name(examine(threads=1))
    assert found["golden pictures"].ok
    assert not any(name.startswith("store") for name in found)


def test_a_good_bundle_passes_and_a_changed_byte_in_it_is_named(bundle):
    assert by_name(examine(bundle=bundle, threads=1))["bundle"].ok
    changed(bundle / "backbone.onnx", 100_000)
    found = by_name(examine(bundle=bundle, threads=1))
    assert not found["bundle"].ok
    assert "backbone.onnx" in found["bundle"].detail
    assert "golden pictures" not in found


def test_a_backbone_that_computes_something_else_is_found_by_its_golden_pictures(bundle):
    # The sha256 is made to fit: only the features can tell.
    import hashlib

    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["golden"][0]["feature"].reverse()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    digest = hashlib.sha256((bundle / "backbone.onnx").read_bytes()).hexdigest()
    assert manifest["files"]["backbone.onnx"] == digest
    finding = by_name(examine(bundle=bundle, threads=1))["golden pictures"]
    assert not finding.ok
    assert str(GOLDEN_FLOOR) in finding.detail


def test_a_damaged_page_of_the_store_is_found(store):
    size = store.stat().st_size
    data = bytearray(store.read_bytes())
    data[4096 : size // 2] = bytes(size // 2 - 4096)
    store.write_bytes(data)
    found = by_name(examine(store, threads=1))
    sick = [finding for name, finding in found.items() if name.startswith("store") and not finding.ok]
    assert sick
    assert all("restore a copy" in finding.remedy for finding in sick)
    assert found["bundle"].ok


def test_a_module_with_one_changed_byte_is_found_though_sqlite_sees_nothing(store):
    with closing(sqlite3.connect(store)) as connection, connection:
        (data,) = connection.execute("SELECT data FROM modules").fetchone()
        connection.execute("UPDATE modules SET data = ?", (data[:-1] + bytes([data[-1] ^ 1]),))
    found = by_name(examine(store, threads=1))
    assert found["store pages"].ok
    assert not found["store content"].ok


def test_a_store_made_with_other_eyes_is_told(store):
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE settings SET value = 'else' WHERE key = 'fingerprint'")
    assert not by_name(examine(store, threads=1))["store origin"].ok


@pytest.mark.parametrize("content", [None, b"", b"not a store", b"SQLite format 3\0" + bytes(84)])
def test_a_file_that_is_no_store_is_a_finding_and_not_a_traceback(tmp_path, content):
    path = tmp_path / "x.tosca"
    if content is not None:
        path.write_bytes(content)
    found = by_name(examine(path, threads=1))
    assert not found["store"].ok
    assert str(path) in found["store"].detail
    assert content is not None or not path.exists()


def test_a_sound_store_is_never_to_be_restored(tmp_path, store, monkeypatch):
    (tmp_path / "key").write_text("a" * 64)
    (tmp_path / "key").chmod(0o600)
    encrypt(store, tmp_path / "key")
    assert "--key-file" in by_name(examine(store, threads=1))["store"].remedy
    monkeypatch.setenv("EDGE_TOSCA_KEY", "b" * 64)
    assert "the one that it was encrypted with" in by_name(examine(store, threads=1))["store"].remedy
    assert "check the name" in by_name(examine(tmp_path / "typo.tosca", threads=1))["store"].remedy


def test_a_store_that_may_only_be_read_is_a_finding(store, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(store) or not mode & os.W_OK)
    found = by_name(examine(store, threads=1))
    assert found["store pages"].ok
    assert f"chmod u+w {store}" in found["store writable"].remedy


def test_a_store_that_others_can_read_is_told_with_the_command_that_closes_it(store):
    store.chmod(0o600)
    assert "store private" not in by_name(examine(store, threads=1))
    store.chmod(0o644)
    found = by_name(examine(store, threads=1))["store private"]
    # The store goes on working.
    assert found.ok
    assert f"chmod 600 {store} " in f"{found.remedy} "


def test_a_store_cut_short_is_a_finding(store):
    store.write_bytes(store.read_bytes()[:10_000])
    found = by_name(examine(store, threads=1))
    assert not all(finding.ok for name, finding in found.items() if name.startswith("store"))


def test_a_store_in_a_folder_that_is_not_there_is_a_finding(tmp_path):
    found = by_name(examine(tmp_path / "no" / "x.tosca", threads=1))
    assert not found["disk"].ok
    assert not found["store"].ok


def test_an_unknown_runtime_or_a_device_that_is_not_there_is_a_finding():
    assert not by_name(examine(runtime="abacus"))["backbone"].ok
    assert not by_name(examine(device="NPU"))["backbone"].ok


def test_examining_changes_no_byte_of_the_store(store):
    before = store.read_bytes()
    examine(store, threads=1)
    assert store.read_bytes() == before


def test_too_little_memory_is_told(plant):
    assert "not known" in examine_memory(plant({})).detail
    assert examine_memory(plant({"proc/meminfo": f"MemAvailable: {MEMORY_NEEDED * 1000} kB\n"})).ok
    little = examine_memory(plant({"proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 100000 kB\n"}))
    assert not little.ok
    assert little.values == {"available_megabytes": 102}


def test_the_limit_of_a_container_counts_where_it_is_below_the_machines_memory(plant):
    group = "sys/fs/cgroup/memory."
    files = {"proc/meminfo": "MemAvailable: 8000000 kB\n", f"{group}max": "512000000\n"}
    assert not examine_memory(plant({**files, f"{group}current": "400000000\n"})).ok
    assert examine_memory(plant({**files, f"{group}current": "100000000\n"})).ok
    assert examine_memory(plant({**files, f"{group}max": "max\n"})).ok


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    # Whoever runs the tests may be root, whom no mode stops: the operating system's answer is replaced.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    findings = list(examine_disk(tmp_path))
    assert not by_name(findings)["disk writable"].ok


def test_the_room_imports_without_the_workstations_packages():
    code = (
        "import sys\n"
        "for name in ('torch', 'timm', 'onnx', 'nncf', 'openvino', 'sklearn', 'matplotlib'):\n"
        "    sys.modules[name] = None\n"
        "import edge_tosca.devices as devices\n"
        "devices.detect()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_screen_of_a_raspberry_pi_that_is_hot_and_badly_fed_says_what_to_do_first(plant, monkeypatch):
    # No file tells the architecture: it is asked of the running kernel.
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    root = plant(
        {
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/cpuinfo": "Features\t: fp asimd asimddp\n",
            "proc/meminfo": "MemAvailable: 3000000 kB\n",
            "sys/class/thermal/thermal_zone0/temp": "84000\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        }
    )
    findings = examine(threads=1, root=root)
    found = by_name(findings)
    assert not found["temperature"].ok
    assert not found["throttling"].ok
    assert "--threads 4" in found["profile"].detail
    assert "Active Cooler" in found["temperature"].remedy
    page = format_findings(findings).splitlines()
    # A terminal of 80 by 24 with room for the prompt, lines that are longer than it apart.
    assert len(page) <= 23
    needed = [line for line in page if "(needed)" in line]
    assert needed[0].startswith("1. ")
    assert any("power supply" in line for line in needed)
    assert [line for line in page if line.startswith("BAD")]


def test_the_screen_of_a_box_with_nothing_wrong_ends_in_nothing_to_do():
    assert format_findings([Finding("python", True, "3.11")]).endswith("Nothing to do.")


@pytest.mark.parametrize(
    ("milliseconds", "used", "recommended"),
    [(20, None, "accurate"), (20, "accurate", "accurate"), (400, None, "fast"), (400, "accurate", "fast")],
)
def test_the_doctor_says_whether_the_box_is_fast_enough_for_accurate(
    monkeypatch, milliseconds, used, recommended
):
    monkeypatch.setattr(bundle_choice, "picture_times", lambda *_: (milliseconds / 4, milliseconds))
    found = by_name(examine(bundle=used and Path(used), threads=1))["built-in bundle"]
    assert found.ok
    assert found.values["recommended"] == recommended
    assert found.detail.startswith(f"{used or 'fast'} is in use, and this device is")
    assert ("not fast enough" in found.detail) == (recommended == "fast")
    slow = (used, recommended) == ("accurate", "fast")
    assert ("init STORE --backbone fast" in found.remedy) == slow


def test_a_store_on_a_slow_box_is_moved_to_fast_by_migrate(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_choice, "picture_times", lambda *_: (100, 200))
    path = tmp_path / "fine.tosca"
    Learner.create(path, "accurate", threads=1).close()
    found = by_name(examine(path, threads=1))["built-in bundle"]
    assert f"edge-tosca migrate {path} --backbone fast" in found.remedy


def test_for_another_bundle_nothing_is_recommended(bundle):
    assert "built-in bundle" not in by_name(examine(bundle=bundle, threads=1))


def test_a_fleet_gets_numbers(plant):
    found = by_name(examine(threads=1))
    assert found["speed"].values["backbone_ms"] > 0
    assert found["speed"].values["prepare_ms"] > 0
    assert found["golden pictures"].values["cosine"] >= GOLDEN_FLOOR
    assert found["disk space"].values["free_megabytes"] > 0
    assert found["profile"].values["name"] == detect().name
    json.dumps([finding.to_json() for finding in found.values()])
