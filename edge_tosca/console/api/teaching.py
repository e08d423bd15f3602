"""Routes that teach: the queue of pictures, and the job that learns them."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from edge_tosca.console.api.live import newest_frame
from edge_tosca.console.api.messages import LabelMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, Key, Label, file_answer, stream_answer
from edge_tosca.console.api.teaching_messages import (
    AddedMessage,
    DroppedMessage,
    JobKeyMessage,
    JobMessage,
    LearnMessage,
    ProgressMessage,
    QueueMessage,
    UndoneMessage,
    WaitingClassMessage,
    WaitingMessage,
)
from edge_tosca.console.app_state.image_analysis import analyse
from edge_tosca.console.app_state.state import AppState, TheStation, client_of
from edge_tosca.console.app_state.training_jobs import Job
from edge_tosca.console.app_state.training_queue import MOST, MOST_OF_A_CLASS
from edge_tosca.console.http.bodies import picture_body
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.streams import COMMENT, Stream, event
from edge_tosca.labels import checked_label
from edge_tosca.learner.learner import Learner

router = APIRouter(tags=["teaching"])

_EVERY_SECONDS = 5.0


@router.get("/queue")
async def queue(station: TheStation) -> QueueMessage:
    """List the pictures that wait to be taught."""
    classes = station.queue.classes()
    known = await station.books(lambda learner: set(learner.state.labels))
    return QueueMessage(
        classes=[
            WaitingClassMessage(
                label=label,
                known=label in known,
                pictures=[
                    WaitingMessage(id=one.id, sharpness=one.seen.sharpness, hint=one.hint) for one in waiting
                ],
                hints=station.queue.hints(waiting),
            )
            for label, waiting in classes.items()
        ],
        pictures=sum(map(len, classes.values())),
        limit=MOST,
        limit_of_a_class=MOST_OF_A_CLASS,
    )


@router.post("/queue", openapi_extra=PICTURE_BODY)
async def add(request: Request, station: TheStation, label: Label, force: bool = False) -> AddedMessage:
    """Let a picture wait to be taught, unless something is wrong with it."""
    name = checked_label(label)
    data = await picture_body(request)
    seen = await station.asking(lambda learner: analyse(learner.vision, data))
    return AddedMessage(label=name, **asdict(station.queue.add(name, seen, force=force)))


@router.post("/queue/capture")
async def capture(station: TheStation, asked: LabelMessage) -> AddedMessage:
    """Let the newest frame of the box's camera wait to be taught."""
    name = checked_label(asked.label)
    pixels = newest_frame(station)
    seen = await station.asking(lambda learner: analyse(learner.vision, pixels))
    return AddedMessage(label=name, **asdict(station.queue.add(name, seen)))


@router.delete("/queue")
async def clear(
    station: TheStation,
    label: Annotated[str | None, Query(max_length=4000, description="All classes unless named.")] = None,
) -> DroppedMessage:
    """Drop the pictures of a class, or all."""
    return DroppedMessage(dropped=station.queue.clear(None if label is None else checked_label(label)))


@router.delete("/queue/picture")
async def remove(station: TheStation, key: Key) -> DroppedMessage:
    """Drop one picture."""
    if not station.queue.remove(key):
        raise ApiError(404, "this picture is not in the queue any more; load the page again")
    return DroppedMessage(dropped=1)


@router.get("/picture", response_class=Response, responses=file_answer("image/jpeg", "The picture."))
async def picture(station: TheStation, key: Key) -> Response:
    """Show any picture that has an id and is still kept."""
    found = station.picture(key)
    if found is None:
        raise ApiError(404, "this picture is not kept any more; load the page again")
    # A browser's own store would outlive what is forgotten here.
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/learn", status_code=202)
async def learn(station: TheStation, asked: LearnMessage) -> JobMessage:
    """Teach what waits as one task, in the background."""
    waiting = station.queue.classes()
    labels = list(waiting) if asked.labels is None else [checked_label(label) for label in asked.labels]
    if not labels:
        raise ApiError(409, "no picture waits to be taught; capture some first")
    missing = [label for label in labels if label not in waiting]
    if missing:
        raise ApiError(409, f"no picture of {missing[0][:40]!r} waits to be taught; capture some first")
    job = station.jobs.start({label: waiting[label] for label in labels}, asked.task or None, asked.force)
    return JobMessage(job=job.id)


@router.get("/jobs")
async def job(station: TheStation, key: Key) -> ProgressMessage:
    """Say where a job is."""
    return ProgressMessage(**_progress(_find(station, key)))


@router.get(
    "/jobs/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /jobs at every change, until the job is over."),
)
async def job_events(request: Request, station: TheStation, key: Key) -> Response:
    """Tell every change of a job."""
    found = _find(station, key)
    return Stream(_changes(found), station.streams, client_of(request), "text/event-stream")


@router.post("/jobs/undo")
async def undo(station: TheStation, asked: JobKeyMessage) -> UndoneMessage:
    """Take a lesson back; its pictures wait again, so that bad ones can be removed and the rest taught."""
    found = _find(station, asked.id)
    report = found.now.report
    if found.now.state != "done" or report is None:
        raise ApiError(409, "this lesson was not kept; there is nothing to undo")
    generation = report["generation"]

    def take_back(learner: Learner) -> UndoneMessage:
        if learner.store.latest() != generation:
            raise ApiError(409, "something else was changed since; go back in the history instead")
        new = learner.rollback()
        station.follow(learner)
        return UndoneMessage(generation=new, classes=list(learner.state.labels), waiting=0)

    done = await station.books(take_back)
    for label, pictures in found.pictures.items():
        done.waiting += station.queue.bring_back(label, pictures)
    return done


async def _changes(job: Job) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        version, progress = await job.progress.newer(known, _EVERY_SECONDS)
        if version == known or progress is None:
            yield COMMENT
            continue
        known = version
        yield event(_progress(job))
        if progress.state != "running":
            return


def _find(station: AppState, key: str) -> Job:
    found = station.jobs.find(key)
    if found is None:
        raise ApiError(404, "there is no such job; the console keeps the last few only")
    return found


def _progress(job: Job) -> dict[str, Any]:
    return asdict(job.now)
