"""Folders of strangers: what lies in them is found, or left out, or told, and nothing waits for ever."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from edge_tosca.errors import LearnError, PictureError
from edge_tosca.runtime import Bundle, find_pictures, load_picture, passed_over
from edge_tosca.runtime.manifest import MANIFEST
from edge_tosca.store.source_images import digest_of_file
from edge_tosca.vision.image_folder import list_images

LOWEST = 300
"""Levels of folders that are within Python's recursion limit by far."""


@pytest.fixture
def memory():
    """A folder in memory, where there is any: of a hundred thousand files a disk would make a minute."""
    place = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=place if place.is_dir() else None))
    yield folder
    # Python's own way calls itself for every level.
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.fixture
def nested(memory):
    """Make folders inside folders, deeper than any path reaches, and a picture in the last."""
    top = memory / "nested"
    top.mkdir()

    def make(levels, name="d"):
        at = os.open(top, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir(name, dir_fd=at)
            below = os.open(name, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("last.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        return top

    return make


def odd_files(folder):
    """What can bear a picture's name without being a file."""
    os.mkfifo(folder / "pipe.jpg")
    listening = socket.socket(socket.AF_UNIX)
    # A socket's path may be 100 bytes long only.
    with contextlib.chdir(folder):
        listening.bind("socket.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "random.jpg").symlink_to("/dev/urandom")
    (folder / "folder.jpg").mkdir()
    return listening


@pytest.mark.parametrize("levels", [LOWEST, 1500])
def test_folders_nested_a_thousand_deep_are_searched(nested, levels):
    top = nested(levels)
    (found,) = find_pictures(top)
    assert found.name == "last.jpg"
    assert len(found.relative_to(top).parts) == levels + 1


def test_folders_deeper_than_a_path_can_name_are_told_in_one_line(nested):
    top = nested(3000)
    with pytest.raises(PictureError, match="cannot be searched") as caught:
        find_pictures(top)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_links_in_a_circle_and_links_to_nowhere_are_left_out(tmp_path):
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "there.jpg").symlink_to("back.jpg")
    (tmp_path / "back.jpg").symlink_to("there.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("nowhere")
    (tmp_path / "above").symlink_to(tmp_path)
    (tmp_path / "own.jpg").touch()
    assert [path.name for path in find_pictures(tmp_path)] == ["own.jpg"]


def test_a_class_that_is_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "photos" / "mug").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "1.jpg").touch()
    (tmp_path / "photos" / "bowl").symlink_to(tmp_path / "secret")
    with pytest.raises(LearnError, match="leads out of"):
        list_images(tmp_path / "photos")


def test_a_folder_of_pictures_may_itself_be_a_link(tmp_path):
    (tmp_path / "real" / "mug").mkdir(parents=True)
    (tmp_path / "real" / "mug" / "1.jpg").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert list(list_images(tmp_path / "link").pictures) == ["mug"]
    assert len(find_pictures(tmp_path / "link")) == 1


def test_what_is_no_file_is_refused_at_once_by_whoever_reads_it(tmp_path):
    listening = odd_files(tmp_path)
    try:
        for path in tmp_path.iterdir():
            with pytest.raises(PictureError, match=r"regular file|a folder"):
                load_picture(path)
            # A store of a stranger may remember such a place as a picture's.
            assert digest_of_file(path) is None
    finally:
        listening.close()


def test_a_file_of_terabytes_is_not_read_for_its_digest(tmp_path):
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(4 << 40)
    assert digest_of_file(tmp_path / "sparse.jpg") is None


def test_a_bundle_whose_manifest_is_a_pipe_or_a_hole_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / MANIFEST)
    with pytest.raises(Exception, match="regular file"):
        Bundle.load(tmp_path)
    (tmp_path / MANIFEST).unlink()
    with (tmp_path / MANIFEST).open("wb") as file:
        file.truncate(4 << 40)
    with pytest.raises(Exception, match="more than"):
        Bundle.load(tmp_path)


def test_a_folder_of_a_hundred_thousand_pictures_is_listed(memory):
    folder = memory / "many"
    folder.mkdir()
    at = os.open(folder, os.O_RDONLY)
    for number in range(100_000):
        os.close(os.open(f"{number:06d}.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
    found = find_pictures(folder)
    assert len(found) == 100_000
    assert found[0].name == "000000.jpg"


@pytest.mark.parametrize(
    "name", [b"two\nlines.jpg", b"\x1b[31mred\x07.jpg", b"\xff\xfe.jpg", b"a" * 251 + b".jpg"]
)
def test_a_picture_of_any_name_is_found_and_read(tmp_path, name):
    Image.new("RGB", (32, 24)).save(tmp_path / "plain.jpg")
    path = (tmp_path / "plain.jpg").rename(tmp_path / os.fsdecode(name))
    (found,) = find_pictures(tmp_path)
    assert os.fsencode(found) == os.fsencode(path)
    assert load_picture(found).size == (32, 24)


@pytest.mark.parametrize("length", [4095, 4096, 5000, 100_000])
def test_a_path_longer_than_the_system_takes_is_told_in_one_line(length):
    with pytest.raises(PictureError) as caught:
        load_picture("/" + "a/" * (length // 2) + "x.jpg")
    assert str(caught.value).startswith("x.jpg: ")


def test_a_path_with_a_zero_byte_is_told_in_one_line():
    with pytest.raises(PictureError, match="cannot be read"):
        load_picture("a\0b.jpg")


def test_what_looks_like_a_picture_and_is_not_taken_has_a_reason(tmp_path):
    mug, elsewhere = tmp_path / "mug", tmp_path / "elsewhere"
    for folder in (mug, elsewhere):
        folder.mkdir()
    Image.new("RGB", (32, 24)).save(mug / "own.jpg")
    shutil.copy(mug / "own.jpg", elsewhere / "far.jpg")
    shutil.copy(mug / "own.jpg", mug / "IMG_0001")
    (mug / "far.jpg").symlink_to(elsewhere / "far.jpg")
    (mug / "all").symlink_to(elsewhere)
    (mug / "phone.HEIC").touch()
    for silent in ("Thumbs.db", "notes.txt", "README", ".hidden.heic"):
        (mug / silent).write_text("no picture")
    (mug / "inside.jpg").symlink_to("own.jpg")
    os.mkfifo(mug / "pipe")
    reasons = {path.name: reason for path, reason in passed_over(mug)}
    assert set(reasons) == {"IMG_0001", "all", "far.jpg", "phone.HEIC"}
    assert reasons["phone.HEIC"] == "HEIC is not read; save it as JPEG"
    assert "leaves the folder" in reasons["far.jpg"]
    assert [path.name for path in find_pictures(mug)] == ["inside.jpg", "own.jpg"]


def test_a_picture_beside_the_class_folders_is_told(tmp_path):
    (tmp_path / "mug").mkdir()
    (tmp_path / "mug" / "1.jpg").touch()
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "notes.txt").touch()
    found = list_images(tmp_path).skipped
    assert found["mug"] == []
    assert [Path(entry.path).name for entry in found[""]] == ["stray.jpg"]
