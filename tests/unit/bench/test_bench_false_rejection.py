from dataclasses import replace

import numpy as np
import pytest
from tests.benchmarks.false_rejection import CUTS, _blocks, markdown, measure

from edge_tosca.bench.data import LabelledFeatures

D = 40
BUILT = "a third of neighbours (as built)"


def silent(step):
    del step


@pytest.fixture(scope="module")
def series():
    """Six classes, photographed in three series each; the test pictures are of a series of their own."""
    rng = np.random.default_rng(5)
    centres = 4 * rng.normal(size=(6, D))

    def photographed(count):
        places = np.repeat(centres[:, None] + 2 * rng.normal(size=(6, count, D)), 8, axis=1)
        rows = (places + 0.3 * rng.normal(size=places.shape)).reshape(-1, D)
        return rows.astype(np.float32), np.repeat(np.arange(6), 8 * count)

    return LabelledFeatures("tools", tuple("abcdef"), *photographed(3), *photographed(1), "drawn")


def test_pictures_that_vouch_for_each_other_put_the_threshold_too_high(series):
    shares = {share.held_out: share for share in measure([series], [None], 1, silent)}
    assert list(shares) == list(CUTS)
    assert shares["one picture"].refused > shares[BUILT].refused + 0.2
    assert shares["one picture"].right >= shares[BUILT].right


def test_pictures_like_the_taught_ones_are_refused_about_as_often_as_asked(series):
    # Every second picture of each series is asked about instead: 72 of them.
    some = replace(
        series,
        train=series.train[::2],
        train_labels=series.train_labels[::2],
        test=series.train[1::2],
        test_labels=series.train_labels[1::2],
    )
    shares = {share.held_out: share for share in measure([some], [None], 1, silent)}
    assert shares["one picture"].refused < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 72)


@pytest.mark.parametrize("name", CUTS)
def test_every_picture_is_held_out_once_where_they_are_few(name):
    counts = [7, 1, 2, 20]
    blocks = _blocks(counts, CUTS[name], 0)
    for group, size in enumerate(counts):
        rows = [row for block in blocks if block.group == group for row in block.rows]
        assert sorted(rows) == (list(range(size)) if size > 1 else [])


def test_the_table_has_a_row_for_every_way(series):
    table = markdown(measure([series], [6], 1, silent))
    assert "| held out together | tools, 6 |" in table
    assert all(f"\n| {name} | " in table for name in CUTS)
