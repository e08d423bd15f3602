"""Routes for the severity of classes, which the events that name them carry."""

from fastapi import APIRouter
from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import normalized_label
from edge_tosca.learner.input_checks import unknown_class
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.severity import Severity, read_severities, set_severity

router = APIRouter(tags=["classes"])


class SeverityMessage(Message):
    """How severe it is that something unknown or a class is seen; info for a class that is absent."""

    unknown: Severity
    classes: dict[str, Severity]


class ChangeSeverityMessage(RequestMessage):
    """A new severity of a class, or, without a label, of what is unknown."""

    severity: Severity
    label: str | None = Field(default=None, min_length=1, max_length=4000)


@router.get("/severity")
async def severity(state: AppStateDep) -> SeverityMessage:
    """Return the severities of a store's classes."""
    return await state.store_thread(_message)


@router.put("/severity", dependencies=[CHANGES_STORE])
async def change_severity(state: AppStateDep, body: ChangeSeverityMessage) -> SeverityMessage:
    """Set the severity of a class or of what is unknown; the next change of an answer carries it."""
    label = None if body.label is None else normalized_label(body.label)

    def change(learner: Learner) -> SeverityMessage:
        if label is not None and label not in learner.state.labels:
            raise ApiError(404, unknown_class(learner.store.path.name, learner.state.labels, label))
        set_severity(learner.store, body.severity, label)
        return _message(learner)

    return await state.store_thread(change)


def _message(learner: Learner) -> SeverityMessage:
    now = read_severities(learner.store)
    return SeverityMessage(unknown=now.unknown, classes=now.by_label(learner.state))
