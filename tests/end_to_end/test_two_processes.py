"""One store, two processes: answers never fail, and no lesson is lost."""

import signal
import sqlite3
from contextlib import closing

import pytest

# Answers one picture and its kept feature over and over, until the file that says "enough" is there.
WATCH = """
import json, sys
from pathlib import Path
from edge_tosca import Learner

store, picture, ready, enough = sys.argv[1:]
learner = Learner.open(store, threads=1)
(extracted,) = learner.vision.extract([picture])
feature = extracted.features[None]
answers, generations, labels = 0, [], set()
while True:
    last = Path(enough).exists()
    found = learner.predict(picture)
    for _ in range(20):
        (again,) = learner.model.predict(feature, 3)
        generations.append(learner.state.generation)
        labels.add(again.label)
        answers += 1
    labels.add(found.label)
    Path(ready).touch()
    if last:
        break
print(json.dumps({
    "answers": answers, "sorted": generations == sorted(generations), "first": generations[0],
    "last": generations[-1], "labels": sorted(labels), "known": list(learner.state.labels),
}))
"""

# Another learner changes the store just before the Nth thing that an answer reads of it, for every N.
BETWEEN = """
import sys
from edge_tosca import Learner

store, picture, verb = sys.argv[1:]
other = Learner.open(store, threads=1)
(extracted,) = other.vision.extract([picture])
rows = extracted.features[None]
# The reader stands still meanwhile, so there is no use in waiting for it to empty the log.
other.store._connection.execute("PRAGMA busy_timeout = 0")
place, reads = 0, 1
while place < reads:
    label = f"lesson {place}"
    if verb == "forget":
        other.learn_features({label: rows}, force=True)
    learner = Learner(type(other.store).open(other.store.path), other.vision)
    reads = 0

    def before(statement):
        global reads
        reads += 1
        if reads == place + 1:
            try:
                change(label)
            except Exception as error:
                if "still reads the log" not in str(error):
                    print(type(error).__name__, error)

    def change(label):
        other.forget(label) if verb == "forget" else other.learn_features({label: rows}, force=True)

    generation = other.store.latest()
    learner.store._connection.set_trace_callback(before)
    try:
        learner.predict(picture)
    except Exception as error:
        print(f"before read {place + 1}: {type(error).__name__}: {error}")
    learner.store._connection.set_trace_callback(None)
    learner.close()
    if place < reads and other.store.latest() == generation:
        print(f"before read {place + 1}: nothing was changed")
    place += 1
print("reads", reads > 3)
"""


@pytest.fixture
def store(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


def watch(start, store, asked, tmp_path, number=0):
    files = [tmp_path / f"ready{number}", tmp_path / "enough"]
    process = start(store, asked / "apple" / "100.jpg", *files, program=("-c", WATCH))
    while not files[0].exists() and process.poll() is None:
        pass
    return process


def test_answers_never_fail_while_another_process_learns_and_end_on_the_newest_generation(
    start, finish, edge, store, photos, asked, tmp_path
):
    watcher = watch(start, store, asked, tmp_path)
    for task in ("task3", "task4"):
        assert edge("learn", store, photos / task).code == 0
    (tmp_path / "enough").touch()
    ran = finish(watcher)
    assert (ran.code, ran.err) == (0, "")
    seen = ran.json
    assert seen["sorted"]
    assert (seen["first"], seen["last"]) == (2, 4)
    assert seen["labels"] == ["apple"]
    assert len(seen["known"]) == 8


def test_answers_never_fail_while_another_process_forgets_and_rolls_back(
    start, finish, edge, store, asked, tmp_path
):
    watcher = watch(start, store, asked, tmp_path)
    assert edge("rollback", store, 1).code == 0
    assert edge("rollback", store, 2).code == 0
    assert edge("forget", store, "cone").code == 0
    assert edge("forget", store, "brick").code == 0
    (tmp_path / "enough").touch()
    ran = finish(watcher)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["last"] == 6
    assert ran.json["known"] == ["apple", "door"]


def test_a_reader_killed_while_another_process_learns_costs_no_lesson(
    start, finish, edge, store, photos, asked, tmp_path
):
    watchers = [watch(start, store, asked, tmp_path, number) for number in range(2)]
    for watcher, task in zip(watchers, ("task3", "task4"), strict=True):
        learning = start("learn", store, photos / task)
        watcher.kill()
        assert finish(learning).code == 0
        assert finish(watcher).code == -signal.SIGKILL
    assert edge("verify", store).code == 0
    assert edge("store", "check", store).code == 0
    assert len(edge("classes", store, "--json").json["classes"]) == 8
    # Nobody is left who keeps the log from being emptied.
    assert edge("store", "compact", store).code == 0
    assert sorted(path.name for path in store.parent.glob("shop.tosca*")) == ["shop.tosca"]


@pytest.mark.parametrize("verb", ["learn", pytest.param("forget", marks=pytest.mark.long)])
def test_an_answer_survives_a_change_between_any_two_of_its_reads(start, finish, store, asked, verb):
    ran = finish(start(store, asked / "apple" / "100.jpg", verb, program=("-c", BETWEEN)))
    assert (ran.err, ran.out) == ("", "reads True\n")


def test_the_command_line_answers_while_another_process_learns(start, finish, edge, store, photos, asked):
    learning = start("learn", store, photos / "task3")
    asking = True
    while asking:
        asking = learning.poll() is None
        answer = edge("predict", store, asked / "apple" / "100.jpg", "--json").json
        assert answer["label"] == "apple"
    assert finish(learning).code == 0


def test_two_learners_at_once_both_succeed_and_both_tasks_are_there(start, finish, edge, store, photos):
    both = [start("learn", store, photos / task, "--task", task, "--json") for task in ("task3", "task4")]
    reports = [finish(process).json for process in both]
    assert sorted(report["generation"] for report in reports) == [3, 4]
    found = edge("classes", store, "--json").json
    assert {entry["task"] for entry in found["modules"]} == {"task1", "task2", "task3", "task4"}
    assert len(found["classes"]) == 8
    parents = [entry["parent"] for entry in edge("history", store, "--json").json["generations"]]
    assert parents == [0, 1, 2, 3]


def test_a_learner_waits_for_another_writer_and_then_succeeds(start, finish, store, photos, tmp_path):
    # The child says when it is about to write: from there on it can only be waiting.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib, sqlite3\n"
        "class Telling(sqlite3.Connection):\n"
        "    def execute(self, statement, *args):\n"
        "        if statement.startswith('BEGIN'):\n"
        "            pathlib.Path(os.environ['BEGINS']).touch()\n"
        "        return super().execute(statement, *args)\n"
        "connect = sqlite3.connect\n"
        "sqlite3.connect = lambda *args, **options: connect(*args, **{'factory': Telling, **options})\n"
    )
    env = {"PYTHONPATH": str(tmp_path), "BEGINS": str(tmp_path / "begins")}
    with closing(sqlite3.connect(store, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        learning = start("learn", store, photos / "task3", "--json", env=env)
        while not (tmp_path / "begins").exists() and learning.poll() is None:
            pass
        assert learning.poll() is None
        writer.execute("COMMIT")
    assert finish(learning).json["generation"] == 3
