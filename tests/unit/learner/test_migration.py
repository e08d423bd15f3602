"""Migrating a store computes every feature anew, or says which pictures it lacks and changes nothing."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.migration import migrate
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, open_backend
from edge_tosca.runtime.golden import GoldenInput, golden_entry
from edge_tosca.runtime.golden_check import golden_feature
from edge_tosca.runtime.region import Region
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

pytestmark = pytest.mark.slow

FIRST, SECOND = ("apple", "brick"), ("cone", "door")


@pytest.fixture(scope="module")
def pictures(draw_pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    draw_pictures(folder / "one", FIRST, count=6)
    return draw_pictures(folder / "two", SECOND, count=6).parent


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another backbone as far as features go: the built-in one, looking at a narrower part of the picture."""
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path_factory.mktemp("other") / "bundle")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["input"]["crop_pct"] = 0.6
    (folder / "manifest.json").write_text(json.dumps(manifest))
    bundle = Bundle.load(folder)
    backend = open_backend(bundle, threads=1)
    manifest["golden"] = [
        golden_entry(GoldenInput(golden.picture, golden_feature(golden.picture, bundle, backend)))
        for golden in bundle.golden
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def teach(path, pictures, bundle=None, *, remember=True, router="fused"):
    learner = Learner.create(path, bundle, threads=1, router=router)
    for task in ("one", "two"):
        learner.learn(pictures / task, task, force=True, remember=remember)
    learner.close()
    return path


@pytest.fixture(scope="module")
def taught(pictures, tmp_path_factory):
    return teach(tmp_path_factory.mktemp("taught") / "shop.tosca", pictures)


@pytest.fixture
def shop(taught, tmp_path):
    return shutil.copy(taught, tmp_path / "shop.tosca")


def rows(path, *tables):
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables or names}


def run(path, bundle=None, folder=None, **options):
    store = Store.open(path)
    try:
        return migrate(store, FeatureExtractor(bundle, threads=1), folder, **options)
    finally:
        store.close()


@pytest.mark.parametrize("router", ["fused", "entropy"])
def test_a_migrated_store_is_the_one_that_teaching_it_anew_would_give(pictures, other, tmp_path, router):
    path = teach(tmp_path / "old.tosca", pictures, router=router)
    anew = teach(tmp_path / "new.tosca", pictures, other, router=router)
    done = run(path, other)
    assert (done.generation, done.images, done.missing) == (3, 24, ())
    tables = ("features", "modules", "classes", "lives")
    assert rows(path, *tables) == rows(anew, *tables)
    picture = pictures / "one" / "apple" / "000.jpg"
    assert Learner.open(path, threads=1).predict(picture).top == Learner.open(anew).predict(picture).top


def test_another_runtime_is_migrated_to_as_well(shop, pictures):
    pytest.importorskip("openvino", reason="openvino is not installed")
    store = Store.open(shop)
    done = migrate(store, FeatureExtractor(runtime="openvino", threads=1))
    store.close()
    assert done.origin.endswith("openvino CPU")
    learner = Learner.open(shop)
    assert (learner.vision.runtime, learner.history()[-1].command) == ("openvino", "migrate")
    assert learner.predict(pictures / "two" / "door" / "001.jpg").label == "door"


def test_a_store_that_is_there_already_is_left_alone(shop):
    before = rows(shop)
    done = run(shop)
    assert (done.generation, done.missing) == (None, ())
    assert rows(shop) == before


def test_learning_remembers_no_picture_unless_asked_to(pictures, tmp_path):
    path = teach(tmp_path / "shop.tosca", pictures, remember=False)
    assert "pictures" not in rows(path)


def test_what_is_missing_is_counted_by_class_and_nothing_is_changed(pictures, other, tmp_path):
    moved = shutil.copytree(pictures, tmp_path / "moved")
    path = teach(tmp_path / "shop.tosca", moved)
    lost = moved / "two" / "cone" / "003.jpg"
    lost.unlink()
    # The same name with other bytes is another picture.
    shutil.copy(moved / "one" / "apple" / "000.jpg", moved / "one" / "brick" / "001.jpg")
    before = rows(path)
    done = run(path, other)
    assert done.generation is None
    told = {entry.label: (entry.task, entry.missing, entry.images, entry.paths) for entry in done.missing}
    assert told == {
        "brick": ("one", 1, 6, (str(moved / "one" / "brick" / "001.jpg"),)),
        "cone": ("two", 1, 6, (str(lost),)),
    }
    assert rows(path) == before


def test_pictures_that_moved_are_found_by_their_bytes(pictures, other, tmp_path):
    moved = shutil.copytree(pictures, tmp_path / "here")
    path = teach(tmp_path / "shop.tosca", moved)
    flat = tmp_path / "elsewhere"
    flat.mkdir()
    for number, picture in enumerate(sorted(moved.rglob("*.jpg"))):
        picture.rename(flat / f"{number}.jpg")
    assert run(path, other).missing
    done = run(path, other, flat)
    assert (done.images, done.missing) == (24, ())
    assert rows(path, "modules") == rows(teach(tmp_path / "new.tosca", pictures, other), "modules")
    # They are remembered where they were found.
    shutil.rmtree(moved)
    assert not run(path, DEFAULT_BUNDLE).missing


def test_pictures_never_remembered_are_taken_from_class_folders(pictures, other, tmp_path):
    path = teach(tmp_path / "shop.tosca", pictures, remember=False)
    assert {entry.paths for entry in run(path, other).missing} == {()}
    assert run(path, other, pictures).images == 24
    assert "pictures" not in rows(path)


