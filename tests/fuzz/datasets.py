"""Archives, lists and JSON of labelled pictures."""

import contextlib
import io
import json
import zipfile

from PIL import Image
from tests.fuzz.target import Target, file_of

from edge_tosca.errors import PictureError
from edge_tosca.vision.datasets.open_dataset import open_dataset


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40)).save(out, "JPEG")
    return out.getvalue()


def _archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def _coco() -> bytes:
    value = {
        "images": [{"id": 1, "width": 40, "height": 40, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "mug"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 36, 36], "iscrowd": 0}],
    }
    return json.dumps(value).encode()


def _label_studio() -> bytes:
    box = {"x": 10, "y": 10, "width": 80, "height": 80, "rectanglelabels": ["mug"]}
    results = [{"value": box}, {"value": {"choices": ["mug"]}}]
    return json.dumps([{"data": {"image": "/u/a.jpg"}, "annotations": [{"result": results}]}]).encode()


def _archives() -> list[bytes]:
    picture = _picture()
    return [
        _archive({"photos/mug/a.jpg": picture, "photos/fork/b.jpg": picture}),
        _archive({"manifest.json": b"{}", "mug-!-0.jpg": picture, "fork-!-0.jpg": picture}),
        _archive({"door/dataset/open/a.png": picture, "door/train/b.webp": picture}),
        _archive({"result.json": _coco(), "images/a.jpg": picture}),
        _archive({"project.json": _label_studio(), "a.jpg": picture}),
    ]


def _read(name: str, data: bytes) -> None:
    with file_of(name, data, ("a.jpg",)) as path:
        (path.parent / "a.jpg").write_bytes(_picture())
        found = open_dataset(path)
        for label, some in found.pictures.items():
            assert label
            for picture in some:
                # Of an archive, whose members are read when they are decoded.
                if hasattr(picture, "read"):
                    with contextlib.suppress(PictureError):
                        picture.read()
                else:
                    assert picture == path.parent / "a.jpg"


TARGETS = {
    "archive": Target(
        lambda data: _read("a.zip", data),
        _archives,
        words=(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"../", b"-!-"),
        most=8192,
    ),
    "list": Target(
        lambda data: _read("a.csv", data),
        lambda: [b"path,class\na.jpg,mug\n", b"a.jpg;mug\r\n", b'"a.jpg"\t"mug"\n'],
        words=(b"path", b"class", b"a.jpg", b"../", b'""', b"\xef\xbb\xbf"),
        most=2048,
    ),
    "labels": Target(
        lambda data: _read("a.json", data),
        lambda: [_coco(), _label_studio()],
        words=(b"images", b"bbox", b"annotations", b"result", b"value", b"NaN", b"1e999", b"null", b"a.jpg"),
        most=4096,
    ),
}
