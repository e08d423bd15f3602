"""What an evaluation counts, and what its page holds."""

import json
import re
from html.parser import HTMLParser

import pytest

from edge_tosca.errors import LearnError
from edge_tosca.learner.evaluation import MOST_WRONG, evaluate_answers
from edge_tosca.learner.evaluation_charts import MOST_CLASSES, confusion_matrix
from edge_tosca.learner.evaluation_page import html_page
from edge_tosca.learner.evaluation_report import write_report
from edge_tosca.outcomes import Outcomes, wilson_interval
from edge_tosca.results import Answer, Skipped


def answer(label, confidence=0.9, unknown=False, familiarity=0.0):
    return Answer(label, confidence, unknown, "task 1", (), familiarity, {}, confidence, 1 - confidence)


def evaluated(pairs, known=("cat", "dog")):
    """Pairs of a truth and an answer."""
    truths, answers = [truth for truth, _ in pairs], [found for _, found in pairs]
    paths = [f"{place}.jpg" for place in range(len(pairs))]
    return evaluate_answers(answers, paths, truths, known, "fused", 1.0, "photos")


MIXED = [
    ("cat", answer("cat")),
    ("cat", answer("cat", unknown=True)),
    ("cat", answer("dog", 0.7)),
    ("dog", answer("dog")),
    ("dog", answer("cat", 0.6, unknown=True)),
    ("bird", answer("cat", unknown=True)),
    ("bird", answer("dog", 0.8)),
    (None, answer("cat", unknown=True)),
    ("dog", Skipped("7.jpg", "no picture")),
]


def test_a_picture_called_unknown_is_neither_named_right_nor_wrong():
    found = evaluated(MIXED)
    assert found.counts == {"named_right": 2, "named_wrong": 1, "unknown": 2}
    assert (found.named_right, found.named_wrong, found.unknown) == (0.4, 0.2, 0.4)
    assert found.by_class["cat"].counts == {"named_right": 1, "named_wrong": 1, "unknown": 1}
    assert found.by_class["dog"].counts == {"named_right": 1, "named_wrong": 0, "unknown": 1}
    assert found.named == {"cat": {"cat": 1, "dog": 1}, "dog": {"dog": 1}}


def test_the_older_figures_ignore_unknown_as_before():
    found = evaluated(MIXED)
    assert found.images == 5
    assert found.accuracy == 0.6
    assert found.per_class == {"cat": 2 / 3, "dog": 0.5}
    assert found.confusion == {"cat": {"cat": 2, "dog": 1}, "dog": {"dog": 1, "cat": 1}}
    assert found.unknown_rate == found.unknown == 0.4


def test_class_folders_of_other_names_and_further_pictures_are_both_never_taught():
    found = evaluated(MIXED)
    assert found.strangers == 3
    assert found.strangers_unknown_rate == pytest.approx(2 / 3)
    assert found.untaught_named == {"dog": 1}
    assert evaluated(MIXED[:5]).strangers_unknown_rate is None


def test_every_share_has_its_interval():
    found = evaluated(MIXED)
    shares = ("named_right", "named_wrong", "unknown", "unknown_rate", "accuracy", "strangers_unknown_rate")
    assert set(found.interval) == set(shares)
    for name in shares:
        low, high = found.interval[name]
        assert 0 <= low < getattr(found, name) < high <= 1
    assert "strangers_unknown_rate" not in evaluated(MIXED[:5]).interval


