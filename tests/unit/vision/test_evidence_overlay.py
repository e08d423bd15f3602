"""The drawing of what speaks for a class."""

from io import BytesIO

import numpy as np
from PIL import Image

from edge_tosca.vision.evidence_overlay import AGAINST, FOR, SIDE, as_png, evidence_overlay

GREY = np.full((224, 224, 3), 128, np.uint8)


def test_evidence_for_is_orange_evidence_against_purple_and_none_leaves_the_picture():
    places = np.zeros((7, 7))
    places[1, 1], places[5, 5] = 2.0, -1.0
    drawn = evidence_overlay(GREY, places).astype(int)
    cell = SIDE // 7
    strong, weak = drawn[cell * 3 // 2, cell * 3 // 2], drawn[cell * 11 // 2, cell * 11 // 2]
    assert np.abs(strong - (0.25 * 128 + 0.75 * np.array(FOR))).max() < 8
    assert np.abs(weak - (0.625 * 128 + 0.375 * np.array(AGAINST))).max() < 8
    assert (drawn[cell * 3 // 2, cell * 11 // 2] == 128).all()


def test_a_map_without_evidence_leaves_a_grey_picture():
    assert (evidence_overlay(GREY, np.zeros((7, 7))) == 128).all()


def test_the_drawing_is_a_png():
    pixels = evidence_overlay(GREY, np.eye(7))
    image = Image.open(BytesIO(as_png(pixels)))
    assert (image.format, image.size) == ("PNG", (SIDE, SIDE))
    assert np.array_equal(np.asarray(image), pixels)
