"""Serve the console until a signal ends it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from edge_tosca.console.app import create_app
from edge_tosca.console.app_state.state import AppState
from edge_tosca.console.http.connections import protocol_behind
from edge_tosca.console.options import Options
from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs import SigningKey
from edge_tosca.service import supervised
from edge_tosca.store.store import Store

_log = logging.getLogger("edge_tosca.console")

GRACE_SECONDS = 5
"""For responses under way when the server ends; streams and pictures that wait end at once."""


class Server(uvicorn.Server):
    """A uvicorn server with a service manager's watchdog; it ends streams before it waits for clients."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, on_ready: Callable[[str], object] | None
    ) -> None:
        super().__init__(config)
        self._app, self._on_ready = app, on_ready
        self._rounds = 0
        self._supervised = contextlib.ExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and notify the service manager."""
        await super().startup(sockets)
        if self.started:
            state: AppState = self._app.state.app_state
            url = self._url()
            heartbeats = {"server": lambda: self._rounds, **state.heartbeats()}
            self._supervised.enter_context(supervised(heartbeats, f"serving {url}"))
            _log.info("serving", extra={"url": url})
            if self._on_ready is not None:
                self._on_ready(url)

    async def on_tick(self, counter: int) -> bool:
        """Count the rounds of the event loop."""
        self._rounds += 1
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at the first signal, and ignore further ones.

        At a second Ctrl-C uvicorn would cancel the requests under way, and log that as an error. `timeout`
        sends every signal twice, and the shutdown is bounded in time without it.
        """
        if not self.should_exit:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then the server."""
        self._supervised.close()
        self._app.state.app_state.stop()
        await super().shutdown(sockets)

    def _url(self) -> str:
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        scheme = "https" if self.config.ssl_certfile else "http"
        return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def run(options: Options, on_ready: Callable[[str], object] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: of the server.
        on_ready: called with the console's URL when the server listens.

    Raises:
        EdgeToscaError: there is no such store, camera or pack key, the address cannot be listened on, or the
            TLS files cannot be used.
    """
    # The server waits for a store that disappears later; one that is missing at the start is an error.
    Store.open(options.store, options.key_file).close()
    if options.pack_key is not None:
        SigningKey.load(options.pack_key)
    app = create_app(options)
    # Its lines on each start and end repeat ours.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    with contextlib.closing(_listen(options)) as listener:
        config = uvicorn.Config(
            app,
            http=protocol_behind(options.trusted_proxies),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
        )
        try:
            config.load()
        except OSError as error:
            raise EdgeToscaError(
                f"{options.tls_cert}: cannot be used for TLS ({error.strerror or error}); name a certificate "
                "and its key as PEM files"
            ) from None
        with _exit_code_0_on_signals():
            asyncio.run(Server(config, app, on_ready).serve(sockets=[listener]))
        if app.state.app_state.unfinished and threading.current_thread() is threading.main_thread():
            # A thread still computes. A change is one transaction, so nothing is lost but what it computes;
            # the interpreter would wait for it, or end it inside a library.
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)


@contextlib.contextmanager
def _exit_code_0_on_signals() -> Iterator[None]:
    """Ignore the signal that uvicorn raises again at its end, so that the process exits with code 0."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.address, options.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise EdgeToscaError(
            f"{options.address}:{options.port} cannot be listened on ({reason}); name another with --listen"
        ) from None
    return listener
