"""The learner: learn classes from pictures, predict pictures, go back to earlier generations."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError, PictureError
from edge_tosca.labels import checked_label
from edge_tosca.learner.evaluation import evaluate_answers
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.input_checks import require_features, require_pictures
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.model import Model
from edge_tosca.results import Answer, Evaluation, LearnReport, Skipped
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.source_images import SourceImage
from edge_tosca.store.state import Generation, State
from edge_tosca.store.store import Store
from edge_tosca.vision.compatibility import origin_settings
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images

if TYPE_CHECKING:
    from edge_tosca.runtime import Extracted, PictureSource

Progress = Callable[[int, int], None]
ROUTERS = ("fused", "entropy")


class Learner:
    """A store and the backbone that computes its features.

    Make one with `Learner.create` or `Learner.open`.
    """

    def __init__(self, store: Store, vision: FeatureExtractor) -> None:
        self.store = store
        self.vision = vision
        self._model: Model | None = None
        self._checked = False

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        bundle: str | PathLike[str] | None = None,
        *,
        router: str = "fused",
        refused: float = 0.05,
        max_bytes: int | None = None,
        runtime: str = "onnxruntime",
        device: str = "CPU",
        threads: int | None = None,
        key_file: str | PathLike[str] | None = None,
    ) -> Self:
        """Make a learner that knows nothing yet.

        Args:
            path: of the store, which must not exist.
            bundle: folder of the backbone; None for the one that ships with edge-tosca.
            router: "fused", or "entropy" for the paper's rule.
            refused: share of pictures of known classes that may be called unknown, in 0 .. 1.
            max_bytes: of the store, see `edge_tosca.learner.storage_limit`; None for no limit.
            runtime: "onnxruntime" or "openvino".
            device: "CPU", "GPU", "NPU" or "AUTO".
            threads: of the backbone.
            key_file: to encrypt the store with, see `edge_tosca.store.crypto.keys.find_key`.

        Returns:
            The learner.

        Raises:
            EdgeToscaError: the store exists, cannot be written, or the bundle cannot be loaded.
        """
        if router not in ROUTERS or not 0 <= refused < 1:
            raise LearnError(f"router must be one of {', '.join(ROUTERS)} and refused in 0 .. 1")
        if max_bytes is not None and max_bytes < 1:
            raise LearnError("max_bytes must be at least 1; leave it out for no limit")
        vision = FeatureExtractor(None if bundle is None else Path(bundle), runtime, device, threads)
        settings = {
            "bundle": "" if bundle is None else str(Path(bundle).absolute()),
            # What it runs on, which need not be what was asked for: AUTO chooses, a wrong device gives way.
            "runtime": vision.backend.name,
            "device": vision.backend.device,
            **origin_settings(vision.fingerprint),
            "feature_dim": str(vision.bundle.feature_dim),
            "router": router,
            "refused": str(refused),
            **({} if max_bytes is None else {MAX_BYTES_SETTING: str(max_bytes)}),
        }
        return cls(Store.create(Path(path), settings, None if key_file is None else Path(key_file)), vision)

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        bundle: str | PathLike[str] | None = None,
        *,
        runtime: str | None = None,
        device: str | None = None,
        threads: int | None = None,
        hint: str = "LATENCY",
        key_file: str | PathLike[str] | None = None,
    ) -> Self:
        """Open a learner, with the backbone, runtime and device that it was made with unless named.

        Args:
            path: of the store.
            bundle: folder of the backbone.
            runtime: "onnxruntime" or "openvino".
            device: "CPU", "GPU", "NPU" or "AUTO".
            threads: of the backbone.
            hint: "LATENCY" for pictures one at a time, "THROUGHPUT" for folders of them.
            key_file: that the store was encrypted with, see `edge_tosca.store.crypto.keys.find_key`.

        Returns:
            The learner.

        Raises:
            StoreError: there is no store, it cannot be read, or its key is not there.
        """
        store = Store.open(Path(path), None if key_file is None else Path(key_file))
        known = bundle or store.settings["bundle"]
        vision = FeatureExtractor(
            Path(known) if known else None,
            runtime or store.settings["runtime"],
            device or store.settings["device"],
            threads,
            hint,
        )
        return cls(store, vision)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    @property
    def model(self) -> Model:
        """What the live generation knows; another process's new generation is picked up."""
        if self._model is None or self._model.state.generation != self.store.latest():
            self._model = Model(self.store, self.store.state())
        return self._model

    @property
    def state(self) -> State:
        """The live tasks and classes."""
        with self.store.snapshot():
            return self.model.state

    # Teaching

    def learn(
        self,
        source: "str | PathLike[str] | Mapping[str, Sequence[PictureSource]]",
        task: str | None = None,
        *,
        force: bool = False,
        remember: bool = False,
        passed_over: Mapping[str, Sequence[Skipped]] | None = None,
        on_progress: Progress | None = None,
    ) -> LearnReport:
        """Learn classes from pictures: one task, one LuCA module.

        Args:
            source: a folder with one folder of pictures a class, or label to pictures.
            task: name of the task; "task N" by default.
            force: learn even what the quality gate rejects.
            remember: keep the pictures' paths in the store, so that it can be migrated to another backbone.
            passed_over: files that look like pictures of a class and are none of those given, by label, for
                the report; of a folder they are found.
            on_progress: called with the pictures done and their number.

        Returns:
            What was done. Pictures that cannot be read are skipped and listed.

        Raises:
            LearnError: there is no class, or one has no readable picture.
            StoreError: the store was made with another backbone, or cannot be written.
        """
        start = time.perf_counter()
        if isinstance(source, Mapping):
            pictures: dict[str, list[PictureSource]] = {}
            for label, items in source.items():
                pictures.setdefault(checked_label(label), []).extend(items)
        else:
            found = list_images(Path(source))
            pictures = {label: list(paths) for label, paths in found.pictures.items()}
            passed_over = found.skipped
        require_pictures(pictures)
        self._check_origin()
        folder = None if isinstance(source, Mapping) else Path(source)
        classes, skipped = self._extract(pictures, folder, passed_over or {}, remember, on_progress)
        lesson = Lesson(
            classes,
            task,
            skipped,
            time.perf_counter() - start,
            provenance={"origin": str(self.vision.fingerprint), "runtime": self.vision.backend.name},
        )
        return learn_task(self.store, lesson, force=force)

    def learn_features(
        self,
        features: Mapping[str, Array],
        task: str | None = None,
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        skipped: Sequence[Skipped] = (),
        force: bool = False,
        feature_seconds: float = 0.0,
    ) -> LearnReport:
        """Learn classes from features of this learner's backbone.

        Args:
            features: label to [n, d], as the backbone gives them.
            task: name of the task; "task N" by default.
            names: what to call the pictures in the report, by label.
            skipped: pictures that had to be left out, for the report.
            force: learn even what the quality gate rejects.
            feature_seconds: what the features took, for the report.

        Returns:
            What was done; its generation is None where the gate rejected the task and nothing was kept.

        Raises:
            LearnError: there is no class, or one without features, or a name or features that cannot be.
            StoreError: the store cannot be written.
        """
        require_pictures(features)
        require_features(features, int(self.store.settings["feature_dim"]))
        names = names or {
            label: [f"{label} {place + 1}" for place in range(len(rows))] for label, rows in features.items()
        }
        classes = {label: LessonClass(rows, names[label]) for label, rows in features.items()}
        return learn_task(self.store, Lesson(classes, task, skipped, feature_seconds), force=force)

    def forget(self, label: str) -> int:
        """Erase a class for good: its features leave the file, and no rollback brings it back.

        Pictures of it that the console kept beside the store are erased, too.

        The module that knew it is made anew from its task's other classes; every other module stays
        byte for byte.

        Args:
            label: the class.

        Returns:
            The new generation.

        Raises:
            LearnError: there is no such class.
            StoreError: the store cannot be written, or something of the class could not be erased.
        """
        return forget_class(self.store, label)

    def rename(self, label: str, new: str, *, merge: bool = False) -> int:
        """Give a class another name; every module and every feature stays as it is.

        Args:
            label: the class.
            new: its new name.
            merge: the new name is that of another class, and the two become one.

        Returns:
            The new generation.

        Raises:
            LearnError: there is no such class, the new name is not usable, or it is taken and merge is not
                asked for.
        """
        return rename_class(self.store, label, new, merge)

    def rollback(self, generation: int | None = None) -> int:
        """Make an earlier generation's classes the live ones again.

        Args:
            generation: which; by default the one that the live one was made from. A class that was
                forgotten since stays forgotten.

        Returns:
            The new generation.

        Raises:
            StoreError: there is no such generation.
            LearnError: there is nothing to go back to.
        """
        return rollback(self.store, generation)

    def history(self) -> list[Generation]:
        """List all generations, the oldest first."""
        return self.store.history()

    # Asking

    def predict(self, source: "PictureSource", top: int = 3, coverage: float | None = None) -> Answer:
        """Say what one picture shows.

        Args:
            source: a path, a file's content or uint8 pixels [h, w, 3].
            top: number of guesses in the answer.
            coverage: give a set of labels, too, that holds the truth with this probability.

        Returns:
            The answer.

        Raises:
            PictureError: the picture cannot be read.
            LearnError: nothing was learned yet.
        """
        answer = next(self.predict_many([source], top, coverage=coverage))
        if isinstance(answer, Skipped):
            raise PictureError(answer.reason)
        return answer

    def predict_many(
        self,
        sources: "Iterable[PictureSource]",
        top: int = 3,
        on_progress: Callable[[int], None] | None = None,
        coverage: float | None = None,
    ) -> Iterator[Answer | Skipped]:
        """Say what each of several pictures shows, every one on its own.

        Args:
            sources: pictures.
            top: number of guesses in an answer.
            on_progress: called with the number of pictures done, after each.
            coverage: give a set of labels, too, that holds the truth with this probability.

        Yields:
            In the order of the sources, an answer, or why there is none.

        Raises:
            LearnError: nothing was learned yet, or coverage is not between 0 and 1.
        """
        self._check_origin()
        for picture in self.vision.extract(sources, on_progress):
            if picture.features is None:
                yield Skipped(_name(picture.source), picture.error or "unreadable")
                continue
            start = time.perf_counter()
            answer = self.predict_features(picture.features[None], top, coverage=coverage)[0]
            decide = 1e3 * (time.perf_counter() - start)
            times = {"decode": picture.decode_ms, "features": picture.features_ms, "decide": decide}
            yield replace(answer, milliseconds=times)

    def predict_burst(
        self,
        sources: "Iterable[PictureSource]",
        top: int = 3,
        on_skipped: Callable[[Skipped], None] | None = None,
    ) -> Answer:
        """Say what several views of one object show. Wrong for pictures of different objects.

        Args:
            sources: the views.
            top: number of guesses in the answer.
            on_skipped: told of each view that cannot be read; the others are still answered.

        Returns:
            One answer for all.

        Raises:
            PictureError: no view can be read.
            LearnError: nothing was learned yet.
        """
        self._check_origin()
        views = []
        times = {"decode": 0.0, "features": 0.0}
        for picture in self.vision.extract(sources):
            if picture.features is None:
                if on_skipped is not None:
                    on_skipped(Skipped(_name(picture.source), picture.error or "unreadable"))
                continue
            views.append(picture.features)
            times["decode"] += picture.decode_ms
            times["features"] += picture.features_ms
        if not views:
            raise PictureError("none of the pictures can be read; a burst needs at least one")
        start = time.perf_counter()
        answer = self.predict_features(np.stack(views), top, burst=True)[0]
        return replace(answer, milliseconds={**times, "decide": 1e3 * (time.perf_counter() - start)})

    def predict_features(
        self, features: Array, top: int = 3, *, burst: bool = False, coverage: float | None = None
    ) -> list[Answer]:
        """Predict from features of this learner's backbone.

        Args:
            features: float32 [n, d].
            top: number of guesses in an answer.
            burst: the features are views of one object and get one answer.
            coverage: add a set of labels to each answer that contains the true one with this probability.

        Returns:
            One answer per feature; with `burst` one in all.

        Raises:
            LearnError: nothing was learned yet, the features have another shape or are not finite, or coverage
                is not between 0 and 1.
        """
        features = np.asarray(features)
        require_features({"the query": features}, int(self.store.settings["feature_dim"]))
        with self.store.snapshot():
            return self.model.predict(features, top, burst, coverage)

    def evaluate(self, folder: str | PathLike[str], on_progress: Progress | None = None) -> Evaluation:
        """Measure accuracy on labelled pictures, one at a time.

        Args:
            folder: with one folder of pictures a class.
            on_progress: called with the pictures done and their number.

        Returns:
            The figures.

        Raises:
            LearnError: there is no picture of a known class, or nothing was learned yet.
        """
        start = time.perf_counter()
        pictures = list_images(Path(folder)).pictures
        truths = [label for label, paths in pictures.items() for _ in paths]
        paths = [path for some in pictures.values() for path in some]
        tell = None if on_progress is None else lambda done: on_progress(done, len(paths))
        answers = list(self.predict_many(paths, 1, tell))
        return evaluate_answers(
            answers,
            truths,
            self.state.labels,
            self.store.settings["router"],
            time.perf_counter() - start,
            folder,
        )

    # Inner workings

    def _check_origin(self) -> None:
        # Once: the store takes care that its origin does not change while it is open.
        if not self._checked:
            self.vision.check(self.store.settings, self.store.path)
            self._checked = True

    def _extract(
        self,
        pictures: "Mapping[str, Sequence[PictureSource]]",
        folder: Path | None,
        passed_over: Mapping[str, Sequence[Skipped]],
        remember: bool,
        on_progress: Progress | None,
    ) -> tuple[dict[str, LessonClass], list[Skipped]]:
        sources = [(label, picture) for label, items in pictures.items() for picture in items]
        report = None if on_progress is None else lambda done: on_progress(done, len(sources))
        read: dict[str, list[Extracted]] = {label: [] for label in pictures}
        skipped = [entry for entries in passed_over.values() for entry in entries]
        unread = {label: entries[0] for label, entries in passed_over.items() if entries}
        extracted = self.vision.extract((picture for _, picture in sources), report, digests=True)
        for (label, source), picture in zip(sources, extracted, strict=True):
            if picture.features is None:
                skipped.append(Skipped(_name(source), picture.error or "unreadable"))
                unread.setdefault(label, skipped[-1])
            else:
                read[label].append(picture)
        for label, found in read.items():
            if not found:
                where = "" if folder is None else f" in {folder / label}"
                reason = f" ({unread[label].reason})" if label in unread else ""
                raise LearnError(
                    f"class {label!r} has no readable picture{where}{reason}; nothing was learned; "
                    "add pictures, or take the class out"
                )
        return {label: _lesson_class(found, remember) for label, found in read.items()}, skipped


def _lesson_class(pictures: "Sequence[Extracted]", remember: bool) -> LessonClass:
    sources = {
        place: SourceImage(Path(os.fsdecode(picture.source)).absolute(), picture.sha256)
        for place, picture in enumerate(pictures)
        if remember and isinstance(picture.source, str | PathLike) and picture.sha256 is not None
    }
    return LessonClass(
        np.stack([picture.features for picture in pictures if picture.features is not None]),
        [_name(picture.source) for picture in pictures],
        [picture.sha256 for picture in pictures],
        sources,
    )


def _name(source: object) -> str:
    return str(source) if isinstance(source, str | PathLike) else "picture"
