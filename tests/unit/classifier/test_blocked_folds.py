import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.classifier.lda.blocked_folds import FOLDS, choose_blocks, folds_of
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut

counts = st.lists(st.integers(1, 60), min_size=1, max_size=40)


@given(size=st.integers(2, 500))
def test_the_blocks_of_a_group_are_neighbours_of_nearly_equal_number(size):
    folds = folds_of(size)
    assert (np.diff(folds) >= 0).all()
    sizes = np.bincount(folds)
    assert len(sizes) == min(FOLDS, size)
    assert sizes.max() - sizes.min() <= 1


@given(counts=counts)
def test_where_there_is_room_every_picture_but_the_lonely_is_in_one_block(counts):
    blocks = choose_blocks(np.array(counts), sum(counts))
    seen = [(block.group, int(row)) for block in blocks for row in block.rows]
    expected = [(group, row) for group, n in enumerate(counts) if n > 1 for row in range(n)]
    assert sorted(seen) == expected


@given(counts=counts, most=st.integers(1, 200))
def test_about_as_many_pictures_are_picked_as_asked_for(counts, most):
    picked = sum(len(block.rows) for block in choose_blocks(np.array(counts), most))
    assert picked <= most + max(counts)


def test_no_group_is_always_left_out_when_few_blocks_are_picked():
    blocks = choose_blocks(np.full(300, 9), 900)
    assert len({block.group for block in blocks}) > 200
    assert len({int(block.rows[0]) for block in blocks}) == FOLDS


def test_the_newest_groups_are_always_picked_whole():
    blocks = choose_blocks(np.full(300, 9), 90, always=slice(298, 300))
    newest = [block for block in blocks if block.group >= 298]
    assert len(newest) == 2 * FOLDS
    assert sum(len(block.rows) for block in blocks) < 200


def test_the_blocks_that_choose_the_shrinkage_are_of_all_folds_alike():
    counts = np.full(12, 30)
    blocks = choose_blocks(counts, 1000)
    z = np.zeros((360, 4))
    for most in (360, 200, 130, 120, 100, 60):
        some = LeaveBlockOut.of(z, blocks, np.zeros((12, 4)), counts).subsample(most)
        folds = np.bincount([block.rows[0] // 10 for block in some.blocks], minlength=3)
        assert folds.max() - folds.min() <= 1
        assert len(some.z) == sum(len(block.rows) for block in some.blocks) <= max(most, 90)
