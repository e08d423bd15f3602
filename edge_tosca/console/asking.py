"""Routes that ask about pictures: predict and burst."""

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Query, Request, UploadFile

from edge_tosca.answer import Answer
from edge_tosca.console.bodies import picture_body
from edge_tosca.console.describing import PICTURE_BODY
from edge_tosca.console.messages import AnswerMessage
from edge_tosca.console.sight import Seen, see
from edge_tosca.console.station import TheStation
from edge_tosca.learner import Learner

router = APIRouter(tags=["asking"])

MOST_VIEWS = 32

Top = Annotated[int, Query(ge=1, le=100, description="Number of guesses.")]
Coverage = Annotated[
    float | None,
    Query(gt=0, lt=1, description="Give a set of labels that holds the truth with this probability."),
]


@router.post("/predict", openapi_extra=PICTURE_BODY)
async def predict(
    request: Request, station: TheStation, top: Top = 3, coverage: Coverage = None
) -> AnswerMessage:
    """Say what one picture shows."""
    data = await picture_body(request)

    def ask(learner: Learner) -> tuple[Seen, Answer]:
        seen = see(learner.vision, data)
        with learner.store.snapshot():
            return seen, learner.knowledge.decide(seen.feature[None], top, coverage=coverage)[0]

    seen, answer = await station.asking(ask)
    return answer_message(answer, None, seen.milliseconds)


@router.post("/burst")
async def burst(
    station: TheStation,
    pictures: Annotated[list[UploadFile], File(min_length=1, max_length=MOST_VIEWS)],
    top: Top = 3,
) -> AnswerMessage:
    """Say what several views of one object show; wrong for pictures of different objects."""
    views = [await picture.read() for picture in pictures]

    def ask(learner: Learner) -> tuple[list[Seen], Answer]:
        seen = [see(learner.vision, view) for view in views]
        features = np.stack([one.feature for one in seen])
        with learner.store.snapshot():
            return seen, learner.knowledge.decide(features, top, burst=True)[0]

    seen, answer = await station.asking(ask)
    times = {name: sum(one.milliseconds[name] for one in seen) for name in seen[0].milliseconds}
    return answer_message(answer, None, times)


def answer_message(answer: Answer, key: str | None, milliseconds: dict[str, float]) -> AnswerMessage:
    """Put an answer into the API's words.

    Args:
        answer: of the learner.
        key: under which its picture is in memory.
        milliseconds: spent on the picture.

    Returns:
        The message.
    """
    values: dict[str, Any] = asdict(answer)
    values["milliseconds"] = {**milliseconds, **answer.milliseconds}
    return AnswerMessage(id=key, **values)
