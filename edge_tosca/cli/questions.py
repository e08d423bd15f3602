"""What `predict` is asked about: pictures, folders, patterns, videos and standard input, in their order."""

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edge_tosca.errors import EdgeToscaError, PictureError
from edge_tosca.results import Skipped

if TYPE_CHECKING:
    from edge_tosca.runtime import NamedPicture, PictureSource

STANDARD_INPUT = "-"

_PATTERN = re.compile(r"[*?\[]")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min)?")
_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0}
_LEAST_SECONDS, _MOST_SECONDS = 0.001, 86_400


@dataclass(frozen=True)
class Video:
    """A video that is asked about frame by frame.

    Attributes:
        path: of the file.
        every: seconds between two frames.
    """

    path: Path
    every: float


@dataclass(frozen=True)
class Name:
    """The name of one picture in the output.

    Attributes:
        path: of the picture; of a frame, path of the video and its second, as in "clip.mp4#t=2".
        video: path of the video; None for a picture.
        at: seconds from the beginning of the video; None for a picture.
    """

    path: str
    video: str | None = None
    at: float | None = None

    def to_json(self) -> dict[str, str | float]:
        """Return the name as plain values: `path`, and of a frame `video` and `at`."""
        found: dict[str, str | float] = {"path": self.path}
        if self.video is not None and self.at is not None:
            found |= {"video": self.video, "at": round(self.at, 3)}
        return found


class Questions:
    """Pictures to be answered, and what cannot be.

    Attributes:
        items: pictures and videos, in their order.
        passed_over: pictures of folders that are not taken, folders without any, patterns without a match.
    """

    def __init__(self, items: "list[Path | Video | NamedPicture]", passed_over: list[Skipped]) -> None:
        self.items = items
        self.passed_over = passed_over
        self._names: deque[Name | Skipped] = deque()

    @property
    def picture(self) -> Path | None:
        """The picture, where one file is asked about; None otherwise."""
        only = self.items[0] if len(self.items) == 1 else None
        return only if isinstance(only, Path) else None

    def sources(self) -> "Iterator[PictureSource]":
        """Yield the pictures; `take` gives their names in the same order."""
        for item in self.items:
            if not isinstance(item, Video):
                self._names.append(Name(str(item) if isinstance(item, Path) else item.name))
                yield item
                continue
            from edge_tosca.devices.camera.video_frames import frames_every

            try:
                for at, frame in frames_every(item.path, item.every):
                    self._names.append(Name(f"{item.path}#t={_short(at)}", str(item.path), at))
                    yield frame
            except EdgeToscaError as error:
                self._names.append(Skipped(str(item.path), str(error)))

    @property
    def pending(self) -> bool:
        """Whether there is a name, or a video that failed, which was not taken yet."""
        return bool(self._names)

    def take(self) -> Name | Skipped:
        """Take the name of the next picture, or of a video that failed before it."""
        return self._names.popleft()


def seconds_of(text: str) -> float:
    """Read a duration as a user writes it.

    Args:
        text: a number of seconds, or with a unit, as in "1s", "500ms" and "2min".

    Returns:
        Seconds.

    Raises:
        typer.BadParameter: it is none, or not from a millisecond to a day.
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise typer.BadParameter(f"{text!r} is no duration; write 1s, 500ms or 2min", param_hint="--every")
    return seconds


def list_questions(words: list[str], follow_links: bool, every: float) -> Questions:
    """Find what was named on the command line.

    Args:
        words: paths of pictures, folders and videos, patterns of them, and "-" for standard input.
        follow_links: take links to pictures outside a folder, too.
        every: seconds between two frames of a video.

    Returns:
        The questions.

    Raises:
        PictureError: there is none; a folder cannot be searched.
    """
    asked = Questions([], [])
    for word in words:
        if word == STANDARD_INPUT:
            _add_standard_input(asked, follow_links, every)
        elif _PATTERN.search(word) and not os.path.lexists(word):
            found = _matches(word)
            if not found:
                asked.passed_over.append(Skipped(word, "matches no file; check its folder"))
            for path in found:
                _add_path(asked, path, follow_links, every)
        else:
            _add_path(asked, Path(word), follow_links, every)
    if not asked.items:
        last = asked.passed_over[-1]
        raise PictureError(f"{last.path} {last.reason}")
    return asked


def _add_standard_input(asked: Questions, follow_links: bool, every: float) -> None:
    from edge_tosca.cli.standard_input import as_paths, read_standard_input
    from edge_tosca.runtime import NamedPicture

    data = read_standard_input()
    paths = as_paths(data)
    if paths is None:
        asked.items.append(NamedPicture(STANDARD_INPUT, lambda: data))
    for path in paths or ():
        _add_path(asked, path, follow_links, every)


def _add_path(asked: Questions, path: Path, follow_links: bool, every: float) -> None:
    from edge_tosca.devices.camera.video_frames import is_video
    from edge_tosca.runtime import list_pictures

    try:
        folder, video = path.is_dir(), is_video(path)
    except OSError:
        # A path that the system rejects is reported with its picture, and the others are answered.
        folder, video = False, False
    if not folder:
        asked.items.append(Video(path, every) if video else path)
        return
    found = list_pictures(path, follow_links=follow_links)
    asked.items += found.pictures
    # What is no picture is no question: a text among pictures is not answered.
    asked.passed_over += [Skipped(str(one.path), one.reason) for one in found.passed_over if one.picture]
    if not found.pictures:
        reason = "name pictures or folders of pictures"
        if found.passed_over:
            reason = f"{found.passed_over[0].path.name}: {found.passed_over[0].reason}"
        asked.passed_over.append(Skipped(str(path), f"holds no picture; {reason}"))


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern)
    below = path.relative_to(path.anchor) if path.anchor else path
    try:
        return sorted(Path(path.anchor).glob(str(below)))
    except (OSError, ValueError):
        return []


def _short(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
