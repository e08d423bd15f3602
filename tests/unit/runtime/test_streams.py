"""Many pictures under way at once: the same features to the last bit, in order, and never many in memory."""

import os
import threading

import numpy as np
import pytest

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import extract, open_backend
from edge_tosca.runtime.stream import in_order

PICTURES = 20


@pytest.fixture(scope="module")
def pictures(bundle):
    rng = np.random.default_rng(0)
    size = bundle.preprocessing.size
    return [rng.normal(size=(1, 3, size, size)).astype(np.float32) for _ in range(PICTURES)]


@pytest.fixture(
    params=[
        ("onnxruntime", "CPU", 1, "LATENCY"),
        ("onnxruntime", "CPU", 3, "THROUGHPUT"),
        ("openvino", "CPU", 1, "LATENCY"),
        ("openvino", "CPU", None, "THROUGHPUT"),
        ("openvino", "AUTO", None, "LATENCY"),
    ],
    ids=lambda setting: "-".join(map(str, setting)),
)
def streaming(request, bundle):
    pytest.importorskip(request.param[0], reason=f"{request.param[0]} is not installed")
    return open_backend(bundle, *request.param)


def test_a_stream_gives_the_features_of_single_pictures_to_the_last_bit(bundle, streaming, pictures):
    single = open_backend(bundle, streaming.name, "CPU", threads=1)
    found = list(streaming.stream(iter(pictures)))
    np.testing.assert_array_equal(
        [inference.feature for inference in found], [single.features(pixels) for pixels in pictures]
    )
    assert all(inference.milliseconds > 0 for inference in found)


def test_a_stream_of_nothing_ends_at_once(streaming):
    assert list(streaming.stream([])) == []


def test_a_stream_takes_only_a_little_ahead_and_can_be_left_and_begun_again(streaming, pictures):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield pictures[len(taken) % PICTURES]

    stream = streaming.stream(endless())
    for _ in range(3):
        next(stream)
    stream.close()
    # One a thread or processor, and one more.
    assert len(taken) <= 3 + max(3, os.cpu_count()) + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("backbone")]
    (again,) = streaming.stream(pictures[:1])
    np.testing.assert_array_equal(again.feature, streaming.features(pictures[0]))


def test_work_is_under_way_up_to_its_depth_and_no_deeper():
    running, most = set(), []

    def start(item):
        running.add(item)
        most.append(len(running))

        def finish():
            running.remove(item)
            return -item

        return finish

    assert list(in_order(range(10), start, 3)) == [-item for item in range(10)]
    assert max(most) == 3
    left = in_order(range(10), start, 3)
    next(left)
    left.close()
    assert not running


def test_both_runtimes_extract_folders_through_their_streams(bundle, streaming, tmp_path):
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 256, (90, 120, 3), dtype=np.uint8) for _ in range(9)]
    sources[4] = tmp_path / "none.jpg"
    results = list(extract(sources, bundle.preprocessing, streaming, views=2))
    assert [result.index for result in results] == list(range(9))
    assert [result.error is None for result in results] == [place != 4 for place in range(9)]
    (alone,) = extract(sources[:1], bundle.preprocessing, streaming, views=2)
    np.testing.assert_array_equal(results[0].views, alone.views)


def test_a_hint_that_is_not_known_is_refused(bundle):
    with pytest.raises(EdgeToscaError, match="LATENCY, THROUGHPUT"):
        open_backend(bundle, hint="SPEED")
