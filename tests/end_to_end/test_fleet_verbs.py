"""The verbs of a fleet, as an administrator and the users of two boxes type them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from edge_tosca import Learner

pytestmark = pytest.mark.slow


@pytest.fixture
def port(tmp_path):
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    root = "user root\n" if os.geteuid() == 0 else ""
    (tmp_path / "m.conf").write_text(f"listener {number} 127.0.0.1\nallow_anonymous true\n{root}")
    process = subprocess.Popen([program, "-c", tmp_path / "m.conf"], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", number), 1).close()
            break
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)
    yield number
    process.kill()
    process.wait()


def teach(path, *labels):
    learner = Learner.create(path)
    d, rng = int(learner.store.settings["feature_dim"]), np.random.default_rng(len(labels))
    drawn = {label: rng.normal(size=d) + 0.7 * rng.normal(size=(8, d)) for label in labels}
    if labels:
        learner.learn_features({label: rows.astype(np.float32) for label, rows in drawn.items()}, force=True)
    learner.close()


def test_a_fleet_from_its_creation_to_a_box_that_leaves(tmp_path, port):
    def run(*words, code=0):
        ran = subprocess.run(
            [sys.executable, "-m", "edge_tosca", "fleet", *map(str, words), "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == code, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1]) if code == 0 else ran.stderr.splitlines()[-1]

    made = run("create", "shop", "--broker", f"mqtt://127.0.0.1:{port}")
    assert made["fleet"] == "shop"
    assert (tmp_path / "shop").stat().st_mode & 0o777 == 0o700
    for name in ("admin.key", "fleet.json"):
        assert (tmp_path / "shop" / name).stat().st_mode & 0o777 == 0o600
    for box, labels in (("a", ("mug", "pen")), ("b", ())):
        teach(tmp_path / f"{box}.tosca", *labels)
        assert run("invite", "shop", box, "--out", f"{box}.invitation")["published"]
        assert (tmp_path / f"{box}.invitation").stat().st_mode & 0o777 == 0o600
        assert run("join", f"{box}.tosca", f"{box}.invitation", "--share", "all")["box"] == box
    assert "belongs to a fleet already" in run("join", "a.tosca", "a.invitation", code=1)

    assert len(run("publish", "a.tosca")["published"]) == 2
    found = run("follow", "b.tosca", "--once")
    assert (found["held"], found["complete"]) == (2, True)
    assert Learner.open(tmp_path / "b.tosca").state.labels == ("mug", "pen")
    assert len(run("status", "b.tosca")["held"]) == 2

    Learner.open(tmp_path / "b.tosca").forget("mug")
    assert run("follow", "b.tosca", "--once")["held"] == 1
    status = run("status", "shop", "--wait", 5)
    assert [(box["box"], box["online"], box["held"]) for box in status["boxes"]] == [
        ("a", False, 2),
        ("b", False, 1),
    ]
    assert list(status["unconfirmed"].values()) == [["a"]]
    assert run("follow", "a.tosca", "--once")["held"] == 1
    assert run("status", "shop", "--wait", 5)["unconfirmed"] == {}

    assert run("command", "shop", "b", "pin", "on")["do"] == "pin"
    run("follow", "b.tosca", "--once")
    assert run("status", "b.tosca")["pinned"]
    assert run("revoke", "shop", "b") == {"revoked": "b", "epoch": 2, "encrypted": 1, "missing": 0}
    assert "box b was revoked" in run("follow", "b.tosca", "--once", code=1)
    assert run("leave", "b.tosca")["left"] == "shop"
    assert not (tmp_path / "b.tosca.fleet").exists()
    assert "belongs to no fleet" in run("follow", "b.tosca", "--once", code=1)


def test_an_invitation_expires(tmp_path):
    from datetime import UTC, datetime, timedelta

    from edge_tosca.errors import FleetError
    from edge_tosca.packs.fleet.administration import Administration
    from edge_tosca.packs.fleet.membership import read_invitation

    fleet = Administration.create(tmp_path / "shop", "shop", "mqtt://broker")
    fleet.invite(tmp_path / "a", "a", expires=timedelta(days=1))
    assert read_invitation(tmp_path / "a", datetime.now(UTC)).box == "a"
    with pytest.raises(FleetError, match="expired on"):
        read_invitation(tmp_path / "a", datetime.now(UTC) + timedelta(days=2))
    (tmp_path / "a").chmod(0o644)
    with pytest.raises(FleetError, match="chmod 600"):
        read_invitation(tmp_path / "a", datetime.now(UTC))
