"""Keep libtiff from writing to stderr, where an error is one line with a remedy."""

import contextlib
import ctypes

from PIL import _imaging


def silence_libtiff() -> None:
    """Silence libtiff's messages on damaged files; those that matter are raised as exceptions.

    Pillow silences libtiff's warnings but not its errors. Where libtiff is linked statically into Pillow,
    the errors cannot be silenced.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
