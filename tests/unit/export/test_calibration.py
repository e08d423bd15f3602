"""Pictures to judge by are never pictures to calibrate on, and every data set has its share."""

import numpy as np
import pytest

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.calibration import choose_pictures
from edge_tosca.export.fidelity import Accuracies, Fidelity, measure_accuracies, measure_fidelity


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
    assert np.array_equal(fidelity.fp32.correct, fidelity.int8.correct)
    assert fidelity.certain_loss == 0


def test_both_classifiers_separate_what_is_separable():
    features = np.repeat(np.eye(3, dtype=np.float32), 8, axis=0)
    found = measure_accuracies(features, [name for name in "abc" for _ in range(8)])
    assert (found.nearest_mean, found.linear_probe) == (1.0, 1.0)
    assert measure_accuracies(features, ["a"] * 24) is None


def accuracies(rng, share, pictures):
    """Two classifiers of which each is right on a share of the pictures, independently, in one split."""
    return Accuracies(rng.random((2, 1, pictures)) < share, pictures)


def fidelity_of(fp32, int8):
    return Fidelity(1.0, 1.0, 1.0, fp32, int8, fp32.images, "drawn")


def test_a_loss_counts_beyond_chance_only():
    rng = np.random.default_rng(0)
    found = [
        fidelity_of(accuracies(rng, 0.7, 100), accuracies(rng, 0.7, 100)).certain_loss for _ in range(200)
    ]
    # The worse of two classifiers at one-sided 95 % each: at most a tenth of equals; 0.15 allows for luck.
    assert np.mean(np.array(found) > 0.005) < 0.15
    assert fidelity_of(accuracies(rng, 0.8, 2000), accuracies(rng, 0.7, 2000)).certain_loss > 0.05


def test_features_that_are_noise_lose():
    rng = np.random.default_rng(0)
    labels = ["a", "b", "c", "d"] * 30
    good = np.eye(4, dtype=np.float32)[[0, 1, 2, 3] * 30] + rng.normal(0, 0.1, (120, 4)).astype(np.float32)
    noise = rng.normal(size=(120, 4)).astype(np.float32)
    assert measure_fidelity(good, noise, labels, "drawn").certain_loss > 0.3


def test_pictures_to_judge_by_may_come_from_a_folder_of_their_own(tmp_path):
    make(tmp_path / "shop/train", "a", "b")
    make(tmp_path / "home/test", "x", "y")
    sample = choose_pictures(tmp_path / "shop/train", tmp_path / "home/test")
    assert (len(sample.calibration), len(sample.held_out)) == (100, 100)
    assert (sample.data_sets, sample.held_out_sets) == (["shop"], ["home"])


def test_pictures_to_judge_by_that_are_calibrated_on_are_refused(tmp_path):
    make(tmp_path / "shop", "a", "b")
    with pytest.raises(EdgeToscaError, match="shares pictures"):
        choose_pictures(tmp_path, tmp_path / "shop")
