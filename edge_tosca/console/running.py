"""Serve the console until a signal ends it."""

import asyncio
import socket

import uvicorn

from edge_tosca.console.app import create_app
from edge_tosca.console.options import Options


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        app.state.station.streams.stopping.set()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        options: what, and where.
    """
    app = create_app(options)
    config = uvicorn.Config(
        app,
        host=options.address,
        port=options.port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
    )
    asyncio.run(_Server(config).serve())
