"""Whatever can be refused without a feature is refused before the backbone is loaded, verb by verb."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge_tosca.cli import app
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner import Learner
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.migration import migrate
from edge_tosca.store.store import Store
from edge_tosca.vision.embedding import embed_folder
from edge_tosca.vision.feature_extractor import FeatureExtractor

LOADED = "the backbone was loaded"


@pytest.fixture(autouse=True)
def no_backbone(monkeypatch, shop):
    """Nothing may read a bundle or start a runtime, once `shop` was taught with the bundle's references."""

    def refuse(*_, **__):
        raise AssertionError(LOADED)

    monkeypatch.setattr("edge_tosca.runtime.Bundle.load", refuse)
    monkeypatch.setattr("edge_tosca.runtime.open_verified", refuse)


@pytest.fixture
def photos(tmp_path):
    """Two classes with two pictures each."""
    for label in ("apple", "brick"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (16, 16), (40 * number, 9, 99)).save(folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def shop(tmp_path, plain):
    """A store that knows one class."""
    path = tmp_path / "known.tosca"
    with_class = Store.create(path, plain)
    rows = np.random.default_rng(0).normal(size=(4, 32)).astype(np.float32)
    learn_task(with_class, Lesson({"apple": LessonClass(rows, [str(at) for at in range(4)])}))
    with_class.close()
    return path


@pytest.fixture
def empty(tmp_path, plain):
    """A store that knows nothing."""
    Store.create(tmp_path / "empty.tosca", plain).close()
    return tmp_path / "empty.tosca"


def refusal(action):
    with pytest.raises(EdgeToscaError) as caught:
        action()
    assert LOADED not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unwritable(tmp_path):
    """A place where no file can be made, by root either."""
    (tmp_path / "taken").write_text("a file")
    return tmp_path / "taken" / "below"


def test_the_backbone_is_watched(shop, photos):
    with pytest.raises(AssertionError, match=LOADED):
        Learner.open(shop).learn({"brick": [photos / "brick" / "0.png"]})
    with pytest.raises(AssertionError, match=LOADED):
        Learner.open(shop).predict(photos / "brick" / "0.png")


@pytest.mark.parametrize("name", ["two\nlines", "", "a" * 300, os.fsdecode(b"\xff")])
def test_learn_refuses_a_name_that_is_none(shop, photos, name):
    refusal(lambda: Learner.open(shop).learn({name: [photos / "apple" / "0.png"]}))


def test_learn_refuses_a_task_that_is_no_text(shop, photos):
    assert "no text" in refusal(lambda: Learner.open(shop).learn(photos, task="\udcff"))


def test_learn_refuses_no_class_and_a_class_without_pictures(shop, photos, tmp_path):
    refusal(lambda: Learner.open(shop).learn({}))
    assert "'mug' has no readable picture" in refusal(lambda: Learner.open(shop).learn({"mug": []}))
    (photos / "mug").mkdir()
    (photos / "mug" / "clip.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\2\0qt  ")
    message = refusal(lambda: Learner.open(shop).learn(photos))
    assert str(photos / "mug") in message
    assert "a video (QuickTime MOV)" in message
    refusal(lambda: Learner.open(shop).learn(tmp_path / "nowhere"))


def test_learn_refuses_a_class_that_is_a_link_out_of_the_folder(shop, photos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (photos / "mug").symlink_to(tmp_path / "elsewhere")
    assert "--follow-links" in refusal(lambda: Learner.open(shop).learn(photos))


def test_learn_refuses_a_store_that_can_only_be_read(shop, photos, monkeypatch):
    opened = Learner.open(shop)
    monkeypatch.setattr(opened.store, "read_only", True)
    refusal(lambda: opened.learn(photos))


def test_every_verb_refuses_an_encrypted_store_without_its_key(tmp_path, plain, photos, monkeypatch):
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    Store.create(tmp_path / "secret.tosca", plain, key).close()
    monkeypatch.delenv("EDGE_TOSCA_KEY", raising=False)
    for words in (["learn", photos], ["predict", photos], ["evaluate", photos], ["migrate"]):
        ran = CliRunner().invoke(app, [words[0], str(tmp_path / "secret.tosca"), *map(str, words[1:])])
        assert isinstance(ran.exception, EdgeToscaError)
        assert "encrypted" in str(ran.exception)


def test_predict_refuses_a_store_that_knows_nothing(empty, photos):
    picture = photos / "apple" / "0.png"
    for ask in (Learner.predict, lambda learner, one: list(learner.predict_many([one]))):
        assert "knows no class" in refusal(lambda ask=ask: ask(Learner.open(empty), picture))
    assert "knows no class" in refusal(lambda: Learner.open(empty).predict_burst([picture]))


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1.0, 7.0, float("nan")])
def test_predict_refuses_a_coverage_that_is_none(shop, photos, coverage):
    picture = photos / "apple" / "0.png"
    assert "coverage" in refusal(lambda: Learner.open(shop).predict(picture, coverage=coverage))
    ran = CliRunner().invoke(app, ["predict", str(shop), str(picture), f"--coverage={coverage}"])
    assert "coverage" in str(ran.exception)
    ran = CliRunner().invoke(app, ["predict", str(shop), str(picture), "--burst", "--coverage=0.9"])
    assert "--burst" in str(ran.exception)


