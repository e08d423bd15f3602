"""What was learned before stays byte for byte; what is forgotten is as if it had never been seen."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from safetensors.numpy import load


def module_of(edge, store):
    """Digest of each task's module."""
    return {entry["task"]: entry["digest"] for entry in edge("classes", store, "--json").json["modules"]}


def answers(edge, store, folder):
    lines = edge("predict", store, folder, "--top", 10, "--json").lines
    return [{key: value for key, value in line.items() if key != "milliseconds"} for line in lines]


@pytest.fixture(scope="module")
def five(edge, taught, copy_store, photos, module_bytes, tmp_path_factory):
    """A store taught in five tasks, its modules before the fifth, and after."""
    store = copy_store(taught, tmp_path_factory.mktemp("five") / "shop.tosca")
    for task in ("task3", "task4"):
        assert edge("learn", store, photos / task, "--task", task).code == 0
    before = module_of(edge, store), module_bytes(store)
    assert edge("learn", store, photos / "task5", "--task", "task5").code == 0
    return store, before


@pytest.fixture
def store(five, copy_store, tmp_path):
    return copy_store(five[0], tmp_path / "shop.tosca")


def test_every_module_is_named_by_the_sha256_of_its_bytes(five, module_bytes):
    found = module_bytes(five[0])
    assert len(found) == 5
    assert all(name == digest for name, digest in found.items())


def test_modules_1_to_4_have_the_same_digest_and_bytes_after_task_5(five, edge, module_bytes):
    store, (named, stored) = five
    after, bytes_after = module_of(edge, store), module_bytes(store)
    assert len(after) == 5
    assert {task: after[task] for task in named} == named
    assert {digest: bytes_after[digest] for digest in stored} == stored


def test_forgetting_a_class_of_task_2_remakes_its_module_and_leaves_the_others(
    five, edge, module_bytes, store
):
    named, stored = module_of(edge, five[0]), module_bytes(five[0])
    assert edge("forget", store, "cone").code == 0
    after, bytes_after = module_of(edge, store), module_bytes(store)
    assert set(after) == set(named)
    assert after["task2"] != named["task2"]
    assert named["task2"] not in bytes_after
    for task in ("task1", "task3", "task4", "task5"):
        assert after[task] == named[task]
        assert bytes_after[named[task]] == stored[named[task]]


def test_rollback_leaves_every_module_and_brings_the_very_answers_back(
    five, edge, module_bytes, store, asked, remember
):
    named, stored = module_of(edge, store), module_bytes(store)
    with_five = answers(edge, store, asked)
    assert edge("rollback", store).code == 0
    after = module_of(edge, store)
    assert after == {task: digest for task, digest in named.items() if task != "task5"}
    assert module_bytes(store) == stored
    assert {answer["label"] for answer in answers(edge, store, asked)}.isdisjoint({"tile", "zebra"})
    assert edge("rollback", store, 5).code == 0
    assert module_of(edge, store) == named
    assert module_bytes(store) == stored
    assert answers(edge, store, asked) == with_five


def test_forgetting_equals_never_having_seen(edge, draw_pictures, asked, tmp_path):
    """A, B, C learned, B and a class of A forgotten: answers as what never saw them does, bit for bit."""
    lessons, gone = (("apple", "leaf"), ("cone", "door"), ("flag", "zebra")), ("cone", "door", "leaf")
    both, never = tmp_path / "both.tosca", tmp_path / "never.tosca"
    for store, avoided in ((both, ()), (never, gone)):
        assert edge("init", store).code == 0
        for number, labels in enumerate(lessons):
            kept = [label for label in labels if label not in avoided]
            if kept:
                folder = draw_pictures(tmp_path / store.stem / str(number), kept)
                assert edge("learn", store, folder, "--task", f"lesson {number}").code == 0
    assert answers(edge, both, asked) != answers(edge, never, asked)
    for label in gone:
        assert edge("forget", both, label).code == 0
    assert module_of(edge, both) == module_of(edge, never)
    assert answers(edge, both, asked) == answers(edge, never, asked)


MANY_FEATURES = """
import numpy as np
from edge_tosca import Learner

rng = np.random.default_rng(0)
centres = rng.gamma(1.0, 1.0, (4, 1904))
shots = {"a": 60, "b": 60, "c": 60, "d": 1200}
rows = {
    label: (centre + rng.gamma(1.0, 1.0, (shots[label], 1904))).astype(np.float32)
    for label, centre in zip(shots, centres)
}
questions = (centres[rng.integers(0, 4, 50)] + rng.gamma(1.0, 1.0, (50, 1904))).astype(np.float32)

def posteriors(learner):
    found = learner.model.predict(questions, 4)
    return [(answer.label, answer.unknown, answer.familiarity, answer.top) for answer in found]

both, never = Learner.create("both.tosca", threads=1), Learner.create("never.tosca", threads=1)
for learner, avoided in ((both, ""), (never, "b")):
    for label in rows:
        if label not in avoided:
            learner.learn_features({label: rows[label]}, f"lesson {label}")
both.forget("b")
print(posteriors(both) == posteriors(never), len({answer[0] for answer in posteriors(never)}))
"""


@pytest.mark.long
def test_forgetting_equals_never_having_seen_beyond_the_features_width(start, finish, tmp_path):
    """With more cached pictures than a feature has numbers, answers are solved from kept sums."""
    ran = finish(start(program=("-c", MANY_FEATURES), cwd=tmp_path))
    assert (ran.err, ran.out) == ("", "True 3\n")


