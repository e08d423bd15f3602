"""English, German and French: the same sentences in all, and a page that speaks the browser's."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import photographs
from technician import Technician

import edge_tosca.console
from edge_tosca.quality import advice

_STATIC = Path(edge_tosca.console.__file__).parent / "static"
_GAPS = re.compile(r"\{\w+\}")


def _sentences(language: str) -> dict[str, Any]:
    sentences: dict[str, Any] = json.loads((_STATIC / "strings" / f"{language}.json").read_text("utf-8"))
    return sentences


def _gaps(sentence: str | dict[str, str]) -> set[str]:
    forms = [sentence] if isinstance(sentence, str) else list(sentence.values())
    return {gap for form in forms for gap in _GAPS.findall(form)}


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_language_has_the_same_sentences_with_the_same_gaps(language: str) -> None:
    english, other = _sentences("en"), _sentences(language)
    assert set(english) == set(other)
    assert {key for key in english if _gaps(english[key]) != _gaps(other[key])} == set()
    assert {key for key in english if isinstance(english[key], str) != isinstance(other[key], str)} == set()


def test_no_french_mark_begins_a_line() -> None:
    forms = [
        form
        for one in _sentences("fr").values()
        for form in ([one] if isinstance(one, str) else one.values())
    ]
    assert [form for form in forms if re.search(r" [:;?!%]", form)] == []


def test_every_sentence_that_the_page_names_is_there() -> None:
    known = set(_sentences("en"))
    named = {
        key
        for file in _STATIC.glob("*.js")
        for key in re.findall(r"""\bt\(\s*["']([\w.]+)["']""", file.read_text("utf-8"))
    }
    assert len(named) > 100
    assert named - known == set()


@pytest.fixture(scope="module")
def bare(serve_all: Callable[..., Served], shared_data: Path) -> Served:
    """A box without a camera that has pictures to teach."""
    box = serve_all()
    box.queue({name: photographs(shared_data, name)[:12] for name in ("Pineapple", "Orange")})
    return box


def test_a_german_browser_is_spoken_to_in_german(
    bare: Served, visit: Callable[..., Technician], shared_data: Path
) -> None:
    who = visit(bare, locale="de-DE").go("teach")
    who.heading("Lernen")
    assert who.page.evaluate("document.documentElement.lang") == "de"
    who.press("2 Klassen lernen")
    who.heading("Gelernt")
    who.sees("24 Bilder in")
    who.follow("Live ansehen")
    who.follow("Klassen")
    who.sees(re.compile(r"^\d+.% richtig$"))


def test_the_language_is_chosen_in_the_settings_and_stays_chosen(
    bare: Served, visit: Callable[..., Technician]
) -> None:
    who = visit(bare).go("settings")
    who.page.get_by_label("Language").select_option("de")
    who.heading("Einstellungen")
    who.page.reload()
    who.heading("Einstellungen")
    who.page.get_by_label("Sprache").select_option("")
    who.heading("Settings")


def test_every_sentence_of_the_quality_gate_is_known_in_german(
    bare: Served, visit: Callable[..., Technician]
) -> None:
    sentences = [
        advice.same_class("mug", "it's"),
        advice.check_labels(7),
        *advice.too_few({"mug": 1, "cup": 2}),
        *advice.too_alike(["mug"], {"mug": 20}),
        advice.harmed("mug", "cup", 4, 20),
        *advice.weak({"mug": 0.7, "cup": 0.5}, {"mug": 20, "cup": 10}, {"mug": "cup"}),
        advice.at_border(["mug", "cup"]),
        "20% of the new pictures look like another class",
        "60% of the pictures of 'mug' are copies of pictures of 'cup'",
        "'mug' cannot be distinguished from 'cup': accuracy 50%, chance 50%",
        "'mug' can hardly be distinguished from 'cup': accuracy 61%, chance 50%",
        "'mug' has only 2 different pictures, the rest of its 20 are copies",
        "the pictures of 'mug' are nearly identical",
        "the old classes fell from 98% to 70%",
        "looks like 'mug'",
        "is a copy of a picture of 'mug', just taught",
        "is a copy of sWcPz-a1",
    ]
    who = visit(bare, locale="de-DE").go("teach")
    said = who.page.evaluate(
        "async all => { const { inWords } = await import('/words_of_gate.js'); return all.map(inWords); }",
        sentences,
    )
    assert [one for one, before in zip(said, sentences, strict=True) if one == before] == []
    assert said[0].startswith("Sind mug und it's dasselbe? Dann die Bilder von mug als it's lernen.")
    assert not any("{" in one for one in said)
