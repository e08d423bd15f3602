"""Boxes of one fleet, over a broker in memory."""


def test_what_two_boxes_teach_all_answer_alike_to_the_last_bit(shop, teach, answers):
    fleet = shop()
    boxes = [fleet.add(name) for name in ("a", "b", "c")]
    teach(boxes[0], "mug", "pen")
    teach(boxes[1], "cup", "jar", "key")
    fleet.run()
    assert sorted(boxes[2].learner.state.labels) == ["cup", "jar", "key", "mug", "pen"]
    assert answers(boxes[0]) == answers(boxes[1]) == answers(boxes[2]) != []
