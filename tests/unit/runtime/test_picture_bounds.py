"""Pictures that are made to cost: each is refused, or read, within a bound of memory and of work."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture
from edge_tosca.runtime.jpeg_scans import count_scans
from edge_tosca.runtime.picture_bounds import DECODED_PIXEL_LIMIT
from edge_tosca.runtime.picture_file import BYTES_LIMIT, READS_LIMIT, PictureFile

pytestmark = pytest.mark.slow

MEGABYTES = 700
"""That reading one picture may take, the interpreter, NumPy and Pillow included: the largest picture that is
accepted takes 330 to 430."""

ADDRESSES = 3 << 30
SECONDS = 120
"""Of the processor's time; the slowest of these takes two."""

READ = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]),) * 2)
from edge_tosca.errors import PictureError
from edge_tosca.runtime.pictures import load_picture
try:
    told = list(load_picture(sys.argv[1], 512).size)
except PictureError as error:
    told = str(error)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"told": told, "megabytes": peak // 1024}))
"""


def read_alone(path):
    """Read a picture in a process of its own that is killed where it breaks a bound."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), str(ADDRESSES), str(SECONDS)],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["megabytes"] < MEGABYTES
    return result["told"]


def refusal(source):
    with pytest.raises(PictureError) as caught:
        load_picture(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(width, height, tile, data):
    """A grey TIFF with one deflated tile."""
    tags = {
        256: width,
        257: height,
        258: 8,
        259: 8,
        262: 1,
        277: 1,
        322: tile,
        323: tile,
        324: 8,
        325: len(data),
    }
    data += b"\0" * (len(data) % 2)
    table = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags
    )
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + table + bytes(4)


def png(*chunks):
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def header(width, height):
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


def with_scans(data, more):
    """A progressive JPEG whose last scan is sent again and again."""
    scan = data.rfind(b"\xff\xda")
    table = data.rfind(b"\xff\xc4")
    return data[:-2] + data[min(scan, table) : -2] * more + data[-2:]


def test_a_progressive_jpeg_has_some_scans_and_a_baseline_one_has_one():
    image = Image.new("RGB", (64, 48), (9, 99, 199))
    assert count_scans(io.BytesIO(encoded(image, "JPEG"))) == 1
    progressive = encoded(image, "JPEG", progressive=True)
    assert count_scans(io.BytesIO(progressive)) == progressive.count(b"\xff\xda")
    assert load_picture(progressive).size == (64, 48)


def test_a_thumbnail_in_the_metadata_is_no_scan_of_the_picture():
    image = Image.new("RGB", (64, 48), (9, 99, 199))
    thumbnail = encoded(image, "JPEG", progressive=True)
    data = encoded(image, "JPEG", comment=thumbnail)
    assert count_scans(io.BytesIO(data)) == 1
    assert load_picture(data).size == (64, 48)


def test_a_jpeg_of_a_thousand_scans_is_refused_before_it_is_decoded(tmp_path):
    data = encoded(Image.new("L", (4000, 4000), 99), "JPEG", progressive=True)
    (tmp_path / "scans.jpg").write_bytes(with_scans(data, 10_000))
    assert "scans" in read_alone(tmp_path / "scans.jpg")


def test_a_progressive_jpeg_that_must_be_held_whole_may_not_be_larger_than_a_decoded_picture(tmp_path):
    image = Image.new("L", (6400, 4000))
    assert image.width * image.height > DECODED_PIXEL_LIMIT
    image.save(tmp_path / "large.jpg", progressive=True)
    assert "progressive" in refusal(tmp_path / "large.jpg")


def test_a_tiff_whose_tile_is_larger_than_the_picture_by_far_is_refused(tmp_path):
    path = tmp_path / "tile.tif"
    path.write_bytes(tiff(100, 100, 40_960, zlib.compress(bytes(1 << 20))))
    assert "unpack" in read_alone(path)
    path.write_bytes(tiff(100, 100, 128, zlib.compress(bytes(128 * 128))))
    assert load_picture(path).size == (100, 100)


@pytest.mark.parametrize("kind", [2, 7, 8, 11])
def test_a_tiff_whose_sizes_are_no_whole_numbers_is_refused_in_one_line(kind):
    data = tiff(100, 100, 128, zlib.compress(bytes(128 * 128)))
    width = struct.pack("<HHII", 322, 4, 1, 128)
    # Four bytes as text, as bytes, as a number below zero and as one with a point.
    assert width in data
    told = refusal(data.replace(width, struct.pack("<HHI4s", 322, kind, 1, b"\x0c\xff\x0c\xff")))
    assert "its header is damaged: tag 322 is no number; save it again" in told


