"""The scene of real pictures: sizes and places are what the table says."""

import numpy as np
import pytest
from PIL import Image
from tests.benchmarks.scene import FRAME, REGION, SEEN, WHOLE, Result, markdown, paste

RED, BLUE = Image.new("RGB", (90, 60), (255, 0, 0)), Image.new("RGB", (300, 200), (0, 0, 255))


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1, 0.05])
def test_a_picture_covers_its_share_lies_in_what_is_seen_and_in_its_region(share):
    rng = np.random.default_rng(0)
    for _ in range(20):
        scene = paste(RED, BLUE, share, rng)
        red = scene.frame[..., 0] == 255
        assert red.mean() == pytest.approx(share, rel=0.01)
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        edge = (1 - SEEN) / 2 * FRAME
        assert min(rows[0], columns[0]) >= edge - 1
        assert max(rows[-1], columns[-1]) <= FRAME - edge + 1
        inside = scene.seen(REGION)
        assert inside.shape[0] == inside.shape[1]
        assert (inside[..., 0] == 255).sum() == red.sum()
        assert (inside[..., 0] == 255).mean() == pytest.approx(1 / 1.44, rel=0.02)


def test_a_picture_of_the_whole_frame_is_its_own_region():
    scene = paste(RED, BLUE, 1.0, np.random.default_rng(0))
    assert (scene.frame == (255, 0, 0)).all()
    assert np.array_equal(scene.seen(WHOLE), scene.seen(REGION))


def test_the_table_has_a_row_a_set_and_share_and_their_mean():
    ways = [(WHOLE, WHOLE), (REGION, REGION), (WHOLE, REGION), (REGION, WHOLE)]
    results = [
        Result(name, 0, 0.1, *way, 0.5 + at / 10, 0.4, 10)
        for at, name in enumerate(("cups", "signs"))
        for way in ways
    ]
    lines = markdown(results).splitlines()
    assert "| cups | 10% | 50.0 (40.0) | 50.0 (40.0) | 50.0 (40.0) | 50.0 (40.0) |" in lines
    assert lines[-1] == "| mean | 10% | 55.0 (40.0) | 55.0 (40.0) | 55.0 (40.0) | 55.0 (40.0) |"
