import numpy as np
import pytest
from tests.benchmarks.domain_shift import (
    APART,
    BOTH,
    OLD,
    OTHERS,
    OTHERS_APART,
    OTHERS_BEFORE,
    TOGETHER,
    measure,
    split_domains,
)

from edge_tosca.bench.data import protocol
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 1904


@pytest.fixture(scope="module")
def lit(clusters):
    """Three classes by day and by night; which of the training and of the test pictures are of the night."""
    rng = np.random.default_rng(1)
    data = clusters(3, train=20, test=20, spread=0.5)
    shift = 0.5 * rng.normal(size=D)
    dark, dark_test = rng.random(len(data.train)) < 0.5, rng.random(len(data.test)) < 0.5
    data.train[dark] += shift.astype(np.float32)
    data.test[dark_test] += shift.astype(np.float32)
    return data, dark, dark_test


def test_domains_are_the_two_sides_of_what_pictures_of_all_classes_differ_in(lit):
    data, dark, dark_test = lit
    sides, test_side = split_domains(protocol(data, 3, None, 0))
    truth = [dark[data.train_labels == c] for c in np.random.default_rng(0).permutation(3)]
    agreement = np.mean(np.concatenate(sides) == np.concatenate(truth))
    assert agreement in (0.0, 1.0)
    assert np.mean(test_side == dark_test) == agreement


def test_known_classes_are_learned_in_a_new_domain_too(lit, silent):
    old, both, apart, once, before, others, others_apart = measure([lit[0]], FeatureExtractor(), 3, 1, silent)
    assert [step.taught for step in (old, both, apart, once)] == [OLD, BOTH, APART, TOGETHER]
    assert [step.taught for step in (before, others, others_apart)] == [OTHERS_BEFORE, OTHERS, OTHERS_APART]
    # About thirty pictures a side: one may fall by chance.
    assert both.new >= old.new - 1 / 20
    assert both.old >= old.old - 1 / 20
    assert min(both.old, both.new, once.old, once.new) > 0.8
    assert others.new >= before.new - 1 / 20
    # A class that knows the night by a mean of its own draws what is photographed there.
    assert others_apart.new <= others.new
    assert min(apart.old, apart.new) > 0.8


@pytest.mark.long
def test_few_pictures_of_the_new_domain_teach_less_than_all_of_them(lit, silent):
    every = measure([lit[0]], FeatureExtractor(), 3, 1, silent)
    # More than there are: all of them.
    assert measure([lit[0]], FeatureExtractor(), 3, 1, silent, few=len(lit[0].train)) == every
    few = {step.taught: step for step in measure([lit[0]], FeatureExtractor(), 3, 1, silent, few=1)}
    every_by_name = {step.taught: step for step in every}
    assert few[OLD] == every_by_name[OLD]
    assert few[OTHERS_BEFORE] == every_by_name[OTHERS_BEFORE]
    assert few[BOTH].new <= every_by_name[BOTH].new + 1 / 20
