"""A rectangle of a picture as fractions: how it is read, rounded and refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.errors import EdgeToscaError, PictureError
from edge_tosca.runtime.region import LEAST_PIXELS, WHOLE, Region


def test_a_region_is_upper_left_corner_width_and_height():
    assert Region.parse("0.25,0.1,0.5,0.4") == Region(0.25, 0.1, 0.5, 0.4)
    assert Region.parse(" 0.25, 0.1 ,0.5,0.4 ") == Region(0.25, 0.1, 0.5, 0.4)
    assert Region(0.25, 0.1, 0.5, 0.4).box(640, 480) == (160, 48, 480, 240)
    assert str(Region(0.25, 0.1, 0.5, 0.4)) == "0.25,0.1,0.5,0.4"


def test_edges_lie_at_the_nearest_pixel():
    # 0.125 * 100 = 12.5 is as near to 12 as to 13; 0.33 * 100 = 33.
    assert Region(0.125, 0.33, 0.5, 0.5).box(100, 100) == (13, 33, 63, 83)


@given(st.integers(64, 4000), st.floats(0.1, 0.9), st.floats(0.0, 0.05))
def test_neighbours_share_an_edge_and_the_last_ends_with_the_picture(width, cut, _):
    left, right = Region(0, 0, cut, 1), Region(cut, 0, 1 - cut, 1)
    if min(cut, 1 - cut) * width < LEAST_PIXELS + 1:
        return
    assert left.box(width, 100)[2] == right.box(width, 100)[0]
    assert right.box(width, 100)[2] == width


def test_the_whole_picture_is_itself_and_a_region_is_a_view_of_it():
    pixels = np.arange(100 * 80 * 3, dtype=np.uint8).reshape(100, 80, 3)
    assert WHOLE.crop(pixels) is pixels
    part = Region(0.5, 0.25, 0.5, 0.5).crop(pixels)
    assert np.shares_memory(part, pixels)
    assert np.array_equal(part, pixels[25:75, 40:80])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.1,0.2,0.3",
        "0,0,1,1,1",
        "a,b,c,d",
        "-0.1,0,0.5,0.5",
        "0.6,0,0.5,0.5",
        "0,0.6,0.5,0.5",
        "0,0,0,1",
        "0,0,1,0",
        "nan,0,1,1",
        "0,0,inf,1",
        "0,0,1e999,1",
    ],
)
def test_what_is_no_region_is_refused_in_one_line_with_an_example(text):
    with pytest.raises(EdgeToscaError) as caught:
        Region.parse(text)
    assert "0.25,0.1,0.5,0.5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_region_under_32_pixels_is_refused_with_its_size():
    assert Region(0, 0, 0.5, 0.5).box(64, 64) == (0, 0, 32, 32)
    with pytest.raises(PictureError, match="31x32 pixels of 62x64"):
        Region(0, 0, 0.5, 0.5).box(62, 64)
