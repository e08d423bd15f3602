"""Renaming, merging, and a known class in new surroundings; features are given, no backbone is loaded."""

import numpy as np
import pytest

from edge_tosca.errors import LearnError
from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
STRANGERS = np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)


def pictures(seed, shots=12, noise=0.5):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=D) + noise * rng.normal(size=(shots, D))).astype(np.float16)


@pytest.fixture
def shop(tmp_path, plain):
    settings = {**plain, "feature_dim": str(D)}
    shop = Learner(Store.create(tmp_path / "shop.tosca", settings), FeatureExtractor())
    shop.learn_features({"mug": pictures(1), "pen": pictures(2)})
    shop.learn_features({"cup": pictures(3), "jar": pictures(4)})
    yield shop
    shop.close()


def modules(shop):
    return {task.name: (task.module, shop.store.module(task.module)) for task in shop.state.tasks}


def posterior(shop):
    return dict(zip(shop.state.labels, shop.model.posterior(STRANGERS).T, strict=True))


def test_a_renamed_class_is_known_by_its_new_name_and_nothing_else_changes(shop):
    before, filed = posterior(shop), modules(shop)
    shop.rename("pen", "biro")
    after = posterior(shop)
    assert set(after) == {"mug", "biro", "cup", "jar"}
    np.testing.assert_array_equal(after["biro"], before["pen"])
    np.testing.assert_array_equal(after["cup"], before["cup"])
    assert modules(shop) == filed


def test_merged_classes_answer_as_one_and_their_modules_stay(shop):
    filed = modules(shop)
    shop.rename("cup", "mug", merge=True)
    assert shop.state.labels == ("mug", "pen", "jar")
    assert modules(shop) == filed
    for seed in (1, 3):
        answers = shop.model.predict(pictures(seed, 20).astype(np.float32), 1)
        assert {answer.label for answer in answers} == {"mug"}


def test_a_rename_is_undone_by_a_rollback(shop):
    before = posterior(shop)
    shop.rename("pen", "biro")
    shop.rollback()
    after = posterior(shop)
    assert list(after) == list(before)
    for label, column in before.items():
        np.testing.assert_array_equal(after[label], column)


@pytest.mark.parametrize(
    ("label", "new", "merge", "complaint"),
    [
        ("spoon", "fork", False, "has no class 'spoon'; it has: mug, pen"),
        ("pen", "mug", False, "is taken"),
        ("pen", "fork", True, "is not known"),
        ("pen", "pen", False, "has that name already"),
        ("pen", " ", False, "must have 1 to"),
        ("pen", "a\nb", False, "control characters"),
    ],
)
def test_a_name_that_cannot_be_given_is_refused_and_nothing_changes(shop, label, new, merge, complaint):
    generation = shop.store.latest()
    with pytest.raises(LearnError, match=complaint):
        shop.rename(label, new, merge=merge)
    assert shop.store.latest() == generation


def test_a_known_class_in_new_surroundings_keeps_its_name_and_is_known_in_both(shop):
    filed = modules(shop)
    shop.learn_features({"mug": pictures(7), "pen": pictures(8)}, "outdoors")
    assert shop.state.labels == ("mug", "pen", "cup", "jar")
    assert {name: modules(shop)[name] for name in filed} == filed
    for seed, label in ((1, "mug"), (7, "mug"), (2, "pen"), (8, "pen"), (3, "cup")):
        answers = shop.model.predict(pictures(seed, 20).astype(np.float32), 1)
        assert {answer.label for answer in answers} == {label}
    indoors, outdoors = (
        shop.model.predict(pictures(seed, 1).astype(np.float32), 1)[0].task for seed in (1, 7)
    )
    assert (indoors, outdoors) == ("task 1", "outdoors")


