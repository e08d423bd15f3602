"""Every picture that a camera or a phone writes is read; every other file is refused in one line."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime import find_pictures, load_picture
from edge_tosca.runtime.pictures import DECODED_PIXEL_LIMIT

WHITE = (255, 255, 255)


def encoded(image, fmt="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def colours(data):
    image = load_picture(data)
    assert image.mode == "RGB"
    return {image.getpixel((x, y)) for x in range(image.width) for y in range(image.height)}


def palette_picture():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 9, 99, 199])
    return image


def png_of_size(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = [header, pixels, b"IEND"]
    body = b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def photo(width=60, height=40):
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


def refusal(source):
    with pytest.raises(PictureError) as caught:
        load_picture(source)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_come_back_pixel_for_pixel(fmt):
    np.testing.assert_array_equal(np.asarray(load_picture(encoded(photo(), fmt))), np.asarray(photo()))


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_are_read(fmt):
    assert load_picture(encoded(photo(), fmt)).size == (60, 40)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(Image.new("1", (4, 4), 1)), WHITE),
        (encoded(Image.new("L", (4, 4), 77)), (77, 77, 77)),
        (encoded(palette_picture()), (9, 99, 199)),
        (encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF"), (255, 0, 0)),
        (encoded(Image.fromarray(np.full((4, 4), 0xC8FF, np.uint16))), (0xC8, 0xC8, 0xC8)),
        (encoded(Image.fromarray(np.full((4, 4), 0xC8FF, np.int32)), "TIFF"), (0xC8, 0xC8, 0xC8)),
    ],
    ids=["bilevel", "grey", "palette", "CMYK", "16-bit grey", "32-bit grey with 16-bit values"],
)
def test_a_picture_of_one_colour_keeps_it(data, colour):
    assert colours(data) == {colour}


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 0))),
        encoded(Image.new("LA", (4, 4), (1, 0))),
        encoded(palette_picture(), transparency=1),
        encoded(palette_picture(), "GIF", transparency=1),
        encoded(Image.new("RGB", (4, 4), (1, 2, 3)), transparency=(1, 2, 3)),
        encoded(Image.new("L", (4, 4), 7), transparency=7),
    ],
    ids=["RGBA", "LA", "palette", "GIF", "colour key", "grey key"],
)
def test_what_is_transparent_becomes_white(data):
    assert colours(data) == {WHITE}


def test_half_transparent_red_on_white_is_pink():
    ((red, green, blue),) = colours(encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 128))))
    assert (red, green, blue) == (255, 127, 127)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    image = Image.new("RGB", (60, 40))
    image.paste((255, 255, 255), (0, 0, 30, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = load_picture(encoded(image, "PNG", exif=exif))
    # Which corner the first stored corner belongs in, from the EXIF 2.3 table of tag 274.
    bottom, right = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[
        orientation
    ]
    assert upright.size == ((60, 40) if orientation <= 4 else (40, 60))
    corner = (right * (upright.width - 1), bottom * (upright.height - 1))
    opposite = (upright.width - 1 - corner[0], upright.height - 1 - corner[1])
    assert upright.getpixel(corner) == WHITE
    assert upright.getpixel(opposite) == (0, 0, 0)


def test_arrays_are_pictures_too():
    pixels = np.asarray(photo())
    np.testing.assert_array_equal(np.asarray(load_picture(pixels)), pixels)
    assert load_picture(pixels[:, :, 0]).mode == "RGB"


@pytest.mark.parametrize(
    "pixels",
    [np.full((4, 4, 3), 2, np.float32), np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_an_array_of_another_kind_is_refused(pixels):
    refusal(pixels)


def test_a_large_jpeg_is_decoded_at_half_size(tmp_path):
    path = tmp_path / "large.jpg"
    width, height = 6400, 4000
    assert width * height > DECODED_PIXEL_LIMIT
    Image.new("RGB", (width, height), (10, 20, 30)).save(path, quality=50)
    assert load_picture(path).size == (width // 2, height // 2)


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_truncated_picture_is_refused(tmp_path, fmt):
    data = encoded(photo(300, 200), fmt)
    path = tmp_path / "cut.jpg"
    for kept in (0.5, 0.9):
        path.write_bytes(data[: int(kept * len(data))])
        assert refusal(path).startswith("cut.jpg: ")


def test_text_named_jpg_is_refused(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("milk, eggs, bread")
    assert refusal(path).startswith("notes.jpg: not a picture")


def test_a_decompression_bomb_is_refused_from_its_header(tmp_path):
    for width, height in [(5000, 5000), (10_000, 10_000), (60_000, 60_000)]:
        path = tmp_path / "bomb.png"
        path.write_bytes(png_of_size(width, height))
        assert "megapixels" in refusal(path)


def test_a_picture_of_one_row_is_refused():
    assert "one side is over" in refusal(png_of_size(50_000, 1))


def test_what_is_not_a_regular_file_is_refused(tmp_path):
    fifo = tmp_path / "pipe.jpg"
    os.mkfifo(fifo)
    assert "not a regular file" in refusal(fifo)
    assert "not a regular file" in refusal("/dev/zero")
    assert "a folder" in refusal(tmp_path)


def test_missing_empty_and_unreadable_files_are_refused(tmp_path):
    assert refusal(tmp_path / "none.jpg") == "none.jpg: no such file; check its name and folder"
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert refusal(empty) == "empty.jpg: empty; take or copy it again"
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    empty.write_bytes(encoded(photo(), "JPEG"))
    empty.chmod(0)
    assert "permission denied" in refusal(empty)


def test_damaged_bytes_never_raise_anything_else():
    rng = np.random.default_rng(0)
    for fmt in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        data = encoded(photo(), fmt)
        for _ in range(40):
            damaged = bytearray(data)
            for position in rng.integers(0, len(data), 8):
                damaged[position] = rng.integers(0, 256)
            try:
                load_picture(bytes(damaged))
            except PictureError as error:
                assert "\n" not in str(error)


def test_pictures_are_found_by_extension_in_sorted_order(tmp_path):
    for name in ("b/2.JPG", "a/1.png", "a/notes.txt", "a/.hidden.png", ".thumbs/3.jpg", "c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in find_pictures(tmp_path)]
    assert found == ["a/1.png", "b/2.JPG", "c.webp"]


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.jpg").touch()
    (inside / "own.jpg").touch()
    (inside / "link.jpg").symlink_to(outside / "secret.jpg")
    (inside / "again.jpg").symlink_to("own.jpg")
    (inside / "folder").symlink_to(outside)
    assert [path.name for path in find_pictures(inside)] == ["again.jpg", "own.jpg"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PictureError, match="no such folder"):
        find_pictures(tmp_path / "none")
