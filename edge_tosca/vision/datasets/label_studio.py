"""Label Studio's JSON: choices name a whole picture, rectangles a part of it.

Source: labelstud.io/guide/task_format and labelstud.io/tags/rectanglelabels: a list of tasks with `data` (the
address of the picture) and `annotations`; `result` holds `choices`, and `rectanglelabels` with x, y, width
and height in percent. A picture is looked for beside the JSON file by the name at the end of its address;
nothing is fetched.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from edge_tosca.errors import LearnError
from edge_tosca.runtime.picture_folders import PICTURE_SUFFIXES
from edge_tosca.runtime.region import Region
from edge_tosca.vision.datasets.boxes import region_of
from edge_tosca.vision.datasets.coco import located
from edge_tosca.vision.datasets.dataset import ENTRIES_LIMIT, Dataset
from edge_tosca.vision.datasets.members import Members, RefusedError

_PERCENT = (100.0, 100.0)
_SUFFIXES = PICTURE_SUFFIXES | {".heic", ".heif", ".avif"}


def is_label_studio(value: object) -> bool:
    """Return whether parsed JSON is of this format."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(task, dict) and "data" in task and "annotations" in task for task in value[:100])
    )


def read_label_studio(value: list[Any], name: str, members: Members, base: str = "") -> Dataset:
    """Read the pictures of an export of Label Studio.

    Args:
        value: parsed JSON, for which `is_label_studio` holds.
        name: of the file, for messages.
        members: the pictures.
        base: folder of the JSON file among the members.

    Returns:
        The pictures, by class.

    Raises:
        LearnError: it has too many tasks.
    """
    if len(value) > ENTRIES_LIMIT:
        raise LearnError(f"{name}: over {ENTRIES_LIMIT:,} tasks; export fewer pictures at a time")
    found = Dataset(name)
    for number, task in enumerate(value):
        where = f"{name}: task {number + 1}"
        try:
            path = _picture_of(task)
        except RefusedError as error:
            found.skip(where, str(error))
            continue
        labelled = False
        for label, box in _results(task):
            labelled = True
            try:
                region = None if box is None else _region(box)
                found.add(label, path, members.picture(_found(members, base, path), region))
            except RefusedError as error:
                found.skip(path, str(error), label)
        if not labelled:
            found.skip(path, "it has no class yet; label it, and export again")
    return found


def _picture_of(task: Any) -> str:
    """Return the name of a task's picture: the end of the first address that has the suffix of one."""
    data = task.get("data") if isinstance(task, Mapping) else None
    texts = [text for text in data.values() if isinstance(text, str)] if isinstance(data, Mapping) else []
    names = [_name_in(text) for text in texts]
    found = next((name for name in names if PurePosixPath(name).suffix.lower() in _SUFFIXES), "")
    if not found:
        raise RefusedError("the task names no picture")
    return found


def _name_in(address: str) -> str:
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get("d", [""])[0]
    except ValueError:
        # A text with brackets can be taken for an address that is broken.
        return ""
    return (local or unquote(parts.path)).rpartition("/")[2]


def _found(members: Members, base: str, name: str) -> str:
    place = located(members, base, name, "")
    if not members.has(place):
        raise RefusedError(
            "this picture is not beside the JSON file; export with images, or copy it there; "
            "nothing is fetched"
        )
    return place


def _results(task: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield label and box of a task's first annotation that counts; None for the box of a whole picture."""
    annotations = task.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else []:
        if not isinstance(annotation, Mapping) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        for result in results if isinstance(results, list) else []:
            value = result.get("value") if isinstance(result, Mapping) else None
            if not isinstance(value, Mapping):
                continue
            # A choice that has a place is about a box, which has a label of its own.
            kinds = (("rectanglelabels", value),) if "x" in value else (("choices", None),)
            for key, box in kinds:
                labels = value.get(key)
                for label in labels if isinstance(labels, list) else []:
                    if isinstance(label, str):
                        yield label, box
        return


def _region(box: Mapping[str, Any]) -> Region:
    if box.get("rotation"):
        raise RefusedError("its box is rotated; draw an upright one")
    return region_of(box.get("x"), box.get("y"), box.get("width"), box.get("height"), whole=_PERCENT)
