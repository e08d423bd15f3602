"""HEIC and AVIF: read where their decoders are installed, named and refused where not, or where cut short."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

from edge_tosca.errors import PictureError
from edge_tosca.runtime import find_pictures, list_pictures, load_picture
from edge_tosca.runtime.colour_space import BT2020, DISPLAY_P3
from edge_tosca.runtime.file_kinds import AVIF, HEIC
from edge_tosca.runtime.heif_header import read_heif_header
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_formats import is_decoded

SCENE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
    (160, 120), Image.Resampling.BICUBIC
)
PIXELS = np.asarray(SCENE, np.int16)
ODD = struct.pack("<HHII", 0x11A, 10, 1, 0xFFFFFF00)


def exif(orientation, *others):
    entries = [struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0), *others]
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def encoded(kind, image=SCENE, **options):
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
        written = pillow_heif.from_pillow(image)
        for name, value in options.items():
            written.info[name] = value
        # Only the name of the option differs from Pillow's.
        written.save(file, quality=95, **({"exif": options["exif"]} if "exif" in options else {}))
    else:
        if not is_decoded(AVIF):
            pytest.skip("this Pillow has no AVIF")
        image.save(file, "AVIF", quality=95, **options)
    return file.getvalue()


KINDS = ["HEIF", "AVIF"]
NAMES = {"HEIF": "HEIC", "AVIF": "AVIF"}


@pytest.mark.parametrize("kind", KINDS)
def test_its_pixels_are_read(kind):
    assert np.abs(np.asarray(load_picture(encoded(kind)), np.int16) - PIXELS).mean() < 3
    grey = np.asarray(load_picture(encoded(kind, SCENE.convert("L"))), np.int16)
    assert np.abs(grey - np.asarray(SCENE.convert("L"), np.int16)[..., None]).mean() < 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_transparent_is_white(kind):
    image = SCENE.copy()
    image.putalpha(128)
    expected = PIXELS * 128 / 255 + 127
    assert np.abs(np.asarray(load_picture(encoded(kind, image)), np.int16) - expected).mean() < 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("block", [exif(6), exif(6, ODD), exif(6, ODD * 9)], ids=["plain", "odd", "odder"])
def test_it_is_turned_once_whatever_its_exif_is_like(kind, block):
    # Both encoders turn the orientation of EXIF into one of the container.
    found = np.asarray(load_picture(encoded(kind, exif=block)), np.int16)
    assert np.abs(found - np.rot90(PIXELS, -1)).mean() < 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_phones_wide_colours_become_srgb(kind):
    plain = np.asarray(load_picture(encoded(kind)), np.float64)
    light = np.where(plain <= 0.04045 * 255, plain / 255 / 12.92, ((plain / 255 + 0.055) / 1.055) ** 2.4)
    # From linear Display P3 to linear sRGB.
    matrix = [[1.2249402, -0.2249402, 0.0], [-0.0420570, 1.0420570, 0.0], [-0.0196376, -0.0786361, 1.0982735]]
    light = (light @ np.array(matrix).T).clip(0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    found = np.asarray(load_picture(encoded(kind, icc_profile=DISPLAY_P3.profile())), np.float64)
    assert np.abs(found - expected).mean() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_cut_anywhere_is_refused_by_its_name(kind, tmp_path):
    data = encoded(kind)
    path = tmp_path / f"IMG_0001.{kind.lower().replace('heif', 'heic')}"
    for kept in (1, 4, 8, 12, 20, 24, 32, 60, 100, 200, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:kept])
        with pytest.raises(PictureError, match=f"truncated or damaged {NAMES[kind]}") as caught:
            load_picture(path)
        assert "not a picture" not in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_never_raise_anything_else(kind):
    data, rng = encoded(kind), np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(data)
        for position in rng.integers(0, 400, 6):
            damaged[position] = rng.integers(0, 256)
        try:
            load_picture(bytes(damaged))
        except PictureError as error:
            assert "\n" not in str(error)


def test_a_folder_of_a_phone_is_taken(tmp_path):
    (tmp_path / "IMG_0001.HEIC").write_bytes(encoded("HEIF"))
    (tmp_path / "IMG_0002.jpg").write_bytes(encoded("HEIF"))
    assert [path.name for path in find_pictures(tmp_path)] == ["IMG_0001.HEIC", "IMG_0002.jpg"]
    assert load_picture(tmp_path / "IMG_0001.HEIC").size == load_picture(tmp_path / "IMG_0002.jpg").size


def box(name, body):
    return struct.pack(">I4s", 8 + len(body), name) + body


def container(brand=b"heic", properties=(), items=()):
    """A file of boxes: the first item is the primary one, with all properties."""
    info = b"".join(
        box(b"infe", struct.pack(">IHH4s", 2 << 24, number, 0, kind) + b"\0")
        for number, kind in enumerate(items, 1)
    )
    associations = struct.pack(">IIHB", 0, 1, 1, len(properties)) + bytes(range(1, len(properties) + 1))
    meta = (
        bytes(4)
        + box(b"pitm", struct.pack(">IH", 0, 1))
        + box(b"iinf", struct.pack(">IH", 0, len(items)) + info)
    )
    meta += box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", associations))
    return box(b"ftyp", brand + bytes(4) + b"mif1") + box(b"meta", meta) + box(b"mdat", bytes(9))


def nclx(primaries, curve):
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, curve, 1, 0x80))


def header(data, kind=HEIC):
    return read_heif_header(PictureFile(io.BytesIO(data)), kind)


def test_metadata_are_hidden_from_the_decoder_and_the_file_keeps_its_places():
    data = container(items=(b"hvc1", b"Exif", b"mime"))
    parts = b"".join(
        data[one.start : one.stop] if isinstance(one, range) else one for one in header(data).pieces
    )
    assert len(parts) == len(data)
    assert parts == data.replace(b"Exif", b"skip").replace(b"mime", b"skip")
    assert header(container(items=(b"hvc1",))).pieces == []


def test_colours_by_codes_are_known_and_a_profile_is_the_last_word():
    assert header(container(properties=(nclx(1, 13),))).colours is None
    assert header(container(properties=(nclx(2, 2),))).colours is None
    assert header(container(properties=(nclx(12, 13),))).colours == DISPLAY_P3
    assert header(container(properties=(nclx(9, 13),))).colours == BT2020
    assert header(container(properties=(nclx(12, 13), box(b"colr", b"prof" + bytes(9))))).colours is None
    for curve in (16, 18):
        with pytest.raises(PictureError, match="high dynamic range"):
            header(container(properties=(nclx(9, curve),)))


def test_a_picture_in_it_that_is_too_large_is_refused_before_it_is_decoded():
    large = box(b"ispe", struct.pack(">III", 0, 60_000, 60_000))
    with pytest.raises(PictureError, match="megapixels"):
        header(container(properties=(large,)))


def test_avif_that_is_to_be_cropped_is_refused_and_heic_is_cropped_by_its_decoder():
    crop = box(b"clap", bytes(32))
    with pytest.raises(PictureError, match="cropped"):
        header(container(b"avif", (crop,)), AVIF)
    header(container(properties=(crop,)))


@pytest.fixture
def without(monkeypatch):
    """An installation that has neither decoder."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(features, "check", lambda name: False)
    is_decoded.cache_clear()
    yield
    is_decoded.cache_clear()


def test_without_their_decoders_both_are_named_with_what_to_do(without, tmp_path):
    (tmp_path / "a.heic").write_bytes(container())
    (tmp_path / "b.heic").write_bytes(container()[:16])
    (tmp_path / "c.jpg").write_bytes(container())
    (tmp_path / "d.avif").write_bytes(container(b"avif"))
    found = list_pictures(tmp_path)
    assert [path.name for path in found.pictures] == ["c.jpg"]
    heic = "HEIC, whose decoder is not installed; pip install 'edge-tosca[heic]', or save it as JPEG"
    avif = "AVIF, whose decoder is not installed; install Pillow 11.3 or later, or save it as JPEG"
    reasons = {one.path.name: (one.reason, one.picture) for one in found.passed_over}
    assert reasons == {"a.heic": (heic, True), "b.heic": (heic, True), "d.avif": (avif, True)}
    for name, reason in (("a.heic", heic), ("c.jpg", heic), ("d.avif", avif)):
        with pytest.raises(PictureError) as caught:
            load_picture(tmp_path / name)
        assert str(caught.value) == f"{name}: {reason}"
