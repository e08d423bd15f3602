"""What stands before the cameras: real photographs, in a folder that is watched or as a phone's video."""

import io
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

FRAME = (640, 480)
FRAMES_A_SECOND = 10
_REPEATED = 5


def photographs(shared_data: Path, label: str, part: str = "train") -> list[Path]:
    """Photographs of a class of the grocery set, "Pineapple" for 23_Pineapple."""
    (folder,) = (shared_data / "grocery" / part).glob(f"*_{label}")
    return sorted(folder.glob("*.jpg"))


def as_frame(path: Path) -> bytes:
    """A photograph as a camera would give it: JPEG of 640 x 480."""
    with Image.open(path) as image:
        frame = ImageOps.fit(image.convert("RGB"), FRAME, Image.Resampling.LANCZOS)
    held = io.BytesIO()
    frame.save(held, "JPEG", quality=92)
    return held.getvalue()


def write_video(path: Path, pictures: Sequence[Path]) -> Path:
    """Write a phone's fake video, which the browser shows again and again."""
    path.write_bytes(b"".join(as_frame(picture) * _REPEATED for picture in pictures))
    return path


class Stage:
    """The folder that the box's camera watches: the newest picture is what it sees.

    Args:
        folder: made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._frames: list[bytes] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def show(self, pictures: Sequence[Path]) -> None:
        """Put another thing before the camera: its views follow one another until the next thing."""
        frames = [as_frame(picture) for picture in pictures]
        with self._lock:
            self._frames = frames

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _play(self) -> None:
        for turn in itertools.count():
            if self._over.wait(1 / FRAMES_A_SECOND):
                return
            with self._lock:
                frames = self._frames
            if frames:
                # Two names in turn, each replaced at once: a camera never sees half a picture.
                half = self.folder / ".half"
                half.write_bytes(frames[turn % len(frames)])
                half.rename(self.folder / f"{turn % 2}.jpg")
