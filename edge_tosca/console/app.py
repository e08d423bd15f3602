"""The console's ASGI application: state, routes, middleware and error handlers."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edge_tosca.console.api import (
    answers,
    classes,
    device,
    explain,
    fleet,
    inbox,
    joining,
    live,
    look,
    packs,
    predict,
    questions,
    regions,
    severity,
    strictness,
    tally,
    teaching,
)
from edge_tosca.console.api import sessions as session_routes
from edge_tosca.console.api.openapi import COMMON_ERRORS
from edge_tosca.console.app_state.state import AppState
from edge_tosca.console.http.access_log import AccessLog
from edge_tosca.console.http.errors import ApiError, api_error_of
from edge_tosca.console.http.forwarded import Forwarded, parse_networks
from edge_tosca.console.http.join_codes import JoinCodes
from edge_tosca.console.http.limits import Limits, Rates
from edge_tosca.console.http.pages import page_routes
from edge_tosca.console.http.roles import API
from edge_tosca.console.http.security import Guard
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import Options
from edge_tosca.errors import EdgeToscaError
from edge_tosca.version import __version__

_SENTENCES = {
    400: "the request cannot be read; check its body and its type",
    404: "there is no such address; the API is described at /api/v1/openapi.json",
    405: "this address does not take this method; the header Allow lists those that it takes",
}


def create_app(options: Options, rates: Rates | None = None) -> FastAPI:
    """Create the application.

    Args:
        options: of the server.
        rates: rate limits of requests; new ones by default.

    Returns:
        An ASGI application that can be started once: its camera, threads and store are opened at the start
        and closed at the end.

    Raises:
        EdgeToscaError: there is no such camera, or the thumbnails cannot be read.
    """
    state = AppState(options)
    sessions = Sessions(
        options.token,
        secure=options.tls_auto or options.tls_cert is not None,
        port=options.port,
        others=options.tokens,
        store=options.store,
    )
    rates = rates or Rates()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await state.start()
        try:
            yield
        finally:
            await state.close()

    app = FastAPI(
        title="edge-tosca",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        # Their pages would load scripts from other sites.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        servers=[{"url": options.root_path}] if options.root_path else None,
        redirect_slashes=False,
    )
    app.state.app_state, app.state.sessions, app.state.rates = state, sessions, rates
    app.state.join_codes = JoinCodes()
    api = APIRouter(prefix=API, responses=COMMON_ERRORS)
    for routes in (
        session_routes,
        joining,
        predict,
        answers,
        explain,
        live,
        teaching,
        inbox,
        questions,
        classes,
        strictness,
        severity,
        regions,
        packs,
        fleet,
        device,
        look,
        tally,
    ):
        api.include_router(routes.router)
    app.include_router(api)
    app.include_router(device.metrics_router, responses=COMMON_ERRORS)
    app.router.routes.extend(page_routes())
    app.add_middleware(Limits, rates=rates)
    app.add_middleware(Guard, options=options, sessions=sessions, rates=rates)
    app.add_middleware(AccessLog, on_request=state.metrics.count_request)
    trusted = parse_networks(options.trusted_proxies)
    app.add_middleware(Forwarded, trusted=trusted, root_path=options.root_path)
    _add_error_handlers(app, options)
    return app


def _add_error_handlers(app: FastAPI, options: Options) -> None:
    async def of_learner(_: Request, error: Exception) -> Response:
        assert isinstance(error, EdgeToscaError)
        return _response(api_error_of(error, options.store))

    async def of_route(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return _response(error)

    async def of_request(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            *_, at = first["loc"]
            reason = f"{first['ctx']['error']} at character {at}"
            return _response(ApiError(422, f"the body is not JSON ({reason}); correct it and send it again"))
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
        return _response(ApiError(422, f"{where or 'the request'}: {first['msg']}"))

    async def of_routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # Each route knows its own method only.
            methods = app.openapi()["paths"].get(request.url.path, {"get": {}, "head": {}})
            headers["Allow"] = ", ".join(sorted(name.upper() for name in methods))
        sentence = _SENTENCES.get(error.status_code, str(error.detail))
        return _response(ApiError(error.status_code, sentence, headers))

    app.add_exception_handler(EdgeToscaError, of_learner)
    app.add_exception_handler(ApiError, of_route)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_routing)


def _response(error: ApiError) -> Response:
    return JSONResponse({"error": error.sentence}, error.status, error.headers)
