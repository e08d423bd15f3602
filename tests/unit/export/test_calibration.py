"""Pictures to judge by are never pictures to calibrate on, and every data set has its share."""

import numpy as np
import pytest

from edge_tosca.export.calibration import choose_pictures
from edge_tosca.export.fidelity import measure_fidelity, nearest_mean_accuracy


def make(folder, *names, count=50):
    for name in names:
        (folder / name).mkdir(parents=True)
        for index in range(count):
            (folder / name / f"{index:03}.jpg").touch()


def paths(pictures):
    return {picture.path for picture in pictures}


def test_test_parts_are_held_out_and_nothing_else(tmp_path):
    make(tmp_path, "shop/train/a", "shop/train/b", "shop/test/a", "shop/test/b")
    sample = choose_pictures(tmp_path)
    assert {p.path.relative_to(tmp_path).parts[1] for p in sample.calibration} == {"train"}
    assert {p.path.relative_to(tmp_path).parts[1] for p in sample.held_out} == {"test"}
    assert sample.data_sets == ["shop"]
    assert {p.label for p in sample.held_out} == {"shop/a", "shop/b"}


def test_without_a_test_part_half_is_held_out(tmp_path):
    make(tmp_path / "hands", "1", "2")
    sample = choose_pictures(tmp_path / "hands")
    assert not paths(sample.calibration) & paths(sample.held_out)
    assert sample.data_sets == ["hands"]


def test_every_data_set_gives_equally_many(tmp_path):
    make(tmp_path, "big/train/a", "big/test/a", count=400)
    make(tmp_path, "small/all/x", "small/all/y", count=150)
    sample = choose_pictures(tmp_path)
    counts = {name: sum(p.data_set == name for p in sample.calibration) for name in sample.data_sets}
    assert counts == {"big": 128, "small": 128}


def test_the_draw_is_repeatable_and_depends_on_the_seed(tmp_path):
    make(tmp_path, "a", "b", count=300)
    assert choose_pictures(tmp_path) == choose_pictures(tmp_path)
    assert choose_pictures(tmp_path, seed=1) != choose_pictures(tmp_path)


def test_fidelity_of_a_backbone_to_itself_is_one():
    features = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    fidelity = measure_fidelity(features, features, ["a", "b"] * 10, "noise")
    # Cosines of float32 vectors: exact to a few rounding steps of 6e-8.
    assert fidelity.cosine_min == pytest.approx(1, abs=1e-6)
    assert fidelity.accuracy_fp32 == fidelity.accuracy_int8


def test_nearest_mean_accuracy_separates_what_is_separable():
    features = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    labels = [name for name in "abc" for _ in range(4)]
    assert nearest_mean_accuracy(features, labels) == 1.0
    assert nearest_mean_accuracy(features, ["a"] * 12) is None
