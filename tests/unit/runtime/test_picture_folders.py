"""Folders of strangers: what lies in them is found, or left out, or told, and nothing waits for ever."""

import contextlib
import io
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from edge_tosca.errors import LearnError, PictureError
from edge_tosca.runtime import Bundle, find_pictures, list_pictures, load_picture
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


def encoded(kind, size=(32, 24)):
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, kind)
    return file.getvalue()


HIDDEN = (
    *("__MACOSX", ".thumbnails", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"),
    *(".Trash-1000", "lost+found", "LOST.DIR", "@Recycle", ".@__thumb"),
)
"""Folders that systems make beside and among pictures."""


def reasons(folder, **options):
    return {one.path.name: one.reason for one in list_pictures(folder, **options).passed_over}


def test_a_picture_is_known_by_its_bytes_whatever_it_is_called(tmp_path):
    for kind, name in (
        ("JPEG", "IMG_0001"),
        ("PNG", "a.dat"),
        ("GIF", "b.heic"),
        ("WEBP", "c.txt"),
        ("BMP", "d.JPG~"),
    ):
        (tmp_path / name).write_bytes(encoded(kind))
    assert [path.name for path in find_pictures(tmp_path)] == [
        "IMG_0001",
        "a.dat",
        "b.heic",
        "c.txt",
        "d.JPG~",
    ]
    for path in find_pictures(tmp_path):
        assert load_picture(path).size == (32, 24)


def test_whatever_else_lies_in_a_folder_has_a_reason(tmp_path):
    mug, elsewhere = tmp_path / "mug", tmp_path / "elsewhere"
    for folder in (mug, elsewhere):
        folder.mkdir()
    for name in ("own.jpg", "IMG_0001"):
        (mug / name).write_bytes(encoded("JPEG"))
    (elsewhere / "far.jpg").write_bytes(encoded("JPEG"))
    (mug / "far.jpg").symlink_to(elsewhere / "far.jpg")
    (mug / "gone.jpg").symlink_to("nowhere.jpg")
    (mug / "all").symlink_to(elsewhere)
    (mug / "inside.jpg").symlink_to("own.jpg")
    (mug / "notes.txt").write_text("no picture")
    (mug / "clip.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\2\0qt  ")
    (mug / "more.zip").write_bytes(b"PK\3\4" + bytes(40))
    (mug / "x.jxl").write_bytes(b"\xff\x0a" + bytes(40))
    (mug / "shot.nef").write_bytes(b"II*\0" + bytes(40))
    (mug / "nothing").touch()
    (mug / "odd.bin").write_bytes(bytes(range(200, 256)) * 3)
    os.mkfifo(mug / "pipe")
    for silent in ("Thumbs.db", "desktop.ini", ".DS_Store", "._own.jpg", ".hidden.heic", "Icon\r"):
        (mug / silent).write_bytes(encoded("JPEG"))
    assert [path.name for path in find_pictures(mug)] == ["IMG_0001", "inside.jpg", "own.jpg"]
    found = reasons(mug)
    followed = "follow links with --follow-links"
    assert found == {
        "all": "a link to a folder; copy the folder here, or " + followed,
        "far.jpg": "a link that leaves the folder; copy the picture here, or " + followed,
        "gone.jpg": "a link that leads nowhere; copy the picture here",
        "notes.txt": "not a picture but text; move it elsewhere",
        "clip.mov": "not a picture but a video (QuickTime MOV); save frames of it as JPEG",
        "more.zip": "not a picture but an archive (ZIP); unpack it",
        "x.jxl": "JPEG XL is not read; save it as JPEG",
        "shot.nef": "a camera's raw file is not read; save it as JPEG",
        "nothing": "empty; take or copy it again",
        "odd.bin": "not a picture; save it as JPEG, PNG, BMP, WebP, GIF or TIFF",
        "pipe": "not a regular file, not a picture; move it elsewhere",
    }
    assert all("; " in reason and "\n" not in reason for reason in found.values())


def test_a_file_that_cannot_be_read_has_a_reason(tmp_path):
    (tmp_path / "IMG").write_bytes(encoded("JPEG"))
    (tmp_path / "IMG").chmod(0)
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    assert reasons(tmp_path) == {"IMG": "cannot be read (permission denied); check its permissions"}


@pytest.mark.parametrize("name", HIDDEN)
def test_folders_that_systems_make_are_neither_classes_nor_searched(tmp_path, name):
    for folder in (tmp_path / "mug", tmp_path / "mug" / name, tmp_path / name):
        folder.mkdir(exist_ok=True)
        (folder / "1.jpg").write_bytes(encoded("JPEG"))
    found = list_images(tmp_path)
    assert found.pictures == {"mug": [tmp_path / "mug" / "1.jpg"]}
    assert found.skipped_of_classes == []


def test_links_are_followed_where_that_is_wanted_and_never_in_a_circle(tmp_path):
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    (photos / "mug" / "near").mkdir(parents=True)
    (elsewhere / "deep").mkdir(parents=True)
    for path in (
        photos / "mug" / "1.jpg",
        photos / "mug" / "near" / "2.jpg",
        elsewhere / "3.jpg",
        elsewhere / "deep" / "4.jpg",
    ):
        path.write_bytes(encoded("JPEG"))
    (photos / "mug" / "3.jpg").symlink_to(elsewhere / "3.jpg")
    (photos / "mug" / "far").symlink_to(elsewhere)
    (photos / "mug" / "again").symlink_to(elsewhere)
    (photos / "mug" / "beside").symlink_to("near")
    (photos / "mug" / "up").symlink_to("..")
    (photos / "mug" / "self").symlink_to(".")
    (elsewhere / "deep" / "back").symlink_to(elsewhere)
    (photos / "cup").symlink_to(elsewhere / "deep")
    found = list_images(photos, follow_links=True)
    names = [path.relative_to(photos).as_posix() for path in found.pictures["mug"]]
    assert len(names) == 5
    assert {"mug/1.jpg", "mug/3.jpg", "mug/near/2.jpg"} < set(names)
    # Of two links to one folder either is searched, and only one.
    assert {name.split("/", 2)[2] for name in names if name.startswith(("mug/far", "mug/again"))} == {
        "3.jpg",
        "deep/4.jpg",
    }
    assert [path.name for path in found.pictures["cup"]] == ["4.jpg"]
    skipped = {Path(entry.path).name: entry.reason for entry in found.skipped_of_classes}
    assert set(skipped) == {"up", "self", "back"}
    assert set(skipped.values()) == {"a link to a folder that holds it; remove the link"}
    assert len(find_pictures(photos / "mug")) == 2


def test_a_class_that_is_a_link_to_what_holds_it_is_refused(tmp_path):
    (tmp_path / "photos" / "mug").mkdir(parents=True)
    (tmp_path / "photos" / "all").symlink_to("..")
    with pytest.raises(LearnError, match="holds it"):
        list_images(tmp_path / "photos", follow_links=True)


def test_a_picture_beside_the_class_folders_is_told(tmp_path):
    (tmp_path / "mug").mkdir()
    (tmp_path / "mug" / "1.jpg").touch()
    for name in ("stray.jpg", "IMG_0001"):
        (tmp_path / name).write_bytes(encoded("JPEG"))
    (tmp_path / "notes.txt").write_text("three mugs")
    found = list_images(tmp_path).skipped
    assert found["mug"] == []
    assert [Path(entry.path).name for entry in found[""]] == ["IMG_0001", "stray.jpg"]
