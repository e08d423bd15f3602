"""Pictures as the console sees them, with features made up where only their directions matter."""

import numpy as np
import pytest

from edge_tosca.console.app_state.image_analysis import AnalysedImage, jpeg_of
from edge_tosca.features.normalization import normalize


@pytest.fixture
def seen():
    """Make a picture: of a thing (a direction of its feature), in some variant of it."""

    def make(thing=0, variant=0, spread=0.3, sharpness=0.5, brightness=120.0, width=64):
        rng = np.random.default_rng((thing, 7))
        other = np.random.default_rng((thing, variant, 11))
        feature = np.abs(rng.normal(size=width)) + spread * np.abs(other.normal(size=width))
        feature = feature.astype(np.float32)
        pixels = np.full((8, 8, 3), 40 + thing % 200, np.uint8)
        return AnalysedImage(
            feature, normalize(feature[None])[0], jpeg_of(pixels), sharpness, brightness, None, {}
        )

    return make
