"""The region of an event as a small JPEG, at most so many a minute."""

import base64
from collections import deque
from io import BytesIO

from edge_tosca.watch.change import Change

SIDE = 640
"""Longer side of a picture, pixels: about 60 kB, 80 in base64."""

_QUALITY = 80
_MINUTE = 60.0


class CropPictures:
    """Makes the pictures of events.

    Args:
        most: pictures a minute; 0 for none.
    """

    def __init__(self, most: int) -> None:
        self.wanted = most > 0
        self._most = most
        self._times: deque[float] = deque()

    def of(self, change: Change, now: float) -> str | None:
        """Make the picture of a change.

        Args:
            change: the new shown answer.
            now: seconds of `time.monotonic`.

        Returns:
            A JPEG file in base64; None where none is wanted, there is no crop, or there were enough within a
            minute.
        """
        if change.crop is None or not self._allowed(now):
            return None
        from PIL import Image

        image = Image.fromarray(change.crop)
        image.thumbnail((SIDE, SIDE))
        out = BytesIO()
        image.save(out, "JPEG", quality=_QUALITY)
        return base64.b64encode(out.getvalue()).decode()

    def _allowed(self, now: float) -> bool:
        while self._times and now - self._times[0] >= _MINUTE:
            self._times.popleft()
        if len(self._times) >= self._most:
            return False
        self._times.append(now)
        return True
