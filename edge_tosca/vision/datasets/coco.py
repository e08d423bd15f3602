"""COCO JSON: pictures with boxes, each of which is learned as a picture of its category.

Source: cocodataset.org/#format-data: `images` (id, file_name, width, height), `annotations` (image_id,
category_id, bbox [x, y, width, height] in pixels, iscrowd), `categories` (id, name). An annotation without a
box is one of the whole picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from edge_tosca.errors import LearnError
from edge_tosca.runtime.region import WHOLE
from edge_tosca.vision.datasets.boxes import region_of
from edge_tosca.vision.datasets.dataset import ENTRIES_LIMIT, Dataset
from edge_tosca.vision.datasets.members import Members, RefusedError

FOLDERS = ("", "images", "data")
"""Where exporting programs put the pictures, relative to the JSON file: Roboflow, Label Studio, FiftyOne."""

ANNOTATIONS = "annotations"
"""Folder of the JSON file in COCO's own layout, as in annotations/instances_val2017.json; the pictures are in
a folder beside it, such as val2017 or (CVAT) images."""


def is_coco(value: object) -> bool:
    """Return whether parsed JSON is of this format."""
    return isinstance(value, dict) and all(
        isinstance(value.get(key), list) for key in ("images", "annotations", "categories")
    )


def read_coco(value: Mapping[str, Any], name: str, members: Members, base: str = "") -> Dataset:
    """Read the pictures of COCO JSON.

    Args:
        value: parsed JSON, for which `is_coco` holds.
        name: of the file, for messages.
        members: the pictures.
        base: folder of the JSON file among the members.

    Returns:
        The pictures, by category.

    Raises:
        LearnError: it has too many annotations.
    """
    if len(value["annotations"]) > ENTRIES_LIMIT:
        raise LearnError(f"{name}: over {ENTRIES_LIMIT:,} annotations; export fewer pictures at a time")
    images = _by_id(value["images"])
    categories = _by_id(value["categories"])
    found = Dataset(name)
    split = PurePosixPath(name).stem.rpartition("_")[2]
    for number, annotation in enumerate(value["annotations"]):
        where = f"{name}: annotation {number + 1}"
        if not isinstance(annotation, Mapping):
            found.skip(where, "no annotation")
            continue
        image = images.get(_key(annotation.get("image_id")))
        label = (categories.get(_key(annotation.get("category_id"))) or {}).get("name")
        if image is None or not isinstance(label, str) or not isinstance(image.get("file_name"), str):
            found.skip(where, "its picture or category is not in the file; export it again")
            continue
        path = image["file_name"]
        try:
            _add(found, members, (base, split), annotation, image, label)
        except RefusedError as error:
            found.skip(path, str(error), label)
    return found


def located(members: Members, base: str, name: str, split: str) -> str:
    """Return the name of a picture among the members, in one of the folders where programs put pictures.

    Args:
        members: the pictures.
        base: folder of the JSON file.
        name: as the JSON file spells it.
        split: part of the dataset, such as "val2017"; "" for none.
    """
    places = [PurePosixPath(base, folder) for folder in FOLDERS]
    if PurePosixPath(base).name == ANNOTATIONS:
        around = PurePosixPath(base).parent
        places += [around / folder for folder in (*FOLDERS, split, f"images/{split}")]
    names = [str(place / name) for place in places]
    return next((one for one in names if members.has(one)), str(PurePosixPath(base, name)))


def _add(
    found: Dataset,
    members: Members,
    place: tuple[str, str],
    annotation: Mapping[str, Any],
    image: Mapping[str, Any],
    label: str,
) -> None:
    if annotation.get("iscrowd"):
        raise RefusedError("a box around many objects (iscrowd); draw one around each")
    box = annotation.get("bbox")
    region = None
    if isinstance(box, Sequence) and not isinstance(box, str) and len(box):
        if len(box) != 4:
            raise RefusedError("its box has not four numbers; draw it again")
        region = region_of(*box, whole=(image.get("width"), image.get("height")))
        region = None if region == WHOLE else region
    path = image["file_name"]
    found.add(label, path, members.picture(located(members, place[0], path, place[1]), region))


def _by_id(entries: Sequence[Any]) -> dict[object, Mapping[str, Any]]:
    return {_key(entry.get("id")): entry for entry in entries if isinstance(entry, Mapping)}


def _key(value: object) -> object:
    # Only these can be ids; a list or an object cannot be looked up.
    return value if isinstance(value, int | str) else None
