"""Routes for the strictness: what is called unknown."""

from dataclasses import asdict

from fastapi import APIRouter

from edge_tosca.classifier.ood.strictness import LEVELS
from edge_tosca.console.api.strictness_messages import (
    ChangeStrictnessMessage,
    StrictnessEffectMessage,
    StrictnessMessage,
)
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.learner import Learner

router = APIRouter(tags=["classes"])


@router.get("/strictness")
async def strictness(state: AppStateDep) -> StrictnessMessage:
    """Return the strictness, and how many of the learner's own pictures each level would call unknown."""
    return await state.store_thread(_message)


@router.put("/strictness", dependencies=[CHANGES_STORE])
async def change_strictness(state: AppStateDep, body: ChangeStrictnessMessage) -> StrictnessMessage:
    """Set how much evidence a picture needs to pass as known, at once and without learning anything again."""
    if state.jobs.running:
        raise ApiError(409, "a lesson is being learned; wait until it is done")
    label = None if body.label is None else normalized_label(body.label)

    def change(learner: Learner) -> StrictnessMessage:
        if label is not None and label not in learner.state.labels:
            raise ApiError(404, unknown_class(learner.store.path.name, learner.state.labels, label))
        learner.set_strictness(body.value, label)
        return _message(learner)

    return await state.store_thread(change)


def _message(learner: Learner) -> StrictnessMessage:
    now = learner.strictness

    def effect(value: float) -> StrictnessEffectMessage:
        return StrictnessEffectMessage(**asdict(learner.strictness_effect(value)))

    return StrictnessMessage(
        value=now.value,
        classes=now.by_label(learner.state),
        now=effect(now.value),
        levels={name: effect(value) for name, value in LEVELS.items()},
    )
