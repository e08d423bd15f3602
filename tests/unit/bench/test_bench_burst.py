import json

import numpy as np
import pytest
from PIL import Image
from tests.benchmarks.burst import FRAMES, mixed_bursts
from tests.benchmarks.camera_jitter import LEAST_CROP, frames

from edge_tosca.bench.data import load_features
from edge_tosca.vision.feature_extractor import FeatureExtractor

LABELS = ["apple", "brick", "cone", "door", "flag", "gauge", "leaf", "pool", "tile", "zebra"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory, draw_pictures):
    return draw_pictures(tmp_path_factory.mktemp("burst") / "shapes", LABELS, count=8)


def test_frames_differ_from_each_other_and_come_again_with_the_same_seed(shapes):
    path = shapes / "door" / "000.jpg"
    first, second, third = frames(path, 3, np.random.default_rng(0))
    assert first.shape != second.shape or not np.array_equal(first, second)
    again = frames(path, 3, np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip((first, second, third), again, strict=True))


def test_a_frame_shows_the_photograph_and_nothing_black_beyond_its_edge(tmp_path):
    Image.new("RGB", (120, 90), (180, 190, 200)).save(tmp_path / "plain.png")
    for frame in frames(tmp_path / "plain.png", 20, np.random.default_rng(0)):
        height, width, _ = frame.shape
        assert LEAST_CROP * 90 - 1 <= height <= 90
        assert LEAST_CROP * 120 - 1 <= width <= 120
        # One colour stays one colour: light changes it as a whole, and compression by a step or two.
        assert frame.min() > 100
        assert np.ptp(frame.reshape(-1, 3).astype(int), axis=0).max() <= 4


def test_a_turned_and_shifted_frame_keeps_the_middle_near_the_middle(tmp_path):
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[90:110, 90:110] = 255
    Image.fromarray(pixels).save(tmp_path / "dot.png")
    for frame in frames(tmp_path / "dot.png", 20, np.random.default_rng(0)):
        bright = np.argwhere(frame[..., 1] > frame[..., 1].max() / 2).mean(axis=0)
        # The room to shift is half of what the crop leaves, an eighth of the side.
        assert np.abs(bright - np.array(frame.shape[:2]) / 2).max() <= 200 / 8 + 1


def test_mixed_bursts_are_of_different_classes():
    truth = np.repeat(np.arange(10), 5)
    for rows in mixed_bursts(truth, 9):
        assert len(set(truth[rows])) == 9


def test_paths_of_test_pictures_belong_to_their_features(shapes, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (shapes / "apple" / "zzz.jpg").write_bytes(b"no picture")
    vision = FeatureExtractor()
    data = load_features(shapes, vision, lambda done, total: None)
    (shapes / "apple" / "zzz.jpg").unlink()
    some = range(0, len(data.test), 7)
    for row, picture in zip(some, vision.extract(data.test_paths[row] for row in some), strict=True):
        np.testing.assert_array_equal(picture.features, data.test[row])
        assert data.test_paths[row].parent.name == data.classes[data.test_labels[row]]


def test_frames_of_one_object_help_and_of_different_ones_cannot(shapes, run_benchmark):
    words = [shapes, "--shots", "all", "--seeds", "1", "--pictures", "100", "--json"]
    done = run_benchmark("burst", *words)
    assert done.returncode == 0, done.stderr
    by_frames = {result["frames"]: result for result in json.loads(done.stdout)["results"]}
    assert set(by_frames) == {0, *FRAMES}
    # One of the 32 answers may fall by chance; on average over shakes a burst is no worse than a frame.
    assert by_frames[9]["accuracy"] >= by_frames[1]["accuracy"] - 0.05
    assert by_frames[1]["mixed_accuracy"] == by_frames[1]["accuracy"]
    for count in FRAMES[1:]:
        # One answer names at most one of the different classes.
        assert by_frames[count]["mixed_accuracy"] <= 1 / count + 1e-9
