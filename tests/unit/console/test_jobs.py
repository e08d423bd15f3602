"""Lessons in the background: who reads that one is over can go on at once."""

import threading
import time

import pytest
from tests.torture.verbs import create

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.training_jobs import MOST_KEPT, Jobs
from edge_tosca.console.app_state.training_queue import QueuedImage
from edge_tosca.console.http.errors import ApiError
from edge_tosca.learner.history import rollback
from edge_tosca.quality.border import PICTURES

PATIENCE = 60


@pytest.fixture
def store(tmp_path):
    opened = create(tmp_path / "shop.tosca")
    yield opened
    opened.close()


@pytest.fixture
def lesson(store, seen):
    width = int(store.settings["feature_dim"])

    def of(*labels):
        return {
            label: [QueuedImage(f"{label} {view}", seen(thing, view, width=width), None) for view in range(6)]
            for thing, label in enumerate(labels)
        }

    return of


@pytest.fixture
def jobs(store):
    made = Jobs(store.path, dict, lambda *_: None, lambda *_: ())
    yield made
    made.close()


def over(job, pause=0.0):
    """Wait as a client does that asks again and again; without a pause the job gets little processor time."""
    end = time.monotonic() + PATIENCE
    while job.now.state == "running":
        assert time.monotonic() < end
        if pause:
            time.sleep(pause)
    return job.now


def test_a_lesson_is_not_under_way_from_the_moment_on_at_which_it_tells_its_end(
    jobs, lesson, store, monkeypatch
):
    publish, at_end = Broadcast.publish, []

    def publish_and_look(progress, value):
        publish(progress, value)
        if value.state != "running":
            at_end.append(jobs.running)

    monkeypatch.setattr(Broadcast, "publish", publish_and_look)
    for number in (1, 2, 3):
        job = jobs.start(lesson("mug", "pen"), None, True)
        assert over(job).state == "done"
        assert not jobs.running
        assert rollback(store, None) == 2 * number
    assert at_end == [False] * 3


def test_a_lesson_that_fails_is_not_under_way_either(jobs, lesson, store):
    store.path.rename(store.path.with_suffix(".away"))
    assert over(jobs.start(lesson("mug", "pen"), None, True)).state == "failed"
    assert not jobs.running
    assert over(jobs.start(lesson("mug", "pen"), None, True)).state == "failed"


def test_one_lesson_at_a_time(store, lesson):
    learned, wait = threading.Event(), threading.Event()

    def taught(*_):
        learned.set()
        wait.wait(PATIENCE)

    jobs = Jobs(store.path, dict, taught, lambda *_: ())
    job = jobs.start(lesson("mug", "pen"), None, True)
    assert learned.wait(PATIENCE)
    with pytest.raises(ApiError, match="still being learned"):
        jobs.start(lesson("key", "cup"), None, True)
    wait.set()
    assert over(job).state == "done"
    jobs.close()


def test_the_last_lesson_alone_holds_its_pictures_and_few_hold_a_report(jobs, lesson):
    made = []
    for _ in range(MOST_KEPT + 3):
        made.append(jobs.start(lesson("mug", "pen"), None, True))
        over(made[-1], pause=0.005)
    assert [bool(job.pictures) for job in made] == [False] * (len(made) - 1) + [True]
    assert [jobs.find(job.id) is not None for job in made] == [False] * 3 + [True] * MOST_KEPT


def test_the_maps_of_a_few_pictures_are_summed_up_and_of_a_single_class_none(store, lesson):
    asked = []
    jobs = Jobs(store.path, dict, lambda *_: None, lambda *_: (), None, asked.append)
    assert over(jobs.start(lesson("mug", "pen"), None, True)).state == "done"
    assert len(asked) == 2 * PICTURES
    assert over(jobs.start(lesson("cup"), None, True)).state == "done"
    assert len(asked) == 2 * PICTURES
    jobs.close()
