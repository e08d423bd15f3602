"""What the gate says of clean and of faulty features; no backbone is loaded."""

import zlib

import numpy as np
import pytest

from edge_tosca.classifier.lda.blocked_folds import choose_blocks
from edge_tosca.classifier.router_fit import SAMPLE
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.quality.advice import ERRORS_KEPT, LEARNING_EXPONENT, pictures_to_add
from edge_tosca.quality.confusions import ConfusablePair, HeldOutConfusions, welch_t
from edge_tosca.quality.gate import CONFUSABLE_BELOW, _harm, _same_classes, confusable_below
from edge_tosca.quality.label_errors import OLD_CLASS_GAIN, relabel, samples_of_old_class
from edge_tosca.quality.loo_ridge import PENALTY, LeaveOneOutRidge
from edge_tosca.quality.near_duplicates import NearDuplicates, _mean_cosine
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 64
LABELS = ("mug", "pen", "cup", "jar")
STORED = dict.fromkeys(SETTINGS, "") | {"router": "fused", "feature_dim": str(D), "refused": "0.05"}


def pictures(seed, shots=20, noise=1.0, more=0):
    """Features of one class; `more` gives other pictures of the same class."""
    centre = np.random.default_rng(seed).normal(size=D)
    spread = np.random.default_rng((seed, shots, more)).normal(size=(shots, D))
    return (centre + noise * spread).astype(np.float32)


def task(*labels, shots=20):
    return {label: pictures(hash_of(label), shots) for label in labels}


def hash_of(label):
    return zlib.crc32(label.encode())


@pytest.fixture
def shop(tmp_path):
    opened = Learner(Store.create(tmp_path / "shop.tosca", STORED), FeatureExtractor())
    yield opened
    opened.close()


@pytest.fixture
def taught(shop):
    shop.learn_features(task(*LABELS))
    return shop


def test_clean_tasks_are_accepted_without_a_word(shop):
    for labels in (LABELS[:1], LABELS[1:2], LABELS[2:], ("ink", "bag", "key")):
        gate = shop.learn_features(task(*labels)).gate
        assert (gate.verdict, gate.reasons, gate.suspects, gate.advice) == ("accept", (), (), ())
        assert gate.accuracy_new == 1


def test_hard_classes_are_accepted_with_advice(shop):
    hard = {f"class {place}": pictures(place, shots=10, noise=2.6) for place in range(10)}
    gate = shop.learn_features(hard).gate
    assert gate.accuracy_new < 0.7
    assert gate.verdict == "accept", gate.reasons
    assert gate.advice
    assert all("more pictures of" in sentence for sentence in gate.advice)


def test_swapped_labels_are_named_and_warned_of(taught):
    fresh = task("ink", "bag", "key", "box", "hat")
    swapped = {"ink": "bag", "bag": "key", "key": "box", "box": "hat", "hat": "ink"}
    names = {label: [f"{label}/{row}" for row in range(20)] for label in fresh}
    wrong, told = {}, {}
    for label, source in swapped.items():
        wrong[label] = np.concatenate([fresh[label][4:], fresh[source][:4]])
        told[label] = names[label][4:] + names[source][:4]
    report = taught.learn_features(wrong, names=told)
    expected = {f"{source}/{row}" for source in swapped.values() for row in range(4)}
    assert report.gate.verdict == "warn"
    assert report.generation is not None
    named = {suspect.path for suspect in report.gate.suspects}
    assert len(named & expected) >= 0.85 * len(expected)
    assert len(named & expected) >= 0.85 * len(named)
    assert "looks like 'bag'" in {s.reason for s in report.gate.suspects if s.path.startswith("bag")}


def test_four_swapped_labels_among_twenty_pictures_are_warned_of_and_named(shop):
    fresh = task("ink", "bag", shots=10)
    wrong = {
        "ink": np.concatenate([fresh["ink"][2:], fresh["bag"][:2]]),
        "bag": np.concatenate([fresh["bag"][2:], fresh["ink"][:2]]),
    }
    gate = shop.learn_features(wrong).gate
    assert gate.verdict == "warn"
    assert {suspect.path for suspect in gate.suspects} == {"ink 9", "ink 10", "bag 9", "bag 10"}
    assert gate.reasons == ("20% of the new pictures look like another class",)


def test_a_known_class_under_another_name_is_rejected_and_leaves_nothing(taught):
    before = taught.history()
    report = taught.learn_features({"beaker": task("mug")["mug"]})
    assert (report.generation, report.gate.verdict) == (None, "reject")
    assert "copies of pictures of 'mug'" in report.gate.reasons[0]
    assert taught.history() == before
    assert taught.state.labels == LABELS