def test_wilson_intervals_have_the_published_values():
    # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611)}
    published[1, 29] = (0.0061, 0.1718)
    for (count, n), (low, high) in published.items():
        assert wilson_interval(count, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(20, 20) == pytest.approx((1 - 0.1611, 1), abs=5e-5)


def test_outcomes_of_one_picture_stay_inside_their_range():
    found = Outcomes.of(1, 0, 0)
    assert (found.named_right, found.named_wrong, found.unknown) == (1, 0, 0)
    assert found.interval["named_right"][1] == 1
    assert found.interval["unknown"][0] == 0


def test_reliability_compares_the_stated_probability_with_right_labels():
    sure = [("cat", answer("cat", 0.95)), ("cat", answer("dog", 0.95, unknown=True))]
    found = evaluated([*sure, ("dog", answer("dog", 0.25)), ("bird", answer("dog", 1.0))])
    low, high = found.reliability
    assert (low.images, low.stated, low.right) == (1, 0.25, 1.0)
    # A picture of what was not taught counts, too: none of its labels is right.
    assert (high.images, high.right) == (3, pytest.approx(1 / 3))
    assert high.stated == pytest.approx(2.9 / 3)
    assert found.calibration_error == pytest.approx((1 * 0.75 + (2.9 - 1)) / 4)


def test_a_confidence_of_one_belongs_to_the_last_bin():
    assert [each.images for each in evaluated([("cat", answer("cat", 1.0))]).reliability] == [1]


def test_the_worst_answers_come_first_and_no_more_than_some_of_each_kind():
    many = [("cat", answer("dog", place / 100)) for place in range(40)]
    refused = [("dog", answer("dog", unknown=True, familiarity=-place)) for place in range(40)]
    named = [(None, answer("dog", 0.5, familiarity=place)) for place in range(40)]
    found = evaluated([*many, *refused, *named]).wrong
    assert len(found) == 3 * MOST_WRONG
    assert [one.stated for one in found[:2]] == [0.39, 0.38]
    assert found[MOST_WRONG].path == "79.jpg"
    assert found[2 * MOST_WRONG].path == "119.jpg"


def test_a_folder_without_a_taught_class_is_refused():
    with pytest.raises(LearnError, match="photos has no readable picture of a class that was taught"):
        evaluated([("bird", answer("cat")), (None, answer("cat"))])


class Page(HTMLParser):
    """Collects the tags and the addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_refers_to_nothing_outside_and_names_run_no_script():
    evil = "<script>alert(1)</script>"
    found = evaluated([(evil, answer(evil)), ("dog", answer(evil)), (None, answer(evil))], (evil, "dog"))
    page = Page(html_page(found, lambda path: b"\xff\xd8"))
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert page.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)


def test_a_picture_that_is_gone_leaves_a_gap_in_the_page():
    text = html_page(evaluated(MIXED), lambda path: None)
    assert "<img" not in text
    assert 'class="missing"' in text


def test_the_matrix_has_a_column_for_unknown_and_a_row_for_what_was_never_taught():
    drawn = confusion_matrix(evaluated(MIXED))
    titles = re.findall(r"<title>([^<]*)</title>", drawn)
    assert "cat: 1 of 3 called unknown" in titles
    assert "cat: 1 of 3 named dog" in titles
    assert "never taught: 2 of 3 called unknown" in titles
    assert "never taught: 1 of 3 named dog" in titles


def test_the_matrix_of_many_classes_holds_the_worst_and_one_column_for_the_others():
    labels = [f"class {place}" for place in range(100)]
    wrong = [(label, answer(labels[place - 1])) for place, label in enumerate(labels) if place % 2 == 0]
    right = [(label, answer(label)) for label in labels]
    drawn = confusion_matrix(evaluated([*wrong, *right], labels))
    assert drawn.count('class="row"') == MOST_CLASSES
    assert drawn.count('class="head"') == MOST_CLASSES + 2
    assert ">other<" in drawn


def test_a_report_is_a_page_a_table_and_the_figures(tmp_path):
    found = evaluated(MIXED)
    write_report(found, tmp_path / "report", lambda path: None)
    assert json.loads((tmp_path / "report" / "evaluation.json").read_text()) == json.loads(
        json.dumps(found.to_json())
    )
    table = (tmp_path / "report" / "evaluation.md").read_text()
    assert "40.0% named right, 20.0% named wrong, 40.0% called unknown" in table
    assert "| cat | 3 | 33.3% | 6.1% to 79.2% | 33.3% | 33.3% | dog (1) |" in table
    assert (tmp_path / "report" / "evaluation.html").read_text().startswith("<!doctype html>")
