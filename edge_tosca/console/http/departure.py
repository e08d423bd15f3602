"""Stop work for a request whose sender is gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.streams import wait_for_disconnect

T = TypeVar("T")

CLIENT_GONE = 499
"""The status in the log, as nginx counts such requests; no one receives it."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Wait for work while its sender is connected; cancel it otherwise.

    Args:
        request: whose body was read to its end.
        work: for the request.

    Returns:
        The work's result.

    Raises:
        ApiError: the sender is gone.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(wait_for_disconnect(request.receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ApiError(CLIENT_GONE, "the sender is gone")
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
