"""Kept pictures as class folders and as COCO, with a manifest."""

import csv
import hashlib
import io
import json
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import LearnError
from edge_tosca.learner.dataset_export import COLUMNS, export_dataset
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.store.source_images import SourceImage
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import Thumbnails
from edge_tosca.vision.datasets.open_dataset import open_dataset

LABELS = ("a/b", "Mug", "mug.", "fork")


def jpeg(number):
    out = io.BytesIO()
    Image.new("RGB", (60 + number, 40), (number * 9, 90, 20)).save(out, "JPEG")
    return out.getvalue()


class Shown:
    def __init__(self, number):
        self.jpeg, self.sharpness = jpeg(number), float(number)


@pytest.fixture
def kept(tmp_path, plain):
    """A store with originals of the first two classes, thumbnails of the third, and nothing of the fourth."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    classes = {}
    for place, label in enumerate(LABELS):
        sources = {}
        for number in range(2):
            path = tmp_path / "photos" / f"{place}-{number}.JPG"
            path.write_bytes(jpeg(10 * place + number))
            sources[number] = SourceImage(path, hashlib.sha256(path.read_bytes()).hexdigest())
        features = rng.normal(size=(2, 32)).astype(np.float32) + 3 * place
        classes[label] = LessonClass(features, ["one", "two"], sources=sources if place < 2 else {})
    with closing(Store.create(tmp_path / "shop.tosca", plain)) as store:
        learn_task(store, Lesson(classes, "first"), force=True)
        with closing(Thumbnails(store.path)) as thumbnails:
            thumbnails.turn_on()
            task = store.state().tasks[-1]
            thumbnails.keep(task, {"mug.": [Shown(7), Shown(8)], "Mug": [Shown(9)]}, owner_of(store))
        yield store


def manifest_of(folder):
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == list(COLUMNS)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_kept_pictures_become_class_folders_with_a_manifest(kept, tmp_path):
    out = tmp_path / "out"
    found = export_dataset(kept, out)
    assert found.classes == {"a/b": 2, "Mug": 2, "mug.": 2}
    assert [(entry.path, entry.reason) for entry in found.skipped] == [
        ("fork", "no picture of this class is kept")
    ]
    rows = manifest_of(out)
    assert [row["path"] for row in rows] == [
        f"{name}/000{n}.jpg" for name in ("a_b", "Mug", "mug 2") for n in (1, 2)
    ]
    for row in rows:
        assert hashlib.sha256((out / row["path"]).read_bytes()).hexdigest() == row["sha256"]
        assert row["lesson"] == "first"
        assert row["learned_at"] == kept.state().tasks[0].learned_at
    assert [row["kind"] for row in rows] == ["original"] * 4 + ["thumbnail"] * 2
    # The sharpest comes first, and nothing else lies there.
    assert (out / "mug 2" / "0001.jpg").read_bytes() == jpeg(8)
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert files == {row["path"] for row in rows} | {"manifest.csv"}
    # The manifest is a list that can be learned, with the names that no folder can have.
    listed = open_dataset(out / "manifest.csv")
    assert {label: len(some) for label, some in listed.pictures.items()} == found.classes


def test_kept_pictures_become_coco_that_can_be_learned(kept, tmp_path):
    out = tmp_path / "out"
    export_dataset(kept, out, "coco")
    value = json.loads((out / "annotations.json").read_text())
    assert set(value) == {"info", "licenses", "images", "annotations", "categories"}
    assert [one["name"] for one in value["categories"]] == ["a/b", "Mug", "mug."]
    first, box = value["images"][0], value["annotations"][0]
    assert (first["file_name"], first["width"], first["height"]) == ("images/000001.jpg", 60, 40)
    assert (box["image_id"], box["category_id"], box["bbox"]) == (first["id"], 1, [0, 0, 60, 40])
    found = open_dataset(out / "annotations.json")
    assert found.pictures["Mug"] == [out / "images" / "000003.jpg", out / "images" / "000004.jpg"]


def test_files_that_are_gone_or_changed_are_skipped_with_the_reason(kept, tmp_path):
    (tmp_path / "photos" / "0-0.JPG").unlink()
    (tmp_path / "photos" / "0-1.JPG").write_bytes(b"another")
    found = export_dataset(kept, tmp_path / "out")
    reasons = {entry.path: entry.reason for entry in found.skipped}
    assert reasons[str(tmp_path / "photos" / "0-0.JPG")] == "the file is gone, or cannot be read"
    assert reasons[str(tmp_path / "photos" / "0-1.JPG")] == "another file lies there now"
    assert found.classes == {"Mug": 2, "mug.": 2}


def test_a_folder_with_anything_in_it_is_refused_and_a_store_without_pictures_leaves_none(kept, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(LearnError, match="not an empty folder"):
        export_dataset(kept, tmp_path / "full")
    (tmp_path / "empty").mkdir()
    assert export_dataset(kept, tmp_path / "empty").images == 6
    with closing(Store.create(tmp_path / "other.tosca", dict(kept.settings))) as other:
        before = set(tmp_path.iterdir())
        with pytest.raises(LearnError, match="keeps no picture"):
            export_dataset(other, tmp_path / "nothing")
        assert set(tmp_path.iterdir()) == before
