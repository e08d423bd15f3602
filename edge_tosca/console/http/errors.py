"""Errors as clients receive them: a status and one sentence, without a path of this machine."""

import os
import re
from pathlib import Path

from edge_tosca.errors import (
    BundleError,
    CameraError,
    EdgeToscaError,
    LearnError,
    MissingExtraError,
    PackError,
    PictureError,
    ReadOnlyStoreError,
    StoreError,
)

_STATUS: tuple[tuple[type[EdgeToscaError], int], ...] = (
    (PictureError, 415),
    (PackError, 422),
    (LearnError, 409),
    (ReadOnlyStoreError, 409),
    (StoreError, 503),
    (BundleError, 503),
    (MissingExtraError, 409),
    (CameraError, 409),
)

_FOLDERS = re.compile(r"(?<![\w/.:])(?:/[^\s/:;,'\"()]+)+/(?=[^\s/])")


class ApiError(Exception):
    """An error that is sent to the client.

    Attributes:
        status: HTTP status code.
        sentence: what is wrong, and what to do.
        headers: of the response, besides the usual ones.
    """

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


def api_error_of(error: EdgeToscaError, store: Path) -> ApiError:
    """Convert an error of the learner.

    Args:
        error: any of the family.
        store: its path is reduced to its name.

    Returns:
        The error for the client.
    """
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 409)
    return ApiError(status, without_paths(str(error), store))


def without_paths(text: str, store: Path, *, folders: bool = True) -> str:
    """Remove folders from a sentence, so that only the names of files are left.

    Args:
        text: any.
        store: file of the learner.
        folders: remove all folders; otherwise the store's only.

    Returns:
        The text on one line.
    """
    line = " ".join(text.split())
    real = Path(os.path.realpath(store))
    for path, name in {
        str(store.absolute()): store.name,
        str(store): store.name,
        str(real): real.name,
    }.items():
        line = line.replace(path, name)
    for folder in (store.absolute().parent, real.parent):
        line = line.replace(str(folder), "its folder")
    return _FOLDERS.sub("", line) if folders else line
