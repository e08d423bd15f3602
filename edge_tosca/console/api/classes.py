"""Routes for known classes: list, forget, rename, roll back, history."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

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
    LessonMessage,
    ModuleMessage,
    OutcomesMessage,
    RenameMessage,
    RollbackMessage,
)
from edge_tosca.console.api.openapi import Label, file_answer
from edge_tosca.console.app_state.image_analysis import jpeg_of
from edge_tosca.console.app_state.state import CHANGES_STORE, AppState, AppStateDep
from edge_tosca.console.app_state.training_jobs import NONE
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.errors import LearnError
from edge_tosca.labels import NONE_LABEL, normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.learner import Learner
from edge_tosca.outcomes import Outcomes
from edge_tosca.quality.gate import BY_CLASS
from edge_tosca.quality.held_out_outcomes import in_all, kept_outcomes
from edge_tosca.runtime import load_picture
from edge_tosca.store.state import Generation, Task

router = APIRouter(tags=["classes"])

THUMBNAIL_SIDE = 256
"""Longer side of a thumbnail, pixels."""


@router.get("/classes")
async def classes(state: AppStateDep) -> ClassesMessage:
    """List the known classes and the modules of the live generation."""
    return await state.store_thread(lambda learner: _classes(state, learner))


@router.post("/none/forget", dependencies=[CHANGES_STORE])
async def forget_none(state: AppStateDep) -> ChangeMessage:
    """Erase all pictures of none of the classes for good; no rollback restores them."""

    def erase(learner: Learner) -> int:
        try:
            generation = learner.forget_none()
        except LearnError as error:
            raise ApiError(404, without_paths(str(error), learner.store.path)) from None
        state.jobs.drop_pictures([NONE])
        return generation

    return await _change(state, erase, erases=True)


@router.get("/classes/thumbnail", response_class=Response, responses=file_answer("image/jpeg", "A picture."))
async def thumbnail(state: AppStateDep, label: Label) -> Response:
    """Return a picture of a class, if pictures are kept."""
    name = normalized_label(label)

    def look(learner: Learner) -> bytes | None:
        kept = state.thumbnails_of(learner.store, name)
        return state.thumbnails.picture(kept[0]) if kept else None

    found = await state.store_thread(look)
    if found is None:
        raise ApiError(404, "no picture of this class is kept; the settings say whether pictures are kept")
    jpeg = await run_in_threadpool(lambda: jpeg_of(load_picture(found), THUMBNAIL_SIDE))
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post("/classes/forget", dependencies=[CHANGES_STORE])
async def forget(state: AppStateDep, body: LabelMessage) -> ChangeMessage:
    """Erase a class for good; no rollback restores it."""
    label = normalized_label(body.label)

    def erase(learner: Learner) -> int:
        store = learner.store
        with store.snapshot():
            names = store.labels_ever(
                group for groups in store.groups_ever(label).values() for group in groups
            )
        # Also a class of an undone lesson can be forgotten, so only the learner knows which there are.
        try:
            return learner.forget(label)
        except LearnError as error:
            names.clear()
            raise ApiError(404, without_paths(str(error), store.path)) from None
        finally:
            # No report or queue may show a picture of a forgotten class, whatever name it was taught under.
            gone = names.difference(learner.state.labels)
            state.jobs.drop_pictures(sorted(gone))
            state.strips.drop(gone)
            state.doubtful.drop(gone)
            for name in gone:
                state.queue.clear(name)

    return await _change(state, erase, erases=True)


@router.post("/classes/rename", dependencies=[CHANGES_STORE])
async def rename(state: AppStateDep, body: RenameMessage) -> ChangeMessage:
    """Rename a class, or merge it with another."""
    label, new = normalized_label(body.label), normalized_label(body.new)

    def change(learner: Learner) -> int:
        return learner.rename(label, new, merge=body.merge, new_class=body.new_class)

    return await _change(state, change, label)


@router.post("/rollback", dependencies=[CHANGES_STORE])
async def rollback(state: AppStateDep, body: RollbackMessage) -> ChangeMessage:
    """Restore the classes of an earlier generation; forgotten classes stay forgotten."""

    def go_back(learner: Learner) -> int:
        if (body.generation or 0) > learner.store.latest():
            raise ApiError(404, f"there is no generation {body.generation}; look at the history")
        return learner.rollback(body.generation)

    return await _change(state, go_back)


@router.get("/history")
async def history(state: AppStateDep) -> HistoryMessage:
    """List every change, the newest first."""
    return await state.store_thread(_history)


async def _change(
    state: AppState, change: Callable[[Learner], int], label: str | None = None, *, erases: bool = False
) -> ChangeMessage:
    if state.jobs.running:
        raise ApiError(409, "a lesson is being learned; wait until it is done")

    def do(learner: Learner) -> ChangeMessage:
        if label is not None and label not in learner.state.labels:
            raise ApiError(404, unknown_class(learner.store.path.name, learner.state.labels, label))
        generation = change(learner)
        # A client that erases a class must learn of it if a picture could not be erased.
        (state.synchronize if erases else state.try_to_synchronize)(learner)
        return ChangeMessage(generation=generation, classes=list(learner.state.labels))

    return await state.store_thread(do)


def _classes(state: AppState, learner: Learner) -> ClassesMessage:
    with learner.store.snapshot():
        known = learner.state
        # With a single class every answer is right, which means nothing.
        report = _report(learner.history(), known.generation) if len(known.labels) > 1 else {}
        accuracy, counts = _accuracy(report), kept_outcomes(report)
        found = []
        for label in known.labels:
            tasks = [task for task in known.tasks if any(group.label == label for group in task.groups)]
            images = sum(group.images for group in known.groups if group.label == label)
            found.append(
                ClassMessage(
                    label=label,
                    task=tasks[0].name,
                    tasks=[task.name for task in tasks],
                    images=images,
                    learned_at=tasks[-1].learned_at,
                    accuracy=accuracy.get(label),
                    outcomes=_outcomes(in_all(counts, [label])),
                    thumbnail=bool(state.thumbnails_of(learner.store, label)),
                    lessons=[_lesson(state, learner, task, label) for task in reversed(tasks)],
                )
            )
        modules = [
            ModuleMessage(
                digest=task.module,
                task=task.name,
                classes=[group.label for group in task.groups],
                bytes=len(learner.store.module(task.module)),
            )
            for task in known.tasks
        ]
        none = sum(group.images for group in known.none_groups)
    return ClassesMessage(generation=known.generation, classes=found, modules=modules, none=none)


def _lesson(state: AppState, learner: Learner, task: Task, label: str) -> LessonMessage:
    return LessonMessage(
        task=task.name,
        images=sum(group.images for group in task.groups if group.label == label),
        learned_at=task.learned_at,
        pictures=list(state.thumbnails_of_task(learner.store, task, label)),
    )


def _report(history: list[Generation], live: int) -> dict[str, object]:
    return next((entry.report for entry in reversed(history) if entry.number == live), {})


def _accuracy(report: Mapping[str, object]) -> dict[str, float]:
    """Return the held-out accuracy of each class from the last lesson's report; {} after other changes."""
    kept = report.get(BY_CLASS)
    return {str(label): float(share) for label, share in kept.items()} if isinstance(kept, dict) else {}


def _outcomes(found: Outcomes | None) -> OutcomesMessage | None:
    return None if found is None else OutcomesMessage(**asdict(found))


def _history(learner: Learner) -> HistoryMessage:
    with learner.store.snapshot():
        generations = learner.history()
        live = learner.store.latest()
        known = {group.id for group in learner.state.groups}
        taught = [group for task in learner.store.tasks_ever() for group in task.groups]
        undone = {group.label for group in taught if group.id not in known and group.label != NONE_LABEL}
    return HistoryMessage(
        generation=live,
        undone=sorted(undone.difference(learner.state.labels)),
        undo=undo_target(generations),
        generations=[_generation(entry, live) for entry in reversed(generations)],
    )


def undo_target(generations: list[Generation]) -> int | None:
    """Return the generation that a rollback without a number restores.

    Args:
        generations: of the store, the oldest first.

    Returns:
        Its number; None if there is none.
    """
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
        name=_text(entry.by.get("name")),
        role=_text(entry.by.get("role")),
        live=entry.number == live,
    )


def _text(value: object) -> str | None:
    return str(value) if value else None
