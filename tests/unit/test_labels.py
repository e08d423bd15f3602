"""Names of classes: what is refused, and which names are taken for each other."""

import pytest

from edge_tosca.errors import LearnError
from edge_tosca.labels import checked_label, normalized_label, require_distinct, similar_label


@pytest.mark.parametrize(
    "name", ["mug", "Straße 5", "чашка", "杯子", "می‌خواهم", "👩‍🔧", "résumé", "A/B test"]
)
def test_plain_names_of_every_script_are_taken(name):
    assert checked_label(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("caf\udce9", "not text in UTF-8"),
        ("", "1 to 200"),
        ("  \t ", "1 to 200"),
        ("a" * 201, "1 to 200"),
        ("two\nlines", "control characters"),
    ],
)
def test_what_is_no_name_at_all_is_refused_for_old_classes_too(name, reason):
    with pytest.raises(LearnError, match=reason):
        normalized_label(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("\u200b", "no visible character"),
        ("\u2060\u200d", "no visible character"),
        ("\u3164", "no visible character"),
        ("\u2800 \u2800", "no visible character"),
        ("gpj.\u202egum", "direction of text"),
        ("\u2066mug\u2069", "direction of text"),
        ("unknown", "reserved"),
        ("Unknown", "reserved"),
        ("None", "reserved"),
        ("none\u200b", "reserved"),
        ("unavailable", "reserved"),
    ],
)
def test_new_names_that_mislead_are_refused_and_known_ones_stay(name, reason):
    with pytest.raises(LearnError, match=reason):
        checked_label(name)
    assert checked_label(name, [normalized_label(name)]) == normalized_label(name)


@pytest.mark.parametrize("name", ["mug\u200b", "m\u200dug", "mug\ufe0f", "\u00admug"])
def test_names_that_differ_in_invisible_characters_alone_are_refused_always(name):
    for new_class in (False, True):
        with pytest.raises(LearnError, match="only in invisible characters"):
            require_distinct(name, ["bowl", "mug"], new_class=new_class)


@pytest.mark.parametrize("name", ["Mug", "MUG", "m\u03c5g", "\uff4d\uff55\uff47", "MUG ", "\u041cug"])
def test_names_that_look_like_a_known_one_are_refused_unless_they_are_meant(name):
    name = normalized_label(name)
    with pytest.raises(LearnError, match=r"looks like 'mug'.*--new-class"):
        require_distinct(name, ["bowl", "mug"])
    require_distinct(name, ["bowl", "mug"], new_class=True)


@pytest.mark.parametrize(
    ("name", "other"), [("mug", "mugs"), ("Maße", "Masse"), ("a b", "ab"), ("red mug", "mug"), ("5", "S")]
)
def test_different_names_are_not_taken_for_each_other(name, other):
    assert similar_label(name, [other]) is None
    require_distinct(name, [other])


def test_a_known_name_is_never_refused_for_another_known_one():
    require_distinct("Mug", ["mug", "Mug"])
