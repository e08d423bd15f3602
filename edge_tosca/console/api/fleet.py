"""Routes of the fleet that the box belongs to."""

from functools import partial

from fastapi import APIRouter

from edge_tosca.console.api.fleet_messages import ChangeShareMessage, FleetMessage, RefusedPackMessage
from edge_tosca.console.app_state.state import CHANGES_STORE, AppState, AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.learner.learner import Learner
from edge_tosca.packs.fleet.membership import is_member, set_share
from edge_tosca.packs.fleet.status import box_status

router = APIRouter(tags=["fleet"])


@router.get("/fleet")
async def fleet(state: AppStateDep) -> FleetMessage:
    """Return what this box holds of its fleet, and what the other boxes report."""
    return await state.store_thread(_message)


@router.put("/fleet/share", dependencies=[CHANGES_STORE])
async def share(state: AppStateDep, body: ChangeShareMessage) -> FleetMessage:
    """Set to which group of boxes goes what this box is taught; "" keeps it here."""
    return await state.store_thread(partial(_set_share, state, body.share))


def _set_share(state: AppState, group: str, learner: Learner) -> FleetMessage:
    if not is_member(learner.store.path):
        raise ApiError(409, "this box belongs to no fleet; join one with: edge-tosca fleet join")
    if group and group not in box_status(learner.store)["may_share"]:
        raise ApiError(422, "this box teaches no such group; ask the fleet's administrator for the role")
    set_share(learner.store.path, group)
    return _message(learner)


def _message(learner: Learner) -> FleetMessage:
    if not is_member(learner.store.path):
        return FleetMessage(member=False)
    found = box_status(learner.store)
    return FleetMessage(
        member=True,
        **{
            name: found[name]
            for name in ("fleet", "box", "share", "may_share", "deleted", "erasures_since", "pinned", "boxes")
        },
        held=len(found["held"]),
        refused=[
            RefusedPackMessage(pack=pack, label=found["labels"][pack], reason=reason)
            for pack, reason in found["refused"].items()
        ],
        copies=len(found["copies"]),
    )