def test_predict_refuses_a_folder_without_pictures(shop, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("eggs")
    ran = CliRunner().invoke(app, ["predict", str(shop), str(tmp_path / "none")])
    assert "holds no picture" in str(ran.exception)
    assert "notes.txt" in str(ran.exception)


def test_evaluate_refuses_what_it_cannot_measure(shop, empty, photos, tmp_path):
    assert "knows no class" in refusal(lambda: Learner.open(empty).evaluate(photos))
    (tmp_path / "other" / "zebra").mkdir(parents=True)
    (photos / "brick" / "0.png").rename(tmp_path / "other" / "zebra" / "0.png")
    assert "(apple)" in refusal(lambda: Learner.open(shop).evaluate(tmp_path / "other"))
    (tmp_path / "other" / "apple").mkdir()
    refusal(lambda: Learner.open(shop).evaluate(tmp_path / "other"))
    ran = CliRunner().invoke(app, ["evaluate", str(shop), str(photos), "--report", str(unwritable(tmp_path))])
    assert "is not a folder" in str(ran.exception)


def test_embed_refuses_a_file_that_cannot_be_written_and_a_folder_without_pictures(photos, tmp_path):
    def embed(folder, out):
        return lambda: embed_folder(folder, out, FeatureExtractor(), lambda *_: None)

    for out in (unwritable(tmp_path), tmp_path / "no" / "f.npz", tmp_path):
        assert str(out) in refusal(embed(photos, out))
    (tmp_path / "none" / "mug").mkdir(parents=True)
    assert "no readable picture" in refusal(embed(tmp_path / "none", tmp_path / "f.npz"))


def test_init_refuses_a_place_that_is_taken_or_cannot_be_written(shop, tmp_path):
    for place in (shop, tmp_path, unwritable(tmp_path), tmp_path / "no" / "new.tosca"):
        assert str(place) in refusal(lambda place=place: Learner.create(place))
    refusal(lambda: Learner.create(tmp_path / "new.tosca", key_file=tmp_path / "no key"))
    assert not (tmp_path / "new.tosca").exists()


def test_migrate_refuses_a_folder_that_is_none(shop, tmp_path):
    with Store.open(shop).snapshot():
        message = refusal(lambda: migrate(Store.open(shop), FeatureExtractor(), tmp_path / "nowhere"))
    assert "--pictures" in message


@pytest.mark.parametrize(
    "words",
    [["bench", "speed"], ["bench", "accuracy", "{photos}"], ["bench", "live", "{photos}"]],
    ids=" ".join,
)
def test_measurements_refuse_a_folder_that_cannot_be_written(words, photos, tmp_path):
    words = [word.format(photos=photos) for word in words]
    ran = CliRunner().invoke(app, [*words, "--out", str(unwritable(tmp_path))])
    assert isinstance(ran.exception, EdgeToscaError)
    assert "is not a folder" in str(ran.exception)


def test_export_refuses_a_folder_that_cannot_be_written(tmp_path):
    from edge_tosca.export.bundle_writer import check_target

    assert "is not a folder" in refusal(lambda: check_target(Path(unwritable(tmp_path)) / "bundle"))
