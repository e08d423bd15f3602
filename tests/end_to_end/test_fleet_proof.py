"""Fleets under faults: the short form of `make fleet`."""

import pytest
from tests.fleet.attacks import TOPICS, attack, wrong_box
from tests.fleet.converging import converge
from tests.fleet.cost import cost
from tests.fleet.erasing import erase


@pytest.fixture(scope="module")
def attacks(tmp_path_factory):
    return {one.name: one for one in attack(tmp_path_factory.mktemp("attacks"))}


def test_boxes_that_teach_under_faults_answer_alike_to_the_last_bit(tmp_path):
    found = converge(tmp_path, boxes=5, classes=20, seed=3)
    assert found.holds
    assert (found.labels, found.packs, found.answers, found.questions) == (20, 22, 1, 200)
    assert found.seconds <= 60
    assert {"box killed", "connection lost", "broker lost everything", "message replayed"} <= set(
        found.faults
    )


@pytest.mark.slow
@pytest.mark.long
def test_twenty_boxes_agree_on_fifty_classes(tmp_path):
    found = converge(tmp_path, boxes=20, classes=50)
    assert found.holds
    assert found.seconds <= 60


def test_of_a_class_forgotten_while_a_box_was_away_nothing_is_left_when_it_is_back(tmp_path):
    found = erase(tmp_path, boxes=4, classes=6)
    assert found.knew == 4
    assert found.found_before
    assert (found.named, found.left) == ([], [])
    # Reported box by box until the last one has confirmed.
    assert (found.confirmed_without, found.confirmed) == (3, 4)
    assert found.agree


@pytest.mark.parametrize(
    "name",
    [
        "replayed offer of a deleted pack",
        "tombstone by a teacher of another group",
        "forged have",
        "replayed have",
        "blob of other content",
        "every retained message cleared",
        f"{TOPICS:,} topics",
        "offer of another backbone's pack",
    ],
)
def test_an_attack_changes_no_answer(attacks, name):
    assert attacks[name].held, attacks[name].got


def test_a_report_that_was_replaced_on_the_broker_is_published_again(attacks):
    assert attacks["reports on the broker after all of these"].held


def test_a_flood_of_topics_leaves_no_byte_in_the_files_of_boxes(attacks):
    assert "grew by 0 bytes" in attacks[f"{TOPICS:,} topics"].got


def test_a_box_with_another_backbone_neither_gets_nor_gives_lessons(tmp_path):
    assert wrong_box(tmp_path).held


def test_a_lesson_costs_one_offer_and_one_blob_and_each_box_one_report_or_two(tmp_path):
    found = cost(tmp_path, boxes=3, classes=4)
    assert found.lesson_sent["add"] == found.lesson_sent["blob"] == 1
    assert 3 <= found.lesson_sent["have"] <= 6
    assert found.lesson_came["blob"] == 2
