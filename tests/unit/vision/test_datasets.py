"""Labelled pictures as users and other programs file them, each laid out as its program documents it."""

import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from edge_tosca.errors import LearnError, PictureError
from edge_tosca.learner.lesson_source import lesson_pictures
from edge_tosca.runtime.region import Region
from edge_tosca.vision.datasets import archive as archive_module
from edge_tosca.vision.datasets.archive import Archive
from edge_tosca.vision.datasets.archive_layout import read_classes, read_pictures
from edge_tosca.vision.datasets.csv_list import parse_list, read_list
from edge_tosca.vision.datasets.dataset import unsafe_name
from edge_tosca.vision.datasets.members import FolderMembers
from edge_tosca.vision.datasets.open_dataset import open_dataset, parse_dataset


def jpeg(colour=(90, 120, 40), size=(100, 80)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def make_zip(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def names(dataset):
    """Class name to the names of its pictures, without their folder."""
    return {
        label: sorted(
            Path(getattr(one, "name", one) if not isinstance(one, Path) else one).name for one in some
        )
        for label, some in dataset.pictures.items()
    }


def reasons(dataset):
    return {entry.path: entry.reason for entry in dataset.all_skipped}


@pytest.mark.parametrize("around", ["", "photos/", "backup/photos/"])
def test_an_archive_of_class_folders_is_read_with_and_without_folders_around_them(tmp_path, around):
    picture = jpeg()
    members = {f"{around}{label}/{n}.jpg": picture for label in ("mug", "fork") for n in range(2)}
    extra = {"__MACOSX/._0.jpg": b"", f"{around}.DS_Store": b"", f"{around}mug/notes.txt": b"a text\n"}
    extra |= {"LICENSE": b"a text\n", f"{around}manifest.csv": b"a,b\n"}
    path = make_zip(tmp_path / "photos.zip", {**members, **extra})
    found = open_dataset(path)
    assert names(found) == {"mug": ["0.jpg", "1.jpg"], "fork": ["0.jpg", "1.jpg"]}
    (entry,) = found.all_skipped
    assert entry.path == f"{path}/{around}mug/notes.txt"
    assert entry.reason.startswith("not a picture but ")
    (mug, *_) = found.pictures["mug"]
    assert (mug.name, mug.read()) == (f"{path}/{around}mug/0.jpg", picture)
    # Nothing was written beside it.
    assert [entry.name for entry in tmp_path.iterdir()] == ["photos.zip"]


def test_a_project_of_teachable_machine_is_read_from_the_file_that_it_downloads(tmp_path):
    # "Download project as file" makes a .tm, a zip of all pictures and JSON, by its maintainer:
    # https://github.com/googlecreativelab/teachablemachine-community/issues/38. Members are called
    # CLASS-!-NUMBER, as kevinrobinson's reader of such files splits them.
    members = {"manifest.json": json.dumps({"type": "image", "version": "2.4.10", "appdata": {}})}
    members |= {f"Class {c}-!-{n}.png": jpeg() for c in (1, 2) for n in range(3)}
    found = open_dataset(make_zip(tmp_path / "project.tm", members))
    assert names(found) == {f"Class {c}": [f"Class {c}-!-{n}.png" for n in range(3)] for c in (1, 2)}
    assert found.all_skipped == []


def test_samples_of_one_class_of_teachable_machine_are_read_with_a_name(tmp_path):
    # "Download samples" of a class makes a zip of its pictures alone; same source.
    path = make_zip(tmp_path / "Mug-samples.zip", {f"{n}.jpg": jpeg() for n in range(3)})
    found = open_dataset(path)
    assert found.pictures == {}
    assert set(reasons(found).values()) == {"it lies in no class folder; move it into one"}
    assert names(read_pictures(Archive.open(path), "mug")) == {"mug": ["0.jpg", "1.jpg", "2.jpg"]}


def frigate(folder):
    """Lay out CLIPS_DIR/MODEL as frigate/api/classification.py, github.com/blakeblackshear/frigate."""
    for label in ("open", "closed", "none"):
        (folder / "dataset" / label).mkdir(parents=True)
        for n in range(2):
            name = f"{label}-1765584000.{n}-ab12c{n}.png"
            Image.new("RGB", (64, 64)).save(folder / "dataset" / label / name)
    (folder / "train").mkdir()
    Image.new("RGB", (64, 64)).save(folder / "train" / "1765584000.1-x-open-0.98.webp")
    return folder


def test_a_model_folder_of_frigate_is_read_by_its_dataset(tmp_path):
    folder = frigate(tmp_path / "front_door")
    found = lesson_pictures(folder, None, False)
    assert {label: len(some) for label, some in found.by_class.items()} == {"closed": 2, "open": 2}
    skipped = [entry for entries in found.passed_over.values() for entry in entries]
    (entry,) = skipped
    assert entry.path == str(folder / "dataset" / "none")
    assert entry.reason.startswith(
        "Frigate's class 'none', of 2 pictures, is no class here; learn it with --none"
    )
    # Its dataset folder alone is a folder of class folders like any other.
    with pytest.raises(LearnError, match="reserved"):
        from edge_tosca.learner.input_checks import require_names

        require_names(lesson_pictures(folder / "dataset", None, False).by_class, ())


def test_an_archive_of_a_model_of_frigate_is_read_alike(tmp_path):
    folder = frigate(tmp_path / "front_door")
    members = {
        str(path.relative_to(tmp_path)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    found = open_dataset(make_zip(tmp_path / "clips.zip", members))
    assert {label: len(some) for label, some in found.pictures.items()} == {"closed": 2, "open": 2}
    assert sorted(reason.split(";")[0][:40] for reason in reasons(found).values()) == sorted(
        ["1 pictures of Frigate, in no class yet"] + 2 * ["class name 'none' is reserved: answers and "[:40]]
    )


def test_a_class_called_dataset_is_a_class(tmp_path):
    for label in ("dataset", "mug"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "0.jpg").write_bytes(jpeg())
    assert set(lesson_pictures(tmp_path, None, False).by_class) == {"dataset", "mug"}


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,mug\nsub/b.jpg,fork\n",
        "path,class\na.jpg,mug\nsub/b.jpg,fork\n",
        "\ufefflabel;x;file\nmug;1;a.jpg\nfork;2;sub/b.jpg\n",
        "a.jpg\tmug\r\nsub/b.jpg\tfork\r\n\r\n",
    ],
)
def test_a_list_names_path_and_class_with_or_without_a_header(tmp_path, text):
    (tmp_path / "sub").mkdir()
    for name in ("a.jpg", "sub/b.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    found = read_list(tmp_path / "list.csv")
    assert found.pictures == {"mug": [tmp_path / "a.jpg"], "fork": [tmp_path / "sub" / "b.jpg"]}
    assert found.all_skipped == []


def test_paths_that_leave_the_lists_folder_are_skipped_with_a_reason(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "a.jpg").write_bytes(jpeg())
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(inside / "pipe.jpg")
    lines = ["a.jpg", str(tmp_path / "secret.jpg"), "../secret.jpg", "link.jpg", "gone.jpg", "pipe.jpg", ""]
    text = "".join(f"{line},mug\n" for line in lines) + "a.jpg,unknown\n"
    found = parse_list(text.encode(), "list", FolderMembers(inside))
    assert found.pictures == {"mug": [inside / "a.jpg"]}
    why = reasons(found)
    assert why[str(tmp_path / "secret.jpg")].startswith("an absolute path")
    assert why["../secret.jpg"].startswith("a path that leaves its folder")
    assert why["link.jpg"].startswith("a link that leaves")
    assert why["gone.jpg"].startswith("there is no such file")
    assert why["pipe.jpg"].startswith("there is no such file")
    assert why["list:7"].startswith("no path and class")
    assert "reserved" in why["a.jpg"]
    followed = parse_list(text.encode(), "list", FolderMembers(inside, follow_links=True))
    assert followed.pictures["mug"] == [inside / "a.jpg", inside / "link.jpg"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe\x00", b'"' + b"x" * 200_000])
def test_what_is_no_list_is_an_error(tmp_path, data):
    with pytest.raises(LearnError):
        parse_list(data, "list", FolderMembers(tmp_path))


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "C:/a.jpg", "..\\a.jpg", "\\\\host\\a.jpg", "", "a\0b"],
)
def test_unsafe_names_have_a_reason(name):
    assert unsafe_name(name)


def test_members_that_leave_the_archive_are_links_or_encrypted_are_skipped_with_a_reason(tmp_path):
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("mug/a.jpg", jpeg())
        made.writestr("../outside.jpg", jpeg())
        made.writestr("/etc/mug/b.jpg", jpeg())
        link = zipfile.ZipInfo("mug/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        secret = zipfile.ZipInfo("mug/secret.jpg")
        made.writestr(secret, jpeg())
    data = bytearray(path.read_bytes())
    # Set the bit of encryption in the table of contents.
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"mug/secret.jpg"))
    data[entry + 8] |= 1
    path.write_bytes(bytes(data))
    found = open_dataset(path)
    assert names(found) == {"mug": ["a.jpg"]}
    why = {place.removeprefix(f"{path}/"): reason for place, reason in reasons(found).items()}
    assert why["../outside.jpg"].startswith("a path that leaves")
    assert why["/etc/mug/b.jpg"].startswith("an absolute path")
    assert why["mug/link.jpg"].startswith("a link")
    assert why["mug/secret.jpg"].startswith("encrypted")


def test_an_archive_is_bounded_in_members_bytes_and_table_of_contents(tmp_path, monkeypatch):
    path = make_zip(tmp_path / "many.zip", {f"mug/{n}.jpg": b"x" for n in range(50)})
    monkeypatch.setattr(archive_module, "ENTRIES_LIMIT", 49)
    with pytest.raises(LearnError, match="over 49 members"):
        Archive.open(path)
    monkeypatch.setattr(archive_module, "DIRECTORY_LIMIT", 100)
    with pytest.raises(LearnError, match="table of contents"):
        Archive.open(path)
    monkeypatch.undo()
    # A table of contents of a terabyte, as the end of the file claims, is not read either.
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, 0xFFFFFFF0)
    path.write_bytes(bytes(data))
    with pytest.raises(LearnError, match="table of contents"):
        Archive.open(path)


