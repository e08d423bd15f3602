"""The verbs that copy a store, as a user calls them."""

import json
import subprocess
import sys

import numpy as np
from tests.unit.store.contents import ever

from edge_tosca import Learner


def edge(*words):
    command = [sys.executable, "-m", "edge_tosca", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_verbs_say_what_was_done_and_what_is_left(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    shop.close()
    assert f"{copy} is a verified copy of {path}: generation 1" in edge("store", "backup", path, copy).stdout
    ran = edge("store", "backup", path, copy)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    said = edge("store", "restore", copy, path, "--force", "--json")
    answer = json.loads(said.stdout)
    assert set(answer) == {"store", "file", "generation", "head", "bytes", "forgotten", "kept"}
    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    assert f"{copy}: a copy that is not encrypted" in edge("store", "encrypt", path, "--key-file", key).stdout


def test_forgetting_in_the_copies_can_be_made_up_for(tmp_path):
    path, copy = tmp_path / "shop.tosca", tmp_path / "copy.tosca"
    assert edge("init", path).returncode == 0
    teach_wide(path)
    assert edge("store", "backup", path, copy).returncode == 0
    said = edge("forget", path, "mug", "--json")
    assert json.loads(said.stdout)["copies"] == [{"path": str(copy), "state": "may have it", "reason": ""}]
    said = edge("forget", path, "mug", "--backups")
    assert said.returncode == 0, said.stderr
    assert "mug was forgotten in" in said.stdout
    assert ever(copy) == {"pen"}
    assert edge("forget", path, "cup", "--backups").returncode == 1


def teach_wide(path):
    learner = Learner.open(path)
    rng = np.random.default_rng(0)
    width = int(learner.store.settings["feature_dim"])
    learner.learn_features(
        {label: rng.gamma(1.0, 1.0, (4, width)).astype(np.float32) for label in ("mug", "pen")}, force=True
    )
    learner.close()
