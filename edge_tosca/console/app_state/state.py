"""What the console's routes share: the learner's threads, the pictures in memory, the camera and the jobs."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import Depends, Request
from numpy.typing import NDArray

from edge_tosca.console.app_state.camera_loop import Watching
from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.console.app_state.learner_thread import LearnerThread
from edge_tosca.console.app_state.metrics import Metrics
from edge_tosca.console.app_state.phones import Phones
from edge_tosca.console.app_state.recent_answers import Recent
from edge_tosca.console.app_state.training_jobs import Job, Jobs
from edge_tosca.console.app_state.training_queue import Queue
from edge_tosca.console.app_state.unknown_inbox import UnknownInbox
from edge_tosca.console.http.errors import without_paths
from edge_tosca.console.http.streams import Streams
from edge_tosca.console.options import Options
from edge_tosca.errors import EdgeToscaError, StoreError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.live.shared_backbone import SharedBackbone
from edge_tosca.results import Answer, LearnReport
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import Thumbnails
from edge_tosca.system.malloc import give_back_freed

_LOOK_SECONDS = 2.0
"""How often the store is looked at for what other programs did."""

_MOST_MEANS = 200

_log = logging.getLogger("edge_tosca.console")


class AppState:
    """Everything of one served store."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.began = time.monotonic()
        self.streams = Streams()
        self.queue = Queue()
        self.recent = Recent()
        self.inbox = UnknownInbox()
        self.phones = Phones(options.frames)
        self.kept = Thumbnails(options.store)
        self._seen_with: dict[str, str] = {}
        self.jobs = Jobs(options.store, lambda: self._seen_with, self._taught, self.kept_of)
        self._open_seeing = SharedBackbone(self._open_learner)
        # Asking gives way to the camera's loop.
        self.asking = LearnerThread(options.store, self._open_eyes, "asking", most_waiting=8, niceness=5)
        self.books = LearnerThread(options.store, self._open_learner, "books", most_waiting=32)
        self.watching = (
            None
            if options.camera is None
            else Watching(
                options.camera,
                self._open_seeing,
                options.frames,
                self.remember,
                lambda: self.streams.count > 0,
            )
        )
        self.metrics = Metrics(self)
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch the camera and the store."""
        if self.watching is not None:
            self.watching.start()
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """End all threads; a lesson under way is finished first."""
        self.streams.stopping.set()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self.watching is not None:
            await asyncio.to_thread(self.watching.close)
        await asyncio.to_thread(self.jobs.close)
        await asyncio.to_thread(self.asking.close)
        await asyncio.to_thread(self.books.close)
        self.kept.close()

    def heartbeats(self) -> Mapping[str, Callable[[], int]]:
        """Give what counts the rounds of the loops that have to go on, besides the server's own."""
        watching = self.watching
        return {} if watching is None else {"telling": lambda: watching.rounds}

    def remember(self, seen: AnalysedImage, answer: Answer) -> str:
        """Keep an answer's picture in memory for a while, and in the inbox where it is of something unknown.

        Args:
            seen: the picture.
            answer: of the learner.

        Returns:
            The answer's id.
        """
        if answer.unknown:
            self.inbox.add(seen, answer.label)
        return self.recent.add(seen)

    def picture(self, key: str) -> bytes | None:
        """Find a picture by its id, wherever it is; a JPEG."""
        waiting = self.queue.picture(key)
        seen = waiting.seen if waiting is not None else self.recent.find(key) or self.inbox.picture(key)
        return seen.jpeg if seen is not None else self.jobs.picture(key) or self.kept.picture(key)

    def kept_of(self, store: Store, label: str) -> Sequence[str]:
        """List kept pictures of a class: their ids."""
        with store.snapshot():
            groups = [group.id for group in store.state().groups if group.label == label]
        return self.kept.of(groups, 8)

    def changed(self, learner: Learner) -> None:
        """Follow the store after a change; called in the thread that has the learner.

        Raises:
            StoreError: kept pictures cannot be erased; it is tried again every few seconds.
        """
        with learner.store.snapshot():
            self.kept.follow(learner.store.tasks_ever(), learner.store.cipher)
            self.inbox.compare_with(_common(learner))
        give_back_freed()

    def follow(self, learner: Learner) -> None:
        """Do the same where the change counts more than the pictures: a failure is logged and tried again."""
        try:
            self.changed(learner)
        except StoreError as error:
            _log.warning(without_paths(str(error), self.options.store))

    def _taught(self, job: Job, report: LearnReport, store: Store) -> None:
        self.queue.drop([one for some in job.pictures.values() for one in some])
        with contextlib.suppress(StoreError):
            # The lesson is learned, whether its pictures can be kept or not.
            self.kept.keep(
                store.state(report.generation).tasks[-1],
                {label: [one.seen for one in some] for label, some in job.pictures.items()},
                store.cipher,
            )

    async def _follow(self) -> None:
        known: tuple[int, int] | None = None
        while True:
            with contextlib.suppress(EdgeToscaError):
                known = await self.books(partial(self._look, known=known))
            await asyncio.sleep(_LOOK_SECONDS)

    def _look(self, learner: Learner, known: tuple[int, int] | None) -> tuple[int, int]:
        now = id(learner), learner.store.latest()
        if now != known:
            self.changed(learner)
        return now

    def _open_eyes(self) -> Learner:
        learner = self._open_seeing()
        vision = learner.vision
        self._seen_with = {"origin": str(vision.fingerprint), "runtime": vision.backend.name}
        return learner

    def _open_learner(self) -> Learner:
        options = self.options
        return Learner.open(
            options.store, runtime=options.runtime, device=options.device, threads=options.threads
        )


def _common(learner: Learner) -> NDArray[np.float64] | None:
    """Give the mean of the classes' mean features: what they have in common."""
    groups = learner.state.groups
    if not groups:
        return None
    some = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), _MOST_MEANS)).astype(int))
    # Read one by one and not kept: they are needed once a generation.
    features = (learner.store.features(groups[place]) for place in some)
    means = [normalize(rows).mean(axis=0, dtype=np.float64) for rows in features]
    common: NDArray[np.float64] = np.mean(means, axis=0)
    return common


def _station(request: Request) -> AppState:
    station: AppState = request.app.state.station
    return station


TheStation = Annotated[AppState, Depends(_station)]


def client_of(request: Request) -> str:
    """Give the address that a request came from."""
    return request.client.host if request.client is not None else ""