def test_a_class_of_two_tasks_is_told_apart_by_the_tasks_folder_alone(pictures, other, tmp_path):
    learner = Learner.create(tmp_path / "shop.tosca", threads=1)
    # A picture is not learned twice under one name, a part of it is another one.
    for task, region in (("one", None), ("again", Region(0, 0, 1, 0.9))):
        learner.learn(pictures / "one", task, force=True, region=region)
    learner.close()
    done = run(tmp_path / "shop.tosca", other, pictures / "one")
    assert {(entry.task, entry.label) for entry in done.missing} == {
        (task, label) for task in ("one", "again") for label in FIRST
    }
    done = run(tmp_path / "shop.tosca", other, pictures)
    assert {entry.task for entry in done.missing} == {"again"}


def test_without_missing_goes_on_and_erases_what_has_no_picture_left(pictures, other, tmp_path):
    moved = shutil.copytree(pictures, tmp_path / "moved")
    path = teach(tmp_path / "shop.tosca", moved)
    shutil.rmtree(moved / "two" / "cone")
    (moved / "one" / "brick" / "001.jpg").unlink()
    done = run(path, other, without_missing=True)
    assert {entry.label: entry.missing for entry in done.missing} == {"brick": 1, "cone": 6}
    learner = Learner.open(path, threads=1)
    assert {group.label: group.images for group in learner.state.groups} == {
        "apple": 6,
        "brick": 5,
        "door": 6,
    }
    assert learner.predict(moved / "two" / "door" / "000.jpg").label in ("apple", "brick", "door")


def test_a_store_is_never_emptied(shop, other, tmp_path):
    store = Store.open(shop)
    with store.transaction():
        for task in store.tasks_ever():
            for group in task.groups:
                store.pictures.put(group.features, {})
    store.close()
    before = rows(shop)
    with pytest.raises(LearnError, match="nothing was changed"):
        run(shop, other, without_missing=True)
    assert rows(shop) == before


def test_a_task_that_was_rolled_back_comes_along_and_can_come_back(shop, other, pictures):
    learner = Learner.open(shop)
    learner.rollback(1)
    learner.close()
    assert run(shop, other).images == 24
    learner = Learner.open(shop, threads=1)
    assert learner.state.labels == FIRST
    learner.rollback(2)
    assert learner.predict(pictures / "two" / "cone" / "002.jpg").label == "cone"


def test_forgetting_a_class_erases_where_its_pictures_lay(pictures, tmp_path):
    path = teach(tmp_path / "shop.tosca", pictures)
    folder = os.fsencode(pictures / "one" / "apple")
    assert any(folder in row[2] for row in rows(path, "pictures")["pictures"])
    learner = Learner.open(path)
    learner.forget("apple")
    learner.close()
    assert folder not in path.read_bytes()


def test_an_interrupted_migration_leaves_the_store_as_it_was_and_meanwhile_readable(shop, other, pictures):
    before = rows(shop)
    picture = pictures / "one" / "apple" / "000.jpg"

    def interrupt(done, total):
        assert total == 24
        if done == 20:
            reader = Learner.open(shop, threads=1)
            assert reader.predict(picture).label == "apple"
            reader.close()
            writer = sqlite3.connect(shop, timeout=0)
            with closing(writer), pytest.raises(sqlite3.OperationalError, match="locked"):
                writer.execute("BEGIN IMMEDIATE")
            raise KeyboardInterrupt

    store = Store.open(shop)
    with pytest.raises(KeyboardInterrupt):
        migrate(store, FeatureExtractor(other, threads=1), on_progress=interrupt)
    assert store.state().generation == 2
    store.close()
    assert rows(shop) == before


def test_a_power_cut_leaves_the_store_as_it_was(shop, other):
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from edge_tosca.learner.migration import migrate\n"
        "from edge_tosca.store.store import Store\n"
        "from edge_tosca.vision.feature_extractor import FeatureExtractor\n"
        "def cut(done, total):\n"
        "    if done == 20: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backbone = FeatureExtractor(Path(sys.argv[2]), threads=1)\n"
        "migrate(Store.open(Path(sys.argv[1])), backbone, on_progress=cut)\n"
    )
    before = rows(shop)
    ran = subprocess.run([sys.executable, "-c", program, str(shop), str(other)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert rows(shop) == before
    assert run(shop, other).generation == 3


def test_who_had_the_store_open_is_told_to_open_it_again(shop, other, pictures):
    reader = Learner.open(shop, threads=1)
    picture = pictures / "one" / "apple" / "000.jpg"
    assert reader.predict(picture).label == "apple"
    run(shop, other)
    with pytest.raises(StoreError, match="open it again"):
        reader.predict(picture)
    rng = np.random.default_rng(0)
    with pytest.raises(StoreError, match="open it again"):
        reader.learn_features({"noise": rng.normal(size=(5, 1904)).astype(np.float32)}, force=True)


def test_a_picture_that_can_no_longer_be_read_is_named(pictures, other, tmp_path):
    path = teach(tmp_path / "shop.tosca", pictures, remember=False)
    folder = shutil.copytree(pictures, tmp_path / "folder")
    broken = folder / "two" / "door" / "002.jpg"
    broken.write_text("not a picture")
    before = rows(path)
    with pytest.raises(LearnError, match=r"002\.jpg: not a picture.*nothing was changed"):
        run(path, other, folder)
    assert rows(path) == before
