import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca import Learner
from edge_tosca.classifier.calibration.conformal import calibrate, label_set, least_probability
from edge_tosca.errors import LearnError

LABELS = 6


def pictures_of(n, seed, sharpness=2.0):
    """Posteriors of exchangeable pictures, and their labels, which follow other odds than they say."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(LABELS, size=n)
    scores = rng.normal(size=(n, LABELS))
    scores[np.arange(n), truth] += sharpness
    powers = np.exp(3 * scores)
    return powers / powers.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [19, 40, 200])
def test_sets_hold_the_truth_as_often_as_promised(coverage, n):
    draws, tests = 400, 50
    hits = 0
    for seed in range(draws):
        posterior, truth = pictures_of(n + tests, seed, sharpness=1.0)
        least = least_probability(calibrate(posterior[:n], truth[:n]), coverage)
        sets = [label_set(row, least) for row in posterior[n:]]
        hits += sum(label in inside for label, inside in zip(truth[n:], sets, strict=True))
    # Coverage given the calibration pictures is beta distributed, with a variance below c (1 - c) / n; four
    # standard errors of its mean over the draws, and of the binomial on top.
    error = np.sqrt(coverage * (1 - coverage) * (1 / n + 1 / tests) / draws)
    found = hits / (draws * tests)
    assert found >= coverage - 4 * error
    # 1 / (n + 1) is the price of a finite n; the top label, always let in, adds where sets would be empty.
    posterior, truth = pictures_of(20_000, 10_000, sharpness=1.0)
    top = (posterior.argmax(axis=1) == truth).mean()
    assert found <= max(coverage + 1 / (n + 1), top + 0.05) + 4 * error


@given(
    n=st.integers(0, 300), seed=st.integers(0, 99), small=st.floats(0.01, 0.99), large=st.floats(0.01, 0.99)
)
def test_sets_grow_with_coverage(n, seed, small, large):
    small, large = sorted((small, large))
    posterior, truth = pictures_of(n + 5, seed)
    calibration = calibrate(posterior[:n], truth[:n])
    for row in posterior[n:]:
        inner, outer = (label_set(row, least_probability(calibration, c)) for c in (small, large))
        assert set(inner) <= set(outer)
        assert inner[0] == row.argmax()


def test_too_few_pictures_to_promise_anything_let_every_label_in():
    posterior, truth = pictures_of(8, 0)
    assert len(label_set(posterior[0], least_probability(calibrate(posterior, truth), 0.9))) == LABELS
    posterior, truth = pictures_of(9, 0)
    # With nine the smallest is the one tenth that may be missed, in decimal as on paper.
    assert least_probability(calibrate(posterior, truth), 0.9) > 0


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 90.0, float("nan")])
def test_a_coverage_that_is_no_probability_is_refused(coverage):
    with pytest.raises(LearnError, match="between 0 and 1"):
        least_probability(np.zeros(0, np.float32), coverage)


@pytest.fixture(scope="module")
def shop(tmp_path_factory, draw_pictures):
    folder = tmp_path_factory.mktemp("shop")
    draw_pictures(folder / "photos", ["apple", "door", "leaf"], count=8)
    learner = Learner.create(folder / "shop.tosca")
    learner.learn(folder / "photos")
    learner.close()
    return folder


def ask(shop, *options):
    command = [sys.executable, "-m", "edge_tosca", "predict", shop / "shop.tosca", shop / "photos" / "leaf"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_predict_gives_a_set_only_when_asked_and_the_label_is_its_first(shop):
    asked = ask(shop, "--coverage", "0.9", "--json")
    assert asked.returncode == 0, asked.stderr
    for line in map(json.loads, asked.stdout.splitlines()):
        assert line["set"][0] == line["label"]
        assert set(line["set"]) <= {"apple", "door", "leaf"}
    assert all("set" not in json.loads(line) for line in ask(shop, "--json").stdout.splitlines())


@pytest.mark.parametrize("options", [("--coverage", "1.5"), ("--coverage", "0.9", "--burst")])
def test_a_set_that_cannot_be_promised_is_one_line_on_stderr(shop, options):
    refused = ask(shop, *options)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "coverage" in refused.stderr
    assert refused.stdout == ""
