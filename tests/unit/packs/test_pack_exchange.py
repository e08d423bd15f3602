"""Class packs between real stores; the features are given, so no backbone is loaded."""

import itertools
import sqlite3
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_tosca.errors import LearnError, PackError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.packs import (
    SigningKey,
    distrust,
    export_classes,
    import_pack,
    make_key,
    read_pack,
    trust,
    trusted_keys,
    write_pack,
)
from edge_tosca.packs.synthetic_features import SYNTHETIC_PER_CLASS, synthetic_features
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

pytestmark = pytest.mark.slow

D = 32
STRANGERS = np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)
# Below D pictures the router is solved from the features, above it from their sums.
SHOTS = {"rows": 2, "gram": 12}


def pictures(label, shots):
    rng = np.random.default_rng(list(label.encode()))
    return (rng.normal(size=D) + 0.7 * rng.normal(size=(shots, D))).astype(np.float16)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("factory", "stranger"):
        make_key(folder / name)
    return {name: SigningKey.load(folder / name) for name in ("factory", "stranger")}


@pytest.fixture(scope="module")
def open_box(tmp_path_factory, keys):
    """Make a box that trusts the factory: open_box(fingerprint=...)."""
    numbers = itertools.count()
    folder = tmp_path_factory.mktemp("boxes")

    def opened(**settings):
        plain = {
            "bundle": "",
            "runtime": "onnxruntime",
            "device": "CPU",
            "router": "fused",
            "feature_dim": str(D),
            "refused": "0.05",
            "fingerprint": "0f" * 32,
            "origin": "lite0 on CPU",
        }
        store = Store.create(folder / f"{next(numbers)}.tosca", {**plain, **settings})
        trust(store, keys["factory"].public)
        return Learner(store, FeatureExtractor())

    return opened


@pytest.fixture(scope="module")
def sent(tmp_path_factory, keys):
    """Send classes of a box through a file: sent(box, labels, private=..., key=...)."""
    numbers = itertools.count()
    folder = tmp_path_factory.mktemp("packs")

    def send(box, labels=(), private=False, key="factory"):
        path = folder / f"{next(numbers)}.pack"
        write_pack(path, export_classes(box.store, labels, private=private), keys[key])
        return read_pack(path)

    return send


@pytest.fixture(params=SHOTS)
def shots(request):
    return SHOTS[request.param]


def learn(box, task, *labels, shots):
    box.learn_features({label: pictures(label, shots) for label in labels}, task, force=True)


def answers(box):
    """What a box says of many pictures, to the last bit; names of tasks tell where they came from."""
    return [
        (answer.top, answer.unknown, answer.familiarity) for answer in box.model.predict(STRANGERS, top=3)
    ]


def modules(box):
    return {task.module: box.store.module(task.module) for task in box.state.tasks}


def content(box):
    """Everything that a store's file says, as a fresh reader sees it."""
    connection = sqlite3.connect(box.store.path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def refused(box, pack, match, **options):
    """Claim that an import is refused in one line and leaves the store as it was."""
    before = content(box)
    with pytest.raises((PackError, LearnError), match=match) as caught:
        import_pack(box.store, pack, **options)
    assert "\n" not in str(caught.value)
    assert content(box) == before


# What an imported class is worth


def test_an_imported_task_answers_to_the_last_bit_as_on_the_box_that_learned_it(open_box, sent, shots):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    report = import_pack(second.store, sent(first))
    assert report.classes == ("mug", "pen")
    assert answers(second) == answers(first)
    assert modules(second) == modules(first)


def test_an_empty_box_that_imports_all_of_another_answers_like_it_to_the_last_bit(open_box, sent, shots):
    first, second = open_box(), open_box()
    for number, labels in enumerate((("mug", "pen"), ("cup", "jar"), ("key", "box"), ("lid", "can"))):
        learn(first, f"task {number}", *labels, shots=shots)
        # Tasks are ordered by the millisecond in which they were learned.
        time.sleep(0.002)
    packs = [sent(first, ["lid", "can", "cup", "jar"]), sent(first, ["mug", "pen", "key", "box"])]
    for pack in packs:
        import_pack(second.store, pack)
    assert answers(second) == answers(first)


@pytest.mark.parametrize(
    "learned_at",
    ["0001-01-01T00:00:00+23:59", "1969-07-20", "2026-01-01T00:00:00", "9999-12-31T23:59:59-23:59"],
)
def test_a_clock_that_was_wrong_does_not_hinder_an_import(open_box, sent, learned_at):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=4)
    pack = sent(first)
    tasks = tuple(replace(task, learned_at=learned_at) for task in pack.tasks)
    import_pack(second.store, replace(pack, tasks=tasks))
    learn(second, "shelf", "cup", "jar", shots=4)
    assert second.state.labels == ("mug", "pen", "cup", "jar")


