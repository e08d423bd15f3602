"""What a region gains where an object fills a part of the frame: real pictures pasted on photographs.

A frame is a square photograph, FRAME pixels wide, with one picture of the set on it that covers a share of
its area, anywhere inside the part that the backbone sees of a whole frame. A region is MARGIN times as wide
as the picture, which lies anywhere in it. Photographs behind taught pictures are never behind tested ones.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.arrays import Array
from edge_tosca.bench.table import as_table
from edge_tosca.learner.learner import Learner
from edge_tosca.runtime import load_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images, list_unlabelled

FRAME = 720
"""Pixels of a side: the middle square of a camera of 1280 x 720."""

SEEN = 0.875
"""Share of a side that the built-in backbone sees of a whole frame."""

MARGIN = 1.2

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
"""Of the frame's area."""

WHOLE, REGION = "whole", "region"
WAYS = ((WHOLE, WHOLE), (REGION, REGION), (WHOLE, REGION), (REGION, WHOLE))
"""How the pictures are taught, and how they are asked."""


@dataclass(frozen=True)
class Scene:
    """A frame with one picture on it.

    Attributes:
        frame: uint8 [FRAME, FRAME, 3].
        region: around the picture: left, top, right, bottom, pixels.
    """

    frame: NDArray[np.uint8]
    region: tuple[int, int, int, int]

    def seen(self, way: str) -> NDArray[np.uint8]:
        """Return the whole frame, or its region."""
        left, top, right, bottom = self.region
        return self.frame if way == WHOLE else np.ascontiguousarray(self.frame[top:bottom, left:right])


@dataclass(frozen=True)
class Result:
    """Answers to the test pictures of one draw; shares in 0 .. 1.

    Attributes:
        data: name of the set.
        seed: of classes, pictures and places.
        share: of the frame's area that the picture covers.
        taught: WHOLE or REGION.
        asked: WHOLE or REGION.
        right: right labels, called unknown or not.
        named: right labels that are not called unknown.
        pictures: number of test pictures.
    """

    data: str
    seed: int
    share: float
    taught: str
    asked: str
    right: float
    named: float
    pictures: int