def fragments(store, label):
    """64-byte pieces of a class's cached features, none of which another class has."""
    with closing(sqlite3.connect(store)) as connection:
        found = connection.execute(
            "SELECT DISTINCT l.label, f.data FROM lives l JOIN classes c ON c.id = l.class"
            " JOIN features f ON f.id = c.features"
        ).fetchall()
    rows = {name: load(data)["features"].tobytes() for name, data in found}
    others = b"".join(data for name, data in rows.items() if name != label)
    pieces = [rows[label][place : place + 64] for place in range(0, len(rows[label]), 64)]
    return [piece for piece in pieces if any(piece) and piece not in others]


def modules_by_task(store):
    with closing(sqlite3.connect(store)) as connection:
        return dict(
            connection.execute("SELECT t.name, m.data FROM modules m JOIN tasks t ON t.module = m.digest")
        )


def test_a_forgotten_class_is_in_no_byte_of_the_stores_files(edge, store):
    features, module = fragments(store, "cone"), modules_by_task(store)["task2"]
    before = b"".join(path.read_bytes() for path in store.parent.glob("shop.tosca*"))
    # Pieces that lie across two pages of the file are not found even before; most must be.
    assert sum(piece in before for piece in features) > 0.8 * len(features) > 100
    assert edge("forget", store, "cone").code == 0
    after = b"".join(path.read_bytes() for path in store.parent.glob("shop.tosca*"))
    assert sum(piece in after for piece in features) == 0
    # What the live modules hold comes from other classes: they equal those that never saw this one.
    live = b"".join(modules_by_task(store).values())
    pieces = [module[place : place + 64] for place in range(0, len(module) - 63, 64)]
    pieces = [piece for piece in pieces if any(piece) and piece not in live]
    assert sum(piece in before for piece in pieces) > 20
    assert sum(piece in after for piece in pieces) == 0


def test_no_rollback_brings_a_forgotten_class_back(edge, store):
    assert edge("forget", store, "cone").code == 0
    for generation in (2, 5):
        assert "cone" not in edge("rollback", store, generation, "--json").json["classes"]


# A connection that counts its statements, and ends the process without warning before the one named.
KILL_AT = """
import os, signal, sqlite3

last = int(os.environ.get("KILL_BEFORE", "0"))

class Counting(sqlite3.Connection):
    begun = 0

    def execute(self, statement, *args):
        if self.begun or statement.startswith("BEGIN"):
            self.begun += 1
            if self.begun == last:
                os.kill(os.getpid(), signal.SIGKILL)
            if not last:
                with open(os.environ["STATEMENTS"], "a") as file:
                    print(self.begun, statement.split()[0], file=file)
        return super().execute(statement, *args)

connect = sqlite3.connect
sqlite3.connect = lambda *args, **options: connect(*args, **{"factory": Counting, **options})
"""


@pytest.mark.parametrize("verb", ["learn", "forget"])
def test_a_kill_between_any_two_statements_leaves_the_generation_before(
    edge, taught, copy_store, photos, remember, tmp_path, verb
):
    words = (photos / "task3",) if verb == "learn" else ("cone",)
    (tmp_path / "inject").mkdir()
    (tmp_path / "inject" / "sitecustomize.py").write_text(KILL_AT)
    inject = {"PYTHONPATH": str(tmp_path / "inject"), "STATEMENTS": str(tmp_path / "statements")}
    rehearsal = copy_store(taught, tmp_path / "rehearsal.tosca")
    assert edge(verb, rehearsal, *words, env=inject).code == 0
    statements = [line.split() for line in (tmp_path / "statements").read_text().splitlines()]
    commit = next(int(number) for number, kind in statements if kind == "COMMIT")
    assert commit > 8

    store = copy_store(taught, tmp_path / "shop.tosca")
    before = remember(store)
    for place in (2, commit // 2, commit):
        ran = edge(verb, store, *words, env={**inject, "KILL_BEFORE": str(place)})
        assert ran.code == -signal.SIGKILL
        assert remember(store) == before
    assert edge(verb, store, *words, "--json").json["generation"] == 3


def test_a_kill_at_any_moment_leaves_one_whole_generation(
    start, finish, edge, taught, copy_store, photos, remember, tmp_path
):
    chance = random.Random(0)
    store = copy_store(taught, tmp_path / "shop.tosca")
    started = time.monotonic()
    reference = copy_store(taught, tmp_path / "reference.tosca")
    assert edge("learn", reference, photos / "task3").code == 0
    duration = time.monotonic() - started
    before = remember(store)
    for _ in range(4):
        process = start("learn", store, photos / "task3")
        time.sleep(chance.uniform(0.3, 1.0) * duration)
        os.kill(process.pid, signal.SIGKILL)
        finish(process)
        after = remember(store)
        labels = [entry["label"] for entry in edge("classes", store, "--json").json["classes"]]
        # Killed after its commit, the lesson is there whole; before it, not at all.
        assert labels == ["apple", "brick", "cone", "door"] + (["flag", "gauge"] if after != before else [])
        if after != before:
            store.unlink()
            copy_store(taught, store)
            before = remember(store)


def test_an_interrupted_lesson_says_so_and_leaves_the_generation_before(
    start, finish, taught, copy_store, photos, remember, tmp_path
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    before = remember(store)
    pause = tmp_path / "inject"
    pause.mkdir()
    # Ctrl-C from within, at the first statement of the transaction: the moment does not depend on a clock.
    program = KILL_AT.replace("SIGKILL", "SIGINT")
    (pause / "sitecustomize.py").write_text(program)
    ran = finish(start("learn", store, photos / "task3", env={"PYTHONPATH": str(pause), "KILL_BEFORE": "3"}))
    assert ran.code not in (0, 2)
    assert len(ran.err.splitlines()) == 1
    assert "Traceback" not in ran.err
    assert remember(store) == before