@pytest.mark.parametrize("seed", range(5))
def test_twenty_other_pictures_of_a_known_class_under_another_name_are_not_accepted(taught, seed):
    report = taught.learn_features({"beaker": pictures(hash_of("mug"), more=seed + 1)})
    assert report.gate.verdict != "accept"
    assert "be distinguished from 'mug'" in report.gate.reasons[0]
    assert "as 'mug' if both are the same class" in report.gate.advice[0]


@pytest.mark.parametrize("shots", [10, 20])
def test_siblings_that_differ_in_a_little_are_accepted(taught, shots):
    common = np.random.default_rng(hash_of("mug")).normal(size=D)
    sibling = common + 0.7 * np.random.default_rng(1).normal(size=D)
    spread = np.random.default_rng(2).normal(size=(shots, D))
    gate = taught.learn_features({"beaker": (sibling + spread).astype(np.float32)}).gate
    assert gate.verdict == "accept", gate.reasons


def test_force_keeps_what_is_rejected(taught):
    report = taught.learn_features({"beaker": task("mug")["mug"]}, force=True)
    assert report.gate.verdict == "reject"
    assert report.generation == taught.store.latest()
    assert "beaker" in taught.state.labels


def test_old_pictures_among_those_of_a_new_class_are_named_and_warned_of(taught):
    mixed = np.concatenate([pictures(hash_of("ink"), 20), pictures(hash_of("mug"), 10, more=1)])
    gate = taught.learn_features({"ink": mixed}, names={"ink": [f"{row}.jpg" for row in range(30)]}).gate
    named = {suspect.path for suspect in gate.suspects}
    assert named <= {f"{row}.jpg" for row in range(20, 30)}
    assert len(named) >= 8
    assert {suspect.reason for suspect in gate.suspects} == {"looks like 'mug'"}
    assert gate.verdict == "warn"


def test_more_pictures_of_a_known_class_are_no_confusion(taught):
    gate = taught.learn_features({"mug": pictures(hash_of("mug"), more=1)}).gate
    assert (gate.verdict, gate.confusions) == ("accept", ())


def test_known_pictures_taught_again_under_their_name_are_suspects_and_no_fault(taught):
    gate = taught.learn_features(task("mug", "pen")).gate
    assert gate.verdict == "accept"
    assert len(gate.suspects) == 40


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_class_of_copies_of_one_picture_is_warned_of(taught, noise):
    one = pictures(5, shots=1)
    copies = one + noise * np.random.default_rng(0).normal(size=(12, D)).astype(np.float32)
    gate = taught.learn_features({"ink": copies}, names={"ink": [f"{row}.jpg" for row in range(12)]}).gate
    assert gate.verdict == "warn"
    assert {suspect.path for suspect in gate.suspects} == {f"{row}.jpg" for row in range(1, 12)}
    assert gate.advice[0].startswith("9 more pictures of 'ink' from other angles")


@pytest.mark.parametrize("shots", [1, 2])
def test_a_class_of_one_or_two_pictures_is_warned_of(taught, shots):
    report = taught.learn_features(task("ink", shots=shots) | task("bag"))
    assert report.gate.verdict == "warn"
    assert report.generation is not None
    assert f"{10 - shots} more pictures of 'ink'" in report.gate.advice[0]


def test_one_more_picture_of_a_class_that_has_twenty_is_fine(taught):
    assert taught.learn_features({"mug": pictures(hash_of("mug"), shots=1)}).gate.verdict == "accept"


def test_accuracy_before_is_that_of_the_classes_that_are_still_there(shop):
    shop.learn_features({label: pictures(place, noise=3.5) for place, label in enumerate(LABELS)})
    kept = shop.history()[-1].report["accuracy_by_class"]
    report = shop.learn_features(task("ink"))
    assert report.gate.accuracy_old_before == pytest.approx(np.mean(list(kept.values())))
    shop.rollback()
    again = shop.learn_features(task("ink"))
    # Solved anew from the same pictures.
    assert again.gate.accuracy_old_before == pytest.approx(report.gate.accuracy_old_before)
    assert again.gate.accuracy_old_after == pytest.approx(report.gate.accuracy_old_after)


def test_accuracy_before_survives_a_new_name(shop):
    shop.learn_features({label: pictures(place, noise=3.5) for place, label in enumerate(LABELS)})
    expected = np.mean(list(shop.history()[-1].report["accuracy_by_class"].values()))
    shop.rename("mug", "beaker")
    assert shop.learn_features(task("ink")).gate.accuracy_old_before == pytest.approx(expected)


