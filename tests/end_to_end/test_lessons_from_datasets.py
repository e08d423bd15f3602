"""Lessons from archives, lists and pipes; pictures that are taught already."""

import json
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def archive(tmp_path_factory, photos):
    path = tmp_path_factory.mktemp("archives") / "photos.zip"
    with zipfile.ZipFile(path, "w") as made:
        for picture in sorted((photos / "task3").rglob("*.jpg")):
            made.write(picture, picture.relative_to(photos))
    return path


@pytest.fixture
def store(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


def piped(words, data):
    words = [sys.executable, "-m", "edge_tosca", *map(str, words)]
    ran = subprocess.run(words, input=data, capture_output=True, timeout=170)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_an_archive_a_list_and_a_pipe_teach_what_the_folder_teaches(
    edge, taught, copy_store, photos, archive, module_bytes, tmp_path, request
):
    lines = [f"{path.relative_to(photos)},{path.parent.name}" for path in (photos / "task3").rglob("*.jpg")]
    # The order of pictures is the order of a lesson, and the folder's is sorted.
    text = "path,class\n" + "\n".join(sorted(lines)) + "\n"
    listed = photos / "list.csv"
    # Other tests find nothing but class folders there.
    request.addfinalizer(lambda: listed.unlink())
    listed.write_text(text)
    found = {}
    for kind, words in (
        ("folder", [photos / "task3"]),
        ("archive", [archive]),
        ("list", ["--list", listed]),
        ("pipe", ["-"]),
    ):
        store = copy_store(taught, tmp_path / f"{kind}.tosca")
        if kind == "pipe":
            report = piped(["learn", store, *words, "--json"], archive.read_bytes())
        else:
            report = edge("learn", store, *words, "--json").json
        assert (report["classes"], report["images"], report["skipped"]) == (["flag", "gauge"], 16, [])
        found[kind] = report["module"]["digest"]
    assert len(set(found.values())) == 1


def test_pictures_of_one_class_come_from_an_archive_and_a_pipe_of_paths(edge, store, photos, archive):
    report = edge("learn", store, "--class", "bunting", archive, "--dry-run", "--json").json
    assert (report["classes"], report["images"]) == (["bunting"], 16)
    lines = "\n".join(map(str, sorted((photos / "task3" / "flag").iterdir()))).encode()
    report = piped(["learn", store, "--class", "flag", "-", "--dry-run", "--json"], lines)
    assert (report["classes"], report["images"]) == (["flag"], 8)


def test_a_picture_that_is_taught_already_is_skipped(edge, store, photos, draw_pictures, remember, tmp_path):
    before = remember(store)
    ran = edge("learn", store, photos / "task1", "--json")
    report = ran.json
    assert (report["generation"], report["classes"], report["images"]) == (2, [], 0)
    assert {entry["reason"] for entry in report["skipped"]} == {"taught already"}
    assert len(report["skipped"]) == 16
    shown = edge("learn", store, photos / "task1").out
    assert shown.splitlines()[:2] == [
        "Nothing new, nothing was changed.",
        "  skipped 16 pictures: taught already",
    ]
    assert remember(store) == before
    # Under another name it is another lesson; new pictures beside known ones are learned alone.
    folder = tmp_path / "more"
    draw_pictures(folder, ("apple", "brick"), count=4, start=6)
    report = edge("learn", store, folder, "--json").json
    assert (report["generation"], report["images"]) == (3, 4)
    assert sorted(entry["path"] for entry in report["skipped"]) == [
        str(folder / label / f"{n:03d}.jpg") for label in ("apple", "brick") for n in (6, 7)
    ]
    renamed = edge("learn", store, "--class", "fruit", photos / "task1" / "apple", "--dry-run", "--json").json
    assert renamed["images"] == 8


def test_members_have_no_path_to_remember(edge, store, archive):
    assert "leave out --remember" in edge("learn", store, archive, "--remember").complaint


def test_usage_of_lists_and_files_is_one_line(edge, store, photos, tmp_path):
    assert edge("learn", store, photos / "task1", "--list", "list.csv").code == 2
    assert edge("learn", store, photos / "task1", photos / "task2").code == 2
    (tmp_path / "text.txt").write_text("nothing")
    assert "for pictures of one class give --class" in edge("learn", store, tmp_path / "text.txt").complaint