def test_imported_and_own_classes_answer_as_if_one_box_had_learned_all(open_box, sent, shots):
    first, second, both = open_box(), open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    learn(second, "shelf", "cup", "jar", shots=shots)
    import_pack(second.store, sent(first))
    # Imported tasks stand before a box's own ones, so this is the order to learn in.
    learn(both, "desk", "mug", "pen", shots=shots)
    learn(both, "shelf", "cup", "jar", shots=shots)
    assert answers(second) == answers(both)


def test_an_import_leaves_the_boxs_own_modules_byte_for_byte(open_box, sent, shots):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    learn(second, "shelf", "cup", "jar", shots=shots)
    before = modules(second)
    import_pack(second.store, sent(first))
    assert modules(second).items() >= before.items()
    assert modules(second) == before | modules(first)


def test_one_class_of_a_task_travels_as_if_it_alone_had_been_taught(open_box, sent, shots):
    first, second, only = open_box(), open_box(), open_box()
    learn(first, "desk", "mug", "secret", "pen", shots=shots)
    learn(only, "desk", "mug", "pen", shots=shots)
    import_pack(second.store, sent(first, ["pen", "mug"]))
    assert answers(second) == answers(only)
    assert modules(second) == modules(only)


def test_a_pack_holds_nothing_of_classes_that_were_not_exported(open_box, keys):
    first = open_box()
    learn(first, "desk", "mug", "secret", "pen", shots=12)
    learn(first, "safe", "hidden", "jar", shots=12)
    data = export_classes(first.store, ["mug", "jar"]).to_bytes(keys["factory"])
    rows = {label: pictures(label, 12) for label in ("mug", "secret", "hidden")}
    assert all(row.tobytes() in data for row in rows["mug"])
    assert not any(row.tobytes() in data for label in ("secret", "hidden") for row in rows[label])
    assert b"secret" not in data
    assert b"hidden" not in data
    assert not any(module in data for module in modules(first).values())


def test_features_in_any_memory_order_are_filed_and_packed_as_they_are(open_box, sent):
    boxes = [open_box() for _ in range(3)]
    for box, order in zip(boxes, "CF", strict=False):
        box.learn_features({label: np.asarray(pictures(label, 12), order=order) for label in ("mug", "pen")})
    import_pack(boxes[2].store, sent(boxes[1]))
    assert answers(boxes[0]) == answers(boxes[1]) == answers(boxes[2])


def test_a_class_in_several_surroundings_travels_with_all_of_them(open_box, sent):
    first, second = open_box(), open_box()
    learn(first, "indoors", "mug", "pen", shots=12)
    first.learn_features({"mug": pictures("mug outdoors", 12)}, "outdoors", force=True)
    pack = sent(first, ["mug"])
    import_pack(second.store, pack)
    assert second.state.labels == ("mug",)
    assert len(second.state.groups) == 2


def test_the_next_lesson_after_an_import_sees_what_a_fresh_sum_of_the_cache_gives(open_box, sent):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=12)
    learn(second, "shelf", "cup", "jar", shots=20)
    import_pack(second.store, sent(first))
    learn(second, "floor", "key", "box", shots=12)
    before = answers(second)
    with second.store.transaction():
        second.store.set_derived("statistics", second.store.latest(), None)
        second.store.set_derived("routers", second.store.latest(), None)
    again = Learner(Store.open(second.store.path), FeatureExtractor())
    assert answers(again) == before