def test_after_forgetting_accuracy_before_is_that_of_never_having_known(shop, tmp_path):
    noisy = {label: pictures(place, noise=3.5) for place, label in enumerate(LABELS)}
    for labels in (LABELS[:2], LABELS[2:]):
        shop.learn_features({label: noisy[label] for label in labels}, force=True)
    for label in LABELS[2:]:
        shop.forget(label)
    other = Learner(Store.create(tmp_path / "other.tosca", STORED), FeatureExtractor())
    other.learn_features({label: noisy[label] for label in LABELS[:2]}, force=True)
    reports = [learner.learn_features(task("ink"), force=True) for learner in (shop, other)]
    other.close()
    assert reports[0].gate.accuracy_old_before == pytest.approx(reports[1].gate.accuracy_old_before)


def test_a_first_task_has_no_old_classes(shop):
    gate = shop.learn_features(task("ink")).gate
    assert gate.accuracy_old_before is gate.accuracy_old_after is None


@pytest.mark.parametrize("shots", [8, 60])
def test_left_out_margins_equal_those_of_refitting_without_each_picture(shots):
    z = normalize(np.concatenate([pictures(place, shots, 2.0) for place in range(3)]))
    truth = np.repeat(np.arange(3), shots)
    margins, answers = LeaveOneOutRidge.of(z).margins(truth)
    centred = (z - z.mean(axis=0)).astype(float)
    targets = np.eye(3)[truth] - np.eye(3)[truth].mean(axis=0)
    for row in range(0, len(z), 7):
        rest = np.arange(len(z)) != row
        gram = centred[rest].T @ centred[rest] + PENALTY * np.eye(D)
        said = centred[row] @ np.linalg.solve(gram, centred[rest].T @ targets[rest])
        others = np.delete(said, truth[row])
        assert margins[row] == pytest.approx(said[truth[row]] - others.max(), abs=1e-9)
        assert said[answers[row]] == pytest.approx(others.max())


def test_halves_of_one_class_are_hardly_apart_and_two_classes_are():
    alone, apart = [], []
    for seed in range(30):
        z = normalize(pictures(seed, 80))
        alone.append(welch_t(z[::2], z[1::2]))
        apart.append(welch_t(z[::2], normalize(pictures(seed + 100, 200))))
    most = confusable_below(40 * 40 / 80)
    assert np.mean([errors <= most for errors, _ in alone]) >= 0.9
    assert np.mean([right for _, right in alone]) == pytest.approx(0.5, abs=0.05)
    assert min(errors for errors, _ in apart) > CONFUSABLE_BELOW


def test_relabelling_finds_the_labels_that_were_true():
    z = normalize(np.concatenate([pictures(place, 12) for place in range(3)]))
    truth = np.repeat(np.arange(3), 12)
    assert not relabel(z, truth).moved.any()
    said = truth.copy()
    said[[0, 13, 14, 30]] = [1, 2, 0, 1]
    found = relabel(z, said)
    assert found.contradicted
    assert np.array_equal(found.labels, truth)


def test_relabelling_gains_nothing_that_counts_where_classes_are_hard():
    truth, accuracies = np.repeat(np.arange(10), 10), []
    for seed in range(10):
        hard = [pictures(place + 100 * seed, 10, noise=2.2) for place in range(10)]
        found = relabel(normalize(np.concatenate(hard)), truth)
        accuracies.append((found.margins > 0).mean())
        assert not found.contradicted
    assert np.mean(accuracies) < 0.75


def test_relabelling_leaves_every_class_a_picture():
    z = normalize(np.concatenate([pictures(0, 12), pictures(1, 3)]))
    said = np.array([1] * 3 + [0] * 12)
    assert set(relabel(z, said).labels) == {0, 1}


def test_the_pictures_asked_for_leave_the_stated_part_of_the_errors():
    for pictures_now in (10, 20, 100):
        grown = pictures_now + pictures_to_add(pictures_now)
        assert (grown / pictures_now) ** -LEARNING_EXPONENT == pytest.approx(ERRORS_KEPT, abs=0.01)


def of_ten_classes(taken):
    """Ten known classes of 20 pictures, of each of which so many are taken for the only new one."""
    labels = (*(f"old {place}" for place in range(10)), "new")
    truth = np.repeat(np.arange(11), 20)
    answers = truth.copy()
    for place, count in enumerate(taken):
        answers[20 * place : 20 * place + count] = 10
    rows = np.tile(np.arange(20), 11)
    return HeldOutConfusions(labels, labels, truth, truth == 10, truth, rows, np.eye(11)[answers])


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        # A sibling may lose half of its pictures, and chance a few more.
        ((10,), None),
        ((4,) * 10, None),
        ((6,) * 10, "the old classes fell from 100% to 70%"),
        ((0, 20, 20, 20), "the old classes fell from 100% to 70%"),
    ],
)
def test_what_a_new_class_may_cost_the_old_ones_does_not_grow_with_their_number(taken, told):
    confusions = of_ten_classes(taken)
    found = _harm(confusions, 1.0, 1 - sum(taken) / 200)
    assert [reason for reason, _ in found] == ([] if told is None else [told])
    if told is not None:
        worst = confusions.labels[int(np.argmax(taken))]
        assert repr(worst) in found[0][1]


