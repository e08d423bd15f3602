import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.folds import FOLDS, Block, choose_blocks
from edge_tosca.looks import BLOCKS, FEWEST, MOST, blocks_by_look, by_look


@given(size=st.integers(2, 40), seed=st.integers(0, 99))
def test_blocks_by_look_hold_every_picture_once_and_are_as_large_as_those_of_neighbours(size, seed):
    z = np.random.default_rng(seed).normal(size=(size, 6)).astype(np.float32)
    neighbours = choose_blocks(np.array([size]), size)
    blocks = [by_look(block, z) for block in neighbours]
    assert [len(block.rows) for block in blocks] == [len(block.rows) for block in neighbours]
    assert sorted(int(row) for block in blocks for row in block.rows) == list(range(size))


def test_blocks_by_look_part_pictures_along_the_direction_in_which_they_differ_most():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(30, 6)).astype(np.float32)
    light = rng.permutation(30).astype(np.float32)
    z[:, 2] += light
    outer = [by_look(Block(0, rows), z).rows for rows in (np.arange(10), np.arange(20, 30))]
    darkest, brightest = (set(np.flatnonzero(some).tolist()) for some in (light < 10, light >= 20))
    found = [set(rows.tolist()) for rows in outer]
    # The other directions' scatter of one may swap pictures at the border.
    assert (
        max(
            len(darkest & found[0]) + len(brightest & found[1]),
            len(darkest & found[1]) + len(brightest & found[0]),
        )
        >= 18
    )


def test_of_pictures_that_are_all_one_every_block_by_look_can_be_made():
    blocks = [by_look(block, np.ones((9, 4), np.float32)) for block in choose_blocks(np.array([9]), 9)]
    assert sorted(int(row) for block in blocks for row in block.rows) == list(range(9))


@pytest.mark.parametrize(("groups", "size"), [(10, 250), (73, 33), (20, 40), (5, 3)])
def test_of_some_thousand_pictures_every_one_is_left_out(groups, size):
    rows = np.random.default_rng(0).normal(size=(size, 3)).astype(np.float32)
    blocks = blocks_by_look(np.full(groups, size), lambda _: rows)
    assert sum(len(block.rows) for block in blocks) == groups * size
    assert [block.group for block in blocks] == sorted(block.group for block in blocks)


@pytest.mark.parametrize(("groups", "size"), [(1000, 20), (10, 3000), (2000, 3)])
def test_of_many_pictures_enough_blocks_are_left_out_and_not_too_many_pictures(groups, size):
    rows = np.random.default_rng(0).normal(size=(size, 3)).astype(np.float32)
    blocks = blocks_by_look(np.full(groups, size), lambda _: rows)
    pictures = sum(len(block.rows) for block in blocks)
    assert pictures <= MOST + size
    # A step in whole blocks, and one more where it would meet the same fold of every group, may halve them.
    assert len(blocks) >= BLOCKS / 2 or pictures >= FEWEST
    assert len({(int(block.rows[0]), len(block.rows)) for block in blocks}) >= min(FOLDS, len(blocks))
