"""Routes for the box itself: health, settings, storage, doctor, metrics."""

import contextlib
import time
from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from edge_tosca.console.api.messages import (
    CheckMessage,
    DoctorMessage,
    FindingMessage,
    HealthMessage,
    SettingsMessage,
    StorageMessage,
)
from edge_tosca.console.api.openapi import file_answer
from edge_tosca.console.app_state.state import CHANGES_STORE, AppState, AppStateDep
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.console.http.security import is_admitted
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.verification import verify
from edge_tosca.store.maintenance import stats
from edge_tosca.version import __version__

router = APIRouter(tags=["box"])
metrics_router = APIRouter(tags=["box"])


@router.get("/health")
async def health(request: Request, state: AppStateDep) -> HealthMessage:
    """Return whether the box works; without the token only status and version."""
    generation = None
    with contextlib.suppress(EdgeToscaError, ApiError):
        generation = await state.store_thread(lambda learner: learner.store.latest())
    camera, live = state.cameras.stats(state.cameras.first())
    connected = [feed.stream.stats().connected for feed in list(state.cameras.feeds.values())]
    works = generation is not None and all(connected)
    if not is_admitted(request.scope):
        return HealthMessage(
            status="ok" if works else "degraded",
            version=__version__,
            generation=None,
            camera=None,
            live=None,
            uptime=None,
        )
    return HealthMessage(
        status="ok" if works else "degraded",
        version=__version__,
        generation=generation,
        camera=None if camera is None else _without_paths(state, asdict(camera)),
        live=None if live is None else _without_paths(state, asdict(live)),
        uptime=time.monotonic() - state.began,
    )


@router.get("/settings")
async def settings(state: AppStateDep) -> SettingsMessage:
    """Return the settings."""
    return SettingsMessage(keep_pictures=state.thumbnails.on)


@router.put("/settings", dependencies=[CHANGES_STORE])
async def change_settings(state: AppStateDep, body: SettingsMessage) -> SettingsMessage:
    """Keep pictures of classes that are taught from now on, or erase all kept pictures."""

    def change(_: Learner) -> None:
        if body.keep_pictures:
            state.thumbnails.turn_on()
        else:
            state.thumbnails.turn_off()

    await state.store_thread(change)
    return SettingsMessage(keep_pictures=state.thumbnails.on)


@router.get("/store")
async def storage(state: AppStateDep) -> StorageMessage:
    """Return the size of the store, and verify its content."""

    def look(learner: Learner) -> StorageMessage:
        found = verify(learner.store, solve=False)
        faults = [without_paths(fault, state.options.store) for fault in found.discrepancies]
        return StorageMessage(
            stats=stats(learner.store).to_json(),
            check=CheckMessage(ok=not faults, text="; ".join(faults[:3]), faults=len(faults)),
        )

    return await state.store_thread(look)


@router.get("/doctor")
async def doctor(state: AppStateDep) -> DoctorMessage:
    """Examine the whole box; this takes a few seconds."""
    from edge_tosca.devices.doctor import examine

    options = state.options

    # In the prediction thread: the backbone must not run twice at once beside the live loop.
    def look(_: Learner) -> DoctorMessage:
        findings = examine(
            options.store,
            runtime=options.runtime,
            device=options.device,
            threads=1,
            key_file=options.key_file,
        )
        messages = [
            FindingMessage(
                what=finding.what,
                ok=finding.ok,
                detail=without_paths(finding.detail, options.store, folders=False),
                remedy=without_paths(finding.remedy, options.store, folders=False),
                measured=finding.measured,
            )
            for finding in findings
        ]
        return DoctorMessage(ok=all(one.ok for one in messages), findings=messages)

    return await state.predict_thread(look)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses=file_answer("text/plain", "Metrics in Prometheus' format."),
)
async def metrics(state: AppStateDep) -> Response:
    """Return the metrics of the console."""
    return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _without_paths(state: AppState, account: dict[str, object]) -> dict[str, object]:
    error = account.get("error")
    if isinstance(error, str):
        account["error"] = without_paths(error, state.options.store)
    return account
