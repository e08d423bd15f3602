"""Pictures, folders and names that cannot be learned from: one line says why, the store stays as it was."""

import random
import shutil
import struct
import zlib

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def shop(taught, copy_store, remember, tmp_path_factory):
    """A store that no test of this file may change, and what it knows."""
    store = copy_store(taught, tmp_path_factory.mktemp("shop") / "shop.tosca")
    return store, remember(store)


@pytest.fixture
def refused(shop, edge, remember):
    """Run a verb on the shared store, and give the line in which it refused to change it."""
    store, before = shop

    def run(verb, *words):
        line = edge(verb, store, *words).complaint
        assert remember(store) == before
        return line

    return run


def bomb(path, side=30_000):
    """A PNG of 900 megapixels in some hundred kilobytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    data = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def truncated(picture, path):
    data = picture.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.fixture
def mixed(photos, tmp_path):
    """A good class of eight, and one of eight among which lie a half, a text, a bomb and an empty file."""
    folder = tmp_path / "mixed"
    shutil.copytree(photos / "task3", folder)
    spoiled = folder / "flag"
    bad = [
        truncated(spoiled / "000.jpg", spoiled / "half.jpg"),
        spoiled / "text.jpg",
        bomb(spoiled / "bomb.png"),
        spoiled / "empty.jpg",
    ]
    (spoiled / "text.jpg").write_text("dear diary\n")
    (spoiled / "empty.jpg").touch()
    return folder, bad


def test_a_missing_folder(refused, tmp_path):
    assert str(tmp_path / "nowhere") in refused("learn", tmp_path / "nowhere")


def test_an_empty_folder_is_zero_classes(refused, tmp_path):
    assert str(tmp_path) in refused("learn", tmp_path)


def test_pictures_that_lie_in_no_class_folder_are_zero_classes(refused, asked):
    assert str(asked / "apple") in refused("learn", asked / "apple")


def test_hidden_folders_alone_are_zero_classes(refused, tmp_path):
    (tmp_path / ".thumbnails").mkdir()
    assert str(tmp_path) in refused("learn", tmp_path)


def test_a_picture_where_a_folder_is_meant(refused, asked):
    path = asked / "apple" / "100.jpg"
    assert str(path) in refused("learn", path)


def test_a_class_without_a_readable_picture_teaches_nothing_of_its_neighbours(refused, photos, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(photos / "task3" / "flag", folder / "flag")
    (folder / "ghost").mkdir()
    (folder / "ghost" / "text.jpg").write_text("dear diary\n")
    line = refused("learn", folder)
    assert str(folder / "ghost") in line
    assert "text.jpg" in line


def test_a_class_folder_without_any_picture(refused, photos, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(photos / "task3" / "flag", folder / "flag")
    (folder / "ghost").mkdir()
    assert str(folder / "ghost") in refused("learn", folder)


@pytest.mark.parametrize("single", [True, False])
def test_a_class_of_pictures_of_another_kind_says_which(refused, tmp_path, single):
    (tmp_path / "ghost").mkdir()
    (tmp_path / "ghost" / "shot.jxl").write_bytes(b"\xff\x0a" + bytes(40))
    words = ("--class", "ghost", tmp_path / "ghost") if single else (tmp_path,)
    assert "JPEG XL is not read; save it as JPEG" in refused("learn", *words)


def test_a_bomb_alone(refused, tmp_path):
    (tmp_path / "bomb").mkdir()
    bomb(tmp_path / "bomb" / "bomb.png")
    assert "bomb.png" in refused("learn", tmp_path)


def test_a_missing_picture_by_name(refused, tmp_path):
    assert str(tmp_path / "no.jpg") in refused("learn", "--class", "flag", tmp_path / "no.jpg")


def test_a_half_picture_by_name(refused, asked, tmp_path):
    half = truncated(asked / "flag" / "100.jpg", tmp_path / "half.jpg")
    assert "half.jpg" in refused("learn", "--class", "flag", half)


@pytest.mark.parametrize(
    "name",
    ["", "two\nlines", "\x1b[31mred", "x" * 300, "中" * 300],
    ids=["empty", "newline", "colour", "300", "300 Chinese"],
)
def test_a_class_name_that_is_none(refused, asked, name):
    line = refused("learn", "--class", name, asked / "flag")
    assert line.isprintable()
    assert len(line) < 200


def test_a_class_folder_with_a_newline_in_its_name(refused, asked, tmp_path):
    shutil.copytree(asked / "flag", tmp_path / "two\nlines")
    assert "control characters" in refused("learn", tmp_path)


def test_forgetting_a_class_that_was_never_taught(refused):
    line = refused("forget", "unicorn")
    assert "unicorn" in line
    assert "apple" in line


@pytest.mark.parametrize("generation", ["99", "3"])
def test_rolling_back_to_a_generation_that_never_was(refused, generation):
    assert generation in refused("rollback", generation)


def test_evaluating_only_classes_that_were_never_taught(refused, asked, tmp_path):
    shutil.copytree(asked / "zebra", tmp_path / "zebra")
    assert str(tmp_path) in refused("evaluate", tmp_path)


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_asking_about_an_empty_folder(refused, tmp_path, verb):
    assert str(tmp_path) in refused(verb, tmp_path)


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_evaluated(refused, tmp_path):
    # Pictures that cannot be read would be the next complaint.
    (tmp_path / "taken.jpg").write_text("a file")
    (tmp_path / "photos" / "apple").mkdir(parents=True)
    for place in (tmp_path / "taken.jpg", tmp_path / "taken.jpg" / "below"):
        line = refused("evaluate", tmp_path / "photos", "--report", place)
        assert f"{tmp_path / 'taken.jpg'} is not a folder" in line


def test_an_empty_folder_among_others_is_told_and_the_others_are_answered(shop, edge, asked, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = edge("predict", shop[0], tmp_path / "empty", asked / "apple", "--json")
    assert ran.code == 1
    assert ran.lines[0]["path"] == str(tmp_path / "empty")
    assert "holds no picture" in ran.lines[0]["error"]
    assert len(ran.lines) == 1 + 3
    ran = edge("predict", shop[0], tmp_path / "empty", asked / "apple", "--burst")
    assert (ran.code, len(ran.out.splitlines())) == (1, 1)
    assert f"{tmp_path / 'empty'}: holds no picture" in ran.err


def test_a_name_that_begins_with_a_dash_is_helped(shop, edge):
    ran = edge("forget", shop[0], "-mug")
    assert ran.code == 2
    assert "go after --" in ran.err
    assert "has no class '-mug'" in edge("forget", shop[0], "--", "-mug").complaint


def test_embedding_nothing_writes_nothing(edge, tmp_path):
    (tmp_path / "photos" / "ghost").mkdir(parents=True)
    (tmp_path / "photos" / "ghost" / "text.jpg").write_text("dear diary\n")
    assert str(tmp_path) in edge("embed", tmp_path / "photos", "--out", tmp_path / "f.npz").complaint
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_embedding_into_a_folder_that_is_not_there_names_it(edge, photos, tmp_path):
    line = edge("embed", photos / "task1", "--out", tmp_path / "no" / "f.npz").complaint
    assert str(tmp_path / "no") in line


def test_spoiled_pictures_are_skipped_and_reported_and_the_rest_is_learned(
    taught, copy_store, edge, mixed, tmp_path
):
    folder, bad = mixed
    store = copy_store(taught, tmp_path / "shop.tosca")
    report = edge("learn", store, folder, "--json").json
    assert report["images"] == 16
    assert report["classes"] == ["flag", "gauge"]
    assert {skipped["path"] for skipped in report["skipped"]} == {str(path) for path in bad}
    assert all(skipped["reason"] for skipped in report["skipped"])
    known = {entry["label"]: entry["images"] for entry in edge("classes", store, "--json").json["classes"]}
    assert known["flag"] == known["gauge"] == 8


def test_spoiled_pictures_leave_no_trace_in_the_module(taught, copy_store, edge, mixed, photos, tmp_path):
    spoiled = copy_store(taught, tmp_path / "spoiled.tosca")
    clean = copy_store(taught, tmp_path / "clean.tosca")
    digests = [
        edge("learn", store, folder, "--json").json["module"]["digest"]
        for store, folder in ((spoiled, mixed[0]), (clean, photos / "task3"))
    ]
    assert digests[0] == digests[1]


def test_spoiled_pictures_are_told_in_the_text_for_people_too(taught, copy_store, edge, mixed, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    ran = edge("learn", store, mixed[0])
    assert ran.code == 0
    for path in mixed[1]:
        assert str(path) in ran.out


def test_files_that_look_like_pictures_and_are_not_taken_are_told(
    taught, copy_store, edge, photos, asked, tmp_path
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    folder = tmp_path / "photos"
    shutil.copytree(photos / "task3", folder)
    (folder / "flag" / "phone.heic").touch()
    (folder / "flag" / "Thumbs.db").touch()
    (folder / "gauge" / "link.jpg").symlink_to(asked / "gauge" / "100.jpg")
    shutil.copy(asked / "gauge" / "101.jpg", folder)
    told = {folder / "flag" / "phone.heic", folder / "gauge" / "link.jpg", folder / "101.jpg"}
    report = edge("learn", store, folder, "--json").json
    assert {entry["path"] for entry in report["skipped"]} == set(map(str, told))
    assert report["images"] == 16


def test_predict_evaluate_and_embed_pass_over_spoiled_pictures(
    taught, copy_store, edge, mixed, tmp_path, photos
):
    folder, bad = mixed
    store = copy_store(taught, tmp_path / "shop.tosca")
    assert edge("learn", store, photos / "task3").code == 0
    ran = edge("predict", store, folder, "--json")
    assert ran.code == 1
    assert {line["path"] for line in ran.lines if "error" in line} == {str(path) for path in bad}
    assert sum("label" in line for line in ran.lines) == 16
    found = edge("evaluate", store, folder, "--json").json
    assert found["images"] == 16
    assert len(found["skipped"]) == len(bad)
    report = edge("embed", folder, "--out", tmp_path / "f.npz", "--json").json
    assert report["images"] == 16
    assert len(report["skipped"]) == len(bad)


@pytest.mark.parametrize("name", ["../fruit/apple", "苹果", "apple's 🍎 2 %"])
def test_a_class_may_have_any_printable_name(taught, copy_store, edge, asked, tmp_path, name):
    store = copy_store(taught, tmp_path / "shop.tosca")
    assert edge("learn", store, "--class", name, asked / "zebra", "--json").json["classes"] == [name]
    assert edge("predict", store, asked / "zebra" / "100.jpg", "--json").json["label"] == name
    assert edge("forget", store, name).code == 0
    labels = [entry["label"] for entry in edge("classes", store, "--json").json["classes"]]
    assert labels == ["apple", "brick", "cone", "door"]


def test_two_spellings_of_one_name_lose_no_picture(taught, copy_store, edge, asked, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    folder = tmp_path / "photos"
    shutil.copytree(asked / "zebra", folder / "cafe\u0301")
    shutil.copytree(asked / "leaf", folder / "caf\u00e9")
    report = edge("learn", store, folder, "--json").json
    assert report["classes"] == ["caf\u00e9"]
    assert report["images"] == 6


def test_a_class_of_one_picture_is_learned(taught, copy_store, edge, asked, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    path = asked / "zebra" / "100.jpg"
    report = edge("learn", store, "--class", "zebra", path, "--json").json
    assert report["images"] == 1
    assert edge("predict", store, path, "--json").json["label"] == "zebra"


def test_a_store_may_begin_with_one_picture_of_one_class(edge, asked, tmp_path):
    store = tmp_path / "shop.tosca"
    path = asked / "zebra" / "100.jpg"
    assert edge("init", store).code == 0
    assert edge("learn", store, "--class", "zebra", path).code == 0
    answer = edge("predict", store, path, "--json").json
    assert (answer["label"], answer["confidence"]) == ("zebra", 1.0)


def test_the_same_picture_many_times_is_learned(edge, asked, tmp_path):
    store = tmp_path / "shop.tosca"
    for label in ("zebra", "leaf"):
        for number in range(6):
            (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(asked / label / "100.jpg", tmp_path / "photos" / label / f"{number}.jpg")
    assert edge("init", store).code == 0
    assert edge("learn", store, tmp_path / "photos", "--json").json["images"] == 12
    assert edge("predict", store, asked / "zebra" / "100.jpg", "--json").json["label"] == "zebra"


def test_blank_pictures_are_learned_and_answered_without_a_complaint(edge, tmp_path):
    store = tmp_path / "shop.tosca"
    for label, colour in (("black", (0, 0, 0)), ("white", (255, 255, 255))):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (64, 64), colour).save(tmp_path / "photos" / label / f"{number}.png")
    assert edge("init", store).code == 0
    learned = edge("learn", store, tmp_path / "photos", "--json")
    assert (learned.code, learned.err) == (0, "")
    ran = edge("predict", store, tmp_path / "photos", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [answer["label"] for answer in ran.lines] == ["black"] * 4 + ["white"] * 4


def test_asking_a_store_that_was_taught_nothing(edge, asked, tmp_path):
    store = tmp_path / "shop.tosca"
    assert edge("init", store).code == 0
    for words in (("predict", store, asked / "apple"), ("evaluate", store, asked), ("rollback", store)):
        assert str(store) in edge(*words).complaint
    assert edge("classes", store, "--json").json == {
        "generation": 0,
        "classes": [],
        "modules": [],
        "none": {"images": 0, "lessons": []},
    }


@pytest.mark.parametrize("seed", range(2))
def test_random_bytes_behind_a_jpeg_header_are_refused_in_one_line(refused, asked, tmp_path, seed):
    chance = random.Random(seed)
    data = bytearray((asked / "flag" / "100.jpg").read_bytes()[:200] + chance.randbytes(3000))
    (tmp_path / "noise.jpg").write_bytes(data)
    assert "noise.jpg" in refused("predict", tmp_path / "noise.jpg")
