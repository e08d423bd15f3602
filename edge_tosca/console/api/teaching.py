"""Routes for teaching: the training queue, and the jobs that learn its pictures."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from edge_tosca.console.api.openapi import PICTURE_BODY, Key, Label, file_answer, stream_answer
from edge_tosca.console.api.places import feed_of, newest_pixels, place_of
from edge_tosca.console.api.region_messages import CaptureMessage
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
from edge_tosca.console.app_state.state import CHANGES_STORE, AppState, AppStateDep, client_of
from edge_tosca.console.app_state.training_jobs import NONE, Job
from edge_tosca.console.app_state.training_queue import MOST, MOST_OF_A_CLASS
from edge_tosca.console.http.bodies import picture_body
from edge_tosca.console.http.departure import unless_gone
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.streams import COMMENT, Stream, event
from edge_tosca.labels import checked_label, normalized_label
from edge_tosca.learner.input_checks import require_names
from edge_tosca.learner.learner import Learner

router = APIRouter(tags=["teaching"])

_KEEP_ALIVE_SECONDS = 5.0


@router.get("/queue")
async def queue(state: AppStateDep) -> QueueMessage:
    """List the pictures that wait to be taught."""
    classes = state.queue.classes()
    known = await state.store_thread(lambda learner: set(learner.state.labels))
    return QueueMessage(
        classes=[
            WaitingClassMessage(
                label=label,
                known=label in known,
                pictures=[
                    WaitingMessage(id=one.id, sharpness=one.image.sharpness, hint=one.hint) for one in waiting
                ],
                hints=state.queue.hints(waiting, known=label in known),
            )
            for label, waiting in classes.items()
        ],
        pictures=sum(map(len, classes.values())),
        limit=MOST,
        limit_of_a_class=MOST_OF_A_CLASS,
        kept=state.thumbnails.on,
    )


@router.post("/queue", openapi_extra=PICTURE_BODY, dependencies=[CHANGES_STORE])
async def add(request: Request, state: AppStateDep, label: Label, force: bool = False) -> AddedMessage:
    """Add a picture to the training queue, unless it has a fault; "none" is for none of the classes."""
    name = _queued_label(label)
    data = await picture_body(request)
    image = await unless_gone(request, state.analyse(data))
    return AddedMessage(label=name, **asdict(state.queue.add(name, image, force=force)))


@router.post("/queue/capture", dependencies=[CHANGES_STORE])
async def capture(state: AppStateDep, body: CaptureMessage) -> AddedMessage:
    """Add the newest picture of a region of the box's camera to the training queue, unless it has a fault."""
    name = _queued_label(body.label)
    place, named = await place_of(state, body.camera, body.region)
    image = await state.analyse(newest_pixels(feed_of(state, place.camera), named.region))
    return AddedMessage(label=name, **asdict(state.queue.add(name, image)))


@router.delete("/queue")
async def clear(
    state: AppStateDep,
    label: Annotated[str | None, Query(max_length=4000, description="All classes unless named.")] = None,
) -> DroppedMessage:
    """Remove the pictures of a class from the training queue, or all pictures."""
    dropped = state.queue.clear(None if label is None else normalized_label(label))
    await state.save_waiting()
    return DroppedMessage(dropped=dropped)


@router.delete("/queue/picture")
async def remove(state: AppStateDep, key: Key) -> DroppedMessage:
    """Remove one picture from the training queue."""
    if not state.queue.remove(key):
        raise ApiError(404, "this picture is no longer in the queue; load the page again")
    await state.save_waiting()
    return DroppedMessage(dropped=1)


@router.get("/picture", response_class=Response, responses=file_answer("image/jpeg", "The picture."))
async def picture(state: AppStateDep, key: Key) -> Response:
    """Return any picture that is still kept, by its id."""
    found = state.picture(key)
    if found is None:
        raise ApiError(404, "this picture is no longer kept; load the page again")
    # A copy in the browser's cache would outlive the erasure here.
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/learn", status_code=202, dependencies=[CHANGES_STORE])
async def learn(state: AppStateDep, body: LearnMessage) -> JobMessage:
    """Teach queued classes as one task, or pictures of none of the classes, in the background."""
    waiting = state.queue.classes()
    labels = [normalized_label(label) for label in body.labels or ()]
    if body.labels is None:
        labels = [label for label in waiting if label != NONE] or list(waiting)
    if not labels:
        raise ApiError(409, "no picture waits to be taught; capture some first")
    missing = [label for label in labels if label not in waiting]
    if missing:
        raise ApiError(409, f"no picture of {missing[0][:40]!r} waits to be taught; capture some first")
    if NONE in labels and len(labels) > 1:
        raise ApiError(409, "pictures of none of the classes are a lesson of their own; teach them alone")
    if labels != [NONE]:
        known = await state.store_thread(lambda learner: learner.state.labels)
        require_names(labels, known, body.new_class or body.force)
    job = state.jobs.start({label: waiting[label] for label in labels}, body.task or None, body.force)
    return JobMessage(job=job.id)


@router.get("/jobs")
async def job(state: AppStateDep, key: Key) -> ProgressMessage:
    """Return the progress of a job."""
    return ProgressMessage(**_progress(_find(state, key)))


@router.get(
    "/jobs/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /jobs at every change, until the job is over."),
)
async def job_events(request: Request, state: AppStateDep, key: Key) -> Response:
    """Stream the progress of a job."""
    found = _find(state, key)
    return Stream(_changes(found), state.streams, client_of(request), "text/event-stream")


@router.post("/jobs/undo", dependencies=[CHANGES_STORE])
async def undo(state: AppStateDep, body: JobKeyMessage) -> UndoneMessage:
    """Undo a lesson and queue its pictures again, so that bad ones can be removed and the rest taught."""
    found = _find(state, body.id)
    report = found.now.report
    if found.now.state != "done" or report is None:
        raise ApiError(409, "this lesson was not kept; there is nothing to undo")
    generation = report["generation"]

    def roll_back(learner: Learner) -> UndoneMessage:
        if learner.store.latest() != generation:
            raise ApiError(409, "another change was made since; roll back in the history instead")
        new = learner.rollback()
        state.try_to_synchronize(learner)
        return UndoneMessage(generation=new, classes=list(learner.state.labels), waiting=0)

    done = await state.store_thread(roll_back)
    for label, pictures in found.pictures.items():
        done.waiting += state.queue.bring_back(label, pictures)
    return done


def _queued_label(label: str) -> str:
    # No class can have this name, see `edge_tosca.labels.RESERVED`.
    return NONE if label.strip() == NONE else checked_label(label)


async def _changes(job: Job) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        version, progress = await job.progress.newer(known, _KEEP_ALIVE_SECONDS)
        if version == known or progress is None:
            yield COMMENT
            continue
        known = version
        yield event(_progress(job))
        if progress.state != "running":
            return


def _find(state: AppState, key: str) -> Job:
    found = state.jobs.find(key)
    if found is None:
        raise ApiError(404, "there is no such job; the console keeps the last few only")
    return found


def _progress(job: Job) -> dict[str, Any]:
    return asdict(job.now)
