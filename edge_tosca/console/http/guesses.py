"""Limit wrong tokens, and their lines in the log. A right token is never limited by wrong ones."""

import time
from collections import OrderedDict
from collections.abc import Callable

from edge_tosca.console.http.limits import MOST_CLIENTS, Rate, Rates, network_of

GUESSES_OF_A_CLIENT = Rate("guesses", 10.0, 10.0)
GUESSES = Rate("all guesses", 100.0, 100.0)

LOG_SECONDS = 60.0
"""Between two lines about refused requests of a client."""


def wait_for_guess(rates: Rates, client: str) -> float:
    """Count a wrong token.

    Args:
        rates: the buckets.
        client: its address.

    Returns:
        0 if the guess may be answered, otherwise the seconds until the next one is.
    """
    # A client over its own limit takes nothing from what all have together.
    return rates.wait(GUESSES_OF_A_CLIENT, client) or rates.wait(GUESSES, "")


class Refusals:
    """Chooses the refused requests that are logged: one a minute for each client."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clients: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._clock = clock

    def count(self, client: str) -> int | None:
        """Count a refusal.

        Args:
            client: its address.

        Returns:
            The refusals since the client's last line, this one included; None if it is not to be logged.
        """
        now, key = self._clock(), network_of(client)
        logged_at, more = self._clients.pop(key, (-LOG_SECONDS, 0))
        due = now - logged_at >= LOG_SECONDS
        self._clients[key] = (now, 0) if due else (logged_at, more + 1)
        while len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        return more + 1 if due else None
