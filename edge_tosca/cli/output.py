"""The standard streams: characters that they cannot encode are escaped, and failed output is an error."""

import codecs
import errno
import io
import os
import sys


class OutputError(Exception):
    """The output cannot be written; the command itself was carried out."""


def open_streams() -> None:
    """Make both standard streams writable, whatever they are."""
    # Python has no stream where the descriptor is closed, and the next opened file would take its number.
    if sys.stdout is None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_unicode() -> bool:
    """Return whether the output can encode every character."""
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def write(text: str) -> None:
    """Write to the output and flush, so that a failure is noticed while it can still be reported.

    Args:
        text: whole lines.

    Raises:
        OutputError: it cannot be written, since the disk is full or the output is closed.
        BrokenPipeError: its reader has gone.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        closed = error.errno == errno.EBADF
        raise OutputError("it is closed" if closed else (error.strerror or str(error)).lower()) from None


def drop_output() -> None:
    """Discard unwritten output, which Python would try to write once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
