import json

import numpy as np
import pytest
from tests.benchmarks.class_imbalance import PLAIN, Trial, imbalanced, markdown, measure

from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.results import OURS
from edge_tosca.errors import LearnError
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1904


@pytest.fixture(scope="module")
def tools():
    """Seven overlapping clusters as wide as the built-in backbone's features; the last three are small."""
    rng = np.random.default_rng(0)
    centres = 2 * rng.normal(size=D) + 0.2 * rng.normal(size=(7, D))

    def draw(counts):
        labels = np.repeat(np.arange(7), counts)
        return (centres[labels] + 1.2 * rng.normal(size=(len(labels), D))).astype(np.float32), labels

    names = tuple(f"tool {place}" for place in range(7))
    return LabelledFeatures("tools", names, *draw([40] * 4 + [30] * 3), *draw([20] * 7), "drawn")


def silent(step):
    del step


def test_every_second_class_has_few_pictures_and_is_taught_after_the_others(tools):
    even, dealt = protocol(tools, 2, None, 1), imbalanced(tools, 2, 4, None, 1)
    # The first class of the order is of few pictures; with seven classes there are four of these.
    assert dealt.few.tolist() == [False] * 3 + [True] * 4
    assert [len(rows) for rows in dealt.drawn.groups[3:]] == [4] * 4
    for rows, every in zip(dealt.drawn.groups, even.groups[1::2] + even.groups[::2], strict=True):
        if len(rows) > 4:
            np.testing.assert_array_equal(rows, every)
        else:
            # As they stand in the set, and none twice.
            kept = [int(np.flatnonzero((every == row).all(axis=1))[0]) for row in rows]
            assert kept == sorted(set(kept))
            assert kept != list(range(4))
    assert dealt.drawn.tasks == (slice(0, 2), slice(2, 3), slice(3, 5), slice(5, 7))


def test_test_pictures_keep_their_classes_when_these_change_places(tools):
    even, dealt = protocol(tools, 2, None, 1), imbalanced(tools, 2, 4, None, 1)
    np.testing.assert_array_equal(dealt.drawn.test, even.test)
    places = np.array([1, 3, 5, 0, 2, 4, 6])
    np.testing.assert_array_equal(places[dealt.drawn.truth], even.truth)


def test_many_pictures_can_be_limited_and_few_grow_by_more_of_the_same(tools):
    limited, more = imbalanced(tools, 3, 4, 25, 1), imbalanced(tools, 3, 6, 25, 1)
    assert [len(rows) for rows in limited.drawn.groups] == [25] * 3 + [4] * 4
    for rows, others in zip(limited.drawn.groups[3:], more.drawn.groups[3:], strict=True):
        assert {row.tobytes() for row in rows} < {row.tobytes() for row in others}
    other = imbalanced(tools, 3, 4, 25, 2)
    assert not np.array_equal(other.drawn.groups[-1], limited.drawn.groups[-1])


def test_a_set_of_one_class_cannot_be_imbalanced(tools):
    some, asked = tools.train_labels == 2, tools.test_labels == 2
    alone = LabelledFeatures(
        "one",
        tools.classes,
        tools.train[some],
        tools.train_labels[some],
        tools.test[asked],
        tools.test_labels[asked],
        "drawn",
    )
    with pytest.raises(LearnError, match="one has test pictures of too few classes"):
        imbalanced(alone, 2, 4, None, 0)


@pytest.mark.long
def test_shrunken_means_give_classes_of_few_pictures_their_own_back(tools):
    trials = measure([tools], FeatureExtractor(), [3], None, 10, 1, silent)
    by_method = {trial.method: trial for trial in trials}
    assert list(by_method) == [OURS, PLAIN, "probe", "ranpac", "slda", "ncm"]
    ours, plain = by_method[OURS], by_method[PLAIN]
    # Eighty test pictures, of which plain means give most to the classes of many pictures.
    assert ours.right_few > plain.right_few + 0.1
    assert ours.balanced > plain.balanced
    assert ours.unknown_few < plain.unknown_few
    assert by_method["slda"].unknown_few is None
    for trial in trials:
        # Every class has twenty test pictures: four are of few pictures, three of many.
        assert trial.balanced == pytest.approx((4 * trial.right_few + 3 * trial.right_many) / 7)


def test_the_table_has_a_row_a_set_number_and_method():
    trials = [
        Trial("tools", few, None, seed, method, 0.5 + seed / 10, 0.9, 0.7, unknown, unknown)
        for few in (5, 10)
        for seed in (0, 1)
        for method, unknown in ((OURS, 0.25), ("slda", None))
    ]
    lines = markdown(trials).splitlines()
    assert (
        "| tools | 5 and all | ours | 55.0 ± 5.0 | 90.0 ± 0.0 | 70.0 ± 0.0 | 25.0 ± 0.0 | 25.0 ± 0.0 |"
        in lines
    )
    assert "| tools | 10 and all | SLDA | 55.0 ± 5.0 | 90.0 ± 0.0 | 70.0 ± 0.0 |  |  |" in lines
    assert sum(line.startswith("| tools |") for line in lines) == 4


@pytest.mark.long
def test_class_imbalance_prints_a_table_or_every_trial(tmp_path, draw_pictures, run_benchmark):
    shapes = draw_pictures(tmp_path / "shapes", ["apple", "brick", "door", "leaf"], count=10)

    def run(*more):
        return run_benchmark("class_imbalance", shapes, "--few", "2", "--seeds", "1", *more)

    done = run("--few", "3", "--json")
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert [(t["few"], t["many"], t["method"]) for t in trials[:2]] == [(2, None, OURS), (2, None, PLAIN)]
    assert len(trials) == 2 * 6
    # Drawn shapes are easily separated: what little is known of two of them is enough.
    assert min(t["right_few"] for t in trials if t["method"] == OURS) > 0.7
    table = run("--many", "4")
    assert table.returncode == 0, table.stderr
    assert "shapes: every second class of 2 pictures, seed 0" in table.stderr.splitlines()
    assert any(line.startswith("| shapes | 2 and 4 | joint probe | ") for line in table.stdout.splitlines())
    refused = run("--many", "2")
    assert refused.returncode != 0
    assert "--many 2 is not more than --few 2" in refused.stderr
    assert '--many takes a whole number or "all"' in run("--many", "lots").stderr