def test_a_damaged_tiff_makes_no_library_write_to_stderr(tmp_path, capfd):
    data = encoded(Image.new("RGB", (64, 64), (1, 2, 3)), "TIFF", compression="tiff_adobe_deflate")
    spoilt = bytearray(data)
    spoilt[10:40] = bytes(30)
    refusal(bytes(spoilt))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_compressed_text_in_a_png_does_not_unfold_to_more_than_it_may(tmp_path, kind):
    bomb = b"name\0\0" + zlib.compress(bytes(1 << 30), 9)
    pixels = zlib.compress(bytes(8 * 25))
    (tmp_path / "text.png").write_bytes(png(header(8, 8), (kind, bomb), (b"IDAT", pixels), (b"IEND", b"")))
    told = read_alone(tmp_path / "text.png")
    assert told == [8, 8] or "text.png" in told


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "WEBP", "BMP", "JPEG"])
def test_huge_dimensions_in_a_small_file_are_refused(tmp_path, kind):
    data = bytearray(encoded(Image.new("L", (64, 64)), kind))
    huge = {
        "GIF": lambda: data.__setitem__(slice(6, 10), b"\xff\xff" * 2),
        "BMP": lambda: data.__setitem__(slice(18, 26), struct.pack("<II", 60_000, 60_000)),
        "JPEG": lambda: data.__setitem__(
            slice(data.find(b"\xff\xc0") + 5, data.find(b"\xff\xc0") + 9), b"\xff\xff" * 2
        ),
        "PNG": lambda: None,
        "WEBP": lambda: None,
        "TIFF": lambda: None,
    }
    huge[kind]()
    if kind == "PNG":
        data = png(header(60_000, 60_000), (b"IDAT", b""), (b"IEND", b""))
    if kind == "WEBP":
        extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xfe\x3f\0" * 2
        body = b"WEBP" + extended + bytes(data[12:])
        data = b"RIFF" + struct.pack("<I", len(body)) + body
    if kind == "TIFF":
        data = tiff(60_000, 60_000, 16, zlib.compress(bytes(256)))
    (tmp_path / "huge.img").write_bytes(data)
    told = read_alone(tmp_path / "huge.img")
    # Before Pillow 13 libwebp looks at the size first, and gives no reason.
    assert "megapixels" in told or (kind == "WEBP" and "cannot be read" in told)


def test_of_an_animation_of_many_frames_one_is_decoded(tmp_path):
    frames = [Image.new("P", (300, 200), shade) for shade in range(64)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        path = tmp_path / f"film.{kind.lower()}"
        # Pillow before 13 cannot write a film of both modes as PNG.
        frames[0].convert("RGB" if kind in ("WEBP", "PNG") else "P").save(
            path, kind, save_all=True, append_images=[frame.convert("RGB") for frame in frames[1:]]
        )
        assert read_alone(path) == [300, 200]


@pytest.mark.parametrize(
    "start", [b"\xff\xd8\xff\xe0\0\x04\0\0", b"RIFF\xff\xff\xff\x7fWEBPVP8 ", b"\x89PNG\r\n\x1a\n"]
)
def test_a_header_before_a_hole_of_terabytes_is_refused_unread(tmp_path, start):
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.write(start)
        file.truncate(4 << 40)
    assert "more than" in read_alone(path)


def test_a_picture_in_a_million_pieces_is_given_up(tmp_path):
    # Pillow skips what stands between two markers byte by byte.
    path = tmp_path / "junk.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\0\x04\0\0" + bytes(2 * READS_LIMIT))
    assert "pieces" in read_alone(path)
    assert 2 * READS_LIMIT < BYTES_LIMIT


def test_a_picture_that_is_cut_short_while_it_is_read_ends_no_process(tmp_path):
    # Mapped into memory, as Pillow and libtiff would do with a path, the lost pages would be a bus error.
    for name, options in (
        ("map.bmp", {}),
        ("map.tif", {"compression": None}),
        ("z.tif", {"compression": "tiff_lzw"}),
    ):
        path = tmp_path / name
        Image.new("L", (3000, 3000), 7).save(path, **options)
        program = (
            "import os, sys\n"
            "from edge_tosca.errors import PictureError\n"
            "from edge_tosca.runtime.pictures import decode_picture, open_picture\n"
            "image = open_picture(sys.argv[1])\n"
            "os.truncate(sys.argv[1], 5000)\n"
            "try: decode_picture(image, 'cut')\n"
            "except PictureError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout.startswith("cut: ")


def test_a_pictures_file_gives_no_descriptor_away():
    with pytest.raises(io.UnsupportedOperation):
        PictureFile(io.BytesIO(b"x")).fileno()


@pytest.mark.parametrize(
    "tail", [b"PK\x03\x04" + bytes(500), b"<html><script>alert(1)</script>", b"%PDF-1.7\n" + bytes(90)]
)
def test_a_picture_that_is_something_else_too_is_read_as_the_picture(tail):
    picture = encoded(Image.new("RGB", (32, 32), (200, 30, 30)), "JPEG")
    assert load_picture(picture + tail).getpixel((5, 5)) == load_picture(picture).getpixel((5, 5))


@pytest.mark.parametrize(
    "start",
    [b"PK\x03\x04", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'>", b"%!PS-Adobe-3.0 EPSF"],
)
def test_something_else_with_a_picture_inside_is_no_picture(start):
    assert "not a picture" in refusal(start + encoded(Image.new("RGB", (32, 32)), "JPEG"))
