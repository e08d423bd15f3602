"""The gate on real pictures: clean tasks pass, planted faults do not, and a reject keeps nothing."""

import io
import json
import shutil

import numpy as np
import pytest
from gate_sweep import (
    choose,
    clean_verdicts,
    same_class_verdicts,
    swap_labels,
    swapped_verdicts,
    tasks_of,
    teach,
)
from PIL import Image

from edge_tosca.features.normalization import normalize
from edge_tosca.quality.near_duplicates import NEAR_DUPLICATE_COSINE
from edge_tosca.vision.feature_extractor import FeatureExtractor

CLASSES, SHOTS = 10, 20


@pytest.fixture(scope="module")
def vision():
    return FeatureExtractor(threads=1)


@pytest.fixture(scope="module")
def sets(shared_data, vision):
    """Ten classes of twenty pictures of each set, as features."""
    found = {}
    for name in ("grocery/train", "clothing/train", "signdigits/all"):
        folders = sorted(path for path in (shared_data / name).iterdir() if path.is_dir())
        found[name.split("/")[0]] = {
            folder.name: embedded(vision, evenly_chosen(folder))
            for folder in folders[:: len(folders) // CLASSES]
        }
    return found


def evenly_chosen(folder):
    paths = sorted(folder.glob("*.jpg"))
    return [paths[place * len(paths) // SHOTS] for place in range(min(SHOTS, len(paths)))]


def embedded(vision, sources):
    return np.stack([picture.features for picture in vision.extract(sources)]), list(map(str, sources))


def recompressed(path, quality):
    packed = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(packed, "JPEG", quality=quality)
    return packed.getvalue()


@pytest.mark.parametrize("name", ["grocery", "clothing", "signdigits"])
@pytest.mark.parametrize(("shots", "size"), [(10, 1), (10, 5), (20, 10)])
def test_every_clean_task_is_accepted(sets, name, shots, size):
    for report in clean_verdicts(sets[name], shots, size):
        assert report.gate.verdict == "accept", report.gate.reasons


@pytest.mark.parametrize("name", ["grocery", "clothing", "signdigits"])
@pytest.mark.parametrize("earlier", [0, 1])
def test_a_fifth_of_the_labels_swapped_is_warned_of_and_named(sets, name, earlier):
    tasks = tasks_of(choose(sets[name], SHOTS, seed=1), 5)
    wrong, swapped = swap_labels(tasks[earlier], 0.2, seed=1)
    *_, report = teach([*tasks[:earlier], wrong], force=True)
    named = {suspect.path for suspect in report.gate.suspects}
    assert report.gate.verdict != "accept"
    assert len(named & swapped) >= 0.6 * len(swapped)
    assert len(named & swapped) >= 0.6 * len(named)


@pytest.mark.parametrize("name", ["grocery", "clothing", "signdigits"])
@pytest.mark.parametrize(("shots", "trials", "least"), [(10, 4, 5), (20, 2, 3)])
def test_a_fifth_of_the_labels_of_two_classes_swapped_is_mostly_warned_of(sets, name, shots, trials, least):
    found = swapped_verdicts(sets[name], shots, 2, trials)
    assert sum(one.verdict == "warn" for one in found) >= least
    assert np.mean([one.precision for one in found]) >= 0.75


@pytest.mark.parametrize("name", ["grocery", "clothing", "signdigits"])
def test_copies_of_one_picture_are_warned_of(sets, name):
    first, second, *_ = tasks_of(choose(sets[name], SHOTS, seed=2), 5)
    label = next(iter(second))
    features, paths = second[label]
    copies = (np.repeat(features[:1], 12, axis=0), [f"{row} of {paths[0]}" for row in range(12)])
    *_, report = teach([first, {label: copies}])
    assert report.gate.verdict == "warn"
    assert len(report.gate.suspects) == 11


@pytest.mark.parametrize("name", ["grocery", "clothing"])
def test_copies_at_other_jpeg_qualities_are_warned_of(sets, name, vision):
    first, second, *_ = tasks_of(choose(sets[name], SHOTS, seed=2), 5)
    label = next(iter(second))
    path = second[label][1][0]
    features, _ = embedded(vision, [recompressed(path, quality) for quality in range(95, 70, -3)])
    *_, report = teach([first, {label: (features, [f"{row}.jpg" for row in range(len(features))])}])
    assert report.gate.verdict == "warn"


def test_a_recompressed_picture_is_a_copy_and_its_neighbours_in_a_series_are_not(sets, vision):
    z = normalize(np.concatenate([features for features, _ in sets["grocery"].values()]))
    paths = [path for _, paths in sets["grocery"].values() for path in paths]
    again, _ = embedded(vision, [recompressed(path, 90) for path in paths[::5]])
    assert np.mean((normalize(again) * z[::5]).sum(axis=1) >= NEAR_DUPLICATE_COSINE) >= 0.95
    cosines = z @ z.T - 2 * np.eye(len(z))
    assert np.mean(cosines.max(axis=1) >= NEAR_DUPLICATE_COSINE) <= 0.02


@pytest.mark.parametrize("name", ["grocery", "clothing", "signdigits"])
def test_a_known_class_under_another_name_is_rejected(sets, name):
    five = tasks_of(choose(sets[name], SHOTS, seed=3), 5)[0]
    label = list(five)[2]
    *_, report = teach([five, {"something new": five[label]}])
    assert (report.gate.verdict, report.generation) == ("reject", None)


def test_other_pictures_of_a_known_class_are_mostly_rejected(shared_data, vision):
    folders = [shared_data / "signdigits" / "all" / digit for digit in "01234"]
    pictures = {folder.name: embedded(vision, sorted(folder.glob("*.jpg"))[::5]) for folder in folders}
    verdicts = [report.gate.verdict for report in same_class_verdicts(pictures, SHOTS, 5)]
    assert verdicts.count("accept") <= 1
    assert verdicts.count("reject") >= 2


def test_a_reject_is_told_on_the_command_line_and_keeps_nothing(
    taught, copy_store, remember, edge, photos, tmp_path
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    before = remember(store)
    shutil.copytree(photos / "task1" / "apple", tmp_path / "photos" / "pomme")
    ran = edge("learn", store, tmp_path / "photos", "--json")
    assert "--force" in ran.complaint
    assert "nothing was stored" in ran.complaint
    report = json.loads(ran.out)
    assert (report["generation"], report["gate"]["verdict"]) == (None, "reject")
    assert {suspect["path"] for suspect in report["gate"]["suspects"]} == {
        str(path) for path in (tmp_path / "photos" / "pomme").iterdir()
    }
    told = edge("learn", store, tmp_path / "photos")
    assert told.complaint
    assert "reject: 100% of the pictures of 'pomme' are copies of pictures of 'apple'" in told.out
    assert remember(store) == before
    assert edge("learn", store, tmp_path / "photos", "--force", "--json").json["generation"] == 3
    assert remember(store) != before
