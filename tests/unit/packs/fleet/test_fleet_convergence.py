"""The set of packs that a box is to hold, whatever the order of messages."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.packs.fleet.converge import Offer, Tombstone, class_names, distinct, wanted
from edge_tosca.packs.fleet.roster import Member, Roster

PRINT = "0f" * 32
KEYS = {name: (f"{number:x}" * 64) for number, name in enumerate(("admin", "ann", "bob", "eve"), 10)}
MEMBERS = (
    Member("admin", KEYS["admin"], "0" * 64, ("administrator",)),
    Member("ann", KEYS["ann"], "1" * 64, ("teacher",), ("till",)),
    Member("bob", KEYS["bob"], "2" * 64, ("teacher",), ("yard",)),
)
ROSTER = Roster(1, MEMBERS, 1, {})
BOX = Member("box", "3" * 64, "4" * 64, (), ("till",))


def pack(number):
    return f"{number:064x}"


def offer(number, key="ann", group="till", fingerprint=PRINT, at=1):
    return Offer(group, pack(number), KEYS[key], at, fingerprint, 100)


def tombstone(number, key="ann", group="till", at=1):
    return Tombstone(group, pack(number), KEYS[key], at, "forget")


def held(offers, tombstones, roster=ROSTER, box=BOX, **options):
    return list(wanted(offers, tombstones, roster, box, PRINT, **options))


signers, groups = st.sampled_from(sorted(KEYS)), st.sampled_from(("till", "yard", "all"))
offers = st.builds(offer, st.integers(1, 6), signers, groups, st.sampled_from((PRINT, "1f" * 32)))
tombstones = st.builds(tombstone, st.integers(1, 6), signers, groups)


@given(st.lists(offers), st.lists(tombstones), st.randoms())
def test_order_and_repetition_of_messages_change_nothing(adds, dels, random):
    expected = wanted(adds, dels, ROSTER, BOX, PRINT)
    again = adds + random.sample(adds, len(adds) // 2)
    random.shuffle(again)
    random.shuffle(dels)
    found = wanted(again, dels, ROSTER, BOX, PRINT)
    assert list(found.items()) == list(expected.items())


@given(st.lists(offers), st.integers(1, 6), groups)
def test_no_offer_brings_back_a_deleted_pack(adds, number, group):
    found = wanted(adds, [tombstone(number, "admin", group)], ROSTER, BOX, PRINT)
    assert all(one.group != group for one in found.get(pack(number), ()))


def test_removal_wins_over_a_replayed_offer():
    assert held([offer(1), offer(1, at=9)], [tombstone(1)]) == []
    assert held([offer(1)], []) == [pack(1)]


def test_a_teacher_of_another_group_neither_offers_nor_deletes():
    assert held([offer(1, "bob")], []) == []
    assert held([offer(1)], [tombstone(1, "bob")]) == [pack(1)]


def test_an_administrator_offers_and_deletes_in_every_group():
    assert held([offer(1, "admin"), offer(2, "ann")], [tombstone(2, "admin")]) == [pack(1)]


def test_a_judge_deletes_and_does_not_offer():
    judge = Member("judge", KEYS["eve"], "5" * 64, ("judge",), ("till",))
    roster = replace(ROSTER, members=(*MEMBERS, judge))
    assert held([offer(1), offer(2, "eve")], [tombstone(1, "eve")], roster) == []


def test_packs_of_another_backbone_or_of_a_group_elsewhere_are_not_wanted():
    assert held([offer(1, fingerprint="1f" * 32), offer(2, "bob", "yard"), offer(3, group="all")], []) == [
        pack(3)
    ]


def test_a_pack_that_another_group_deleted_stays_where_it_is_offered_to_all():
    both = replace(BOX, groups=("till", "yard"))
    adds = [offer(1, "admin", "till"), offer(1, "admin", "yard")]
    assert held(adds, [tombstone(1, "bob", "yard")], box=both) == [pack(1)]
    assert held(adds, [tombstone(1, "bob", "yard"), tombstone(1)], box=both) == []


def test_of_a_revoked_member_the_lessons_up_to_its_last_number_count():
    revoked = replace(MEMBERS[1], until=5)
    roster = replace(ROSTER, members=(MEMBERS[0], revoked, MEMBERS[2]))
    assert held([offer(1, at=5), offer(2, at=6)], [tombstone(1, at=6)], roster) == [pack(1)]


def test_a_ring_that_is_closed_wants_nothing():
    assert held([offer(1), offer(2)], [], opened=lambda one: one.pack == pack(2)) == [pack(2)]


def test_two_packs_of_one_lesson_are_one():
    assert distinct({pack(3): ("mug", "aa"), pack(1): ("mug", "aa"), pack(2): ("mug", "bb")}) == {
        pack(1),
        pack(2),
    }


def test_classes_of_one_name_are_merged_or_named_after_their_signers():
    packs = {pack(1): ("mug", KEYS["ann"]), pack(2): ("mug", KEYS["bob"]), pack(3): ("pen", KEYS["bob"])}
    assert set(class_names(packs, "merge").values()) == {"mug", "pen"}
    assert class_names(packs, "signer") == {
        pack(1): f"mug@{'b' * 8}",
        pack(2): f"mug@{'c' * 8}",
        pack(3): "pen",
    }
