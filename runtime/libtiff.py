"""Keep libtiff from writing to stderr, where an error is one line that tells what to do."""

import contextlib
import ctypes

from PIL import _imaging


def silence_libtiff() -> None:
    """Let libtiff say nothing of damaged files; what matters of it comes back as an exception.

    Pillow silences its warnings, and not its errors. Where Pillow was built with libtiff inside of it,
    nothing can be done about them.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