def test_a_member_that_unpacks_to_more_than_it_says_is_not_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mug/a.jpg", bytes(10_000_000))
        made.writestr("mug/b.jpg", jpeg())
    monkeypatch.setattr(archive_module, "BYTES_LIMIT", 1_000_000)
    archive = Archive.open(path)
    assert archive.refused == {"mug/a.jpg": "more than 1 MB"}
    monkeypatch.setattr(archive_module, "UNPACKED_LIMIT", 1)
    archive = Archive.open(path)
    first, second = archive.picture("mug/b.jpg"), archive.picture("mug/b.jpg")
    assert first.read() == jpeg()
    with pytest.raises(PictureError, match="unpacks to over"):
        second.read()


@pytest.mark.parametrize(
    "data", [b"PK", b"PK\x03\x04" + bytes(100), b"PK\x05\x06" + bytes(18), b"PK\x05\x06"]
)
def test_a_damaged_archive_is_an_error_or_has_no_picture(tmp_path, data):
    path = tmp_path / "damaged.zip"
    path.write_bytes(data)
    with pytest.raises(LearnError, match=r"zip archive|no picture"):
        lesson_pictures(path, None, False)


def test_a_pipe_gives_an_archive_or_a_list(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    assert parse_dataset(b"a.jpg,mug\n", "standard input", tmp_path).pictures == {"mug": [tmp_path / "a.jpg"]}
    archive = make_zip(tmp_path / "a.zip", {"mug/0.jpg": jpeg()}).read_bytes()
    assert names(parse_dataset(archive, "standard input", tmp_path)) == {"mug": ["0.jpg"]}


def coco(file_name="a.jpg"):
    """As https://cocodataset.org/#format-data."""
    return {
        "info": {"year": 2026, "version": "1.0"},
        "licenses": [],
        "images": [{"id": 7, "width": 100, "height": 80, "file_name": file_name}],
        "categories": [{"id": 1, "name": "mug"}, {"id": 2, "name": "fork", "supercategory": "cutlery"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 20, 50, 40], "area": 2000, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [60.0, 0.0, 60.0, 80.0], "iscrowd": 0},
            {"id": 3, "image_id": 7, "category_id": 2, "bbox": [0, 0, 100, 80], "iscrowd": 1},
            {"id": 4, "image_id": 7, "category_id": 9, "bbox": [0, 0, 9, 9]},
            {"id": 5, "image_id": 7, "category_id": 1, "bbox": [200, 0, 9, 9]},
            {"id": 6, "image_id": 7, "category_id": 1},
            "nothing",
        ],
    }


