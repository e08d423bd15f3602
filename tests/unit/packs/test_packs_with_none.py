"""Packs with pictures of none of the classes: a format of their own, and the same border elsewhere."""

import json

import numpy as np
import pytest

from edge_tosca.errors import PackError
from edge_tosca.labels import NONE_LABEL
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.none_of_these import learn_none
from edge_tosca.packs import SigningKey, export_classes, import_pack, make_key, read_pack, write_pack
from edge_tosca.packs.container import ENTRY
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
STORED = dict.fromkeys(SETTINGS, "") | {"router": "fused", "feature_dim": str(D), "refused": "0.05"}


def pictures(seed, shots=12):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=D) + 0.7 * rng.normal(size=(shots, D))).astype(np.float16)


@pytest.fixture
def key(tmp_path):
    make_key(tmp_path / "factory")
    return SigningKey.load(tmp_path / "factory")


@pytest.fixture
def open_box(tmp_path):
    boxes = []

    def opened():
        path = tmp_path / f"{len(boxes)}.tosca"
        boxes.append(Learner(Store.create(path, STORED), FeatureExtractor()))
        return boxes[-1]

    yield opened
    for box in boxes:
        box.close()


@pytest.fixture
def box(open_box):
    made = open_box()
    made.learn_features({"mug": pictures(0), "pen": pictures(1)})
    learn_none(made.store, LessonClass(pictures(2), [""] * 12))
    return made


def format_of(path):
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(json.loads(header["__metadata__"][ENTRY])["account"])["format"]


def test_without_the_option_a_pack_is_that_of_a_store_without_them(box, key, tmp_path):
    write_pack(tmp_path / "a.pack", export_classes(box.store), key)
    assert format_of(tmp_path / "a.pack") == 1
    assert read_pack(tmp_path / "a.pack").none == 0


def test_a_pack_with_them_has_a_format_of_its_own_and_brings_the_border(box, open_box, key, tmp_path):
    write_pack(tmp_path / "a.pack", export_classes(box.store, none=True), key)
    assert format_of(tmp_path / "a.pack") == 2
    pack = read_pack(tmp_path / "a.pack")
    assert (pack.labels, pack.none) == (("mug", "pen"), 12)
    other = open_box()
    report = import_pack(other.store, pack, trusted=[key.public])
    assert report.classes == ("mug", "pen")
    assert other.state.labels == ("mug", "pen")
    assert [group.label for group in other.state.none_groups] == [NONE_LABEL]
    rows = np.concatenate([pictures(seed) for seed in range(4)]).astype(np.float32)
    answers = [[answer.unknown for answer in each.predict_features(rows)] for each in (box, other)]
    assert answers[0] == answers[1]
    assert import_pack(other.store, pack, trusted=[key.public]).generation is None


def test_an_import_that_was_rolled_back_comes_again_with_them(box, open_box, key, tmp_path):
    write_pack(tmp_path / "a.pack", export_classes(box.store, none=True), key)
    pack, other = read_pack(tmp_path / "a.pack"), open_box()
    import_pack(other.store, pack, trusted=[key.public])
    other.rollback()
    assert other.state.none_groups == ()
    import_pack(other.store, pack, trusted=[key.public])
    assert len(other.state.none_groups) == 1


def test_a_store_without_them_cannot_export_them(open_box):
    other = open_box()
    other.learn_features({"mug": pictures(0)})
    with pytest.raises(PackError, match="leave out --none"):
        export_classes(other.store, none=True)


def test_a_newer_format_asks_for_an_update(box, key, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_tosca.packs.container.WITH_NONE", 3)
    write_pack(tmp_path / "a.pack", export_classes(box.store, none=True), key)
    with pytest.raises(PackError, match="has format 3, this program reads 2; update edge-tosca"):
        read_pack(tmp_path / "a.pack")
