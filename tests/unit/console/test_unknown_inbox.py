import numpy as np

from edge_tosca.console.app_state.unknown_inbox import MOST_GROUPS, MOST_OF_A_GROUP, UnknownInbox


def test_pictures_of_one_thing_come_together(seen):
    inbox = UnknownInbox()
    inbox.set_known_mean(np.mean([seen(thing).normalized for thing in range(50, 80)], axis=0))
    for variant in range(5):
        for thing in (1, 2):
            inbox.add(seen(thing, variant), "mug")
    groups = inbox.groups()
    assert [group.count for group in groups] == [5, 5]
    assert {group.nearest for group in groups} == {"mug"}


def test_a_thing_that_stands_before_the_camera_is_counted_and_kept_once(seen):
    inbox = UnknownInbox()
    for _ in range(100):
        inbox.add(seen(1), "mug")
    (group,) = inbox.groups()
    assert (group.count, len(group.pictures)) == (100, 1)


def test_it_is_bounded_in_groups_and_in_pictures_and_the_stalest_group_gives_way(seen):
    inbox = UnknownInbox()
    background = np.mean([seen(thing).normalized for thing in range(500, 600)], axis=0)
    inbox.set_known_mean(background)
    for variant in range(3 * MOST_OF_A_GROUP):
        inbox.add(seen(0, variant, spread=0.9), "mug")
    assert all(len(group.pictures) <= MOST_OF_A_GROUP for group in inbox.groups())
    first = inbox.groups()[0].id
    for thing in range(1, 4 * MOST_GROUPS):
        inbox.add(seen(thing), "mug")
    assert len(inbox.groups()) <= MOST_GROUPS
    assert first not in [group.id for group in inbox.groups()]


def test_a_group_is_taken_once(seen):
    inbox = UnknownInbox()
    inbox.add(seen(1), "mug")
    (group,) = inbox.groups()
    assert inbox.picture(group.pictures[0].id) is not None
    assert len(inbox.take(group.id)) == 1
    assert inbox.take(group.id) is None
    assert inbox.picture(group.pictures[0].id) is None


def test_another_backbone_empties_it(seen):
    inbox = UnknownInbox()
    inbox.set_known_mean(np.zeros(64))
    inbox.add(seen(1), "mug")
    inbox.set_known_mean(np.zeros(128))
    assert inbox.groups() == []
    inbox.add(seen(1, width=128), "mug")
    assert len(inbox.groups()) == 1