def test_a_task_that_was_taught_twice_under_two_names_travels_twice(open_box, sent):
    first, second = open_box(), open_box()
    for label in ("mug", "cup"):
        first.learn_features({label: pictures("mug", 6)}, f"the {label}\nand\tits kin", force=True)
    pack = sent(first)
    for _ in range(2):
        import_pack(second.store, pack)
        assert set(second.state.labels) == {"mug", "cup"}
        assert len(second.state.groups) == 2
        second.rollback()
    assert [task.name for task in pack.tasks] == ["the mug and its kin", "the cup and its kin"]


# Order


@pytest.fixture(scope="module", params=SHOTS)
def fleet(request, open_box, sent):
    """Packs of four boxes, one of them private, one of a class that another one teaches too."""
    shots = SHOTS[request.param]
    boxes = [open_box() for _ in range(4)]
    learn(boxes[0], "task 1", "mug", "pen", shots=shots)
    learn(boxes[0], "task 2", "cup", "jar", shots=shots)
    learn(boxes[1], "task 1", "key", "box", shots=shots)
    learn(boxes[2], "task 1", "lid", "can", "tin", shots=shots)
    boxes[3].learn_features({"mug": pictures("another mug", shots), "fork": pictures("fork", shots)}, "x")
    packs = [sent(boxes[0]), sent(boxes[1]), sent(boxes[2], private=shots >= 5), sent(boxes[3])]
    return shots, packs, {}


LESSONS = ("own 1", "own 2")


@settings(max_examples=25)
@given(st.permutations(range(6)))
def test_any_order_of_imports_and_lessons_between_them_gives_the_same_answers_to_the_last_bit(
    fleet, open_box, order
):
    shots, packs, seen = fleet
    box, lessons = open_box(), iter(LESSONS)
    for step in order:
        if step < len(packs):
            import_pack(box.store, packs[step], merge=True)
        else:
            # A box's own lessons keep their order; packs come before, between and after them.
            name = next(lessons)
            learn(box, name, f"{name} a", f"{name} b", shots=shots)
    answered = answers(box), [answer.task for answer in box.model.predict(STRANGERS, top=1)]
    assert seen.setdefault("answers", answered) == answered
    box.close()


# History


def test_an_import_is_a_generation_that_a_rollback_takes_back(open_box, sent, shots):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    learn(second, "shelf", "cup", "jar", shots=shots)
    before = answers(second)
    pack = sent(first)
    import_pack(second.store, pack)
    after = answers(second)
    entry = second.history()[-1]
    assert (entry.command, entry.parent) == ("import", 1)
    assert entry.report["classes"] == ["mug", "pen"]
    assert (entry.report["pack"], entry.report["key"]) == (pack.digest, pack.key)
    second.rollback()
    assert answers(second) == before
    second.rollback(2)
    assert answers(second) == after


def test_a_pack_whose_import_was_taken_back_can_be_imported_again_and_is_filed_once(open_box, sent, shots):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    learn(second, "shelf", "cup", "jar", shots=shots)
    pack = sent(first)
    import_pack(second.store, pack)
    after, filed = answers(second), len(second.store.groups_ever("mug"))
    second.rollback()
    report = import_pack(second.store, pack)
    assert report.tasks == (f"desk from {pack.key[:8]}",)
    assert answers(second) == after
    assert len(second.store.groups_ever("mug")) == filed == 1


def test_importing_twice_is_told_and_changes_nothing(open_box, sent, shots):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=shots)
    pack = sent(first)
    import_pack(second.store, pack)
    before = content(second)
    for options in ({}, {"merge": True}, {"rename": {"mug": "cup"}}):
        report = import_pack(second.store, pack, **options)
        assert (report.generation, report.classes) == (None, ("mug", "pen"))
    assert content(second) == before


def test_an_imported_class_is_forgotten_like_any_other_and_may_come_again(open_box, sent, shots):
    first, second, only = open_box(), open_box(), open_box()
    learn(first, "desk", "mug", "secret", "pen", shots=shots)
    learn(only, "desk", "mug", "pen", shots=shots)
    whole, rest = sent(first), sent(first, ["secret"])
    import_pack(second.store, whole)
    all_known = answers(second)
    second.forget("secret")
    assert answers(second) == answers(only)
    refused(second, whole, "knows the very pictures of class 'mug'", merge=True)
    import_pack(second.store, rest)
    assert set(second.state.labels) == {"mug", "secret", "pen"}
    for label in ("mug", "secret", "pen"):
        second.forget(label)
    import_pack(second.store, whole)
    assert answers(second) == all_known


