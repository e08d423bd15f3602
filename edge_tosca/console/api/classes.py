"""Routes about what is known: classes, forget, rename, roll back, history."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from edge_tosca.console.api.messages import (
    ChangeMessage,
    ClassesMessage,
    ClassMessage,
    GenerationMessage,
    HistoryMessage,
    LabelMessage,
    ModuleMessage,
    RenameMessage,
    RollbackMessage,
)
from edge_tosca.console.api.openapi import Label, file_answer
from edge_tosca.console.app_state.image_analysis import jpeg_of
from edge_tosca.console.app_state.state import AppState, TheStation
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import checked_label
from edge_tosca.learner.learner import Learner
from edge_tosca.quality.gate import BY_CLASS
from edge_tosca.runtime import load_picture
from edge_tosca.store.state import Generation

router = APIRouter(tags=["classes"])

THUMBNAIL_SIDE = 256
"""Pixels of a thumbnail's longer side."""


@router.get("/classes")
async def classes(station: TheStation) -> ClassesMessage:
    """List what is known."""
    return await station.books(lambda learner: _classes(station, learner))


@router.get("/classes/thumbnail", response_class=Response, responses=file_answer("image/jpeg", "A picture."))
async def thumbnail(station: TheStation, label: Label) -> Response:
    """Show a picture of a class, if pictures are kept."""
    name = checked_label(label)

    def look(learner: Learner) -> bytes | None:
        kept = station.kept_of(learner.store, name)
        return station.kept.picture(kept[0]) if kept else None

    found = await station.books(look)
    if found is None:
        raise ApiError(404, "no picture of this class is kept; the settings say whether pictures are kept")
    jpeg = await run_in_threadpool(lambda: jpeg_of(load_picture(found), THUMBNAIL_SIDE))
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/classes/forget")
async def forget(station: TheStation, asked: LabelMessage) -> ChangeMessage:
    """Erase a class for good; no rollback brings it back."""
    label = checked_label(asked.label)
    changed = await _change(station, lambda learner: learner.forget(label), label, erases=True)
    # What is forgotten is not to be seen in a report, the queue or anywhere else.
    station.jobs.drop_pictures([label])
    station.queue.clear(label)
    return changed


@router.post("/classes/rename")
async def rename(station: TheStation, asked: RenameMessage) -> ChangeMessage:
    """Give a class another name, or make one class of two."""
    label, new = checked_label(asked.label), checked_label(asked.new)
    return await _change(station, lambda learner: learner.rename(label, new, merge=asked.merge), label)


@router.post("/rollback")
async def rollback(station: TheStation, asked: RollbackMessage) -> ChangeMessage:
    """Go back to what an earlier generation knew; classes that were forgotten stay forgotten."""

    def go_back(learner: Learner) -> int:
        if (asked.generation or 0) > learner.store.latest():
            raise ApiError(404, f"there is no generation {asked.generation}; look at the history")
        return learner.rollback(asked.generation)

    return await _change(station, go_back)


@router.get("/history")
async def history(station: TheStation) -> HistoryMessage:
    """List every change, the newest first."""
    return await station.books(_history)


async def _change(
    station: AppState, change: Callable[[Learner], int], label: str | None = None, *, erases: bool = False
) -> ChangeMessage:
    if station.jobs.running:
        raise ApiError(409, "a lesson is being learned; wait until it is done")

    def do(learner: Learner) -> ChangeMessage:
        if label is not None and label not in learner.state.labels:
            raise ApiError(404, f"no class {label[:40]!r} is known; look at the list of classes")
        generation = change(learner)
        # Whoever has something erased has to know if a picture of it is left.
        (station.changed if erases else station.follow)(learner)
        return ChangeMessage(generation=generation, classes=list(learner.state.labels))

    return await station.books(do)


def _classes(station: AppState, learner: Learner) -> ClassesMessage:
    with learner.store.snapshot():
        state = learner.state
        # Of one class alone every answer is right, which says nothing.
        accuracy = _accuracy(learner.history(), state.generation) if len(state.labels) > 1 else {}
        found = []
        for label in state.labels:
            tasks = [task for task in state.tasks if any(group.label == label for group in task.groups)]
            images = sum(group.images for group in state.groups if group.label == label)
            found.append(
                ClassMessage(
                    label=label,
                    task=tasks[0].name,
                    tasks=[task.name for task in tasks],
                    images=images,
                    learned_at=tasks[-1].learned_at,
                    accuracy=accuracy.get(label),
                    thumbnail=bool(station.kept_of(learner.store, label)),
                )
            )
        modules = [
            ModuleMessage(
                digest=task.module,
                task=task.name,
                classes=[group.label for group in task.groups],
                bytes=len(learner.store.module(task.module)),
            )
            for task in state.tasks
        ]
    return ClassesMessage(generation=state.generation, classes=found, modules=modules)


def _accuracy(history: list[Generation], live: int) -> dict[str, float]:
    """Give the left-out accuracy of each class as the last lesson reported it, if nothing changed since."""
    for entry in reversed(history):
        kept = entry.report.get(BY_CLASS)
        if entry.number == live and isinstance(kept, dict):
            return {str(label): float(share) for label, share in kept.items()}
    return {}


def _history(learner: Learner) -> HistoryMessage:
    with learner.store.snapshot():
        generations = learner.history()
        live = learner.store.latest()
    return HistoryMessage(
        generation=live,
        undo=undo_target(generations),
        generations=[_generation(entry, live) for entry in reversed(generations)],
    )


def undo_target(generations: list[Generation]) -> int | None:
    """Say which generation a rollback without a number leads to; None where there is none."""
    by_number = {entry.number: entry for entry in generations}
    number = generations[-1].number if generations else 0
    while number and by_number[number].command == "rollback":
        number = by_number[number].parent
    return by_number[number].parent if number else None


def _generation(entry: Generation, live: int) -> GenerationMessage:
    taught = entry.report.get("classes")
    before = entry.report.get("before")
    gate = entry.report.get("gate")
    user = entry.by.get("user")
    return GenerationMessage(
        number=entry.number,
        parent=entry.parent,
        made_at=entry.made_at,
        command=entry.command,
        classes=[str(label) for label in taught] if isinstance(taught, list | tuple) else [],
        before=before if isinstance(before, str) else None,
        verdict=str(gate["verdict"]) if isinstance(gate, dict) and "verdict" in gate else None,
        by=str(user) if user else None,
        live=entry.number == live,
    )