def test_lessons_of_one_name_are_one_thing_and_merged_classes_are_several(shop):
    shop.learn_features({"mug": pictures(7)}, "outdoors")
    things = shop.state.class_of_group.tolist()
    labels = [group.label for group in shop.state.groups]
    assert [label for label, thing in zip(labels, things, strict=True) if thing == things[-1]] == [
        "mug",
        "mug",
    ]
    assert len(set(things)) == len(things) - 1
    shop.rename("cup", "mug", merge=True)
    assert shop.state.class_of_group.tolist() == things
    # A class that is renamed as a whole stays one thing.
    shop.rename("mug", "tumbler")
    assert shop.state.class_of_group.tolist() == things


def test_forgetting_a_class_forgets_it_in_all_surroundings(shop):
    shop.learn_features({"mug": pictures(7), "key": pictures(8)}, "outdoors")
    shop.forget("mug")
    assert shop.state.labels == ("pen", "cup", "jar", "key")


def test_a_name_that_a_class_bore_once_does_not_forget_it(shop):
    shop.rename("mug", "bowl")
    with pytest.raises(LearnError, match=r"has no class 'mug'; it is now called 'bowl'\. It has: bowl"):
        shop.forget("mug")
    shop.learn_features({"mug": pictures(5)})
    shop.forget("mug")
    assert shop.state.labels == ("bowl", "pen", "cup", "jar")


def test_a_class_that_was_merged_goes_with_the_one_it_was_merged_into(shop):
    shop.rename("cup", "mug", merge=True)
    with pytest.raises(LearnError, match="has no class 'cup'; it is now called 'mug'"):
        shop.forget("cup")
    shop.forget("mug")
    assert shop.state.labels == ("pen", "jar")
    # Of neither is a picture left.
    assert [len(task.groups) for task in shop.store.tasks_ever()] == [1, 1]


def test_a_class_that_was_taken_back_can_still_be_forgotten(shop):
    shop.learn_features({"secret": pictures(5)})
    shop.rollback()
    shop.forget("secret")
    assert [task.name for task in shop.store.tasks_ever()] == ["task 1", "task 2"]


def test_a_renamed_class_that_is_taught_again_is_one_thing_as_without_the_new_name(shop):
    shop.rename("mug", "bowl")
    shop.learn_features({"bowl": pictures(1, noise=0.6)})
    things = shop.state.class_of_group
    assert things[shop.state.label_of_group == shop.state.labels.index("bowl")].tolist() == [0, 0]


def test_classes_that_were_merged_one_after_the_other_stay_several_things(shop):
    shop.rename("cup", "mug", merge=True)
    shop.rename("mug", "pen", merge=True)
    things = shop.state.class_of_group
    assert len(set(things.tolist())) == 4
    # Taken back, each is what it was.
    shop.rollback()
    shop.rollback()
    shop.learn_features({"cup": pictures(3, noise=0.6)})
    assert len(set(shop.state.class_of_group.tolist())) == 4


def test_tasks_without_a_name_get_names_of_their_own(shop):
    shop.forget("mug")
    shop.forget("pen")
    shop.learn_features({"key": pictures(5)})
    shop.learn_features({"box": pictures(6)})
    assert [task.name for task in shop.state.tasks] == ["task 2", "task 3", "task 4"]


@pytest.mark.parametrize(
    ("label", "rows", "complaint"),
    [
        ("key", np.full((3, D), np.nan, np.float32), "are not finite"),
        ("key", np.full((3, D), np.inf, np.float32), "are not finite"),
        ("key", np.zeros((3, D + 1), np.float32), "have shape [3, 33], not [n, 32]"),
        ("key", np.zeros(D, np.float32), "have shape [32], not [n, 32]"),
        ("two\nlines", pictures(5), "has control characters"),
        (" key", pictures(5), "has blanks around it"),
    ],
)
def test_features_that_no_backbone_gives_are_refused_and_nothing_changes(shop, label, rows, complaint):
    before = shop.store.latest()
    with pytest.raises(LearnError) as caught:
        shop.learn_features({label: rows})
    assert complaint in str(caught.value)
    assert shop.store.latest() == before


def test_features_beyond_the_range_of_the_cache_are_clipped(shop):
    shop.learn_features({"key": 1e6 * pictures(5).astype(np.float32)})
    assert np.isfinite(shop.store.features(shop.state.groups[-1])).all()