def test_an_import_of_features_that_are_all_alike_warns(open_box, sent):
    first, second, third = open_box(), open_box(), open_box()
    covered = np.full((6, 32), 0.5, np.float32)
    first.learn_features({"mug": pictures("mug", 6), "lens": covered}, force=True)
    (warning,) = import_pack(second.store, sent(first)).warnings
    assert "'lens'" in warning
    learn(third, "desk", "cup", "pen", shots=6)
    assert import_pack(second.store, sent(third)).warnings == ()


def test_an_import_tells_the_accuracy_of_left_out_pictures(open_box, sent):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=12)
    learn(second, "shelf", "cup", "jar", shots=12)
    report = import_pack(second.store, sent(first))
    assert report.accuracy_new > 0.9
    assert report.accuracy_old_after > 0.9
    # What a lesson right after compares itself with.
    learned = second.learn_features({"key": pictures("key", 12), "box": pictures("box", 12)})
    assert learned.gate.accuracy_old_before == pytest.approx(
        (report.accuracy_new + report.accuracy_old_after) / 2
    )


# Names


@pytest.fixture
def meeting(open_box, sent):
    """A pack with a mug and a pen, and a box that knows another mug."""
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=12)
    second.learn_features({"mug": pictures("another mug", 12), "jar": pictures("jar", 12)}, force=True)
    return sent(first), second


def test_a_name_that_is_taken_is_refused_unless_it_is_renamed(meeting):
    pack, box = meeting
    refused(box, pack, "knows a class 'mug' already.*--rename 'mug=NEW'.*--merge")
    refused(box, pack, "knows a class 'jar' already", rename={"mug": "jar"})
    import_pack(box.store, pack, rename={"mug": "cup"})
    assert set(box.state.labels) == {"mug", "jar", "cup", "pen"}


def test_a_name_that_is_taken_joins_the_two_classes_with_merge(meeting):
    pack, box = meeting
    import_pack(box.store, pack, merge=True)
    assert set(box.state.labels) == {"mug", "jar", "pen"}
    for label in ("mug", "another mug"):
        found = box.model.predict(pictures(label, 12).astype(np.float32), 1)
        # Unlike as they are, the two share one mean while a dozen pictures do not surely speak against it.
        assert [answer.label for answer in found].count("mug") >= 11


@pytest.mark.parametrize(
    ("rename", "complaint"),
    [
        ({"spoon": "fork"}, "has no class 'spoon'"),
        ({"mug": "pen"}, "'mug' and 'pen' of the pack would both be 'pen'"),
        ({"mug": "a\nb"}, "control characters"),
        ({"mug": " "}, "must have 1 to"),
    ],
)
def test_a_rename_that_cannot_be_done_is_refused(meeting, rename, complaint):
    pack, box = meeting
    refused(box, pack, complaint, rename=rename)


# Trust and fit


def test_a_pack_of_a_key_that_is_not_trusted_is_refused_until_it_is(open_box, sent, keys):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=4)
    pack, stranger = sent(first, key="stranger"), keys["stranger"].public
    refused(second, pack, f"signed with key {stranger[:16]}, which .* does not trust")
    assert trust(second.store, stranger)
    assert not trust(second.store, stranger)
    again = Store.open(second.store.path)
    assert set(trusted_keys(again)) == {stranger, keys["factory"].public}
    import_pack(again, pack)
    again.close()


def test_a_key_that_is_trusted_once_is_not_trusted_the_next_time(open_box, sent, keys):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=4)
    learn(first, "shelf", "cup", "jar", shots=4)
    stranger = keys["stranger"].public
    import_pack(second.store, sent(first, ["mug"], key="stranger"), trusted=[stranger])
    refused(second, sent(first, ["cup"], key="stranger"), "does not trust")


