import json

import numpy as np
import pytest
from tests.benchmarks.ood import measure, mixed
from tests.benchmarks.ood_scores import SCORES, Scorer
from tests.benchmarks.ood_table import markdown

from edge_tosca import Learner
from edge_tosca.bench.data import LabelledFeatures
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import normalize
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1904


def make_set(name, classes, seed, train=12, test=40, spread=1.2):
    """Clusters around a centre of the set's own, as the width of the built-in backbone."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=D) + rng.normal(size=(classes, D))

    def draw(count):
        labels = np.repeat(np.arange(classes), count)
        return (centres[labels] + spread * rng.normal(size=(len(labels), D))).astype(np.float32), labels

    names = tuple(f"{name} {place}" for place in range(classes))
    return LabelledFeatures(name, names, *draw(train), *draw(test), "drawn")


@pytest.fixture(scope="module")
def measured():
    sets = [make_set("tools", 10, 0), make_set("toys", 6, 1)]
    return measure(sets, FeatureExtractor(), [12], 1, lambda step: None)


def test_unknowns_far_from_everything_taught_are_detected(measured):
    for trial in measured.trials:
        assert trial.pictures["far"] > 0
        assert trial.scores["ours"].auroc_far > 0.99
        # Few pictures of drawn toys: the threshold leans on the references and lets some pass.
        assert trial.caught_far > 0.92


def test_a_tenth_of_the_classes_and_two_at_least_are_not_taught(measured):
    assert [(t.known_classes, t.near_classes) for t in measured.trials] == [(8, 2), (4, 2)]


def test_every_score_is_counted_at_the_same_share_of_refused_pictures(measured):
    for trial in measured.trials:
        assert set(trial.scores) == set(SCORES)
        for separation in trial.scores.values():
            assert 0 <= separation.auroc_near <= 1
            assert 0 <= separation.caught_near <= 1


def test_sets_of_labels_hold_the_truth_at_least_as_often_as_asked_on_pictures_like_the_taught(measured):
    for trial in measured.trials:
        for covered in trial.covered:
            # Four standard errors, of the test pictures and of 12 calibration pictures a class.
            n = 12 * trial.known_classes
            error = np.sqrt(covered.asked * (1 - covered.asked) * (1 / trial.pictures["known"] + 1 / n))
            assert covered.found >= covered.asked - 4 * error
            assert 1 <= covered.labels <= trial.known_classes


def test_the_table_has_a_row_for_every_trial_and_score(measured):
    table = markdown(measured.trials)
    assert "| tools (8 + 2) | 12 |" in table
    assert all(f"\n| {score} | " in table for score in SCORES)


def test_a_set_too_small_to_have_untaught_classes_is_refused_by_name():
    with pytest.raises(LearnError, match="pair has 2 classes"):
        measure([make_set("pair", 2, 0)], FeatureExtractor(), [None], 1, lambda step: None)


def test_mixing_keeps_every_picture_with_its_label():
    data = make_set("tools", 4, 0)
    dealt = mixed(data)
    assert len(dealt.train) == len(data.train)

    def pairs(some):
        features, labels = np.concatenate([some.train, some.test]), [*some.train_labels, *some.test_labels]
        return sorted((row.tobytes(), int(label)) for row, label in zip(features, labels, strict=True))

    assert pairs(dealt) == pairs(data)
    assert not np.array_equal(dealt.train_labels, data.train_labels)


def test_ours_is_what_the_learner_answers_and_mahalanobis_what_brute_force_gives(tmp_path):
    data = make_set("tools", 4, 0)
    learner = Learner.create(tmp_path / "shop.tosca")
    groups = [data.train[data.train_labels == place] for place in range(4)]
    learner.learn_features({str(place): rows for place, rows in enumerate(groups)}, force=True)
    scorer = Scorer(learner.model, data.test)
    scores = scorer(data.test[:5])
    expected = [answer.familiarity for answer in learner.predict_features(data.test[:5], 1)]
    # The same sums of float32 products, for a batch of five twice: no rounding may part them.
    np.testing.assert_allclose(scores["ours"], expected, rtol=0, atol=1e-9)
    width = learner.store.widths[0]
    means = [normalize(rows[:, :width]).mean(axis=0, dtype=np.float64) for rows in groups]
    precision = scorer._precision
    for z, score in zip(normalize(data.test[:5, :width]), scores["mahalanobis"], strict=True):
        nearest = min((z - mean) @ precision @ (z - mean) for mean in means)
        # The expanded square loses digits against the distance: 1e-9 of it stay.
        assert -score == pytest.approx(nearest, rel=1e-6)
    learner.close()


def test_ood_writes_table_json_and_plot(tmp_path, draw_pictures, run_benchmark):
    labels = ["apple", "brick", "door", "leaf"]
    shapes = draw_pictures(tmp_path / "shapes", labels, count=8)
    words = [shapes, "--shots", "all", "--seeds", "1", "--out", tmp_path / "out", "--json"]
    done = run_benchmark("ood", *words)
    assert done.returncode == 0, done.stderr
    (trial,) = json.loads(done.stdout)["trials"]
    assert (trial["known_classes"], trial["near_classes"]) == (2, 2)
    # With one set there is nothing far.
    assert trial["caught_far"] is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "unknowns.md",
        "unknowns.json",
        "unknowns.png",
    }
