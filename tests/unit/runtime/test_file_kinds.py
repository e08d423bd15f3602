"""Files are known by their first bytes, and what is not read is named, with what to do."""

import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tiff_files import LONG, tiff

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture
from edge_tosca.runtime.file_kinds import (
    AVIF,
    BMP,
    CAMERA_RAW,
    EMPTY,
    HEIC,
    TIFF,
    UNKNOWN,
    kind_of,
    unread_reason,
)

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def encoded(kind, **options):
    file = io.BytesIO()
    PHOTO.save(file, kind, **options)
    return file.getvalue()


def container(brand, *compatible):
    listed = b"".join(compatible)
    return struct.pack(">I4s4sI", 16 + len(listed), b"ftyp", brand, 0) + listed + b"\0\0\0\x08free"


def archive(kind):
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as packed:
            packed.writestr("a.jpg", encoded("JPEG"))
    else:
        with tarfile.open(fileobj=file, mode="w") as packed:
            packed.addfile(tarfile.TarInfo("a.jpg"))
    return file.getvalue()


READ = {"JPEG": "JPEG", "PNG": "PNG", "BMP": "BMP", "WEBP": "WebP", "GIF": "GIF", "TIFF": "TIFF"}

NAMED = {
    "JPEG XL": b"\xff\x0a" + bytes(30),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20),
    "a camera's raw file": b"FUJIFILMCCD-RAW 0201",
    "a Photoshop file (PSD)": b"8BPS\0\1" + bytes(20),
    "an icon (ICO)": b"\0\0\1\0\1\0" + bytes(20),
    "PNM": b"P6\n3 2\n255\n" + bytes(18),
    "DICOM": bytes(128) + b"DICM" + bytes(9),
    "a PDF document": b"%PDF-1.7\n",
    "an SVG drawing": b"<?xml version='1.0'?>\n<!-- drawn --><svg xmlns='x'/>",
    "a web page (HTML)": b"\n<!DOCTYPE html><html>404</html>",
    "text": "eggs, milk, b\u00e4cker".encode(),
    "a video (MP4)": container(b"isom", b"iso2", b"mp41"),
    "a video (QuickTime MOV)": container(b"qt  "),
    "a video (3GP)": container(b"3gp5"),
    "a video (Matroska or WebM)": b"\x1aE\xdf\xa3" + bytes(20),
    "a video (AVI)": b"RIFF\x10\0\0\0AVI LIST",
    "a video (MPEG transport stream)": (b"G" + bytes(187)) * 3,
    "sound": b"ID3\4" + bytes(20),
    "an archive (ZIP)": archive("zip"),
    "an archive (tar)": archive("tar"),
    "an archive (7z)": b"7z\xbc\xaf\x27\x1c" + bytes(9),
    "an archive (gzip)": b"\x1f\x8b\x08" + bytes(9),
    "an array of NumPy": b"\x93NUMPY\1\0",
    "a database (SQLite)": b"SQLite format 3\0" + bytes(9),
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
    "nothing but zeros": bytes(4096),
}


@pytest.mark.parametrize("kind", READ)
def test_a_picture_is_known_whatever_its_name(kind):
    data = encoded(kind)
    for name in ("", "a.jpg", "a.png", "a.heic", "a.mov", "a"):
        assert kind_of(data[:512], name).name == READ[kind]


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_read_is_named_with_what_to_do(name, tmp_path):
    kind = kind_of(NAMED[name][:512])
    assert kind.name == name
    path = tmp_path / "a.jpg"
    path.write_bytes(NAMED[name])
    with pytest.raises(PictureError) as caught:
        load_picture(path)
    message = str(caught.value)
    assert message == f"a.jpg: {unread_reason(kind)}"
    assert name in message
    assert "; " in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        ((b"heic", b"mif1", b"heic"), HEIC),
        ((b"heix",), HEIC),
        ((b"mif1", b"heic", b"miaf"), HEIC),
        ((b"mif1",), HEIC),
        ((b"msf1", b"hevc"), HEIC),
        ((b"avif", b"mif1", b"heic"), AVIF),
        ((b"avis",), AVIF),
        ((b"mif1", b"avif", b"heic"), AVIF),
        ((b"crx ", b"isom"), CAMERA_RAW),
    ],
)
def test_the_brands_of_a_container_say_what_it_is(brands, kind):
    assert kind_of(container(*brands), "a.jpg") is kind


@pytest.mark.parametrize("kept", [1, 4, 8, 11, 12, 20])
@pytest.mark.parametrize(("name", "brand", "kind"), [("a.HEIC", b"heic", HEIC), ("a.avif", b"avif", AVIF)])
def test_a_stub_is_what_its_name_says(name, brand, kind, kept):
    assert kind_of(container(brand)[:kept], name) is kind


def test_a_name_decides_where_bytes_leave_two_possibilities_or_none():
    odd = bytes(range(200, 256))
    assert kind_of(odd, "a.heic") is HEIC
    assert kind_of(odd, "a.NEF") is CAMERA_RAW
    assert kind_of(odd, "a.mkv").group == "video"
    assert kind_of(odd, "a.bin") is UNKNOWN
    assert kind_of(b"dear diary", "a.heic").name == "text"
    assert kind_of(b"", "a.heic") is EMPTY
    assert kind_of(encoded("TIFF")[:512], "a.tif") is TIFF
    assert kind_of(encoded("TIFF")[:512], "a.nef") is CAMERA_RAW
    assert kind_of(b"BM, yours sincerely").name == "text"
    assert kind_of(encoded("BMP")[:512], "a.txt") is BMP


@pytest.mark.parametrize(
    "tags",
    [{50706: (1, bytes((1, 4, 0, 0)))}, {254: (LONG, [1]), 330: (LONG, [8])}],
    ids=["DNG", "a thumbnail before the picture"],
)
def test_a_raw_file_that_is_a_tiff_is_not_read_as_its_thumbnail(tags, tmp_path):
    data = tiff(np.zeros((8, 8, 3), int), 8, 2, tags=tags)
    with pytest.raises(PictureError, match="raw file"):
        load_picture(data)
    (tmp_path / "a.arw").write_bytes(tiff(np.zeros((8, 8, 3), int), 8, 2))
    with pytest.raises(PictureError, match="raw file"):
        load_picture(tmp_path / "a.arw")


@given(st.binary(max_size=512), st.sampled_from(["", "a.jpg", "a.heic", "a.tif"]))
def test_every_file_is_of_some_kind(start, name):
    kind = kind_of(start, name)
    assert "; " in unread_reason(kind) or kind.group == "picture"
