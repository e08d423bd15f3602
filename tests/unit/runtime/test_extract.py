"""Many pictures at once: the order is kept, threads change nothing, a bad picture ends nothing."""

import threading

import numpy as np
import pytest
from PIL import Image

from edge_tosca.runtime import extract


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = []
    for index in range(12):
        side = int(rng.integers(40, 700))
        path = folder / f"{index}.png"
        Image.fromarray(rng.integers(0, 256, (side, 300, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def features(sources, bundle, backend, **options):
    return [item.features for item in extract(sources, bundle.preprocessing, backend, **options)]


def test_features_are_equal_whatever_the_number_of_decoding_threads(pictures, bundle, backend):
    np.testing.assert_array_equal(
        features(pictures, bundle, backend, decode_threads=1),
        features(pictures, bundle, backend, decode_threads=4),
    )


def test_results_come_in_the_order_of_the_sources(pictures, bundle, backend):
    sources = [*pictures, *reversed(pictures)]
    results = list(extract(sources, bundle.preprocessing, backend, decode_threads=3))
    assert [result.index for result in results] == list(range(len(sources)))
    assert [result.source for result in results] == sources
    forward, backward = results[: len(pictures)], results[len(pictures) :]
    np.testing.assert_array_equal([r.features for r in forward], [r.features for r in reversed(backward)])


def test_a_bad_picture_has_an_error_and_the_others_are_answered(pictures, bundle, backend, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    results = list(
        extract([pictures[0], text, tmp_path / "none.jpg", pictures[1]], bundle.preprocessing, backend)
    )
    assert [result.error is None for result in results] == [True, False, False, True]
    assert results[1].features is None
    assert results[1].error.startswith("text.jpg: not a picture")
    assert results[2].error == "none.jpg: no such file; check its name and folder"


def test_the_second_view_is_the_mirror_image(pictures, bundle, backend):
    # At the input's own size before cropping nothing is resampled, so that mirroring first is the same.
    upright = np.random.default_rng(2).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    mirrored = np.ascontiguousarray(upright[:, ::-1])
    (both,) = extract([upright], bundle.preprocessing, backend, views=2)
    (single,) = extract([mirrored], bundle.preprocessing, backend)
    assert both.views.shape == (2, bundle.feature_dim)
    np.testing.assert_array_equal(both.views[0], both.features)
    np.testing.assert_array_equal(both.views[1], single.features)


def test_sources_are_taken_only_a_little_ahead(pictures, bundle, backend):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield pictures[0]

    results = extract(endless(), bundle.preprocessing, backend, decode_threads=2)
    for _ in range(5):
        next(results)
    results.close()
    assert len(taken) <= 5 + 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_progress_counts_every_picture(pictures, bundle, backend, tmp_path):
    seen = []
    list(extract([*pictures[:3], tmp_path / "none"], bundle.preprocessing, backend, on_progress=seen.append))
    assert seen == [1, 2, 3, 4]


def test_times_are_told(pictures, bundle, backend):
    (result,) = extract(pictures[:1], bundle.preprocessing, backend)
    assert result.decode_ms > 0
    assert result.features_ms > 0


def test_no_pictures_give_no_results(bundle, backend):
    assert list(extract([], bundle.preprocessing, backend)) == []


@pytest.mark.parametrize("options", [{"views": 3}, {"decode_threads": 0}])
def test_options_that_make_no_sense_are_refused(bundle, backend, options):
    with pytest.raises(ValueError, match="must be"):
        list(extract([], bundle.preprocessing, backend, **options))
