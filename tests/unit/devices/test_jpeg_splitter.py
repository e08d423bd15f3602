"""After a damaged frame the next one is found; a picture within a picture is none."""

import io
import os
import struct
import threading
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge_tosca.devices.camera import Stream, open_camera
from edge_tosca.devices.camera.jpeg_splitter import JpegSplitter, is_complete_jpeg
from edge_tosca.errors import PictureError

PATIENCE = 20


def jpeg(shade, size=(64, 48), noise=0, **options):
    pixels = np.full((size[1], size[0], 3), (shade, 10, 250 - shade), np.int16)
    if noise:
        pixels += np.random.default_rng(shade).integers(0, noise, pixels.shape, np.int16)
    data = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(data, "JPEG", quality=95, **options)
    return data.getvalue()


def exif_with_thumbnail():
    """Metadata as a photograph has it: its second directory names a small JPEG."""
    thumbnail = jpeg(1, (16, 12))
    second, place = 14, 14 + 2 + 24 + 4
    entries = struct.pack("<HHII", 0x201, 4, 1, place) + struct.pack("<HHII", 0x202, 4, 1, len(thumbnail))
    first = b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, second)
    return first + struct.pack("<H", 2) + entries + struct.pack("<I", 0) + thumbnail


KINDS = {
    "plain": {},
    "noisy": {"noise": 60},
    "progressive": {"progressive": True, "noise": 20},
    "with a thumbnail": {"exif": exif_with_thumbnail()},
    "with a comment": {"optimize": True, "comment": b"no start: \xff\xd8\xff"},
    "with restarts": {"restart_marker_blocks": 2, "noise": 20},
}


def four(kind):
    return [jpeg(shade, **dict(KINDS[kind])) for shade in (20, 120, 220, 70)]


def split(data):
    """All pictures of a stream; the message of one that is too large."""
    splitter, found = JpegSplitter(io.BytesIO(data), "a stream"), []
    while True:
        try:
            picture = splitter.next()
        except PictureError as error:
            picture = str(error)
        if picture is None:
            return found
        found.append(picture)


def decoded(data):
    try:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    except (OSError, SyntaxError):
        return None


def test_jpegs_are_told_apart_whatever_lies_within_and_between_them():
    thumbnail = Image.Exif()
    thumbnail[0x010E] = "a picture in a picture: " + jpeg(1)[:40].decode("latin-1")
    pictures = [
        jpeg(30, comment=b"\xff\xd9 is no end here \xff\xd8\xff"),
        jpeg(60, progressive=True),
        jpeg(90, exif=thumbnail),
        jpeg(120, optimize=True, subsampling=0),
        jpeg(150, exif=exif_with_thumbnail()),
    ]
    assert split(b"--frame\r\n\r\n".join([b"", *pictures]) + b"\r\n--frame--") == pictures


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_a_frame_breaks_off_the_next_one_is_read(kind):
    first, damaged, third, last = four(kind)
    expected = decoded(third)
    for cut in range(len(damaged)):
        found = split(first + damaged[:cut] + third + last)
        assert (found[0], found[-1]) == (first, last), cut
        # Cut two bytes before a segment's end, a frame goes on as the next one, whose tables are the later.
        np.testing.assert_array_equal(decoded(found[-2]), expected, err_msg=str(cut))
        assert all(decoded(picture) is None for picture in found[1:-2]), cut


@pytest.mark.parametrize("kind", KINDS)
def test_whichever_byte_of_a_frame_is_wrong_the_next_ones_are_read(kind):
    first, damaged, third, last = four(kind)
    wrong = np.random.default_rng(0).integers(0, 256, len(damaged))
    for place in range(len(damaged)):
        for value in (wrong[place], 0xFF):
            broken = bytearray(damaged)
            broken[place] = value
            found = split(first + broken + third + last)
            assert (found[0], found[-2:]) == (first, [third, last]), place