def test_copies_of_a_class_are_told_once_whichever_of_the_two_is_asked_about():
    copies = NearDuplicates((), {}, {}, {"mug": ("cup", 1.0), "cup": ("mug", 1.0)})
    pairs = [ConfusablePair("cup", "mug", 0.5, 0.1, 10.0), ConfusablePair("jug", "mug", 0.5, 0.1, 10.0)]
    rejected, doubted = _same_classes(pairs, copies)
    assert [reason.split(" pictures of ")[0] for reason, _ in rejected] == [
        "100% of the",
        "'jug' cannot be distinguished from 'mug': accuracy 50%, chance 50%",
    ]
    assert doubted == []


def test_the_mean_cosine_of_a_class_is_that_of_its_pairs():
    rows = normalize(pictures(3, shots=7))
    pairs = [rows[one] @ rows[other] for one in range(7) for other in range(one)]
    assert _mean_cosine(rows) == pytest.approx(np.mean(pairs), rel=1e-4)


@pytest.mark.parametrize(("shots", "known"), [(10, 10), (20, 20), (20, 100), (60, 20), (60, 30)])
def test_pictures_of_an_old_class_among_those_of_a_new_one_are_strangers(shots, known):
    fifth = shots // 5
    old, new = normalize(pictures(1, known)), normalize(pictures(2, shots - fifth))
    strange = normalize(pictures(1, fifth, more=1))
    order = np.random.default_rng(0).permutation(shots)
    moved, gain = samples_of_old_class(np.concatenate([new, strange])[order], old)
    assert gain > OLD_CLASS_GAIN
    assert not moved[order < shots - fifth].any()
    assert moved.sum() >= 0.6 * fifth


@pytest.mark.parametrize("noise", [1.0, 3.0, 8.0])
def test_among_clean_pictures_there_are_no_strangers_however_hard_the_classes(noise):
    gains = [
        samples_of_old_class(
            normalize(pictures(seed, 20, noise)), normalize(pictures(seed + 100, 20, noise))
        )[1]
        for seed in range(60)
    ]
    # One clean pair in a hundred is what may be beyond it: three of sixty by chance.
    assert np.sum([gain > OLD_CLASS_GAIN for gain in gains]) <= 3


def test_a_fifth_of_a_single_new_class_that_shows_an_old_one_is_warned_of_and_named(taught):
    pen = pictures(hash_of("pen"), 4, more=1)
    rows = np.concatenate([pictures(hash_of("key"), 16), pen])
    names = {"key": [f"key {place}" for place in range(16)] + [f"pen {place}" for place in range(4)]}
    gate = taught.learn_features({"key": rows}, names=names).gate
    assert gate.verdict == "warn"
    assert {suspect.path for suspect in gate.suspects} == set(names["key"][16:])
    assert {suspect.reason for suspect in gate.suspects} == {"looks like 'pen'"}
    assert gate.reasons == ("20% of the new pictures look like another class",)


def test_among_very_many_classes_one_that_was_not_sampled_is_compared_too(shop):
    many = {f"thing {place}": pictures(place, 20) for place in range(120)}
    shop.learn_features(many, force=True)
    counts = np.full(121, 20)
    sampled = {block.group for block in choose_blocks(counts, SAMPLE, slice(120, 121))}
    unsampled = [place for place in range(120) if place not in sampled]
    assert unsampled
    again = pictures(unsampled[0], 20, more=1)
    gate = shop.learn_features({"a second name": again}).gate
    assert gate.verdict != "accept"
    assert any(f"'thing {unsampled[0]}'" in reason for reason in gate.reasons)
    mixed = np.concatenate([pictures(500, 16), pictures(unsampled[1], 4, more=1)])
    names = {"new": [str(place) for place in range(20)]}
    gate = shop.learn_features({"new": mixed}, names=names).gate
    assert {suspect.path for suspect in gate.suspects} == {"16", "17", "18", "19"}
    assert {suspect.reason for suspect in gate.suspects} == {f"looks like 'thing {unsampled[1]}'"}


def test_the_report_says_what_a_user_would_see_of_new_and_old_classes(shop):
    first = shop.learn_features({label: pictures(place) for place, label in enumerate(LABELS)})
    assert first.gate.outcomes_old_before is first.gate.outcomes_old_after is None
    seen = first.gate.outcomes_new
    assert sum(seen.counts.values()) == seen.images == 20 * len(LABELS)
    # The threshold is placed where a twentieth of them is refused.
    assert 0 < seen.unknown < 0.15
    second = shop.learn_features(task("ink"))
    assert second.gate.outcomes_old_before.counts == seen.counts
    assert second.gate.outcomes_old_after.images == seen.images