@pytest.mark.parametrize(
    ("json_at", "picture_at"),
    [
        ("annotations/instances_val2017.json", "val2017/a.jpg"),
        ("annotations/instances_default.json", "images/default/a.jpg"),
        ("train/_annotations.coco.json", "train/a.jpg"),
        ("result.json", "images/a.jpg"),
        ("labels.json", "data/a.jpg"),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_boxes_of_coco_are_pictures_of_their_category(tmp_path, json_at, picture_at, archived):
    # COCO's own folders; CVAT's, Roboflow's, Label Studio's and FiftyOne's exports in COCO's format.
    for name, data in ((json_at, json.dumps(coco()).encode()), (picture_at, jpeg())):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    path = tmp_path / "set" / json_at
    if archived:
        members = {json_at: json.dumps(coco()), picture_at: jpeg()}
        path = make_zip(tmp_path / "set.zip", members)
    found = open_dataset(path)
    mugs, forks = found.pictures["mug"], found.pictures["fork"]
    assert mugs[0].region == Region(0.1, 0.25, 0.5, 0.5)
    # What sticks out of the picture is cut off.
    assert [one.region for one in forks] == [Region(0.6, 0.0, 0.4, 1.0)]
    assert mugs[0].read() == jpeg()
    # An annotation without a box is one of the whole picture.
    assert len(mugs) == 2
    assert getattr(mugs[1], "region", None) is None
    why = sorted(reason for reason in (entry.reason for entry in found.all_skipped))
    assert [reason.split(" ")[0] for reason in why] == ["a", "its", "its", "no"]


def test_a_folder_that_a_program_exported_is_read_by_its_json(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "notes.json").write_text("{")
    (tmp_path / "result.json").write_text(json.dumps(coco()))
    assert set(lesson_pictures(tmp_path, None, False).by_class) == {"mug", "fork"}
    (tmp_path / "result.json").unlink()
    # Without it there is a class folder called images.
    assert set(lesson_pictures(tmp_path, None, False).by_class) == {"images"}


def label_studio(address):
    """As https://labelstud.io/guide/task_format and https://labelstud.io/tags/rectanglelabels."""
    box = {"x": 50.0, "y": 25.0, "width": 40.0, "height": 50.0, "rotation": 0, "rectanglelabels": ["mug"]}
    frame = {"from_name": "tag", "to_name": "img", "original_width": 100, "original_height": 80}
    return [
        {
            "id": 1,
            "data": {"text": "A note. See [the] manual/page 2.1", "image": address},
            "annotations": [
                {"id": 9, "was_cancelled": True, "result": [{**frame, "value": {"choices": ["wrong"]}}]},
                {
                    "id": 10,
                    "was_cancelled": False,
                    "result": [
                        {**frame, "type": "rectanglelabels", "value": box},
                        {**frame, "type": "rectanglelabels", "value": {**box, "rotation": 12.5}},
                        {**frame, "type": "choices", "value": {"choices": ["kitchen"]}},
                        {**frame, "type": "choices", "value": {"x": 1, "y": 1, "choices": ["dirty"]}},
                    ],
                },
            ],
        },
        {"id": 2, "data": {"image": address}, "annotations": []},
        {
            "id": 3,
            "data": {"image": "/data/upload/1/gone.jpg"},
            "annotations": [{"result": [{**frame, "value": {"choices": ["kitchen"]}}]}],
        },
    ]


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/83/1f2a-a.jpg",
        "/data/local-files/?d=photos/1f2a-a.jpg",
        "https://example.com/opensource/label-studio/1f2a-a.jpg",
        "s3://bucket/folder/1f2a-a.jpg",
    ],
)
def test_choices_and_rectangles_of_label_studio_are_read_and_nothing_is_fetched(tmp_path, address):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1f2a-a.jpg").write_bytes(jpeg())
    (tmp_path / "project.json").write_text(json.dumps(label_studio(address)))
    found = open_dataset(tmp_path / "project.json")
    assert set(found.pictures) == {"mug", "kitchen"}
    assert found.pictures["mug"][0].region == Region(0.5, 0.25, 0.4, 0.5)
    assert found.pictures["kitchen"] == [tmp_path / "images" / "1f2a-a.jpg"]
    starts = sorted(entry.reason.split(";")[0] for entry in found.all_skipped)
    assert starts == ["it has no class yet", "its box is rotated", "this picture is not beside the JSON file"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "[1]", '{"images": 1}', "[" * 100_000])
def test_json_of_another_kind_is_an_error(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(LearnError):
        open_dataset(path)


def test_read_classes_of_an_empty_archive_has_no_class(tmp_path):
    assert read_classes(Archive.open(make_zip(tmp_path / "empty.zip", {}))).pictures == {}
