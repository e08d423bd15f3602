"""Write the pictures that a store's classes were learned from to a folder, as far as they are kept.

Kept are the files that were learned with `learn --remember`, where they are still what they were, and the
small copies that the console keeps beside the store. A lesson of which files are found is written from these
alone.
"""

import contextlib
import csv
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError, PictureError, StoreError
from edge_tosca.results import Skipped
from edge_tosca.store.source_images import SourceImage
from edge_tosca.store.state import TaskClass
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import MAX_IMAGES, Thumbnails
from edge_tosca.system.files import IrregularFileError, open_regular

Format = Literal["folders", "coco"]

MANIFEST = "manifest.csv"
COLUMNS = ("path", "class", "sha256", "kind", "lesson", "learned_at")
"""Of the manifest; `learn --list` reads the first two."""

COCO_FILE = "annotations.json"
_COCO_FOLDER = "images"

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


@dataclass(frozen=True)
class ExportedDataset:
    """What was written.

    Attributes:
        images: number of pictures.
        classes: label to number of pictures, without classes of which nothing is kept.
        skipped: files that are gone or changed, and classes of which nothing is kept.
    """

    images: int
    classes: dict[str, int]
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class _Kept:
    label: str
    data: bytes
    suffix: str
    kind: Literal["original", "thumbnail"]
    lesson: str
    learned_at: str


@dataclass
class _Written:
    rows: list[tuple[str, ...]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    classes: dict[str, int] = field(default_factory=dict)


def export_dataset(store: Store, out: Path, form: Format = "folders") -> ExportedDataset:
    """Write the kept pictures of the live classes, with a manifest.

    Args:
        store: the store; the pictures of an encrypted one are written in plain form.
        out: folder to make; it must not exist, or be empty.
        form: "folders" for OUT/CLASS/NUMBER.jpg; "coco" for OUT/images and OUT/annotations.json, with one box
            around each whole picture.

    Returns:
        What was written.

    Raises:
        LearnError: the store keeps no picture, or the folder is not empty or cannot be written.
        StoreError: the store or the kept pictures cannot be read.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LearnError(f"{out} exists and is not an empty folder; name another one")
    skipped: list[Skipped] = []
    staged = out.absolute().parent / f".{secrets.token_hex(8)}.tmp"
    try:
        staged.mkdir(mode=0o700)
        written = _write(store, staged, form, skipped)
        if written.rows:
            with contextlib.suppress(FileNotFoundError):
                out.rmdir()
            staged.rename(out)
    except OSError as error:
        raise LearnError(f"{out} cannot be written ({error.strerror}); name a folder with room") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    if not written.rows:
        reason = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise LearnError(
            f"{store.path} keeps no picture{reason}; pictures are kept by `learn --remember`, and by the "
            "console where their keeping is on"
        )
    absent = [label for label in store.state().labels if label not in written.classes]
    skipped += [Skipped(label, "no picture of this class is kept") for label in absent]
    return ExportedDataset(len(written.rows), written.classes, tuple(skipped))


def _write(store: Store, out: Path, form: Format, skipped: list[Skipped]) -> _Written:
    written = _Written()
    folders: dict[str, str] = {}
    for kept in _kept_pictures(store, skipped):
        written.classes[kept.label] = number = written.classes.get(kept.label, 0) + 1
        if kept.label not in folders:
            folders[kept.label] = _folder_name(kept.label, set(folders.values()))
        if form == "folders":
            name = f"{folders[kept.label]}/{number:04d}{kept.suffix}"
        else:
            name = f"{_COCO_FOLDER}/{len(written.rows) + 1:06d}{kept.suffix}"
            written.sizes.append(_size(kept.data))
        path = out / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(kept.data)
        row = (name, kept.label, sha256(kept.data), kept.kind, kept.lesson, kept.learned_at)
        written.rows.append(row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *written.rows])
    (out / MANIFEST).write_text(text.getvalue(), encoding="utf-8", newline="")
    if form == "coco":
        (out / COCO_FILE).write_text(json.dumps(_coco(written), ensure_ascii=False), encoding="utf-8")
    return written


def _kept_pictures(store: Store, skipped: list[Skipped]) -> Iterator[_Kept]:
    state = store.state()
    with contextlib.closing(Thumbnails(store.path)) as thumbnails:
        owner = owner_of(store)
        thumbnails.use(owner)
        for task in state.tasks:
            for group in task.groups:
                found = False
                for data, suffix in _originals(store, group, skipped):
                    found = True
                    yield _Kept(group.label, data, suffix, "original", task.name, task.learned_at)
                if found:
                    continue
                for key in thumbnails.of([(group.id, task.learned_at)], MAX_IMAGES, owner.identity):
                    if (jpeg := thumbnails.picture(key)) is not None:
                        yield _Kept(group.label, jpeg, ".jpg", "thumbnail", task.name, task.learned_at)


def _originals(store: Store, group: TaskClass, skipped: list[Skipped]) -> Iterator[tuple[bytes, str]]:
    for source in store.pictures.of(group.features).values():
        try:
            data = _content(source)
        except StoreError as error:
            skipped.append(Skipped(os.fspath(source.path), str(error)))
            continue
        suffix = source.path.suffix.lower()
        yield data, suffix if _SUFFIX.fullmatch(suffix) else ".jpg"


def _content(source: SourceImage) -> bytes:
    from edge_tosca.runtime.picture_file import BYTES_LIMIT

    try:
        with open_regular(source.path, BYTES_LIMIT) as file:
            data = file.readall()
    except (OSError, ValueError, IrregularFileError):
        raise StoreError("the file is gone, or cannot be read") from None
    if sha256(data) != source.sha256:
        raise StoreError("another file lies there now")
    return data


def _size(data: bytes) -> tuple[int, int]:
    from edge_tosca.runtime.pictures import open_picture

    try:
        with open_picture(data) as picture:
            return picture.size
    except PictureError:
        return 0, 0


def _coco(written: _Written) -> dict[str, Any]:
    """Describe the pictures as cocodataset.org/#format-data does."""
    ids = {label: number for number, label in enumerate(written.classes, start=1)}
    images, annotations = [], []
    for number, (row, (width, height)) in enumerate(zip(written.rows, written.sizes, strict=True), start=1):
        name, label, _, _, _, learned_at = row
        images.append(
            {"id": number, "file_name": name, "width": width, "height": height, "date_captured": learned_at}
        )
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": ids[label],
                "bbox": [0, 0, width, height],
                "area": width * height,
                "segmentation": [],
                "iscrowd": 0,
            }
        )
    categories = [{"id": number, "name": label} for label, number in ids.items()]
    return {
        "info": {},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def _folder_name(label: str, taken: set[str]) -> str:
    """Return a folder's name for a class, which may have characters that no file name can have."""
    plain = _UNSAFE.sub("_", label).rstrip(". ").lstrip(".")[:80] or "class"
    # Some file systems do not tell upper from lower case.
    used = {name.casefold() for name in taken}
    name, number = plain, 2
    while name.casefold() in used or name.casefold() == _COCO_FOLDER:
        name, number = f"{plain} {number}", number + 1
    return name
