import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarks.exemplars import drawn, k_centre, spread
from tests.torture.verbs import QUESTIONS, create, features, locked, reopen, teach

from edge_tosca.errors import StoreError
from edge_tosca.features.exemplars import herding
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.model import Model
from edge_tosca.learner.normalized_features import NormalizedFeatures
from edge_tosca.learner.refit import sum_up
from edge_tosca.learner.storage_limit import LEAST, limit_size, thin
from edge_tosca.learner.verification import verify
from edge_tosca.store.maintenance import compact
from edge_tosca.store.source_images import SourceImage

RULES = (herding, k_centre, spread, drawn(0))


@pytest.fixture
def shop(tmp_path):
    store = create(tmp_path / "shop.tosca")
    teach(store, "first", {"apple": 160, "brick": 150})
    teach(store, "second", {"cone": 140, "door": 8})
    yield store
    store.close()


def counts(store):
    return {group.label: group.images for group in store.state().groups}


@pytest.mark.parametrize("rule", RULES)
@given(n=st.integers(1, 30), most=st.integers(1, 40), seed=st.integers(0, 9))
def test_a_rule_keeps_as_many_different_features_as_it_may_in_their_order(rule, n, most, seed):
    z = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    kept = rule(z, most)
    assert len(kept) == min(n, most)
    assert (np.diff(kept) > 0).all()
    assert ((kept >= 0) & (kept < n)).all()


def test_herding_keeps_the_mean_better_than_chance():
    z = normalize(features("apple", 60))
    mean = z.mean(axis=0)
    apart = [np.linalg.norm(z[rule(z, 10)].mean(axis=0) - mean) for rule in (herding, *map(drawn, range(20)))]
    assert apart[0] < min(apart[1:])


def test_centres_begin_in_the_middle_and_go_to_the_farthest():
    line = np.array([[place, 2.0] for place in range(11)])
    assert k_centre(line, 1).tolist() == [5]
    assert k_centre(line, 3).tolist() == [0, 5, 10]
    assert k_centre(line, 5).tolist()[:3] == [0, 2, 5]


def test_equal_features_are_kept_but_once_each():
    assert herding(np.ones((9, 4), np.float32), 3).tolist() == [0, 1, 2]


def test_the_largest_classes_give_way_first_and_modules_stay(shop):
    modules = [(task.module, shop.module(task.module)) for task in shop.state().tasks]
    gone = limit_size(shop, shop.used() - 20_000)
    left = counts(shop)
    assert left["apple"] == left["brick"] == left["cone"] > left["door"] == 8
    assert gone == 458 - sum(left.values())
    assert [(task.module, shop.module(task.module)) for task in shop.state().tasks] == modules


def empty(path):
    create(path).close()


@pytest.mark.parametrize("make", [empty, locked(empty)], ids=["plain", "encrypted"])
def test_a_limited_store_stays_within_it_as_classes_come(tmp_path, make):
    make(tmp_path / "shop.tosca")
    store = reopen(tmp_path / "shop.tosca")
    most = 400_000
    limit_size(store, most)
    for number in range(8):
        teach(store, f"task {number}", {f"{number}a": 90, f"{number}b": 90})
        assert store.used() <= most
    assert LEAST <= min(counts(store).values()) < 90
    assert verify(store).discrepancies == ()
    compact(store)
    assert store.path.stat().st_size <= most
    store.close()


def test_a_lesson_that_cannot_fit_is_refused_and_changes_nothing(shop):
    limit_size(shop, shop.used() - 5_000)
    before = (shop.settings["max_bytes"], counts(shop), shop.latest())
    with pytest.raises(StoreError, match="too few for its 4 classes"):
        limit_size(shop, 60_000)
    again = type(shop).open(shop.path)
    assert (again.settings["max_bytes"], counts(again), again.latest()) == before
    again.close()


def test_what_was_thinned_out_is_as_if_never_taught_to_the_sums(shop):
    with shop.transaction():
        generation = shop.add_generation("limit", shop.latest())
        left = thin(shop, 30)
        for table in ("routers", "statistics"):
            shop.set_derived(table, generation, None)
    apple = shop.state().groups[0]
    expected = features("apple", 160).astype(np.float16)[left[apple.features]]
    assert np.array_equal(shop.features(apple), expected)
    state = shop.state()
    assert sum_up(shop, state, NormalizedFeatures(shop, state)).counts.tolist() == [30, 30, 30, 8]