def measure(
    folders: Sequence[Path],
    background: Path,
    vision: FeatureExtractor,
    on_step: Callable[[str], None],
    *,
    classes: int = 10,
    shots: int = 20,
    tested: int = 10,
    draws: int = 3,
    shares: Sequence[float] = SHARES,
) -> list[Result]:
    """Teach and ask scenes of several sizes, whole and through a region.

    Args:
        folders: sets, with train and test folders of class folders, or with class folders alone.
        background: a folder of photographs, in any subfolders.
        vision: the backbone.
        on_step: called with what is done next.
        classes: of a draw.
        shots: taught pictures a class.
        tested: test pictures a class.
        draws: of classes, pictures and places.
        shares: of the frame's area.

    Returns:
        One result for each set, draw, share and way.
    """
    photographs = list_unlabelled(background)
    results = []
    for folder in folders:
        name = folder.absolute().parent.name if folder.name == "all" else folder.name
        taught, met = split_pictures(folder)
        for seed in range(draws):
            rng = np.random.default_rng(seed)
            labels = [label for label in taught if label in met and len(taught[label]) >= 2]
            chosen = [labels[at] for at in sorted(rng.permutation(len(labels))[:classes].tolist())]
            some = [
                {label: _some(pictures[label], count, rng) for label in chosen}
                for pictures, count in ((taught, shots), (met, tested))
            ]
            order = rng.permutation(len(photographs)).tolist()
            behind = [order[: len(order) // 2], order[len(order) // 2 :]]
            for share in shares:
                on_step(f"{name}: pictures on {share:.0%} of the frame, draw {seed}")
                shown = [
                    _features(vision, pictures, [photographs[at] for at in places], share, (seed, part))
                    for part, (pictures, places) in enumerate(zip(some, behind, strict=True))
                ]
                for way in WAYS:
                    right, named, count = _asked(vision, shown[0][way[0]], shown[1][way[1]])
                    results.append(Result(name, seed, share, *way, right, named, count))
    return results


def paste(inset: Image.Image, photograph: Image.Image, share: float, rng: np.random.Generator) -> Scene:
    """Make a scene.

    Args:
        inset: its middle square is pasted.
        photograph: its middle square is the frame.
        share: of the frame's area that the picture covers; 1 leaves nothing of the photograph.
        rng: of the places.

    Returns:
        The scene.
    """
    side = round(FRAME * np.sqrt(share))
    frame, pasted = middle_square(photograph, FRAME), middle_square(inset, side)
    if side >= FRAME:
        return Scene(np.asarray(pasted), (0, 0, FRAME, FRAME))
    # A picture wider than the part that is seen lies in the middle, as far as it can.
    room = max(SEEN * FRAME - side, 0.0)
    left, top = (round(float((FRAME - side) / 2 + room * (at - 0.5))) for at in rng.random(2))
    frame.paste(pasted, (left, top))
    wide = min(FRAME, round(MARGIN * side))
    corner = [
        _around(at, side, wide, float(shift)) for at, shift in zip((left, top), rng.random(2), strict=True)
    ]
    return Scene(np.asarray(frame), (*corner, corner[0] + wide, corner[1] + wide))


def _around(at: int, side: int, wide: int, shift: float) -> int:
    """Return where a region begins that holds a picture, inside the frame."""
    return min(max(round(at - shift * (wide - side)), 0), FRAME - wide)


def middle_square(image: Image.Image, side: int) -> Image.Image:
    """Resize the middle square of a picture to a side, pixels."""
    least = min(image.size)
    left, top = (image.width - least) / 2, (image.height - least) / 2
    return image.resize((side, side), Image.Resampling.BICUBIC, (left, top, left + least, top + least))


def split_pictures(folder: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Return the pictures to teach and those to ask, by label; split by picture where the set is not."""
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        return list_images(folder / "train").pictures, list_images(folder / "test").pictures
    every = list_images(folder).pictures
    mixed = {label: _some(paths, len(paths), np.random.default_rng(0)) for label, paths in every.items()}
    cut = {label: round(0.6 * len(paths)) for label, paths in mixed.items()}
    return (
        {label: paths[: cut[label]] for label, paths in mixed.items()},
        {label: paths[cut[label] :] for label, paths in mixed.items()},
    )


def _some(paths: Sequence[Path], count: int, rng: np.random.Generator) -> list[Path]:
    return [paths[at] for at in rng.permutation(len(paths))[:count].tolist()]


def _features(
    vision: FeatureExtractor,
    pictures: dict[str, list[Path]],
    photographs: Sequence[Path],
    share: float,
    seed: tuple[int, int],
) -> dict[str, dict[str, Array]]:
    """Compute features by way and label, float32 [n, d] each."""
    scenes = list(_scenes(pictures, photographs, share, np.random.default_rng(seed)))
    found: dict[str, dict[str, Array]] = {}
    for way in (WHOLE, REGION):
        by_label: dict[str, list[Array]] = {label: [] for label in pictures}
        for label, scene in scenes:
            by_label[label].append(vision.feature(scene.seen(way))[0])
        found[way] = {label: np.stack(rows) for label, rows in by_label.items()}
    return found


def _scenes(
    pictures: dict[str, list[Path]], photographs: Sequence[Path], share: float, rng: np.random.Generator
) -> Iterator[tuple[str, Scene]]:
    insets = [(label, path) for label, paths in pictures.items() for path in paths]
    for place, (label, path) in enumerate(insets):
        photograph = load_picture(photographs[place % len(photographs)])
        yield label, paste(load_picture(path), photograph, share, rng)


def _asked(
    vision: FeatureExtractor, taught: dict[str, Array], asked: dict[str, Array]
) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
        learner.learn_features(taught, force=True)
        answers = learner.predict_features(np.concatenate(list(asked.values())), 1)
        learner.close()
    truths = [label for label, rows in asked.items() for _ in rows]
    right = [answer.label == truth for answer, truth in zip(answers, truths, strict=True)]
    named = [hit and not answer.unknown for hit, answer in zip(right, answers, strict=True)]
    return float(np.mean(right)), float(np.mean(named)), len(right)


def markdown(results: Sequence[Result]) -> str:
    """Lay out the results, a row a set and share.

    Args:
        results: of `measure`.

    Returns:
        Markdown: percentages of right labels, in brackets of those that are not called unknown.
    """
    names = [*dict.fromkeys(result.data for result in results)]
    header = ["set", "share of the frame", *(f"taught {taught}, asked {asked}" for taught, asked in WAYS)]
    rows = []
    for name in [*names, "mean"]:
        for share in dict.fromkeys(result.share for result in results):
            of = [r for r in results if r.share == share and name in (r.data, "mean")]
            ways = [[r for r in of if (r.taught, r.asked) == way] for way in WAYS]
            cells = [
                f"{100 * np.mean([r.right for r in some]):.1f} ({100 * np.mean([r.named for r in some]):.1f})"
                for some in ways
            ]
            rows.append([name, f"{share:.0%}", *cells])
    return (
        "Percent of test pictures with the right label; in brackets those not called unknown, too.\n\n"
        + as_table(header, rows)
        + "\n"
    )
