"""Pictures get a name wherever they lie, and the strip keeps one answer an object."""

import pytest

from edge_tosca.console.app_state.answer_strip import MOST, AnswerStrips
from edge_tosca.console.app_state.doubtful_answers import DoubtfulAnswers
from edge_tosca.console.app_state.inboxes import Inboxes
from edge_tosca.console.app_state.naming import Named, PicturePlaces
from edge_tosca.console.app_state.recent_answers import RecentAnswers
from edge_tosca.console.app_state.training_queue import MOST_OF_A_CLASS, Queue
from edge_tosca.live import Place
from edge_tosca.results import Answer, Guess

PLACE = Place()


def answer(label="cup", unknown=False, second=0.1):
    top = (Guess(label, 1 - second, 1 - second), Guess("bowl", second, second))
    return Answer(label, 1 - second, unknown, "1", top, 0.0, {}, 1 - second, 0.0)


@pytest.fixture
def places():
    return PicturePlaces(Queue(), Inboxes(), DoubtfulAnswers(), AnswerStrips(), RecentAnswers())


def test_pictures_of_all_places_are_named_at_once(places, seen):
    unknown = seen(1)
    places.inbox.add(PLACE, unknown, "cup")
    ((_, group),) = places.inbox.groups()
    places.strips.add(PLACE, "answer", seen(2), answer())
    places.doubtful.add("doubt", seen(3), answer(second=0.45))
    waiting = places.queue.add("bowl", seen(4), force=True).id
    keys = [group.pictures[0].id, "answer", "doubt", waiting, "gone"]
    assert places.name(keys, "mug") == Named(moved=4, gone=1)
    assert {label: len(some) for label, some in places.queue.classes().items()} == {"mug": 4}
    assert places.inbox.groups() == []
    assert places.doubtful.answers() == []
    assert places.strips.find("answer").truth == "mug"


def test_what_has_no_room_stays_where_it_was(places, seen):
    for variant in range(MOST_OF_A_CLASS):
        places.queue.add("mug", seen(5, variant), force=True)
    places.inbox.add(PLACE, seen(1), "cup")
    ((_, group),) = places.inbox.groups()
    assert places.name([group.pictures[0].id], "mug") == Named(full=1)
    assert len(places.inbox.groups()) == 1


def test_the_strip_has_one_answer_an_object_and_the_last_ten(seen):
    strips = AnswerStrips()
    for frame in range(5):
        strips.add(PLACE, f"a{frame}", seen(1), answer("cup"))
    strips.add(PLACE, "b", seen(2), answer("bowl"))
    strips.add(PLACE, "c", seen(1), answer("cup"))
    assert [one.id for one in strips.of(PLACE)] == ["c", "b", "a0"]
    assert strips.newest(PLACE) == "c"
    for turn in range(2 * MOST):
        strips.add("phone", f"p{turn}", seen(turn), answer(f"class {turn}"))
    assert len(strips.of("phone")) == MOST
    assert len(strips.of(PLACE)) == 3


def test_an_unknown_object_stays_one_answer_whatever_it_resembles_most(seen):
    strips = AnswerStrips()
    strips.add(PLACE, "a", seen(1), answer("cup", unknown=True))
    strips.add(PLACE, "b", seen(1), answer("bowl", unknown=True))
    assert [one.id for one in strips.of(PLACE)] == ["a"]


def test_answers_of_a_forgotten_class_leave_the_strip(seen):
    strips = AnswerStrips()
    for number, label in enumerate(("cup", "bowl", "cup", "mug")):
        strips.add(PLACE, label + str(number), seen(number), answer(label))
    strips.mark("mug3", "cup")
    strips.drop({"cup"})
    assert [one.label for one in strips.of(PLACE)] == ["bowl"]


def test_only_answers_near_a_border_are_doubtful_and_each_view_once(seen):
    doubtful = DoubtfulAnswers()
    doubtful.add("sure", seen(1), answer(second=0.2))
    doubtful.add("near", seen(2), answer(second=0.3))
    doubtful.add("again", seen(2), answer(second=0.3))
    assert [one.id for one in doubtful.answers()] == ["near"]
