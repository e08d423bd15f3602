from edge_tosca.console.app_state.training_queue import MOST, MOST_OF_A_CLASS, Queue


def test_a_copy_is_refused_in_its_own_class_only(seen):
    queue = Queue()
    assert queue.add("a", seen(1)).accepted
    assert queue.add("a", seen(1)).reason == "copy"
    assert queue.add("b", seen(1)).accepted


def test_what_is_wrong_is_named_and_force_keeps_it_with_the_hint(seen):
    queue = Queue()
    for hint, picture in (
        ("blurred", seen(1, sharpness=0.1)),
        ("dark", seen(2, brightness=5.0)),
        ("bright", seen(3, brightness=250.0)),
    ):
        assert queue.add("a", picture).reason == hint
        forced = queue.add("a", picture, force=True)
        assert (forced.accepted, forced.reason, forced.hint) == (True, None, hint)


def test_it_is_bounded_for_each_class_and_in_all_whatever_is_forced(seen):
    queue = Queue()
    picture = seen(1)
    added = [queue.add("a", picture, force=True) for _ in range(MOST_OF_A_CLASS + 1)]
    assert (added[-1].reason, added[-1].count) == ("full", MOST_OF_A_CLASS)
    for number in range(MOST):
        queue.add(f"class {number}", picture, force=True)
    assert sum(map(len, queue.classes().values())) == MOST
    assert queue.add("one more", picture, force=True).reason == "full"
    assert "one more" not in queue.classes()


def test_a_class_without_pictures_is_gone(seen):
    queue = Queue()
    key = queue.add("a", seen(1)).id
    assert queue.picture(key).image.brightness == 120.0
    assert queue.remove(key)
    assert not queue.remove(key)
    assert queue.classes() == {}
    assert queue.picture(key) is None


def test_taught_pictures_leave_and_those_that_came_meanwhile_stay(seen):
    queue = Queue()
    queue.add("a", seen(1))
    taught = queue.classes()["a"]
    later = queue.add("a", seen(2)).id
    queue.drop(taught)
    assert [one.id for one in queue.classes()["a"]] == [later]
    assert queue.bring_back("a", taught) == 1
    assert len(queue.classes()["a"]) == 2


def test_few_and_alike_pictures_are_hinted_at(seen):
    queue = Queue()
    for variant in range(3):
        queue.add("alike", seen(1, variant, spread=0.05), force=True)
    for thing in range(10):
        queue.add("different", seen(thing))
    classes = queue.classes()
    assert queue.hints(classes["alike"]) == ["few", "alike"]
    # A correction of a class that has pictures already needs no more of them.
    assert queue.hints(classes["alike"], known=True) == []
    assert queue.hints(classes["different"]) == []
