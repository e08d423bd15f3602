"""Route that explains an answer: which places of its picture spoke for a class."""

from typing import Annotated

from fastapi import APIRouter, Query

from edge_tosca.console.api.messages import Message
from edge_tosca.console.api.openapi import Key
from edge_tosca.console.app_state.state import AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import normalized_label
from edge_tosca.learner.explanation import Explanation
from edge_tosca.learner.learner import Learner

router = APIRouter(tags=["asking"])


class SeenMessage(Message):
    """The part of a picture that the backbone saw, as shares of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float


class EvidenceMessage(Message):
    """What speaks for a class, row by row of the part that the backbone saw; it adds up to the score."""

    label: str
    score: float
    unplaced: float
    places: list[list[float]]
    seen: SeenMessage


@router.get("/answers/evidence")
async def evidence(
    state: AppStateDep,
    key: Key,
    label: Annotated[
        str | None,
        Query(min_length=1, max_length=4000, description="Name of the class; the answer's if absent."),
    ] = None,
) -> EvidenceMessage:
    """Return which places of an answer's picture spoke for a class, and which against it.

    They are those of the small copy that the page shows.
    """
    image = state.answered(key)
    if image is None:
        raise ApiError(404, "the picture of this answer is no longer kept; use a newer one")
    about = None if label is None else normalized_label(label)

    def explain(learner: Learner) -> Explanation:
        return learner.explain(image.jpeg, about, 1)

    found = await state.predict_thread(explain)
    left, top, width, height = found.seen
    return EvidenceMessage(
        label=found.label,
        score=found.evidence.score,
        unplaced=found.evidence.unplaced,
        places=found.evidence.places.tolist(),
        seen=SeenMessage(left=left, top=top, width=width, height=height),
    )
