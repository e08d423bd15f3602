"""The input of the live measurement: a file of frames, a store that was taught, one further lesson."""

from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from edge_tosca.errors import LearnError
from edge_tosca.learner.learner import Learner
from edge_tosca.vision.image_folder import list_images

WIDTH, HEIGHT, FPS = 640, 480, 15
_QUALITY = 85
_FRAMES_A_PICTURE = 15
_PICTURES = 40
_SHOTS = 20


@dataclass(frozen=True)
class Scene:
    """The input of a live measurement.

    Attributes:
        frames: the camera's file, as `--camera` takes it.
        store: knows every class but one.
        label: that one.
        lesson: JPEG files of it.
        classes: taught before.
    """

    frames: str
    store: Path
    label: str
    lesson: list[bytes]
    classes: int


def make_scene(folder: Path, where: Path) -> Scene:
    """Teach all classes of a folder but the last, and make a camera's file of pictures of all.

    Args:
        folder: with one folder of pictures a class.
        where: the folder that file and store are made in.

    Returns:
        The scene.

    Raises:
        LearnError: there are fewer than three classes.
    """
    pictures = {label: paths[:_SHOTS] for label, paths in list_images(folder).pictures.items()}
    if len(pictures) < 3:
        raise LearnError(f"{folder} has fewer than three classes; name a folder of class folders with more")
    label = list(pictures)[-1]
    lesson = [_frame(path, 0) for path in pictures[label]]
    with closing(Learner.create(where / "live.tosca", threads=1)) as learner:
        taught = {name: paths for name, paths in pictures.items() if name != label}
        learner.learn(taught, force=True)
    frames = where / "frames.mjpeg"
    rows = list(pictures.values())
    shown = [
        rows[place % len(rows)][place // len(rows) % len(rows[place % len(rows)])]
        for place in range(_PICTURES)
    ]
    with frames.open("wb") as file:
        for path in shown:
            for shift in range(_FRAMES_A_PICTURE):
                file.write(_frame(path, shift))
    return Scene(f"{frames}?fps={FPS}&loop=1", where / "live.tosca", label, lesson, len(taught))


def _frame(path: Path, shift: int) -> bytes:
    """Render a picture as a camera that moves a little from frame to frame sees it."""
    with Image.open(path) as image:
        large = ImageOps.fit(image.convert("RGB"), (WIDTH + 32, HEIGHT + 24))
    x, y = shift % 16 * 2, shift % 12 * 2
    noise = np.random.default_rng(shift).integers(-3, 4, (HEIGHT, WIDTH, 1), np.int16)
    pixels = np.asarray(large.crop((x, y, x + WIDTH, y + HEIGHT))).astype(np.int16) + noise
    file = BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
