"""Routes that predict a picture or a burst, and that correct an answer."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from edge_tosca.console.api.messages import AnswerMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, PICTURES_BODY, Coverage, Top
from edge_tosca.console.api.teaching_messages import AddedMessage, CorrectionMessage
from edge_tosca.console.app_state.image_analysis import AnalysedImage, Cost, cost_of, require_vision
from edge_tosca.console.app_state.state import AppState, AppStateDep
from edge_tosca.console.http.bodies import picture_body, picture_parts
from edge_tosca.console.http.departure import unless_gone
from edge_tosca.console.http.errors import ApiError
from edge_tosca.errors import PictureError
from edge_tosca.labels import checked_label
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer

router = APIRouter(tags=["asking"])


@router.post("/predict", openapi_extra=PICTURE_BODY)
async def predict(
    request: Request, state: AppStateDep, top: Top = 3, coverage: Coverage = None
) -> AnswerMessage:
    """Predict the class of one picture."""
    data = await picture_body(request)
    began = time.perf_counter()

    async def ask() -> tuple[AnalysedImage, Answer]:
        image = await state.analyse(data)

        def answer(learner: Learner) -> Answer:
            require_vision(learner, [image])
            found = learner.predict_features(image.feature[None], top, coverage=coverage)[0]
            return replace(found, note=image.note)

        return image, await state.predict_thread(answer)

    image, answer = await unless_gone(request, ask())
    state.metrics.seconds.observe(time.perf_counter() - began)
    return answer_message(answer, state.remember(image, answer), image.milliseconds)


@router.post("/burst", openapi_extra=PICTURES_BODY)
async def burst(request: Request, state: AppStateDep, top: Top = 3) -> AnswerMessage:
    """Predict the class of one object from several views; wrong for pictures of different objects."""
    views = await picture_parts(request)
    images, answer = await unless_gone(request, _ask_views(state, views, top))
    times = {name: sum(one.milliseconds[name] for one in images) for name in images[0].milliseconds}
    return answer_message(answer, state.remember(images[-1], answer), times)


async def _ask_views(state: AppState, views: list[bytes], top: int) -> tuple[list[AnalysedImage], Answer]:
    # Each picture is a piece of work of its own, so that other clients have their turns between them.
    costs = []
    for number, view in enumerate(views, 1):
        with _of_views(number, len(views)):
            costs.append(await state.predict_thread(partial(_cost, view)))
    images = []
    with state.pixels.held(sum(cost.pixels for cost in costs)):
        for number, (view, cost) in enumerate(zip(views, costs, strict=True), 1):
            with _of_views(number, len(views)):
                images.append(await state.analyse(view, cost))

    def answer(learner: Learner) -> Answer:
        require_vision(learner, images)
        found = learner.predict_features(np.stack([one.feature for one in images]), top, burst=True)[0]
        return replace(found, note=next((one.note for one in images if one.note), None))

    return images, await state.predict_thread(answer)


def _cost(view: bytes, _: Learner) -> Cost:
    return cost_of(view)


@contextlib.contextmanager
def _of_views(number: int, views: int) -> Iterator[None]:
    try:
        yield
    except PictureError as error:
        raise PictureError(f"picture {number} of {views}: {error}; leave it out, or send another") from None


@router.post("/answers/correct")
async def correct(state: AppStateDep, body: CorrectionMessage) -> AddedMessage:
    """Add the picture of a wrong answer to the training queue, under its true class."""
    label = checked_label(body.label)
    image = state.answered(body.answer)
    if image is None:
        raise ApiError(404, "the picture of this answer is no longer kept; correct a newer one")
    # The user chose this picture, so its quality is not checked.
    added = state.queue.add(label, image, force=True)
    state.strips.mark(body.answer, label)
    return AddedMessage(label=label, **asdict(added))


def answer_message(answer: Answer, key: str | None, milliseconds: dict[str, float]) -> AnswerMessage:
    """Convert an answer of the learner to a message.

    Args:
        answer: of the learner.
        key: id of its picture in memory.
        milliseconds: spent on the picture.

    Returns:
        The message.
    """
    values: dict[str, Any] = asdict(answer)
    values["milliseconds"] = {**milliseconds, **answer.milliseconds}
    return AnswerMessage(id=key, **values)
