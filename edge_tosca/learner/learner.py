"""The public face: learn classes from pictures, predict pictures, roll back to earlier generations."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError, PictureError, StoreError
from edge_tosca.labels import require_text
from edge_tosca.learner.already_taught import nothing_new, without_taught
from edge_tosca.learner.evaluation import evaluate_answers, require_known_class
from edge_tosca.learner.explanation import Explanation, evidence_for
from edge_tosca.learner.forget import forget_class, forget_none
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.input_checks import require_features, require_names, require_pictures
from edge_tosca.learner.learn import learn_task
from edge_tosca.learner.lesson import Lesson, LessonClass
from edge_tosca.learner.lesson_source import lesson_pictures, one_or_several, require_paths
from edge_tosca.learner.model import Model
from edge_tosca.learner.none_of_these import TASK, learn_none
from edge_tosca.learner.picture_features import LessonPictures, extract_lesson, name_of
from edge_tosca.learner.strictness import (
    Strictness,
    StrictnessEffect,
    effect_of,
    read_strictness,
    set_strictness,
)
from edge_tosca.results import Answer, Evaluation, LearnReport, NoneReport, Note, Skipped
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.state import Generation, State
from edge_tosca.store.store import Store
from edge_tosca.vision.compatibility import backbone_of, feature_settings, origin_settings
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images, list_unlabelled, no_picture
from edge_tosca.vision.located_feature import locate

if TYPE_CHECKING:
    from edge_tosca.runtime import PictureSource
    from edge_tosca.runtime.region import Region

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all pictures."""

ROUTERS = ("fused", "entropy")

_SHOWN = 6
"""Classes in the representation of a learner."""

_log = logging.getLogger("edge_tosca")


