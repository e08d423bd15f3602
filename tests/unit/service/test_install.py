"""The install script as far as it goes without a system: what it says, refuses and stages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[3] / "devices" / "service"


def install(*words, script=SERVICE / "install.sh"):
    return subprocess.run(["sh", str(script), *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "edge_tosca-0.1.0-py3-none-any.whl").touch()
    return folder


def test_the_script_is_clean_to_shellcheck():
    if shutil.which("shellcheck") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("shellcheck is not installed, and CI must have it")
        pytest.skip("shellcheck is not installed")
    for script in (SERVICE / "install.sh", Path(__file__).parents[2] / "end_to_end" / "booted" / "boot.sh"):
        ran = subprocess.run(["shellcheck", "--shell=sh", str(script)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout


def test_a_rehearsal_says_every_step_and_does_none(tmp_path, wheels):
    root = tmp_path / "root"
    words = (
        "--dry-run",
        "--root",
        root,
        "--wheels",
        wheels,
        "--from",
        wheels / "edge_tosca-0.1.0-py3-none-any.whl",
    )
    ran = install(*words, "--extras", "console", "--python", sys.executable)
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.replace(str(root), "ROOT").replace(str(wheels), "WHEELS").replace(str(SERVICE), "HERE")
    wheel = "WHEELS/edge_tosca-0.1.0-py3-none-any.whl"
    venv = "ROOT/opt/edge-tosca/versions/0.1.0"
    pip = f"would run: {venv}/bin/python -m pip install --quiet --disable-pip-version-check"
    units = (
        "edge-tosca-backup.service",
        "edge-tosca-backup.timer",
        "edge-tosca-console.service",
        "edge-tosca-watch@.service",
    )
    steps = [
        "would run: mkdir -p ROOT/opt/edge-tosca/versions",
        f"would run: {sys.executable} -m venv {venv}",
        f"{pip} --no-input --no-index --find-links WHEELS --upgrade {wheel}[console]",
        f"{pip} --no-index --no-deps --force-reinstall {wheel}",
        "would run: ln -sfn versions/0.1.0 ROOT/opt/edge-tosca/current.new",
        "would run: mv -T ROOT/opt/edge-tosca/current.new ROOT/opt/edge-tosca/current",
        "would run: ln -s current/bin ROOT/opt/edge-tosca/bin",
        "would run: mkdir -p ROOT/etc/systemd/system",
        f"would run: mkdir -p {venv}/units",
        *(
            f"would run: install -m 644 HERE/units/{name} {folder}/{name}"
            for name in units
            for folder in (f"{venv}/units", "ROOT/etc/systemd/system")
        ),
        "would run: install -d -m 755 ROOT/etc/edge-tosca",
        *(
            f"would run: install -m 600 HERE/settings/{name} ROOT/etc/edge-tosca/{name}"
            for name in ("console.conf", "watch-example.conf", "backup.conf")
        ),
        "would make: ROOT/etc/edge-tosca/token, a secret of 32 random bytes that only root reads",
        "Everything is under ROOT; nothing was started.",
    ]
    assert said.splitlines() == steps
    assert not root.exists()


def test_a_rehearsal_of_removing_says_what_stays(tmp_path):
    ran = install("--dry-run", "--uninstall", "--root", tmp_path)
    assert "would run: rm -rf" in ran.stdout
    assert "the store in /var/lib/edge-tosca and the settings in /etc/edge-tosca stay" in ran.stdout
    assert (
        "/var/lib/private/edge-tosca"
        in install("--dry-run", "--uninstall", "--purge", "--root", tmp_path).stdout
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "/nowhere.whl", "--dry-run"), 1, "/nowhere.whl: there is no such wheel"),
        (("--wheels", "/nowhere", "--dry-run"), 1, "/nowhere: there is no such folder of wheels"),
        (("--python", "/nowhere", "--dry-run"), 1, "/nowhere: not found; install Python 3.11"),
        (("--purge", "--dry-run"), 1, "--purge requires --uninstall"),
        (("--from",), 1, "--from needs a value"),
        (("--frobnicate",), 2, "usage: install.sh"),
    ],
)
def test_a_refusal_names_the_thing_and_the_remedy(words, code, said):
    ran = install(*words)
    assert ran.returncode == code
    assert said in ran.stderr


def test_an_installed_user_gets_the_same_files(tmp_path):
    out = tmp_path / "service"
    command = [sys.executable, "-m", "edge_tosca", "service", "files", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    kept = {path.relative_to(SERVICE): path.read_bytes() for path in SERVICE.rglob("*") if path.is_file()}
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == kept
    assert os.access(out / "install.sh", os.X_OK)


def test_the_documented_rehearsal_works_with_the_files_that_an_installed_user_gets(tmp_path, wheels):
    shutil.copytree(SERVICE, tmp_path / "DIR")
    documented = (SERVICE.parents[1] / "docs" / "service.md").read_text().splitlines()
    (line,) = (line for line in documented if "install.sh" in line and "--dry-run" in line)
    ran = subprocess.run(
        ["sh", "-c", line.replace("DIR/", f"{tmp_path}/DIR/").removeprefix("sudo ")],
        cwd=wheels,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"{wheels}/edge_tosca-0.1.0-py3-none-any.whl" in ran.stdout


def test_a_script_without_a_source_beside_it_asks_for_one(tmp_path):
    shutil.copytree(SERVICE, tmp_path / "service")
    ran = install("--dry-run", script=tmp_path / "service" / "install.sh")
    assert "name what to install: --from WHEEL" in ran.stderr
