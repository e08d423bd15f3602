"""Routes about the box itself: health, settings, storage, doctor, metrics."""

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
from edge_tosca.console.app_state.camera_loop import accounts
from edge_tosca.console.app_state.state import AppState, TheStation
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
async def health(request: Request, station: TheStation) -> HealthMessage:
    """Say whether the box is well. Nothing but that is told without the token."""
    generation = None
    with contextlib.suppress(EdgeToscaError, ApiError):
        generation = await station.books(lambda learner: learner.store.latest())
    camera, live = accounts(station.watching)
    well = generation is not None and (camera is None or camera.connected)
    if not is_admitted(request.scope):
        return HealthMessage(
            status="ok" if well else "degraded",
            version=__version__,
            generation=None,
            camera=None,
            live=None,
            uptime=None,
        )
    return HealthMessage(
        status="ok" if well else "degraded",
        version=__version__,
        generation=generation,
        camera=None if camera is None else _without_paths(station, asdict(camera)),
        live=None if live is None else _without_paths(station, asdict(live)),
        uptime=time.monotonic() - station.began,
    )


@router.get("/settings")
async def settings(station: TheStation) -> SettingsMessage:
    """Say what is kept."""
    return SettingsMessage(keep_pictures=station.kept.on)


@router.put("/settings")
async def change_settings(station: TheStation, asked: SettingsMessage) -> SettingsMessage:
    """Keep pictures of what is taught from now on, or erase all that were kept."""

    def change(_: Learner) -> None:
        if asked.keep_pictures:
            station.kept.turn_on()
        else:
            station.kept.turn_off()

    await station.books(change)
    return SettingsMessage(keep_pictures=station.kept.on)


@router.get("/store")
async def storage(station: TheStation) -> StorageMessage:
    """Say how large the store is, and whether all of it is as it was left."""

    def look(learner: Learner) -> StorageMessage:
        found = verify(learner.store, solve=False)
        faults = [without_paths(fault, station.options.store) for fault in found.discrepancies]
        return StorageMessage(
            stats=stats(learner.store).to_json(),
            check=CheckMessage(ok=not faults, text="; ".join(faults[:3]), faults=len(faults)),
        )

    return await station.books(look)


@router.get("/doctor")
async def doctor(station: TheStation) -> DoctorMessage:
    """Look at the whole box: it takes a few seconds."""
    from edge_tosca.devices.doctor import examine

    options = station.options

    # In the thread that asks, so that two doctors do not run the backbone at once beside the live loop.
    def look(_: Learner) -> DoctorMessage:
        findings = examine(options.store, runtime=options.runtime, device=options.device, threads=1)
        told = [
            FindingMessage(
                what=finding.what,
                ok=finding.ok,
                detail=without_paths(finding.detail, options.store, folders=False),
                remedy=without_paths(finding.remedy, options.store, folders=False),
            )
            for finding in findings
        ]
        return DoctorMessage(ok=all(one.ok for one in told), findings=told)

    return await station.asking(look)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses=file_answer("text/plain", "Metrics in Prometheus' format."),
)
async def metrics(station: TheStation) -> Response:
    """Say how the console is doing, for Prometheus."""
    return Response(station.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _without_paths(station: AppState, account: dict[str, object]) -> dict[str, object]:
    error = account.get("error")
    if isinstance(error, str):
        account["error"] = without_paths(error, station.options.store)
    return account
