"""How often the gate says that a class's border was learned: of clean lessons, and of planted backgrounds.

A clean lesson has classes of a set, with pictures at random or neighbouring ones. A planted lesson has two
classes whose pictures are pasted into the middle of photographs: behind each class always the same place,
always photographs of one category, or any photographs, where the background shows nothing. Test pictures
before the other class's background show what was learned.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tests.benchmarks.scene import FRAME, middle_square, split_pictures
from tests.benchmarks.setup import solve

from edge_tosca.arrays import Array
from edge_tosca.bench.table import as_table
from edge_tosca.classifier.router import Router
from edge_tosca.features.normalization import normalize
from edge_tosca.features.sampling import evenly
from edge_tosca.learner.border import lesson_border_scores
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.quality.border import FROM, PICTURES
from edge_tosca.runtime import load_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor

SIZES, SHOTS = (2, 5, 10), (5, 12)
SHARES = (0.06, 0.12, 0.25)
"""Of the frame's area that a pasted picture covers."""

RANDOM, NEIGHBOURS = "pictures at random", "neighbouring pictures"
PLACE, CATEGORY, ANY = "one place a class", "one category a class", "any photograph"

ASKED = 6
"""Test pictures of a class, each before the other class's background."""

MOST_CLASSES, POOL = 30, 24
"""Classes of a set and pictures of each that clean lessons are drawn from."""

_JITTER = 0.1
"""Of a place: the share of a side by which its photographs differ at most."""


@dataclass(frozen=True)
class Trial:
    """One lesson.

    Attributes:
        data: name of the set.
        kind: RANDOM, NEIGHBOURS, PLACE, CATEGORY or ANY.
        share: of the frame that a pasted picture covers; None for clean lessons.
        classes: number of classes.
        pictures: of a class.
        score: the highest s of its classes.
        swapped: share of test pictures before the other class's background that get that class's name; None
            for clean lessons.
    """

    data: str
    kind: str
    share: float | None
    classes: int
    pictures: int
    score: float
    swapped: float | None = None

    @property
    def advised(self) -> bool:
        """Whether the gate gives advice."""
        return self.score >= FROM