def test_the_held_out_answers_stay_with_their_pictures(shop):
    task = shop.state().tasks[0]
    before = shop.evidence(task.module)
    with shop.transaction():
        left = thin(shop, 20)
    apple, brick = task.groups
    rows = np.concatenate([left[apple.features], 160 + left[brick.features]])
    assert np.array_equal(shop.evidence(task.module), before[rows], equal_nan=True)


def test_remembered_files_stay_with_their_features(tmp_path):
    store = create(tmp_path / "shop.tosca")
    files = {at: SourceImage(tmp_path / f"{at}.jpg", f"{at:064x}") for at in range(30)}
    apple = LessonClass(features("apple", 30), [str(at) for at in range(30)], sources=files)
    learn_task(store, Lesson({"apple": apple}), force=True)
    with store.transaction():
        (places,) = thin(store, 9).values()
    (group,) = store.state().groups
    assert store.pictures.of(group.features) == {at: files[old] for at, old in enumerate(places.tolist())}
    store.close()


def test_suspects_are_named_rightly_after_thinning(tmp_path):
    store = create(tmp_path / "shop.tosca")
    limit_size(store, 220_000)
    names = {label: [f"{label}{at}" for at in range(300)] for label in ("apple", "brick")}
    classes = {label: LessonClass(features(label, 300), some) for label, some in names.items()}
    report = learn_task(store, Lesson(classes), force=True)
    assert report.thinned
    assert report.images == 600
    known = {name for some in names.values() for name in some}
    assert all(suspect.path in known for suspect in report.gate.suspects)
    store.close()


def test_thinned_classes_can_be_forgotten_and_no_limit_lifts_it(shop):
    limit_size(shop, shop.used() - 20_000)
    forget_class(shop, "apple")
    assert verify(shop).discrepancies == ()
    assert limit_size(shop, None) == 0
    teach(shop, "third", {"zebra": 90})
    assert counts(shop)["zebra"] == 90
    labels = [answer.label for answer in Model(shop, shop.state()).predict(QUESTIONS, 1)]
    assert labels[3:6] == ["brick"] * 3


def test_an_encrypted_store_is_thinned_as_a_plain_one_and_stays_encrypted(tmp_path):
    counted = []
    for name, make in (("plain", many_pictures), ("encrypted", locked(many_pictures))):
        path = tmp_path / name / "shop.tosca"
        path.parent.mkdir()
        make(path)
        store = reopen(path)
        assert limit_size(store, store.used() - 20_000)
        most = int(store.settings["max_bytes"])
        assert store.used() <= most
        assert verify(store).discrepancies == ()
        kept = store.features(store.state().groups[0]).tobytes()
        counted.append((counts(store), kept))
        compact(store)
        store.close()
        assert path.stat().st_size <= most
        # Pages tear what is long.
        assert (kept[:64] in path.read_bytes()) == (name == "plain")
        again = reopen(path)
        assert counts(again) == counted[-1][0]
        again.close()
    assert counted[0][0].keys() == counted[1][0].keys()
    # What is encrypted is larger by a nonce and a code for each row, so a picture more may give way.
    assert all(abs(counted[0][0][label] - counted[1][0][label]) <= 1 for label in counted[0][0])
    assert min(counted[1][0].values()) >= LEAST


def many_pictures(path):
    store = create(path)
    teach(store, "first", {"apple": 160, "brick": 150})
    store.close()


def test_pictures_that_are_taught_again_after_their_first_lesson_was_thinned_are_learned(shop):
    with shop.transaction():
        thin(shop, 100)
    teach(shop, "first again", {"apple": 160, "brick": 150})
    assert counts(shop)["apple"] == 160
    tasks = shop.tasks_ever()
    # The very same bytes, and what was held out of them is kept once.
    assert tasks[0].module == tasks[-1].module
    limit_size(shop, 3_000_000)
    assert Model(shop, shop.state()).router.module_weight >= 0


def test_a_limit_that_cannot_be_kept_is_not_remembered(shop):
    with pytest.raises(StoreError, match="are too few"):
        limit_size(shop, 1000)
    teach(shop, "third", {"egg": 8})
    assert counts(shop)["egg"] == 8
