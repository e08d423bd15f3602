"""State that the routes share: the learner's threads, the pictures in memory, the camera and the jobs."""

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

from edge_tosca.arrays import Array
from edge_tosca.console.app_state.added_cameras import AddedCameras
from edge_tosca.console.app_state.answer_strip import AnswerStrips
from edge_tosca.console.app_state.cameras import Cameras
from edge_tosca.console.app_state.doubtful_answers import DoubtfulAnswers
from edge_tosca.console.app_state.fair_thread import FairThread
from edge_tosca.console.app_state.image_analysis import (
    AnalysedImage,
    Cost,
    analyse,
    analyse_decoded,
    cost_of,
    decode,
)
from edge_tosca.console.app_state.inboxes import Inboxes
from edge_tosca.console.app_state.learner_thread import LearnerThread
from edge_tosca.console.app_state.metrics import Metrics, Readings
from edge_tosca.console.app_state.naming import PicturePlaces
from edge_tosca.console.app_state.phones import Phones
from edge_tosca.console.app_state.recent_answers import RecentAnswers
from edge_tosca.console.app_state.training_jobs import Job, Jobs, Taught
from edge_tosca.console.app_state.training_queue import Queue
from edge_tosca.console.app_state.waiting_keeper import WaitingKeeper
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.console.http.pixels import PixelBudget
from edge_tosca.console.http.streams import Streams
from edge_tosca.console.options import Options
from edge_tosca.console.own_certificate import OwnCertificate
from edge_tosca.errors import EdgeToscaError, StoreError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Place
from edge_tosca.live.shared_backbone import SharedBackbone
from edge_tosca.live.triggers import parse_trigger
from edge_tosca.results import Answer, LearnReport, NoneReport
from edge_tosca.runtime import Preprocessing
from edge_tosca.store.sqlite_errors import refuse_read_only
from edge_tosca.store.state import Task
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import classes_of, owner_of
from edge_tosca.store.thumbnails import Thumbnails
from edge_tosca.system.malloc import trim_heap
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.picture_areas import picture_areas

_CHECK_SECONDS = 2.0
"""Interval at which the store is checked for changes by other programs."""

END_SECONDS = 8.0
"""From the signal to the end of the threads; what is not over then is given up."""

_MOST_MEANS = 200

_log = logging.getLogger("edge_tosca.console")


