"""Routes that ask about pictures: predict and burst, and that correct an answer."""

import time
from dataclasses import asdict
from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from edge_tosca.console.api.messages import AnswerMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, PICTURES_BODY, Coverage, Top
from edge_tosca.console.api.teaching_messages import AddedMessage, CorrectionMessage
from edge_tosca.console.app_state.image_analysis import AnalysedImage, analyse
from edge_tosca.console.app_state.state import TheStation
from edge_tosca.console.http.bodies import picture_body, picture_parts
from edge_tosca.console.http.errors import ApiError
from edge_tosca.errors import PictureError
from edge_tosca.labels import checked_label
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer
from edge_tosca.vision.feature_extractor import FeatureExtractor

router = APIRouter(tags=["asking"])


@router.post("/predict", openapi_extra=PICTURE_BODY)
async def predict(
    request: Request, station: TheStation, top: Top = 3, coverage: Coverage = None
) -> AnswerMessage:
    """Say what one picture shows."""
    data = await picture_body(request)
    began = time.perf_counter()

    def ask(learner: Learner) -> tuple[AnalysedImage, Answer]:
        seen = analyse(learner.vision, data)
        return seen, learner.predict_features(seen.feature[None], top, coverage=coverage)[0]

    seen, answer = await station.asking(ask)
    station.metrics.seconds.observe(time.perf_counter() - began)
    return answer_message(answer, station.remember(seen, answer), seen.milliseconds)


@router.post("/burst", openapi_extra=PICTURES_BODY)
async def burst(request: Request, station: TheStation, top: Top = 3) -> AnswerMessage:
    """Say what several views of one object show; wrong for pictures of different objects."""
    views = await picture_parts(request)

    def ask(learner: Learner) -> tuple[list[AnalysedImage], Answer]:
        seen = [_see_one(learner.vision, view, place, len(views)) for place, view in enumerate(views, 1)]
        features = np.stack([one.feature for one in seen])
        return seen, learner.predict_features(features, top, burst=True)[0]

    seen, answer = await station.asking(ask)
    times = {name: sum(one.milliseconds[name] for one in seen) for name in seen[0].milliseconds}
    return answer_message(answer, station.remember(seen[-1], answer), times)


def _see_one(vision: FeatureExtractor, view: bytes, place: int, views: int) -> AnalysedImage:
    try:
        return analyse(vision, view)
    except PictureError as error:
        raise PictureError(f"picture {place} of {views}: {error}; leave it out, or send another") from None


@router.post("/answers/correct")
async def correct(station: TheStation, asked: CorrectionMessage) -> AddedMessage:
    """Let the picture of a wrong answer wait to be taught as what it is."""
    label = checked_label(asked.label)
    seen = station.recent.find(asked.answer)
    if seen is None:
        raise ApiError(404, "the picture of this answer is not kept any more; correct a newer one")
    # The person has seen the picture and wants it taught.
    added = station.queue.add(label, seen, force=True)
    return AddedMessage(label=label, **asdict(added))


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
