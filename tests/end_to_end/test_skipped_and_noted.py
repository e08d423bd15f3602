"""What lies among pictures is taken, listed or noted, and links are followed where asked."""

import shutil

import pytest
from PIL import Image

from edge_tosca.runtime.file_kinds import HEIC
from edge_tosca.runtime.picture_formats import is_decoded

CUT = "the file lacks its end; every pixel was read"


@pytest.fixture
def store(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


@pytest.fixture
def mixed(photos, tmp_path):
    """Two new classes, with a picture without its end marker and much that is no picture."""
    folder = tmp_path / "mixed"
    shutil.copytree(photos / "task3", folder)
    flag = folder / "flag"
    Image.open(flag / "000.jpg").save(flag / "whole.jpg", quality=95)
    (flag / "cut.jpg").write_bytes((flag / "whole.jpg").read_bytes()[:-2])
    (flag / "IMG_0001").write_bytes((flag / "000.jpg").read_bytes())
    (flag / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp41")
    (flag / "notes.txt").write_text("three flags")
    (flag / "shot.cr2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(40))
    (flag / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (folder / "@eaDir" / "flag").mkdir(parents=True)
    (folder / "@eaDir" / "flag" / "000.jpg").write_bytes((flag / "000.jpg").read_bytes())
    (flag / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    return folder


def named(entries):
    return {entry["path"].rsplit("/", 1)[1]: entry["reason"] for entry in entries}


def test_every_verb_lists_what_it_did_not_take_and_notes_what_lacks_its_end(edge, store, mixed, tmp_path):
    report = edge("learn", store, mixed, "--json").json
    assert report["classes"] == ["flag", "gauge"]
    heic = "truncated or damaged HEIC" if is_decoded(HEIC) else "HEIC, whose decoder is not installed"
    found = named(report["skipped"])
    assert set(found) == {"clip.mp4", "notes.txt", "shot.cr2", "phone.heic"}
    assert "a video (MP4)" in found["clip.mp4"]
    assert "text" in found["notes.txt"]
    assert "raw file" in found["shot.cr2"]
    assert heic in found["phone.heic"]
    note = {"path": str(mixed / "flag" / "cut.jpg"), "note": CUT}
    assert report["notes"] == [note]
    evaluated = edge("evaluate", store, mixed, "--json").json
    assert named(evaluated["skipped"]) == found
    assert evaluated["notes"] == [note]
    embedded = edge("embed", mixed, "--out", tmp_path / "f.npz", "--json").json
    assert (named(embedded["skipped"]), embedded["notes"]) == (found, [note])
    # For people, too.
    for words in (("evaluate", store, mixed), ("embed", mixed, "--out", tmp_path / "f.npz")):
        assert f"note {note['path']}: {CUT}" in edge(*words).out


def test_predict_notes_in_the_line_of_the_picture_and_nowhere_else(edge, store, mixed):
    ran = edge("predict", store, mixed / "flag" / "cut.jpg", mixed / "flag" / "whole.jpg", "--json")
    assert ran.code == 0
    assert [line.get("note") for line in ran.lines] == [CUT, None]
    assert "note" not in ran.lines[1]
    assert ran.lines[0]["top"] == ran.lines[1]["top"]
    assert f"note: {CUT}" in edge("predict", store, mixed / "flag" / "cut.jpg").out


def test_predict_of_a_folder_answers_its_pictures_and_names_those_it_cannot_read(edge, store, mixed):
    ran = edge("predict", store, mixed / "flag", "--json")
    assert ran.code == 1
    unread = {line["path"].rsplit("/", 1)[1] for line in ran.lines if "error" in line}
    # Text and videos are no pictures.
    assert unread == {"shot.cr2", "phone.heic"}
    assert "IMG_0001" in {line["path"].rsplit("/", 1)[1] for line in ran.lines if "label" in line}


def test_forgetting_erases_notes_with_the_names_of_pictures(edge, store, mixed):
    assert edge("learn", store, mixed, "--json").json["notes"]
    assert edge("forget", store, "flag").code == 0
    for entry in edge("history", store, "--json").json["generations"]:
        if "flag" in entry["report"].get("classes", ()):
            assert not entry["report"].get("notes")
            assert not entry["report"].get("skipped")


def test_links_are_followed_by_every_verb_where_asked(edge, store, photos, tmp_path):
    folder = tmp_path / "links"
    for label in ("flag", "gauge"):
        (folder / label).mkdir(parents=True)
        for path in sorted((photos / "task3" / label).iterdir()):
            (folder / label / path.name).symlink_to(path)
    for words in (
        ("learn", store, folder),
        ("evaluate", store, folder),
        ("embed", folder, "--out", tmp_path / "f.npz"),
    ):
        assert "--follow-links" in edge(*words).complaint
    refused = edge("predict", store, folder / "flag")
    assert refused.code == 1
    assert "--follow-links" in refused.err
    learned = edge("learn", store, folder, "--follow-links", "--json").json
    assert (learned["images"], learned["skipped"]) == (16, [])
    assert edge("evaluate", store, folder, "--follow-links", "--json").json["images"] == 16
    assert edge("embed", folder, "--out", tmp_path / "f.npz", "--follow-links", "--json").json["images"] == 16
    answered = edge("predict", store, folder / "flag", "--follow-links", "--json")
    assert (answered.code, len(answered.lines)) == (0, 8)
    single = edge("learn", store, "--class", "flag", folder / "flag", "--follow-links", "--json").json
    # All of them were taught by the first lesson.
    assert [entry["reason"] for entry in single["skipped"]] == ["taught already"] * 8
