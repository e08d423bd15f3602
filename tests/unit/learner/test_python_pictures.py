"""Pictures as a Python program has them, and the small manners of a learner."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import edge_tosca
from edge_tosca import Learner
from edge_tosca.errors import PictureError, StoreError
from edge_tosca.results import Answer, Guess, Skipped
from edge_tosca.runtime.pictures import load_picture


@pytest.fixture(scope="module")
def shop(tmp_path_factory, draw_pictures):
    folder = tmp_path_factory.mktemp("python")
    photos = draw_pictures(folder / "photos", ("apple", "brick", "cone"), count=5)
    with Learner.create(folder / "shop.tosca") as learner:
        learner.learn(photos)
        yield learner, photos


@pytest.fixture
def picture(shop):
    return shop[1] / "apple" / "002.jpg"


def same(one, other):
    return one.top == other.top and one.familiarity == other.familiarity


def test_a_picture_in_any_form_gets_the_answer_of_its_file(shop, picture):
    learner, _ = shop
    expected = learner.predict(picture)
    pixels = np.asarray(Image.open(picture))
    data = picture.read_bytes()
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    with picture.open("rb") as file:
        forms = {
            "text": str(picture),
            "bytes": data,
            "bytearray": bytearray(data),
            "memoryview": memoryview(data),
            "file": file,
            "BytesIO": io.BytesIO(data),
            "PIL": Image.open(picture),
            "uint8": pixels,
            "float64": pixels / 255,
            "float32": (pixels / 255).astype(np.float32),
            "RGBA": opaque,
            "float RGBA": opaque / 255,
            "PIL RGBA": Image.fromarray(opaque),
        }
        for name, form in forms.items():
            if name in ("text", "bytes", "bytearray", "memoryview", "file", "BytesIO"):
                assert same(learner.predict(form), expected), name
            else:
                # A file is decoded at a reduced size where it is large; these are its pixels.
                assert same(learner.predict(form), learner.predict(pixels)), name
    assert learner.predict(pixels).label == expected.label


def test_a_pil_image_stays_as_it_is_and_its_orientation_is_heeded():
    image = Image.new("RGB", (40, 20))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    out = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    image.save(out, "PNG", exif=exif)
    opened = Image.open(io.BytesIO(out.getvalue()))
    assert np.array_equal(np.asarray(load_picture(opened)), np.asarray(load_picture(out.getvalue())))
    assert opened.size == (40, 20)
    assert opened.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["L", "P", "LA", "CMYK", "1", "I;16", "YCbCr"])
def test_a_pil_image_of_any_mode_is_read(mode):
    assert load_picture(Image.new(mode, (8, 6))).mode == "RGB"


def test_transparent_pixels_of_an_array_are_white():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    shown = np.asarray(load_picture(pixels))
    assert (shown[:2] == 0).all()
    assert (shown[2:] == 255).all()
    assert np.array_equal(shown, np.asarray(load_picture(pixels / 255)))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.full((4, 4, 3), 2.0), "floats must lie in 0 .. 1"),
        (np.full((4, 4, 3), np.nan), "floats must lie in 0 .. 1"),
        (np.zeros((4, 4, 3), np.int64), "give uint8, or floats"),
        (np.zeros((3, 4, 4, 5), np.uint8), "give uint8, or floats"),
        (np.zeros((0, 4, 3), np.uint8), "an empty picture"),
        (io.StringIO("text"), 'open it with mode "rb"'),
        (io.BytesIO(), "empty"),
        (["a.jpg"], "list: not a picture; give a path"),
        (None, "NoneType: not a picture; give a path"),
        (7, "int: not a picture; give a path"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_to_give(source, words):
    with pytest.raises(PictureError, match=words.replace("(", r"\(")):
        load_picture(source)


def test_a_class_is_learned_from_a_list_an_iterator_an_array_a_picture_and_a_folder(shop, tmp_path):
    _, photos = shop
    paths = sorted((photos / "apple").iterdir())
    stack = np.stack([np.asarray(Image.open(path)) for path in paths])
    with Learner.create(tmp_path / "a.tosca") as learner:
        report = learner.learn(
            {
                "list": list(paths),
                "iterator": (path.read_bytes() for path in paths[:4]),
                "array": stack[:3],
                "one": photos / "cone" / "000.jpg",
                "pixels": stack[0],
                "folder": photos / "brick",
                "PIL": Image.open(paths[0]),
            },
            dry_run=True,
        )
    assert report.images == 5 + 4 + 3 + 1 + 1 + 5 + 1
    assert report.generation is None


def test_several_pictures_are_answered_from_an_iterator_an_array_and_a_single_path(shop, picture):
    learner, photos = shop
    paths = sorted((photos / "brick").iterdir())
    assert [one.label for one in learner.predict_many(iter(paths))] == ["brick"] * 5
    stack = np.stack([np.asarray(Image.open(path)) for path in paths])
    assert [one.label for one in learner.predict_many(stack)] == ["brick"] * 5
    assert [one.label for one in learner.predict_many(str(picture))] == ["apple"]
    assert isinstance(next(learner.predict_many([None])), Skipped)


def test_a_learner_says_what_it_knows(shop):
    learner, _ = shop
    assert learner.classes == ("apple", "brick", "cone")
    assert len(learner) == 3
    assert "apple" in learner
    assert "zebra" not in learner
    assert 7 not in learner
    shown = repr(learner)
    assert shown.startswith(f"<Learner {learner.store.path}: 3 classes (apple, brick, cone), generation 1, ")
    assert "efficientnet_lite0" in shown


def test_a_learner_without_classes_is_true_and_says_so_and_is_closed_by_its_block(tmp_path):
    with Learner.create(tmp_path / "empty.tosca") as learner:
        assert learner
        assert len(learner) == 0
        assert "no class yet" in repr(learner)
    assert repr(learner) == f"<Learner {tmp_path / 'empty.tosca'}: closed>"
    with pytest.raises(StoreError):
        _ = learner.classes
    with pytest.raises(StoreError, match="there is no store here"), Learner.open(tmp_path / "none.tosca"):
        pass


def test_an_answer_becomes_a_dictionary_that_json_takes():
    guess = Guess("mug", 0.75, 0.5)
    answer = Answer("mug", 0.75, False, "task 1", (guess,), 1.5, {"decode": 1.0}, 0.5, 0.25)
    found = answer.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["top"] == [{"label": "mug", "confidence": 0.75, "probability": 0.5}]
    assert "set" not in found
    assert "note" not in found


def test_the_package_lists_what_is_public():
    assert dir(edge_tosca) == sorted([*edge_tosca.__all__, "__version__"])


def test_a_lesson_reports_its_stages_in_their_order(shop, tmp_path):
    _, photos = shop
    seen, pictures = [], []
    with Learner.create(tmp_path / "a.tosca") as learner:
        learner.learn(
            photos,
            dry_run=True,
            on_progress=lambda done, total: pictures.append((done, total)),
            on_stage=lambda stage, done, total: seen.append((stage, done, total)),
        )
    assert pictures == [(done, 15) for done in range(1, 16)]
    assert [one[1:] for one in seen if one[0] == "features"] == pictures
    assert list(dict.fromkeys(one[0] for one in seen)) == ["features", "training", "judging"]
    assert seen[-1] == ("judging", 0, 0)