def test_a_key_is_trusted_no_longer_when_told_so(open_box, sent, keys):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=4)
    distrust(second.store, keys["factory"].public)
    refused(second, sent(first), "does not trust")
    with pytest.raises(PackError, match="does not trust key"):
        distrust(second.store, keys["factory"].public)


def test_a_pack_of_another_backbone_is_refused(open_box, sent):
    first, second = open_box(fingerprint="aa" * 32, origin="vit on NPU"), open_box()
    learn(first, "desk", "mug", "pen", shots=4)
    refused(second, sent(first), "come from vit on NPU, those of .* from lite0 on CPU")


def test_a_store_under_the_papers_rule_gives_and_takes_no_packs(open_box, sent):
    paper, plain = open_box(router="entropy"), open_box()
    learn(plain, "desk", "mug", "pen", shots=4)
    refused(paper, sent(plain), "paper's rule")
    with pytest.raises(PackError, match="paper's rule"):
        export_classes(paper.store)


def test_a_class_that_is_not_known_cannot_be_exported(open_box):
    box = open_box()
    with pytest.raises(PackError, match="knows no class yet"):
        export_classes(box.store)
    learn(box, "desk", "mug", "pen", shots=4)
    with pytest.raises(PackError, match="has no class 'spoon'; it has: mug, pen"):
        export_classes(box.store, ["mug", "spoon"])


# Private packs


def test_stand_ins_have_the_mean_of_the_pictures_and_are_none_of_them():
    rows = pictures("mug", 12)
    drawn = normalize(synthetic_features(rows))
    assert drawn.shape == (SYNTHETIC_PER_CLASS, D)
    # float16 keeps the squares of the stand-ins' entries to a relative 2^-11.
    np.testing.assert_allclose(drawn.mean(axis=0), normalize(rows).mean(axis=0), atol=3e-4)
    assert np.abs(drawn @ normalize(rows).T).max() < 0.99


def test_the_stand_ins_depend_on_nothing_but_the_mean():
    even = np.random.default_rng(2).normal(size=(6, D)).astype(np.float16)
    order = np.random.default_rng(3).permutation(6)
    np.testing.assert_array_equal(synthetic_features(even), synthetic_features(even[order]))
    np.testing.assert_array_equal(synthetic_features(even), synthetic_features(np.concatenate([even, even])))
    assert not np.array_equal(synthetic_features(even), synthetic_features(even[:5]))


def test_a_private_pack_holds_no_feature_and_no_module_of_the_box(open_box, keys):
    box = open_box()
    learn(box, "desk", "mug", "pen", shots=12)
    data = export_classes(box.store, private=True).to_bytes(keys["factory"])
    for label in ("mug", "pen"):
        assert not any(row.tobytes() in data for row in pictures(label, 12))
    assert not any(module in data for module in modules(box).values())
    assert all(
        len(rows) == SYNTHETIC_PER_CLASS
        for task in export_classes(box.store, private=True).tasks
        for rows in task.features
    )


def test_a_private_pack_tells_neither_how_many_pictures_there_were_nor_which(open_box):
    some = pictures("mug", 6)
    digests = []
    for rows in (some, some[::-1], np.concatenate([some, some])):
        box = open_box()
        box.learn_features({"mug": rows, "pen": pictures("pen", 6)}, force=True)
        (mug, _) = export_classes(box.store, private=True).tasks
        digests.append(mug.digest)
    assert digests[0] == digests[1] == digests[2]


def test_classes_of_a_private_pack_are_known_where_they_arrive(open_box, sent):
    first, second = open_box(), open_box()
    learn(first, "desk", "mug", "pen", shots=12)
    learn(second, "shelf", "cup", "jar", shots=12)
    report = import_pack(second.store, sent(first, private=True))
    assert report.private
    assert import_pack(second.store, sent(first, private=True)).generation is None
    for label in ("mug", "pen", "cup", "jar"):
        found = second.model.predict(pictures(label, 12).astype(np.float32), 1)
        assert sum(answer.label == label for answer in found) >= 11


def test_a_class_of_few_pictures_is_not_told_privately(open_box):
    box = open_box()
    learn(box, "desk", "mug", "pen", shots=4)
    with pytest.raises(PackError, match=r"'mug' has only 4 pictures in 'desk'.* needs 5"):
        export_classes(box.store, private=True)