class AppState:
    """State of one served store.

    Attributes:
        options: of the server.
        began: time.monotonic() at the start.
        streams: open live views.
        queue: pictures that wait to be taught.
        recent: pictures of the last answers.
        strips: the last answers of each page, one an object.
        inbox: recent unknown pictures, by region.
        doubtful: pictures of answers that were hardly decided.
        phones: consensus of each phone.
        places: where pictures without a class are kept, to name them.
        thumbnails: pictures that are stored beside the learner.
        waiting: keeps the queue and the inbox in the file of the thumbnails.
        jobs: lessons under way or over.
        predict_thread: decodes small pictures, computes features and answers, at a lower priority than the
            live loop.
        decode_thread: decodes large pictures, one at a time, at a still lower priority.
        pixels: of pictures that wait or are decoded, by client.
        store_thread: reads and changes the store.
        cameras: the box's cameras, and their live answers.
        metrics: for Prometheus.
        unfinished: a thread still computes although the console is closed.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.certificate: OwnCertificate | None = None
        self.began = time.monotonic()
        self.streams = Streams()
        self.queue = Queue()
        self.recent = RecentAnswers()
        self.strips = AnswerStrips()
        self.inbox = Inboxes()
        self.doubtful = DoubtfulAnswers()
        self.places = PicturePlaces(self.queue, self.inbox, self.doubtful, self.strips, self.recent)
        self.phones = Phones(options.frames)
        self.thumbnails = Thumbnails(options.store)
        self.waiting = WaitingKeeper(self.thumbnails, self.queue, self.inbox)
        self._provenance: dict[str, str] = {}
        self._vision: FeatureExtractor | None = None
        self.jobs = Jobs(
            options.store,
            lambda: self._provenance,
            self._on_learned,
            self.thumbnails_of,
            options.key_file,
            self._areas_of,
        )
        self._open_shared = SharedBackbone(self._open_learner)
        # The live loop has priority over requests.
        self.predict_thread = LearnerThread(
            options.store, self._open_for_prediction, "predict", most_waiting=8, niceness=5
        )
        self.decode_thread = FairThread("decode", most_waiting=8, niceness=10)
        self.pixels = PixelBudget()
        self.store_thread = LearnerThread(options.store, self._open_learner, "store", most_waiting=32)
        parse_trigger(options.trigger)
        self.cameras = Cameras(
            options.cameras,
            self._open_shared,
            options.frames,
            self._remember_of_place,
            triggers=lambda _: parse_trigger(options.trigger),
            added=AddedCameras(options.store),
        )
        self.metrics = Metrics(
            Readings(
                queued=lambda: sum(map(len, self.queue.classes().values())),
                unknown=lambda: sum(len(group.pictures) for _, group in self.inbox.groups()),
                streams=lambda: self.streams.count,
                training=lambda: self.jobs.running,
                cameras=lambda: self.cameras,
                events=lambda: {} if options.follower is None else options.follower.events(),
                dwell=lambda: {} if options.follower is None else options.follower.dwell.totals(),
            )
        )
        self._following: asyncio.Task[None] | None = None
        self._stopped: float | None = None
        self.unfinished = False

    async def start(self) -> None:
        """Start the cameras and the task that follows changes of the store."""
        self.cameras.start()
        if self.options.follower is not None:
            self.options.follower.start(self.cameras.live, self.cameras.is_connected)
        self._following = asyncio.create_task(self._follow_store())

    def stop(self) -> None:
        """End the streams and refuse the pictures that wait, so that no answer holds up the end."""
        if self._stopped is None:
            self._stopped = time.monotonic()
        self.streams.stopping.set()
        self.predict_thread.stop()
        self.decode_thread.stop()

    async def close(self) -> None:
        """Stop all threads; a lesson and a picture under way are waited for, at most END_SECONDS."""
        self.stop()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        if self.options.follower is not None:
            await asyncio.to_thread(self.options.follower.close)
        await asyncio.to_thread(self.cameras.close)
        await self.save_waiting()
        ended = [
            await asyncio.to_thread(close, self._seconds_left())
            for close in (
                self.decode_thread.close,
                self.predict_thread.close,
                self.store_thread.close,
                self.jobs.close,
            )
        ]
        self.unfinished = not all(ended)
        if not self.unfinished:
            self.thumbnails.close()

    def _seconds_left(self) -> float:
        return max(0.1, (self._stopped or 0.0) + END_SECONDS - time.monotonic())

    async def analyse(self, picture: bytes | NDArray[np.uint8], cost: Cost | None = None) -> AnalysedImage:
        """Analyse a picture in turn with other clients; a large one is decoded beside the small ones.

        Args:
            picture: a file's content, or RGB pixels uint8 [h, w, 3].
            cost: from its header, if it was read and its pixels are counted already.

        Returns:
            The picture, its feature and its quality.

        Raises:
            PictureError: the picture cannot be read.
            ApiError: too many pictures wait.
        """
        counted = cost is not None

        def begin(learner: Learner) -> AnalysedImage | tuple[Preprocessing, Cost]:
            known = cost or cost_of(picture)
            vision = learner.vision
            return (vision.bundle.preprocessing, known) if known.large else analyse(vision, picture)

        begun = await self.predict_thread(begin)
        if isinstance(begun, AnalysedImage):
            return begun
        preprocessing, known = begun
        with self.pixels.held(0 if counted else known.pixels):
            decoded = await self.decode_thread(partial(decode, preprocessing, picture))
        return await self.predict_thread(lambda learner: analyse_decoded(learner.vision, decoded))

    def heartbeats(self) -> Mapping[str, Callable[[], int]]:
        """Return counters that must keep rising while the console works, besides the server's own."""
        return {"live": lambda: self.cameras.rounds}

    def remember(
        self, image: AnalysedImage, answer: Answer, place: Place | None = None, phone: str | None = None
    ) -> str:
        """Keep an answer's picture in memory for a while, and in the inbox if the answer is unknown.

        Args:
            image: the picture.
            answer: of the learner.
            place: the region that it is of; None for a picture that was sent.
            phone: that shows the answer, by its own name for itself; None for a program.

        Returns:
            The answer's id.
        """
        if answer.unknown:
            self.inbox.add(place, image, answer.label)
        key = self.recent.add(image)
        if not answer.unknown:
            self.doubtful.add(key, image, answer)
        display = place or phone
        if display is not None:
            self.strips.add(display, key, image, answer)
        return key

    def answered(self, key: str) -> AnalysedImage | None:
        """Return the picture of an answer; None if it is no longer kept."""
        found = self.strips.find(key)
        return self.recent.find(key) if found is None else found.image

    def _remember_of_place(self, place: Place, image: AnalysedImage, answer: Answer) -> str:
        return self.remember(image, answer, place)

    async def save_waiting(self) -> None:
        """Write the queue and the inbox at once, if pictures are kept; a failure is tried again later."""
        with contextlib.suppress(EdgeToscaError, ApiError, TimeoutError):
            save = partial(self.waiting.save, all_now=True)
            await asyncio.wait_for(self.store_thread(save), self._seconds_left() if self._stopped else None)

    def picture(self, key: str) -> bytes | None:
        """Return a picture by its id, wherever it is kept, as a JPEG; None if there is none."""
        waiting = self.queue.picture(key)
        image = (
            waiting.image
            if waiting is not None
            else self.answered(key) or self.inbox.picture(key) or self.doubtful.picture(key)
        )
        return image.jpeg if image is not None else self.jobs.picture(key) or self.thumbnails.picture(key)

    def thumbnails_of(self, store: Store, label: str) -> Sequence[str]:
        """List the ids of the stored thumbnails of a class."""
        with store.snapshot():
            classes = [one for task in store.state().tasks for one in classes_of(task, label)]
            identity = store.audit_log.identity()
        return self.thumbnails.of(classes, 8, identity)

    def thumbnails_of_task(self, store: Store, task: Task, label: str) -> Sequence[str]:
        """List the ids of the stored thumbnails of a class as one task taught it."""
        return self.thumbnails.of(classes_of(task, label), 24, store.audit_log.identity())

    def synchronize(self, learner: Learner) -> None:
        """Bring thumbnails, pictures of lessons and the inbox up to date; called in the learner's thread.

        Raises:
            StoreError: thumbnails of a forgotten class cannot be erased; this is retried every few seconds.
        """
        with learner.store.snapshot():
            owner = owner_of(learner.store)
            self.jobs.drop_erased(owner)
            self.thumbnails.follow(owner)
            self.inbox.set_known_mean(_known_mean(learner))
            self.waiting.load(owner, learner)
            self.waiting.save(learner)
        trim_heap()

    def try_to_synchronize(self, learner: Learner) -> None:
        """Call `synchronize`; a failure is logged, not raised, and retried every few seconds."""
        try:
            self.synchronize(learner)
        except StoreError as error:
            _log.warning(without_paths(str(error), self.options.store))

    def _on_learned(self, job: Job, report: LearnReport | NoneReport, store: Store) -> None:
        self.queue.drop([one for some in job.pictures.values() for one in some])
        with contextlib.suppress(StoreError):
            # The lesson is learned, whether its thumbnails can be stored or not.
            with store.snapshot():
                state, owner = store.state(report.generation), owner_of(store)
            task = state.none[-1] if isinstance(report, NoneReport) else state.tasks[-1]
            job.taught = Taught(
                owner.identity, {group.label.strip(): (group.id, task.learned_at) for group in task.groups}
            )
            if not isinstance(report, NoneReport):
                pictures = {label: [one.image for one in some] for label, some in job.pictures.items()}
                self.thumbnails.keep(task, pictures, owner)

    async def _follow_store(self) -> None:
        known: tuple[int, int] | None = None
        while True:
            with contextlib.suppress(EdgeToscaError):
                known = await self.store_thread(partial(self._check_generation, known=known))
            await asyncio.sleep(_CHECK_SECONDS)

    def _check_generation(self, learner: Learner, known: tuple[int, int] | None) -> tuple[int, int]:
        now = id(learner), learner.store.latest()
        if now != known:
            self.synchronize(learner)
        else:
            self.waiting.save(learner)
        return now

    def _open_for_prediction(self) -> Learner:
        learner = self._open_shared()
        vision = learner.vision
        self._provenance = {"origin": str(vision.fingerprint), "runtime": vision.backend.name}
        self._vision = vision
        return learner

    def _areas_of(self, jpeg: bytes) -> Array | None:
        return None if self._vision is None else picture_areas(self._vision, jpeg)

    def _open_learner(self) -> Learner:
        options = self.options
        return Learner.open(
            options.store,
            runtime=options.runtime,
            device=options.device,
            threads=options.threads,
            key_file=options.key_file,
        )


def _known_mean(learner: Learner) -> NDArray[np.float64] | None:
    """Compute the mean of the known classes' mean normalised features, first parts alone, [d_1]."""
    groups = learner.state.groups
    if not groups:
        return None
    some = np.unique(np.linspace(0, len(groups) - 1, min(len(groups), _MOST_MEANS)).astype(int))
    # Read one by one and not cached: they are needed once a generation.
    features = (learner.store.features(groups[place]) for place in some)
    means = [normalize(learner.store.first_part(rows)).mean(axis=0, dtype=np.float64) for rows in features]
    mean: NDArray[np.float64] = np.mean(means, axis=0)
    return mean


def _app_state(request: Request) -> AppState:
    state: AppState = request.app.state.app_state
    return state


AppStateDep = Annotated[AppState, Depends(_app_state)]


def _require_writable(state: AppStateDep) -> None:
    refuse_read_only(state.options.store)


CHANGES_STORE = Depends(_require_writable)
"""Dependency of routes that teach or change: on media that cannot be written they answer 409 at once."""


def client_of(request: Request) -> str:
    """Return the address that a request came from.

    Args:
        request: any.

    Returns:
        The client's IP address, "" if it is not known.
    """
    return request.client.host if request.client is not None else ""
