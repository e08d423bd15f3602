"""Class names on the command line: bytes that are not text, misleading names, stores that have them."""

import os
import subprocess
import sys

import pytest

from edge_tosca import Learner

NOT_TEXT = b"caf\xe9"


@pytest.fixture
def store(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


def run(*words):
    command = [os.fsencode(sys.executable), b"-m", b"edge_tosca", *map(os.fsencode, words)]
    return subprocess.run(command, capture_output=True)


@pytest.mark.parametrize(
    "words",
    [
        ("forget", "STORE", NOT_TEXT),
        ("rename", "STORE", NOT_TEXT, "mug"),
        ("rename", "STORE", "apple", NOT_TEXT),
        ("learn", "STORE", "PHOTO", "--class", NOT_TEXT),
        ("learn", "STORE", "PHOTO", "--class", "mug", "--task", NOT_TEXT),
        ("pack", "export", "STORE", NOT_TEXT, "--out", "OUT", "--key", "KEY"),
        ("verify", "STORE", "--known", NOT_TEXT),
    ],
)
def test_bytes_that_are_no_text_get_one_line_in_every_verb(store, asked, tmp_path, words):
    places = {
        "STORE": store,
        "PHOTO": next((asked / "apple").iterdir()),
        "OUT": tmp_path / "out.pack",
        "KEY": tmp_path / "key",
    }
    done = run(*(places.get(word, word) if isinstance(word, str) else word for word in words))
    assert done.returncode in (1, 2)
    (line,) = done.stderr.decode(errors="replace").strip().splitlines()
    assert "fault of edge-tosca" not in line
    assert "UnicodeEncodeError" not in line


def test_a_name_that_looks_like_a_known_one_needs_new_class(edge, store, asked):
    photos = sorted((asked / "apple").iterdir())
    words = ("learn", store, *photos, "--class", "Apple")
    assert "looks like 'apple'" in edge(*words).complaint
    assert edge("classes", store, "--json").json["generation"] == 2
    warned = edge(*words, "--force", "--json")
    assert warned.code == 0
    assert "looks like 'apple'" in warned.err
    meant = edge("learn", store, *photos, "--class", "APPLE", "--force", "--new-class", "--json")
    assert (meant.code, "looks like" in meant.err) == (0, False)


def test_reserved_names_are_refused_with_the_reason(edge, store, asked):
    photos = sorted((asked / "apple").iterdir())
    for name in ("unknown", "None"):
        assert "is reserved" in edge("learn", store, *photos, "--class", name).complaint
        assert "is reserved" in edge("rename", store, "apple", name).complaint


def test_an_untaught_class_folder_may_have_a_reserved_name(edge, store, asked, tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "apple").symlink_to(asked / "apple")
    (folder / "unknown").mkdir()
    for number, path in enumerate(sorted((asked / "brick").iterdir())):
        (folder / "unknown" / f"{number}.jpg").write_bytes(path.read_bytes())
    (folder / "apple").unlink()
    (folder / "apple").mkdir()
    for number, path in enumerate(sorted((asked / "apple").iterdir())):
        (folder / "apple" / f"{number}.jpg").write_bytes(path.read_bytes())
    assert edge("evaluate", store, folder, "--json").json["strangers"] > 0


def test_a_store_that_has_such_names_already_answers_and_can_rename_them(edge, store, asked, monkeypatch):
    monkeypatch.setattr("edge_tosca.learner.history.checked_label", lambda label, known=(): label)
    shop = Learner.open(store)
    shop.rename("apple", "unknown")
    shop.close()
    photo = next((asked / "apple").iterdir())
    assert edge("predict", store, photo, "--json").json["label"] == "unknown"
    assert edge("rename", store, "unknown", "apple", "--json").json["class"] == "apple"
    assert edge("verify", store).code == 0