def test_a_thumbnail_of_a_damaged_frame_is_no_frame():
    exif = exif_with_thumbnail()
    whole, damaged = jpeg(20, exif=exif), jpeg(120, exif=exif)
    start = damaged.index(b"Exif")
    for data in (
        damaged[: start + len(exif)],
        damaged[: len(damaged) - 100],
        damaged[: start - 2] + b"\0\x10" + damaged[start:],
    ):
        found = split(whole + data + whole)
        assert found[0] == found[-1] == whole
        assert all(decoded(picture) is None for picture in found[1:-1])


def test_a_frame_that_is_too_large_is_passed_over(monkeypatch):
    monkeypatch.setattr("edge_tosca.devices.camera.jpeg_splitter.LARGEST_FRAME", 1 << 20)
    small, large = jpeg(20), jpeg(120, noise=40)
    scan = large.index(b"\xff\xda")
    endless = large[: scan + 14] + bytes(3 << 20)
    before, error, after = split(small + endless + small)
    assert before == after == small
    assert error == "a stream, frame 2: over 1 MB; have the camera write less"


def test_a_stream_of_a_file_goes_on_after_damaged_frames_and_counts_them(tmp_path):
    path = tmp_path / "broken.mjpeg"
    good, bad = jpeg(20, noise=40), jpeg(120, noise=40)
    path.write_bytes(good + bad[:700] + good + bad[:9] + good + bytes(500) + bad[:-300])
    events = []
    with closing(Stream.of(f"{path}?fps=500", events.append)) as stream:
        stream.start()
        number = 0
        while (frame := stream.newest(number, PATIENCE)) is not None:
            number = frame.number
        stats = stream.stats()
        assert (stats.frames, stats.ended, stats.error) == (6, True, None)
        assert stats.dropped >= 3
    assert all(event.startswith("broken.mjpeg, frame ") for event in events if "64x48" not in event)


def test_frames_of_a_pipe_come_as_soon_as_they_are_whole():
    reading, writing = os.pipe()
    first, second = jpeg(20, noise=40), jpeg(120, noise=40)
    with os.fdopen(reading, "rb") as file, os.fdopen(writing, "wb", buffering=0) as out:
        splitter = JpegSplitter(file, "a pipe")
        out.write(first)
        assert splitter.next() == first
        out.write(second[:500])
        later = threading.Timer(0.1, lambda: out.write(first))
        later.start()
        assert splitter.next() == second[:500]
        assert splitter.next() == first
        later.join()


PIECES = [b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xe1\0\x10Exif", b"\xff\xda\0\2", b"\xff\xc0", b"\xff\xdb\0C"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20)).map(b"".join))
def test_whatever_lies_between_two_frames_both_are_read(between):
    first, last = jpeg(20), jpeg(120)
    found = split(first + between + last)
    assert found[0] == first
    np.testing.assert_array_equal(decoded(found[-1]), decoded(last))
    assert sum(map(len, found)) <= len(first + between + last)


def test_a_file_made_to_be_slow_is_not(monkeypatch):
    looked = []
    walk = JpegSplitter._walk

    def counted(splitter, start):
        looked.append(start)
        return walk(splitter, start)

    monkeypatch.setattr(JpegSplitter, "_walk", counted)
    segment = b"\xff\xe1\xff\xff" + b"\xff\xd8\xff" * 21844 + b"\0"
    JpegSplitter(io.BytesIO(b"\xff\xd8" + 20 * segment), "a file").next()
    assert len(looked) < 2000


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_is_complete_with_its_last_byte_and_not_before(kind):
    data = jpeg(90, **dict(KINDS[kind]))
    assert is_complete_jpeg(data) and is_complete_jpeg(data + b"a trailer")
    assert not any(is_complete_jpeg(data[:end]) for end in range(3, len(data)))
    assert is_complete_jpeg(b"\x89PNG, which says itself where it ends")


@pytest.fixture
def frames_file(tmp_path):
    path = tmp_path / "frames.mjpeg"
    path.write_bytes(jpeg(20)[:400])
    return path


def test_a_frame_that_breaks_off_is_told_by_its_number(frames_file):
    with (
        closing(open_camera(f"{frames_file}?fps=500")) as camera,
        pytest.raises(PictureError, match=r"frames.mjpeg, frame 1: "),
    ):
        camera.read()