def measure(
    folders: Sequence[Path],
    background: Path,
    vision: FeatureExtractor,
    draws: int,
    on_step: Callable[[str], None],
) -> list[Trial]:
    """Draw clean and planted lessons.

    Args:
        folders: sets, with train and test folders of class folders, or with class folders alone.
        background: a folder of folders of photographs, a category each.
        vision: the backbone.
        draws: of each kind and size; a third of it with more than two classes.
        on_step: called with what is done next.

    Returns:
        A trial a lesson.
    """
    categories = [sorted(path.glob("*.jpg")) for path in sorted(background.iterdir()) if path.is_dir()]
    trials: list[Trial] = []
    for folder in folders:
        name = folder.absolute().parent.name if folder.name == "all" else folder.name
        taught, met = split_pictures(folder)
        on_step(f"{name}: clean lessons")
        trials += _clean(name, taught, vision, draws)
        for kind in (PLACE, CATEGORY, ANY):
            for share in SHARES:
                on_step(f"{name}: {kind}, {share:.0%} of the frame")
                for seed in range(max(1, draws // 3)):
                    trials.append(_planted(name, kind, share, seed, (taught, met), categories, vision))
    return trials


def _clean(
    name: str, taught: Mapping[str, list[Path]], vision: FeatureExtractor, draws: int
) -> Iterator[Trial]:
    rng = np.random.default_rng(0)
    labels = [label for label in taught if len(taught[label]) >= max(SHOTS)]
    labels = [labels[at] for at in sorted(rng.permutation(len(labels))[:MOST_CLASSES].tolist())]
    for kind in (RANDOM, NEIGHBOURS):
        pool = {}
        for label in labels:
            paths = sorted(taught[label])
            rows = (
                sorted(rng.permutation(len(paths))[:POOL].tolist()) if kind == RANDOM else range(max(SHOTS))
            )
            pool[label] = _extracted(vision, [load_picture(paths[row]) for row in rows])
        for size in SIZES:
            for shots in SHOTS:
                for _ in range(draws if size == min(SIZES) else max(1, draws // 3)):
                    chosen = rng.permutation(len(labels))[:size].tolist()
                    lesson = {}
                    for at in chosen:
                        features, areas = pool[labels[at]]
                        some = np.arange(shots)
                        if kind == RANDOM:
                            some = np.sort(rng.permutation(len(features))[:shots])
                        lesson[labels[at]] = _lesson_class(features[some], areas[some])
                    score, _ = _judged(lesson, vision)
                    yield Trial(name, kind, None, len(lesson), shots, score)


def _planted(
    name: str,
    kind: str,
    share: float,
    seed: int,
    pictures: tuple[Mapping[str, list[Path]], Mapping[str, list[Path]]],
    categories: Sequence[Sequence[Path]],
    vision: FeatureExtractor,
) -> Trial:
    rng = np.random.default_rng([seed, round(100 * share)])
    taught, met = pictures
    shots = max(SHOTS)
    labels = [label for label in taught if len(taught[label]) >= shots and len(met.get(label, ())) >= ASKED]
    labels = [labels[at] for at in rng.permutation(len(labels))[:2].tolist()]
    behind = rng.permutation(len(categories)).tolist()

    def frame(path: Path, label: int, number: int) -> Image.Image:
        if kind == ANY:
            photograph = load_picture(categories[behind[2 + (2 * number + label) % (len(behind) - 2)]][0])
        else:
            photographs = categories[behind[label]]
            photograph = load_picture(photographs[number % len(photographs) if kind == CATEGORY else 0])
        left, top, right, bottom = rng.random(4) * _JITTER
        width, height = photograph.size
        photograph = photograph.crop(
            (int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom)))
        )
        square, inset = (
            middle_square(photograph, FRAME),
            middle_square(load_picture(path), round(FRAME * share**0.5)),
        )
        square.paste(inset, ((FRAME - inset.width) // 2, (FRAME - inset.height) // 2))
        return square

    lesson = {}
    for place, label in enumerate(labels):
        rows = rng.permutation(len(taught[label]))[:shots].tolist()
        frames = [frame(taught[label][row], place, number) for number, row in enumerate(rows)]
        lesson[label] = _lesson_class(*_extracted(vision, frames))
    score, router = _judged(lesson, vision)
    swapped = []
    for place, label in enumerate(labels):
        rows = rng.permutation(len(met[label]))[:ASKED].tolist()
        frames = [frame(met[label][row], 1 - place, shots + number) for number, row in enumerate(rows)]
        z = router.view(normalize(_extracted(vision, frames)[0], vision.bundle.widths))
        swapped += (router.scores(z)[0].argmax(axis=1) == 1 - place).tolist()
    return Trial(name, kind, share, 2, shots, score, float(np.mean(swapped)))


def _extracted(vision: FeatureExtractor, pictures: Sequence[Image.Image]) -> tuple[Array, Array]:
    """Compute features, float32 [n, d], and sums of the maps by area, float32 [n, 3, c]."""
    found = list(vision.extract([np.asarray(picture) for picture in pictures], areas=True))
    features = [one.features for one in found if one.features is not None]
    return np.stack(features), np.stack([one.areas for one in found if one.areas is not None])


def _lesson_class(features: Array, areas: Array) -> LessonClass:
    chosen = evenly(len(features), PICTURES).tolist()
    return LessonClass(features, [""] * len(features), areas={row: areas[row] for row in chosen})


def _judged(lesson: Mapping[str, LessonClass], vision: FeatureExtractor) -> tuple[float, Router]:
    widths = vision.bundle.widths
    groups = [normalize(taught.features, widths) for taught in lesson.values()]
    router, _ = solve(groups, np.arange(len(groups)), widths=widths)
    places = {label: at for at, label in enumerate(lesson)}
    return max(lesson_border_scores(lesson, places, router, widths).values()), router


def markdown(trials: Sequence[Trial]) -> str:
    """Lay out the trials: advice by kind, and the highest scores.

    Args:
        trials: of `measure`.

    Returns:
        Markdown.
    """
    names = [*dict.fromkeys(trial.data for trial in trials)]
    rows = []
    for kind, share in dict.fromkeys((trial.kind, trial.share) for trial in trials):
        some = [trial for trial in trials if (trial.kind, trial.share) == (kind, share)]
        row = [kind if share is None else f"{kind}, {share:.0%} of the frame"]
        for name in names:
            of = [trial for trial in some if trial.data == name]
            row.append(f"{sum(trial.advised for trial in of)} of {len(of)}")
        row.append(f"{np.mean([trial.advised for trial in some]):.0%}")
        row.append(f"{np.quantile([trial.score for trial in some], 0.95):.2f}")
        known = [trial.swapped for trial in some if trial.swapped is not None]
        row.append(f"{np.mean(known):.0%}" if known else "")
        rows.append(row)
    header = ["lessons", *names, "all", "95 % of the scores are below", "named by the background"]
    return "Lessons that get the advice.\n\n" + as_table(header, rows) + "\n"
