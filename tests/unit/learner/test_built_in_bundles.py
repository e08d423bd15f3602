"""Stores of the two built-in bundles: each opens by itself, and their features are never mixed."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edge_tosca import Learner
from edge_tosca.cli import app
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.migration import migrate
from edge_tosca.packs import SigningKey, export_classes, import_pack, make_key, read_pack, trust, write_pack
from edge_tosca.runtime import BUILT_IN
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.references import references_of


@pytest.fixture(scope="module")
def pictures(draw_pictures, tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures"), ("apple", "brick"), count=4)


@pytest.fixture(scope="module")
def fine(pictures, tmp_path_factory):
    """The path of a store that was taught with accurate."""
    path = tmp_path_factory.mktemp("fine") / "fine.tosca"
    with_accurate = Learner.create(path, "accurate", threads=1)
    with_accurate.learn(pictures, force=True, remember=True)
    with_accurate.close()
    return path


def test_init_takes_both_by_name(tmp_path):
    for name, setting, origin in (
        ("fast", "", "efficientnet_lite0 ("),
        ("accurate", "accurate", "efficientnet_lite0_288 ("),
    ):
        path = tmp_path / f"{name}.tosca"
        ran = CliRunner().invoke(app, ["init", str(path), "--backbone", name, "--json"])
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout)["backbone"].startswith(origin)
        store = Store.open(path)
        assert store.settings["bundle"] == setting
        store.close()


def test_a_store_opens_again_with_its_own_bundle(fine, pictures):
    learner = Learner.open(fine, threads=1)
    assert learner.vision.bundle.path == BUILT_IN["accurate"]
    (picture, *_) = sorted((pictures / "apple").iterdir())
    assert learner.predict(picture).label == "apple"
    references = references_of(learner.store.bundle_folder, learner.store.settings)
    assert references is not None
    assert references.shape == (393, 1904)
    # The last feature alone, which other bundles' stores could have, is not what this one has.
    assert references_of(BUILT_IN["fast"], learner.store.settings) is None
    learner.close()


def test_a_store_refuses_the_other_bundle(fine, pictures):
    learner = Learner.open(fine, "fast", threads=1)
    with pytest.raises(EdgeToscaError, match="another preprocessing"):
        learner.predict(sorted((pictures / "apple").iterdir())[0])
    learner.close()


def test_kept_pictures_migrate_there_and_back(fine, tmp_path):
    path = tmp_path / "moved.tosca"
    path.write_bytes(fine.read_bytes())
    path.chmod(0o600)
    rows = []
    for name, setting in (("fast", ""), ("accurate", "accurate")):
        store = Store.open(path)
        done = migrate(store, FeatureExtractor(BUILT_IN[name], threads=1))
        assert done.generation is not None
        assert store.settings["bundle"] == setting
        store.close()
        learner = Learner.open(path, threads=1)
        rows.append(learner.store.features(learner.state.tasks[0].groups[0]))
        assert learner.vision.bundle.path == BUILT_IN[name]
        learner.close()
    original = Learner.open(fine, threads=1)
    assert np.array_equal(rows[1], original.store.features(original.state.tasks[0].groups[0]))
    assert not np.array_equal(rows[0], rows[1])
    original.close()


def test_a_pack_of_one_is_refused_by_a_store_of_the_other(fine, tmp_path):
    make_key(tmp_path / "key")
    key = SigningKey.load(tmp_path / "key")
    sender = Learner.open(fine, threads=1)
    write_pack(tmp_path / "a.pack", export_classes(sender.store, ["apple"]), key)
    sender.close()
    receiver = Learner.create(tmp_path / "fast.tosca", "fast", threads=1)
    trust(receiver.store, key.public)
    with pytest.raises(EdgeToscaError, match="efficientnet_lite0_288"):
        import_pack(receiver.store, read_pack(tmp_path / "a.pack"))
    receiver.close()
