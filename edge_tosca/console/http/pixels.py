"""Limit the pixels that a request and a client may have decoded at once, by the headers of the pictures."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.requester import requester

MEGAPIXEL = 10**6

PIXELS_OF_A_REQUEST = 192 * MEGAPIXEL
"""Sixteen pictures of a phone with 12 megapixels."""

PIXELS_OF_A_CLIENT = 256 * MEGAPIXEL
"""That wait or are being decoded."""


class PixelBudget:
    """Counts the pixels that wait to be decoded, by client."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextlib.contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """Count the pixels of the present request's pictures within the context.

        Args:
            pixels: of all of them.

        Raises:
            ApiError: these are too many for a request, or too many wait already for its client.
        """
        if pixels > PIXELS_OF_A_REQUEST:
            raise ApiError(
                413,
                f"these pictures have {pixels / MEGAPIXEL:.0f} megapixels; send at most "
                f"{PIXELS_OF_A_REQUEST // MEGAPIXEL} at once, or scale them down",
            )
        client = requester().client
        if self._held[client] + pixels > PIXELS_OF_A_CLIENT:
            sentence = "too many large pictures at once; send the next when one is answered"
            raise ApiError(429, sentence, {"Retry-After": "2"})
        self._held[client] += pixels
        try:
            yield
        finally:
            self._held[client] -= pixels
            if not self._held[client]:
                del self._held[client]
