"""Routes for counts: how often and how long each class was shown in each region."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from edge_tosca.console.api.messages import Message, RequestMessage
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.tally import MOST_DAYS, read_tally, set_tally, tally_days

router = APIRouter(tags=["regions"])

_HOUR_SECONDS = 3600


class CountMessage(Message):
    """What was shown in a region within an hour of UTC; `label` is null for what is none of the classes."""

    hour: str
    camera: str
    region: str
    label: str | None
    seen: int
    seconds: float


class TallyMessage(Message):
    """Counts by hour; `days` is how long they are kept, null where nothing is counted."""

    days: int | None
    counts: list[CountMessage]


class ChangeTallyMessage(RequestMessage):
    """How many days counts are kept; null to count no longer, which erases them."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None


@router.get("/tally")
async def tally(
    state: AppStateDep,
    days: Annotated[int, Query(ge=1, le=31, description="The last so many days.")] = 1,
) -> TallyMessage:
    """Return how often and how long each class was shown in each region, by hour."""
    return await state.store_thread(partial(_message, days=days))


@router.put("/tally", dependencies=[CHANGES_STORE])
async def change_tally(state: AppStateDep, body: ChangeTallyMessage) -> TallyMessage:
    """Count from now on, or count no longer."""

    def change(learner: Learner) -> TallyMessage:
        set_tally(learner.store, body.days)
        return _message(learner)

    return await state.store_thread(change)


def _message(learner: Learner, days: int = 1) -> TallyMessage:
    since = int(time.time() // _HOUR_SECONDS) - 24 * days + 1
    counts = [
        CountMessage(
            hour=datetime.fromtimestamp(one.hour * _HOUR_SECONDS, UTC).strftime("%Y-%m-%dT%H:00Z"),
            camera=one.camera,
            region=one.region,
            label=one.label,
            seen=one.seen,
            seconds=round(one.seconds, 1),
        )
        for one in read_tally(learner.store, since)
    ]
    return TallyMessage(days=tally_days(learner.store), counts=counts)
