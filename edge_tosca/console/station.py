"""What the console's routes share: the learner's threads, the pictures in memory and the jobs."""

import time
from typing import Annotated

from fastapi import Depends, Request

from edge_tosca.console.jobs import Job, Jobs
from edge_tosca.console.learner_thread import LearnerThread
from edge_tosca.console.options import Options
from edge_tosca.console.queue import Queue
from edge_tosca.console.streams import Streams
from edge_tosca.learner import Learner
from edge_tosca.report import LearnReport


class Station:
    """Everything of one served store. Made inside the event loop that serves it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.began = time.monotonic()
        self.streams = Streams()
        self.queue = Queue()
        self.jobs = Jobs(self.open_books, self._taught)
        # Asking has one thread of the backbone and gives way to the camera's loop.
        self.asking = LearnerThread(options.store, self.open_eyes, "asking", most_waiting=8, niceness=5)
        self.books = LearnerThread(options.store, self.open_books, "books", most_waiting=32)

    def open_eyes(self) -> Learner:
        """Open the store with its backbone, and check that the two fit."""
        options = self.options
        learner = Learner.open(options.store, runtime=options.runtime, device=options.device, threads=1)
        learner.vision.check(learner.store.settings, learner.store.path)
        return learner

    def open_books(self) -> Learner:
        """Open the store; the backbone is not loaded unless it is needed."""
        return Learner.open(self.options.store, runtime=self.options.runtime, device=self.options.device)

    def close(self) -> None:
        """End all threads."""
        self.jobs.close()
        self.asking.close()
        self.books.close()

    def _taught(self, job: Job, report: LearnReport) -> None:
        self.queue.drop([one for some in job.pictures.values() for one in some])


def _station(request: Request) -> Station:
    station: Station = request.app.state.station
    return station


TheStation = Annotated[Station, Depends(_station)]