class Learner:
    """A store of classes and the backbone that computes their features.

    Make one with `Learner.create` or `Learner.open`.

    Attributes:
        store: tasks, classes, cached features and modules.
        vision: the backbone.
    """

    def __init__(self, store: Store, vision: FeatureExtractor) -> None:
        self.store = store
        self.vision = vision
        self._model: Model | None = None
        self._checked = False
        self._closed = False

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
        group_access: bool = False,
    ) -> Self:
        """Create a store without classes.

        Args:
            path: of the store; it must not exist.
            bundle: "fast" or "accurate", the two that ship with edge-tosca, or the folder of another; None
                for the first. A folder of such a name is given by its absolute path.
            router: "fused", or "entropy" for the paper's rule.
            refused: share of pictures of known classes that may be called unknown, in 0 <= refused < 1.
            max_bytes: limit of the store's size, see `edge_tosca.learner.storage_limit`; None for no limit.
            runtime: "onnxruntime" or "openvino".
            device: "CPU", "GPU", "NPU" or "AUTO".
            threads: of the backbone; None for the runtime's own choice.
            key_file: key to encrypt the store with, see `edge_tosca.store.crypto.keys.find_key`.
            group_access: the group of the file may read and write it too; otherwise its user alone.

        Returns:
            The learner.

        Raises:
            LearnError: router, refused or max_bytes is out of range.
            StoreError: the store exists or cannot be written, or the key cannot be read.
            BundleError: the bundle cannot be loaded.
            EdgeToscaError: the runtime or the device is not available.
        """
        if router not in ROUTERS or not 0 <= refused < 1:
            raise LearnError(f"router must be one of {', '.join(ROUTERS)} and refused in 0 .. 1")
        if max_bytes is not None and max_bytes < 1:
            raise LearnError("max_bytes must be at least 1; omit it for no limit")
        from edge_tosca.runtime import bundle_setting

        key = None if key_file is None else Path(key_file)
        # Before the backbone is loaded and its features are checked.
        Store.require_free(Path(path), key)
        vision = FeatureExtractor(None if bundle is None else Path(bundle), runtime, device, threads)
        settings = {
            "bundle": bundle_setting(bundle),
            # Where the backbone runs, which may differ from the request: AUTO chooses, and a device with
            # wrong features is replaced.
            "runtime": vision.backend.name,
            "device": vision.backend.device,
            **origin_settings(vision.fingerprint),
            **{key: value for key, value in feature_settings(vision.bundle.widths).items() if value},
            "router": router,
            "refused": str(refused),
            **({} if max_bytes is None else {MAX_BYTES_SETTING: str(max_bytes)}),
        }
        return cls(Store.create(Path(path), settings, key, group_access=group_access), vision)

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
        """Open a store, by default with the backbone, runtime and device that it was created with.

        The backbone is loaded when the first picture comes.

        Args:
            path: of the store.
            bundle: of the backbone, as for `create`.
            runtime: "onnxruntime" or "openvino".
            device: "CPU", "GPU", "NPU" or "AUTO".
            threads: of the backbone; None for the runtime's own choice.
            hint: "LATENCY" for single pictures, "THROUGHPUT" for folders.
            key_file: key that the store is encrypted with, see `edge_tosca.store.crypto.keys.find_key`.

        Returns:
            The learner.

        Raises:
            StoreError: the store is missing or cannot be read, or its key is missing.
        """
        store = Store.open(Path(path), None if key_file is None else Path(key_file))
        folder = bundle or store.settings["bundle"]
        store.bundle_folder = Path(folder) if folder else None
        vision = FeatureExtractor(
            Path(folder) if folder else None,
            runtime or store.settings["runtime"],
            device or store.settings["device"],
            threads,
            hint,
            backbone_of(store.settings),
        )
        return cls(store, vision)

    def close(self) -> None:
        """Close the store."""
        self._closed = True
        self.store.close()

    def __enter__(self) -> Self:
        """Return the learner, which is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels of the live generation, in the order in which they were taught."""
        return self.state.labels

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.classes)

    def __bool__(self) -> bool:
        """Return True, also without any class."""
        return True

    def __contains__(self, label: object) -> bool:
        """Return whether a class of this name is known."""
        return label in self.classes

    def __repr__(self) -> str:
        """Return the store, its classes and its backbone in one line."""
        store = self.store.path
        try:
            state, origin = self.state, self.store.settings["origin"]
        except StoreError:
            return f"<Learner {store}: closed>"
        shown = ", ".join(state.labels[:_SHOWN]) + (", ..." if len(state.labels) > _SHOWN else "")
        number = f"{len(state.labels)} class{'' if len(state.labels) == 1 else 'es'}"
        classes = f"{number} ({shown})" if shown else "no class yet"
        return f"<Learner {store}: {classes}, generation {state.generation}, {origin}>"

    @property
    def model(self) -> Model:
        """The model of the live generation, also where another process made it."""
        if self._model is None or self._model.state.generation != self.store.latest():
            self._model = Model(self.store, self.store.state())
        return self._model

    @property
    def state(self) -> State:
        """Tasks and classes of the live generation."""
        self._require_open()
        with self.store.snapshot():
            return self.model.state

    def learn(
        self,
        source: "str | PathLike[str] | Mapping[str, Iterable[PictureSource] | PictureSource]",
        task: str | None = None,
        *,
        force: bool = False,
        new_class: bool = False,
        remember: bool = False,
        passed_over: Mapping[str, Sequence[Skipped]] | None = None,
        follow_links: bool = False,
        on_progress: Progress | None = None,
        region: "Region | None" = None,
        dry_run: bool = False,
        on_stage: Callable[[str, int, int], None] | None = None,
    ) -> LearnReport:
        """Learn classes from pictures, as one task with one LuCA module.

        Args:
            source: a folder with one folder of pictures per class, a zip archive, a list (.csv), JSON of COCO
                or Label Studio (`edge_tosca.vision.datasets`), or label to pictures: a list, an iterator, an
                array [n, h, w, 3], one picture, or a folder of them.
            task: name of the task; the next free "task N" by default.
            force: keep the task even if the quality gate rejects it, or a name looks like a known one.
            new_class: names may differ from known ones only in case or look-alike letters.
            remember: store the pictures' paths, so that the store can be migrated to another backbone.
            passed_over: label to files that are not in source, for the report. If source is a folder, the
                folder is searched for them instead.
            follow_links: if source is a folder, take links to pictures outside it, too.
            on_progress: called with the number of pictures done and of all pictures.
            region: of each upright picture, which is learned in place of all of it.
            dry_run: make the report, and keep nothing.
            on_stage: called with "features" and the number of pictures done and of all, then with "training"
                and the same of epochs, then with "judging", 0 and 0.

        Returns:
            The report; pictures that cannot be read are listed as skipped, pictures whose files lack their
            end as notes. Its generation is None if nothing was written: the gate rejected the task, or it was
            a dry run. A picture that the same class has already is skipped; if all are, the generation is the
            live one.

        Raises:
            LearnError: there is no class, a class has no readable picture, a name cannot be stored, or paths
                are to be stored with a region.
            StoreError: the store's features come from another backbone, or the store cannot be written.
        """
        start = time.perf_counter()
        # All that can be refused without the backbone, before it is loaded.
        self.store.require_writable()
        if task:
            require_text(task)
        pictures = lesson_pictures(source, passed_over, follow_links)
        if remember:
            require_paths(pictures, region)
        require_pictures(pictures.by_class)
        pictures.require_some()
        require_names(pictures.by_class, self.state.labels, new_class or force)
        self._check_origin()
        extracted = extract_lesson(self.vision, pictures, remember, _joined(on_progress, on_stage), region)
        whole = region is None and not pictures.has_parts
        extracted = without_taught(self.store, extracted, whole=whole)
        if not extracted.classes:
            return nothing_new(self.store, task, extracted, start, dry_run)
        lesson = Lesson(
            extracted.classes,
            task,
            extracted.skipped,
            time.perf_counter() - start,
            provenance={"origin": str(self.vision.fingerprint), "runtime": self.vision.backend.name},
            notes=extracted.notes,
        )
        if on_stage is None:
            return learn_task(self.store, lesson, force=force, dry_run=dry_run)
        return learn_task(
            self.store,
            lesson,
            force=force,
            dry_run=dry_run,
            on_stage=lambda stage: on_stage(stage, 0, 0),
            on_epoch=partial(on_stage, "training"),
        )

    def learn_features(
        self,
        features: Mapping[str, Array],
        task: str | None = None,
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        skipped: Sequence[Skipped] = (),
        force: bool = False,
        new_class: bool = False,
        feature_seconds: float = 0.0,
        dry_run: bool = False,
    ) -> LearnReport:
        """Learn classes from features of this learner's backbone, as one task.

        Args:
            features: label to float [n, d], as the backbone computes them.
            task: name of the task; the next free "task N" by default.
            names: label to the names of the pictures in the report; "LABEL 1", "LABEL 2", ... by default.
            skipped: pictures that could not be read, for the report.
            force: keep the task even if the quality gate rejects it, or a name looks like a known one.
            new_class: names may differ from known ones only in case or look-alike letters.
            feature_seconds: time spent on the features, for the report.
            dry_run: make the report, and keep nothing.

        Returns:
            The report; its generation is None if nothing was written: the gate rejected the task, or it was a
            dry run.

        Raises:
            LearnError: there is no class, a class has no features, features have another shape or are not
                finite, or a name cannot be stored.
            StoreError: the store cannot be written.
        """
        require_pictures(features)
        require_features(features, int(self.store.settings["feature_dim"]))
        require_names(features, self.state.labels, new_class or force)
        names = names or {
            label: [f"{label} {place + 1}" for place in range(len(rows))] for label, rows in features.items()
        }
        classes = {label: LessonClass(rows, names[label]) for label, rows in features.items()}
        lesson = Lesson(classes, task, skipped, feature_seconds)
        return learn_task(self.store, lesson, force=force, dry_run=dry_run)

    def learn_none(
        self,
        source: "str | PathLike[str] | Iterable[PictureSource]",
        *,
        remember: bool = False,
        on_progress: Progress | None = None,
        region: "Region | None" = None,
        dry_run: bool = False,
    ) -> NoneReport:
        """Learn pictures that show none of the classes: the empty belt, hands, the usual surroundings.

        They are never named. A picture that they explain better than any class is called unknown. Classes,
        modules and the probabilities among the classes stay as they are.

        Args:
            source: a folder of pictures, in any subfolders, or pictures.
            remember: store the pictures' paths, so that the store can be migrated to another backbone.
            on_progress: called with the number of pictures done and of all pictures.
            region: of each upright picture, which is learned in place of all of it.
            dry_run: make the report, and keep nothing.

        Returns:
            The report.

        Raises:
            LearnError: there is no readable picture, or paths are to be stored with a region.
            PictureError: the folder is missing, or holds no picture.
            StoreError: the store's features come from another backbone, or the store cannot be written.
        """
        start = time.perf_counter()
        self.store.require_writable()
        pictures: list[PictureSource] = (
            list(list_unlabelled(Path(source)))
            if isinstance(source, str | PathLike)
            else list(one_or_several(source))
        )
        lesson = LessonPictures({TASK: pictures}, None, {})
        lesson.require_some()
        if remember:
            require_paths(lesson, region)
        self._check_origin()
        extracted = extract_lesson(self.vision, lesson, remember, on_progress, region)
        report = learn_none(
            self.store,
            extracted.classes[TASK],
            extracted.skipped,
            time.perf_counter() - start,
            {"origin": str(self.vision.fingerprint), "runtime": self.vision.backend.name},
            dry_run=dry_run,
        )
        return replace(report, notes=tuple(extracted.notes))

    def forget_none(self) -> int:
        """Erase all pictures that show none of the classes, for good; no rollback restores them.

        Returns:
            The new generation.

        Raises:
            LearnError: there are none.
            StoreError: the store cannot be written, or pictures could not be erased.
        """
        return forget_none(self.store)

    def forget(self, label: str) -> int:
        """Erase a class for good: its features leave the file, and no rollback restores it.

        The modules of its tasks are trained again on the tasks' other classes; every other module stays byte
        for byte. Thumbnails of the class that the console keeps beside the store are erased as well.

        Args:
            label: the class.

        Returns:
            The new generation.

        Raises:
            LearnError: the store has no such class.
            StoreError: the store cannot be written, or data of the class could not be erased.
        """
        return forget_class(self.store, label)

    def rename(self, label: str, new: str, *, merge: bool = False, new_class: bool = False) -> int:
        """Rename a class, or merge it into another one; modules and features stay as they are.

        Args:
            label: the class.
            new: its new name.
            merge: the new name is that of another class, which the class joins.
            new_class: the new name may differ from a known one only in case or look-alike letters.

        Returns:
            The new generation.

        Raises:
            LearnError: the store has no such class, the new name cannot be stored, or it is taken (without
                merge) or free (with merge).
            StoreError: the store cannot be written.
        """
        return rename_class(self.store, label, new, merge, new_class)

    def rollback(self, generation: int | None = None) -> int:
        """Restore the classes of an earlier generation, as a new generation.

        Classes that were forgotten since stay forgotten.

        Args:
            generation: number of the earlier one; by default the one from which the live classes were made.

        Returns:
            The new generation.

        Raises:
            LearnError: there is no earlier generation.
            StoreError: there is no such generation, or the store cannot be written.
        """
        return rollback(self.store, generation)

    def history(self) -> list[Generation]:
        """List all generations, the oldest first."""
        return self.store.history()

    def predict(
        self,
        source: "PictureSource",
        top: int = 3,
        coverage: float | None = None,
        region: "Region | None" = None,
    ) -> Answer:
        """Predict the class of one picture.

        Args:
            source: a path, a file's content, an open file, a PIL image, or pixels: [h, w] or [h, w, 3 or 4],
                uint8 or floats from 0 to 1.
            top: number of guesses in the answer.
            coverage: add a set of labels to the answer that contains the true one with this probability.
            region: of the upright picture; None for all of it.

        Returns:
            The answer.

        Raises:
            PictureError: the picture cannot be read.
            LearnError: nothing was learned yet, or coverage is not between 0 and 1.
            StoreError: the store's features come from another backbone.
        """
        answer = next(self.predict_many([source], top, coverage=coverage, region=region))
        if isinstance(answer, Skipped):
            raise PictureError(answer.reason)
        return answer

    def predict_many(
        self,
        sources: "Iterable[PictureSource]",
        top: int = 3,
        on_progress: Callable[[int], None] | None = None,
        coverage: float | None = None,
        region: "Region | None" = None,
    ) -> Iterator[Answer | Skipped]:
        """Predict the classes of several pictures, each on its own.

        Args:
            sources: pictures in any form that `predict` takes, in a list, an iterator or an array.
            top: number of guesses in an answer.
            on_progress: called after each picture with the number of pictures done.
            coverage: add a set of labels to each answer that contains the true one with this probability.
            region: of each upright picture; None for all of it.

        Yields:
            In the order of the sources, an answer, or the reason why a picture cannot be read.

        Raises:
            LearnError: nothing was learned yet, or coverage is not between 0 and 1.
            StoreError: the store's features come from another backbone.
        """
        self._require_answers(coverage)
        self._check_origin()
        for picture in self.vision.extract(one_or_several(sources), on_progress, region=region):
            if picture.features is None:
                yield Skipped(name_of(picture.source), picture.error or "unreadable")
                continue
            start = time.perf_counter()
            answer = self.predict_features(picture.features[None], top, coverage=coverage)[0]
            decide = 1e3 * (time.perf_counter() - start)
            times = {"decode": picture.decode_ms, "features": picture.features_ms, "decide": decide}
            yield replace(answer, milliseconds=times, note=picture.note)

    def predict_burst(
        self,
        sources: "Iterable[PictureSource]",
        top: int = 3,
        on_skipped: Callable[[Skipped], None] | None = None,
        region: "Region | None" = None,
    ) -> Answer:
        """Predict the class of one object from several views of it.

        Args:
            sources: the views; pictures of different objects get a wrong answer.
            top: number of guesses in the answer.
            on_skipped: called with each view that cannot be read; the answer is of the others.
            region: of each upright view; None for all of it.

        Returns:
            One answer for all views.

        Raises:
            PictureError: no view can be read.
            LearnError: nothing was learned yet.
            StoreError: the store's features come from another backbone.
        """
        self._require_answers()
        self._check_origin()
        views, notes = [], []
        times = {"decode": 0.0, "features": 0.0}
        for picture in self.vision.extract(one_or_several(sources), region=region):
            if picture.features is None:
                if on_skipped is not None:
                    on_skipped(Skipped(name_of(picture.source), picture.error or "unreadable"))
                continue
            views.append(picture.features)
            if picture.note is not None:
                notes.append(f"{name_of(picture.source)}: {picture.note}")
            times["decode"] += picture.decode_ms
            times["features"] += picture.features_ms
        if not views:
            raise PictureError("none of the pictures can be read; a burst needs at least one")
        start = time.perf_counter()
        answer = self.predict_features(np.stack(views), top, burst=True)[0]
        times["decide"] = 1e3 * (time.perf_counter() - start)
        return replace(answer, milliseconds=times, note="; ".join(notes) or None)

    def predict_features(
        self,
        features: Array,
        top: int = 3,
        *,
        burst: bool = False,
        coverage: float | None = None,
        among: Set[str] | None = None,
    ) -> list[Answer]:
        """Predict from features of this learner's backbone.

        Args:
            features: float32 [n, d].
            top: number of guesses in an answer.
            burst: the features are views of one object and get one answer.
            coverage: add a set of labels to each answer that contains the true one with this probability.
            among: labels that can be answered, as if no other were known; None for all.

        Returns:
            One answer per feature; with `burst` one in all.

        Raises:
            LearnError: nothing was learned yet, the features have another shape or are not finite, coverage
                is not between 0 and 1, or no label of `among` is known.
        """
        self._require_open()
        features = np.asarray(features)
        require_features({"the query": features}, int(self.store.settings["feature_dim"]))
        with self.store.snapshot():
            return self.model.predict(features, top, burst, coverage, among)

    def explain(
        self,
        source: "PictureSource",
        label: str | None = None,
        top: int = 3,
        coverage: float | None = None,
        region: "Region | None" = None,
    ) -> Explanation:
        """Predict one picture, and compute which of its places spoke for a class.

        Args:
            source: a path, a file's content, or pixels, uint8 [h, w, 3].
            label: the class; the answer's by default, also where the answer is unknown.
            top: number of guesses in the answer.
            coverage: as for `predict`.
            region: of the upright picture; None for all of it.

        Returns:
            The answer and the evidence by place, which adds up to the class's score.

        Raises:
            PictureError: the picture cannot be read.
            LearnError: fewer than two classes were learned, or there is no such class.
            BundleError: the backbone gives no map of places.
            StoreError: the store's features come from another backbone.
        """
        self._require_answers(coverage)
        self._check_origin()
        located = locate(self.vision, source, region)
        with self.store.snapshot():
            answer = self.predict_features(located.feature[None], top, coverage=coverage)[0]
            about = answer.label if label is None else label
            found = evidence_for(self.model, located.feature, located.map, about)
        return Explanation(replace(answer, note=located.note), about, found, located.crop, located.seen)

    @property
    def strictness(self) -> Strictness:
        """How much evidence a picture needs to pass as known: for all classes, and for single ones."""
        with self.store.snapshot():
            return read_strictness(self.store)

    def set_strictness(self, value: float | None, label: str | None = None) -> None:
        """Set how much evidence a picture needs to pass as known; no lesson is solved again.

        Args:
            value: 0 calls nothing unknown, 0.5 is balanced, 1 calls everything unknown; None for balanced, or
                of a class for that of all others.
            label: the class; None for all that have no value of their own.

        Raises:
            LearnError: the value is out of range, or the store has no such class.
            StoreError: the store cannot be written.
        """
        set_strictness(self.store, value, label)

    def strictness_effect(self, value: float) -> StrictnessEffect:
        """Count the held-out known pictures and the references that a strictness would call unknown.

        Args:
            value: in 0 .. 1; nothing is changed.

        Returns:
            The counts.
        """
        with self.store.snapshot():
            return effect_of(self.model.router.ood if self.model.state.tasks else None, value)

    def evaluate(
        self,
        folder: str | PathLike[str],
        on_progress: Progress | None = None,
        *,
        unknown: str | PathLike[str] | None = None,
        follow_links: bool = False,
        region: "Region | None" = None,
    ) -> Evaluation:
        """Measure what a user would see for labelled pictures, each predicted on its own.

        Args:
            folder: with one folder of pictures per class. Classes that were never taught should be called
                unknown.
            on_progress: called with the number of pictures done and of all pictures.
            unknown: a folder of further pictures of what was never taught, in any subfolders.
            follow_links: take links to pictures outside the folder, too.
            region: of each upright picture; None for all of it.

        Returns:
            The evaluation.

        Raises:
            LearnError: the folder has no readable picture of a known class, or nothing was learned yet.
            PictureError: `unknown` is no folder, or has no picture.
            StoreError: the store's features come from another backbone.
        """
        start = time.perf_counter()
        self._require_answers()
        found = list_images(Path(folder), follow_links=follow_links)
        labelled: list[tuple[str | None, Path]] = [
            (label, path) for label, some in found.pictures.items() for path in some
        ]
        if not labelled and found.skipped_of_classes:
            raise no_picture(Path(folder), found.skipped_of_classes)
        require_known_class([label for label, _ in labelled], self.state.labels, folder)
        if unknown is not None:
            others = list_unlabelled(Path(unknown), follow_links=follow_links)
            labelled += [(None, path) for path in others]
        truths, paths = [label for label, _ in labelled], [path for _, path in labelled]
        on_done = None if on_progress is None else lambda done: on_progress(done, len(paths))
        answers = list(self.predict_many(paths, 1, on_done, region=region))
        evaluation = evaluate_answers(
            answers,
            [str(path) for path in paths],
            truths,
            self.state.labels,
            self.store.settings["router"],
            time.perf_counter() - start,
            folder,
        )
        noted = [
            Note(str(path), answer.note)
            for path, answer in zip(paths, answers, strict=True)
            if isinstance(answer, Answer) and answer.note is not None
        ]
        skipped = (*found.skipped_of_classes, *evaluation.skipped)
        return replace(evaluation, skipped=skipped, notes=tuple(noted))

    def _require_answers(self, coverage: float | None = None) -> None:
        # Before the backbone is loaded and features are computed.
        self._require_open()
        with self.store.snapshot():
            self.model.require_answers(coverage)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.store.path} was closed; open it again with Learner.open")

    def _check_origin(self) -> None:
        # Once is enough: the store makes sure that its origin does not change while it is open.
        if not self._checked:
            self.vision.check(self.store.settings, self.store.path)
            self._checked = True
            if line := self.vision.offers_levels(self.store.path):
                _log.warning("edge-tosca: %s", line)


def _joined(
    on_progress: Progress | None, on_stage: Callable[[str, int, int], None] | None
) -> Progress | None:
    if on_stage is None:
        return on_progress

    def both(done: int, total: int) -> None:
        on_stage("features", done, total)
        if on_progress is not None:
            on_progress(done, total)

    return both
