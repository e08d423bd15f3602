"""What answering and learning cost as a learner grows, beside the backbone's own time, all on one thread."""

import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.memory import peak_of, with_modules
from edge_tosca.bench.synthetic import SHOTS, features_of, noise_picture, task_features
from edge_tosca.classifier.kernel_vote import MOST_OF_A_CLASS, MOST_ROWS, SHARPNESS, KernelVote
from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

_QUESTIONS = 60
_REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """The measurement. Times are medians, those that are compared were taken in turns.

    Attributes:
        classes: of the large learner.
        modules: of the large learner.
        small_modules: of the one it is compared with, a tenth of them.
        backbone_ms: features of one picture.
        decide_ms: everything after the backbone, warm, by the large learner; its modules' weight is 1.
        small_decide_ms: the same by the small one.
        decide_after_backbone_ms: the same by the large learner, right after the backbone ran and took the
            processor's caches.
        vote_ms: the kernel vote of one task with as many pictures as may vote, right after the backbone ran,
            too. It is only taken where held-out pictures show that it helps, so no other row has it.
        first_answer_seconds: opening the large store and deciding on the first feature.
        features_seconds: features of the pictures of one task.
        second_task_seconds: learning the second task from its features.
        last_task_seconds: learning the last task from its features.
        store_bytes: the large learner's file.
        module_bytes: of a module in it, on average.
        predict_megabytes: peak memory of a process that loads the backbone and the large learner and answers.
        learn_megabytes: peak memory of one that loads them and learns a further task.
    """

    classes: int
    modules: int
    small_modules: int
    backbone_ms: float
    decide_ms: float
    small_decide_ms: float
    decide_after_backbone_ms: float
    vote_ms: float
    first_answer_seconds: float
    features_seconds: float
    second_task_seconds: float
    last_task_seconds: float
    store_bytes: int
    module_bytes: int
    predict_megabytes: float | None
    learn_megabytes: float | None

    @property
    def ratios(self) -> dict[str, float]:
        """The ratios that docs/speed.md has aims for."""
        return {
            "decide_to_backbone": self.decide_ms / self.backbone_ms,
            "vote_to_backbone": self.vote_ms / self.backbone_ms,
            "decide_to_small_decide": self.decide_ms / self.small_decide_ms,
            "last_to_second_task": self.last_task_seconds / self.second_task_seconds,
            "last_to_second_task_from_pictures": (self.features_seconds + self.last_task_seconds)
            / (self.features_seconds + self.second_task_seconds),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as plain values."""
        return {**asdict(self), "ratios": self.ratios}


def measure_speed(
    classes: int,
    modules: int,
    vision: FeatureExtractor,
    folder: Path,
    on_progress: Callable[[int, int], None],
) -> Speed:
    """Build a learner of synthetic classes and measure it.

    Args:
        classes: in all, spread evenly over the modules.
        modules: one a task; at least 3.
        vision: the backbone, on one thread.
        folder: for the stores; about 0.3 MB a class.
        on_progress: called with the tasks learned and their number.

    Returns:
        The measurement.
    """
    size, small = classes // modules, max(2, modules // 10)
    stores = {count: folder / f"{count}.tosca" for count in (1, small, modules - 1, modules)}
    growing = folder / "growing.tosca"
    Learner.create(growing, bundle=vision.bundle_path, threads=1).close()
    for task in range(modules):
        learner = Learner(Store.open(growing), vision)
        learner.learn_features(task_features(task, size, vision.bundle.feature_dim), force=True)
        learner.close()
        if task + 1 in stores:
            shutil.copyfile(growing, stores[task + 1])
        on_progress(task + 1, modules)
    extra = task_features(modules, size, vision.bundle.feature_dim)
    second, last = _learning_times((stores[1], stores[modules - 1]), extra, vision, folder)
    first = _first_answer(stores[modules], vision, extra)
    picture, pixels = noise_picture(), _pixels(vision)
    start = time.perf_counter()
    features_of([picture] * (size * SHOTS), vision)
    features_seconds = time.perf_counter() - start
    learners = [Learner(Store.open(stores[count]), vision) for count in (small, modules)]
    for learner in learners:
        with_modules(learner.model)
    few, many = learners
    questions = [row for task in range(modules) for row in _questions(task, size, vision)]
    questions = questions[:: max(1, len(questions) // _QUESTIONS)]
    small_decide, decide = _deciding_times((few, many), questions)
    backbone, after, vote = _times_in_turn(vision, pixels, many, questions)
    module_rows = [len(learners[1].store.module(task.module)) for task in learners[1].state.tasks]
    for learner in learners:
        learner.close()
    return Speed(
        classes=size * modules,
        modules=modules,
        small_modules=small,
        backbone_ms=1e3 * backbone,
        decide_ms=1e3 * decide,
        small_decide_ms=1e3 * small_decide,
        decide_after_backbone_ms=1e3 * after,
        vote_ms=1e3 * vote,
        first_answer_seconds=first,
        features_seconds=features_seconds,
        second_task_seconds=second,
        last_task_seconds=last,
        store_bytes=stores[modules].stat().st_size,
        module_bytes=int(np.mean(module_rows)),
        predict_megabytes=peak_of("predict", stores[modules]),
        learn_megabytes=peak_of("learn", stores[modules]),
    )


def _questions(task: int, size: int, vision: FeatureExtractor) -> list[Array]:
    """Draw features of a task's classes, [1, d], one of each."""
    return [rows[:1] for rows in task_features(task, size, vision.bundle.feature_dim).values()]


def _learning_times(
    stores: tuple[Path, Path], features: dict[str, Array], vision: FeatureExtractor, folder: Path
) -> tuple[float, float]:
    """Learn a task on copies of two stores, in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    copy = folder / "copy.tosca"
    for _ in range(_REPEATS):
        for path, taken in zip(stores, seconds, strict=True):
            shutil.copyfile(path, copy)
            learner = Learner(Store.open(copy), vision)
            start = time.perf_counter()
            learner.learn_features(features, force=True)
            taken.append(time.perf_counter() - start)
            learner.close()
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _first_answer(store: Path, vision: FeatureExtractor, features: dict[str, Array]) -> float:
    question = next(iter(features.values()))[:1]
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        learner = Learner(Store.open(store), vision)
        learner.model.predict(question, 3)
        taken.append(time.perf_counter() - start)
        learner.close()
    return statistics.median(taken)


def _deciding_times(learners: tuple[Learner, Learner], questions: list[Array]) -> tuple[float, float]:
    """Decide on the same questions, in turns; each once before, so that everything needed is in memory."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_REPEATS):
        for question in questions:
            for learner, taken in zip(learners, seconds, strict=True):
                learner.model.predict(question, 3)
                start = time.perf_counter()
                learner.model.predict(question, 3)
                taken.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _pixels(vision: FeatureExtractor) -> Array:
    return np.random.default_rng(0).normal(size=(1, 3, *_input_size(vision))).astype(np.float32)


def _input_size(vision: FeatureExtractor) -> tuple[int, int]:
    size = vision.bundle.preprocessing.size
    return size, size


def _times_in_turn(
    vision: FeatureExtractor, pixels: Array, learner: Learner, questions: list[Array]
) -> tuple[float, float, float]:
    """Run the backbone, then decide, as a camera does; and run the backbone, then vote."""
    backbone, decide, vote = [], [], []
    voting = _largest_vote(vision.bundle.feature_dim)
    for question in questions:
        start = time.perf_counter()
        vision.backend.features(pixels)
        middle = time.perf_counter()
        learner.model.predict(question, 3)
        backbone.append(middle - start)
        decide.append(time.perf_counter() - middle)
        vision.backend.features(pixels)
        start = time.perf_counter()
        voting.opinion(question, SHARPNESS[0])
        vote.append(time.perf_counter() - start)
    return statistics.median(backbone), statistics.median(decide), statistics.median(vote)


def _largest_vote(width: int) -> KernelVote:
    """Draw a vote of as many pictures as may vote in a task, in classes of as many as may vote in a class."""
    rows = np.random.default_rng(0).normal(size=(MOST_OF_A_CLASS, width)).astype(np.float32)
    return KernelVote.of(lambda _: rows, [MOST_OF_A_CLASS] * (MOST_ROWS // MOST_OF_A_CLASS))
