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
from dataclasses import dataclass
from types import FrameType

import uvicorn
from fastapi import FastAPI

from edge_tosca.console.app import create_app
from edge_tosca.console.app_state.state import AppState
from edge_tosca.console.http.connections import protocol_behind
from edge_tosca.console.http.join_codes import JoinCodes
from edge_tosca.console.http.page_addresses import join_address, page_addresses
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import Options, Role
from edge_tosca.console.own_certificate import OwnCertificate, ensure_certificate, own_names
from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs import SigningKey
from edge_tosca.service import supervised
from edge_tosca.store.store import Store

_log = logging.getLogger("edge_tosca.console")

GRACE_SECONDS = 5
"""For responses under way when the server ends; streams and pictures that wait end at once."""


_TICKS_OF_A_MINUTE = 600
"""uvicorn's loop turns ten times a second."""


@dataclass(frozen=True)
class Ready:
    """A server that listens.

    Attributes:
        url: of the page, as it is likeliest opened.
        addresses: URLs of the page for other devices; none if only this machine reaches it.
        certificate: of the console's own; None for another one, or none.
        invite: makes the address that lets a phone join, from its role and the address of the page; None
            where no token is needed.
    """

    url: str
    addresses: tuple[str, ...]
    certificate: OwnCertificate | None
    invite: Callable[[Role, str], str] | None


class Server(uvicorn.Server):
    """A uvicorn server with a service manager's watchdog; it ends streams before it waits for clients."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        options: Options,
        on_ready: Callable[[Ready], object] | None,
    ) -> None:
        super().__init__(config)
        self._app, self._options, self._on_ready = app, options, on_ready
        self._rounds = 0
        self._supervised = contextlib.ExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and notify the service manager."""
        await super().startup(sockets)
        if self.started:
            state: AppState = self._app.state.app_state
            bound = self._url()
            addresses = tuple(page_addresses(self._options, self.servers[0].sockets[0].getsockname()[1]))
            url = next(iter(addresses), bound)
            heartbeats = {"server": lambda: self._rounds, **state.heartbeats()}
            self._supervised.enter_context(supervised(heartbeats, f"serving {url}"))
            _log.info("serving", extra={"url": url})
            if self._on_ready is not None:
                self._on_ready(Ready(url, addresses, state.certificate, self._inviter()))

    async def on_tick(self, counter: int) -> bool:
        """Count the rounds of the event loop."""
        self._rounds += 1
        if counter % _TICKS_OF_A_MINUTE == 0 and self._options.tls_auto:
            await asyncio.to_thread(self._renew)
        return await super().on_tick(counter)

    def _renew(self) -> None:
        """Serve a new certificate where the old one ends soon or the addresses have changed."""
        state: AppState = self._app.state.app_state
        try:
            found = ensure_certificate(self._options.store, own_names(self._options.hosts))
            if found != state.certificate and self.config.ssl is not None:
                self.config.ssl.load_cert_chain(found.path)
                state.certificate = found
                _log.info("certificate renewed", extra={"fingerprint": found.fingerprint})
        except (EdgeToscaError, OSError) as error:
            _log.warning(f"the certificate cannot be renewed: {error}")

    def _inviter(self) -> Callable[[Role, str], str] | None:
        sessions: Sessions = self._app.state.sessions
        codes: JoinCodes = self._app.state.join_codes
        users = sorted(sessions.users(), key=lambda user: -user.role)
        if not users:
            return None
        first = users[0]
        return lambda role, page: join_address(page, codes.make(min(role, first.role), first.name or ""))

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


def run(options: Options, on_ready: Callable[[Ready], object] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: of the server.
        on_ready: called when the server listens.

    Raises:
        EdgeToscaError: there is no such store, camera or pack key, the address cannot be listened on, or the
            TLS files cannot be used.
    """
    # The server waits for a store that disappears later; one that is missing at the start is an error.
    Store.open(options.store, options.key_file).close()
    if options.pack_key is not None:
        SigningKey.load(options.pack_key)
    app = create_app(options)
    certificate = ensure_certificate(options.store, own_names(options.hosts)) if options.tls_auto else None
    app.state.app_state.certificate = certificate
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
            ssl_certfile=options.tls_cert if certificate is None else certificate.path,
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
            asyncio.run(Server(config, app, options, on_ready).serve(sockets=[listener]))
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
