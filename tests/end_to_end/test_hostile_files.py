"""Files of strangers, spoilt at random: the targets of `make fuzz`, some hundred times each."""

import functools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS

SLOW = {"rows": 60, "signed": 120, "store": 150}
"""Executions of the targets that solve a router each time; of the others there are EXECUTIONS."""

EXECUTIONS = 400

# Made once for a target; a test function is called for every example.
seeds_of = functools.cache(lambda name: TARGETS[name].seeds())


@st.composite
def spoilt(draw, name):
    """A file that was in order, with some bytes changed, put in, left out or cut off."""
    data = bytearray(draw(st.sampled_from(seeds_of(name))))
    for _ in range(draw(st.integers(1, 8))):
        # Readers decide by what stands at the start.
        most = draw(st.sampled_from([64, 512, len(data)]))
        place = draw(st.integers(0, max(min(most, len(data)) - 1, 0)))
        change = draw(st.sampled_from(["flip", "put", "drop", "cut", "copy"]))
        if change == "flip" and data:
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif change == "put":
            data[place:place] = draw(st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"../"]))
        elif change == "drop":
            del data[place : place + draw(st.integers(1, 64))]
        elif change == "cut":
            del data[place:]
        else:
            piece = data[place : place + draw(st.integers(1, 64))]
            data[place:place] = piece
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_files_in_order_are_read(name):
    for seed in seeds_of(name):
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_was_done_to_a_file_its_reader_tells_one_line_or_reads_it(name):
    @settings(
        max_examples=SLOW.get(name, EXECUTIONS) // 2,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=spoilt(name))
    def holds(data):
        TARGETS[name].run(data)

    holds()


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.change])
def test_whatever_values_a_file_holds_its_reader_tells_one_line_or_reads_it(name):
    target = TARGETS[name]
    for seed in range(SLOW.get(name, EXECUTIONS) // 2):
        data = random.Random(seed).choice(seeds_of(name))
        target.run(target.change(data, target.most, seed))
