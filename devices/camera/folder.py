"""A folder into which another program writes pictures; each that appears or changes is one frame."""

import hashlib
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.folder_look import Content, look
from edge_tosca.devices.camera.jpeg_splitter import is_complete_jpeg
from edge_tosca.errors import CameraError, PictureError, printable
from edge_tosca.runtime.file_kinds import START_BYTES
from edge_tosca.runtime.picture_file import BYTES_LIMIT, first_line
from edge_tosca.runtime.picture_folders import is_picture_file
from edge_tosca.runtime.pictures import load_picture
from edge_tosca.system.files import IrregularFileError, open_regular

POLLING_SECONDS = 0.1
"""Seconds between two looks at the folder; more where a look takes long, as with very many pictures."""

WRITING_SECONDS = 3.0
"""Seconds without a change after which an unreadable picture counts as damaged, not as half written."""

_LOOK_SHARE = 10
"""Looks at the names take one part in so many of the time at most, and so do looks at every file's state."""

_GIVEN = 16


class WatchedFolder:
    """A camera whose next frame is a picture that appeared or changed since the last look at the folder.

    A picture is known by device, inode, size and date of its file, which are compared for being the same,
    never for being later. So a picture with an old date is new when it appears; a known one under another
    name (renamed, linked) is not, nor is the one before it when the newest is removed. Of the pictures that
    are there already, the one with the latest date is the first frame. Several that appear between two looks
    come in the order in which the system wrote them last, and by name where that is the same.

    Args:
        path: of the folder; subfolders, hidden files and what is no picture are ignored.

    Raises:
        CameraError: the folder is missing, or is no folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = threading.Event()
        self._look = look(path)
        self._next_full = 0.0
        self._pause = POLLING_SECONDS
        self._first = self._look.by_date()
        self._waiting: list[Content] = []
        self._unread: dict[Content, float] = {}
        self._given: deque[tuple[Content, bytes]] = deque(maxlen=_GIVEN)

    @classmethod
    def opened_again(cls, last: "WatchedFolder") -> Self:
        """Open a folder that was lost: what was known of it is not new.

        Args:
            last: the same folder, opened before.

        Returns:
            The folder.

        Raises:
            CameraError: it is still missing.
        """
        folder = cls(last._path)
        if not last._first:
            folder._first = []
            folder._waiting = folder._look.new_since(last._look, {*last._waiting, *last._unread})
        return folder

    def read(self) -> NDArray[np.uint8]:
        """Wait for a new picture and decode it; see `Camera.read`."""
        while True:
            pixels = self._read_first() if self._first else self._read_waiting()
            if pixels is None:
                pixels = self._read_overdue()
            if pixels is not None:
                return pixels
            if self._closed.wait(self._pause):
                raise CameraError(f"{self._path}: closed")
            self._look_again()

    def close(self) -> None:
        """End a waiting read; see `Camera.close`."""
        self._closed.set()

    def _look_again(self) -> None:
        start = time.monotonic()
        full = start >= self._next_full
        before, now = self._look, self._look.again(self._path, full)
        took = time.monotonic() - start
        if full:
            self._next_full = start + _LOOK_SHARE * took
        else:
            self._pause = max(POLLING_SECONDS, _LOOK_SHARE * took)
        self._look = now
        self._waiting = [content for content in self._waiting if content in now.names]
        self._waiting += now.in_order(now.names.keys() - before.names.keys())
        self._unread = {content: since for content, since in self._unread.items() if content in now.names}

    def _read_first(self) -> NDArray[np.uint8] | None:
        while self._first:
            pixels = self._read(self._first.pop())
            # Where the latest is damaged or half written, an older one is not the newest.
            if pixels is not None or self._unread:
                self._first.clear()
                return pixels
        return None

    def _read_waiting(self) -> NDArray[np.uint8] | None:
        waiting, self._waiting = self._waiting, []
        for place, content in enumerate(waiting):
            pixels = self._read(content)
            if pixels is not None:
                self._waiting += waiting[place + 1 :]
                return pixels
        return None

    def _read_overdue(self) -> NDArray[np.uint8] | None:
        now = time.monotonic()
        for content in [one for one, since in self._unread.items() if now - since > WRITING_SECONDS]:
            del self._unread[content]
            pixels = self._read(content, last=True)
            if pixels is not None:
                return pixels
        return None

    def _read(self, content: Content, last: bool = False) -> NDArray[np.uint8] | None:
        """Read a picture.

        Args:
            content: of the last look.
            last: a picture that is not complete now never will be.

        Returns:
            Its pixels; None if it is no picture, not complete yet, or not under its name any more.

        Raises:
            PictureError: it cannot be read, and this was the last attempt.
        """
        name = self._look.names[content]
        is_picture = is_picture_file(name, b"")
        try:
            with open_regular(self._path / name, BYTES_LIMIT) as file:
                found = Content.of(os.fstat(file.fileno()))
                if found != content and found in self._look.names:
                    raise FileNotFoundError
                data = file.read(START_BYTES)
                is_picture = is_picture_file(name, data)
                # Of a large file that is no picture only the beginning is read.
                data += file.readall() if is_picture else b""
                changes = found != Content.of(os.fstat(file.fileno()))
            if not is_picture:
                return None
            if not last and (changes or not is_complete_jpeg(data)):
                raise PictureError("is still being written")
            pixels = np.asarray(load_picture(data))
        except FileNotFoundError:
            # The next look may find it under another name.
            self._waiting.append(content)
            return None
        except (OSError, IrregularFileError) as error:
            reason = f"cannot be read ({first_line(error)})"
        except PictureError as error:
            reason = str(error).removeprefix(f"{len(data)} bytes: ")
        else:
            if found != content:
                self._look.note(content, found)
            return None if self._is_continued(found, data) else pixels
        if last:
            raise PictureError(f"{printable(name)}: {reason}")
        if is_picture:
            self._unread[content] = time.monotonic()
        return None

    def _is_continued(self, found: Content, data: bytes) -> bool:
        """Return whether a picture that was given has only had something appended, and remember this one.

        Phones write a second picture or a video after the first; it is copied while the first is read.
        """
        digest = hashlib.sha256(data).digest()
        continued = any(
            found[:2] == given[:2]
            and found.size > given.size
            and hashlib.sha256(data[: given.size]).digest() == before
            for given, before in self._given
        )
        self._given.append((found, digest))
        return continued
